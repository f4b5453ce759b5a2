// Keys of the desk, copying, filter chips, forms. Everything works without this file, by hand.
"use strict";

const typing = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const searchBox = () => document.getElementById("oh-search") || document.getElementById("searchbar");

// --- rows of the first list of the page
const lists = ".oh-list tbody tr, #result_list tbody tr";
const rows = () => [...document.querySelectorAll(lists)].filter((row) => row.querySelector("a[href]"));
const current = () => document.querySelector("tr[aria-current=true]");
const opener = (row) => row.querySelector("a[data-open], th a[href], a[href]");

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  current()?.removeAttribute("aria-current");
  next.setAttribute("aria-current", "true");
  opener(next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const scope = current() || document;
  const wanted = scope.querySelector(`[data-key="${key}"]`) || document.querySelector(`[data-key="${key}"]`);
  wanted?.click();
  return Boolean(wanted);
}

const help = document.getElementById("oh-keys");
const keys = {
  "/": () => { const box = searchBox(); box?.focus(); box?.select(); return Boolean(box); },
  "?": () => { help?.showModal(); return Boolean(help); },
  j: () => { move(1); return true; },
  k: () => { move(-1); return true; },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && event.target === searchBox()) event.target.blur();
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && event.target === document.body && current()) {
    opener(current()).click();
    return;
  }
  const done = keys[event.key] ? keys[event.key]() : /^[a-z]$/.test(event.key) && press(event.key);
  if (done) event.preventDefault();
});

// --- copying an id
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    const box = document.createElement("textarea");  // a page without TLS has no clipboard
    box.value = button.dataset.copy;
    button.after(box);
    box.select();
    document.execCommand("copy");
    box.remove();
    button.focus();
  }
  button.classList.add("oh-done");
  setTimeout(() => button.classList.remove("oh-done"), 1500);
});

// --- chips that show and hide lines of a timeline
document.addEventListener("change", (event) => {
  const kind = event.target.dataset?.show;
  if (!kind) return;
  const lines = event.target.closest("section, .oh-page").querySelectorAll(`[data-kind="${kind}"]`);
  for (const line of lines) line.hidden = !event.target.checked;
});

// --- tables that are wider than the page can be scrolled with the keyboard
for (const box of document.querySelectorAll("#changelist-form .results, .oh-scroll:not([tabindex])")) {
  if (box.scrollWidth <= box.clientWidth) continue;
  const about = box.closest("section")?.querySelector("h2")?.textContent.trim();
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  if (!box.hasAttribute("aria-labelledby")) box.setAttribute("aria-label", about ? `Rows of ${about}` : "Rows");
}

// --- a form is sent once: the second click of two would bring the refusal of what the first one did
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || (event.submitter?.formMethod || form.method) !== "post") return;
  if (sent.has(form)) event.preventDefault();
  sent.add(form);
  setTimeout(() => sent.delete(form), 3000);  // an answer that was a file leaves the page as it is
});

// What was refused is read first.
document.getElementById("refusal")?.focus();

// --- a part that follows what happens: it is fetched anew until it says that it is over
async function follow(part) {
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!answer.ok || !fresh) return;
    part.replaceWith(fresh);
    if (fresh.hasAttribute("data-follow")) setTimeout(() => follow(fresh), 1500);
    else for (const other of page.querySelectorAll("#totals")) {
      if (!document.getElementById("totals")) fresh.after(other.closest("section"));
    }
  } catch {
    setTimeout(() => follow(part), 5000);  // the network is away for a moment
  }
}
for (const part of document.querySelectorAll("[data-follow][id]")) setTimeout(() => follow(part), 1000);
