// The case page: shares in whole cents, a preview drawn by the server, and parts that follow the
// settlement. Everything works without this file, with a reload.
"use strict";

const cents = (text) => {
  const match = /^(\d{1,12})(?:\.(\d{0,2}))?$/.exec(text.trim());
  return match ? Number(match[1]) * 100 + Number((match[2] || "").padEnd(2, "0")) : null;
};
const shown = (n) => `${Math.floor(n / 100)}.${String(n % 100).padStart(2, "0")}`;

// --- one milestone's row: the slider, the percentage and the seller's amount follow each other
function part(row, changed) {
  const amount = Number(row.dataset.amount);
  const field = (role) => row.querySelector(`[data-role="${role}"]`);
  const slider = field("slider"), percent = field("percent"), seller = field("seller"), buyer = field("buyer");

  const set = (value, from) => {
    if (from !== seller) seller.value = shown(value);
    const share = (value * 100) / amount;
    if (from !== percent) percent.value = String(Math.floor(share * 100) / 100);
    if (from !== slider) slider.value = String(Math.round(share));
    buyer.value = shown(amount - value);
    seller.setCustomValidity("");
    changed();
  };
  // From a percentage the seller's share is rounded down to the cent; the remainder is the buyer's.
  const ofPercent = (value) => Math.floor((amount * Math.round(value * 100)) / 10000);

  slider.addEventListener("input", () => set(ofPercent(Number(slider.value)), slider));
  percent.addEventListener("input", () => {
    const value = Number(percent.value);
    if (percent.value !== "" && value >= 0 && value <= 100) set(ofPercent(value), percent);
  });
  seller.addEventListener("input", () => {
    const value = cents(seller.value);
    if (value === null || value > amount) {
      seller.setCustomValidity(`Between 0 and ${shown(amount)}, at most two decimals`);
    } else {
      set(value, seller);
    }
  });
  row.querySelectorAll("[data-percent]").forEach((button) =>
    button.addEventListener("click", (event) => {
      event.preventDefault();
      set(ofPercent(Number(button.dataset.percent)), button);
    }),
  );
}

// --- the panel
function split(form) {
  const place = form.querySelector("#preview");
  let timer = 0, asked = 0, text = form.querySelector("textarea[name=text]"), last = text.value;
  const fields = () => new URLSearchParams(
    [...form.querySelectorAll('[data-role="seller"]')].map((input) => [input.name, input.value]),
  );
  const draw = async () => {
    const mine = ++asked;
    const answer = await fetch(`${form.dataset.preview}?${fields()}`, { credentials: "same-origin" });
    const html = await answer.text();
    if (mine === asked && answer.ok) place.innerHTML = html;
    fill();
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(draw, 200); };
  form.querySelectorAll(".oh-part").forEach((row) => part(row, later));

  // The text of the chosen reason, with the amounts of the moment, until somebody writes their own.
  const sum = (role) => [...form.querySelectorAll(`[data-role="${role}"]`)]
    .reduce((total, field) => total + (cents(field.value) || 0), 0);
  function fill() {
    const chosen = form.querySelector("select[name=reason]").value;
    const template = chosen && form.querySelector(`template[data-reason="${CSS.escape(chosen)}"]`);
    if (!template || (text.value && text.value !== last)) return;
    const values = { seller_amount: shown(sum("seller")), buyer_amount: shown(sum("buyer")) };
    last = text.value = template.content.textContent.replace(
      /\{(seller_amount|buyer_amount)\}/g, (_, name) => values[name],
    );
  }
  form.querySelector("select[name=reason]").addEventListener("change", fill);
}

// --- following what happens elsewhere
function follow(page) {
  const head = () => document.getElementById("case-head");
  const look = async () => {
    try {
      const answer = await fetch(page.dataset.live, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const pending = "pending" in head().dataset;
      const version = fresh.getElementById("case-head").dataset.version;
      if (pending) {
        for (const id of ["case-head", "case-side", "case-timeline"]) {
          document.getElementById(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
        }
        page.dataset.version = version;
        begin();
      } else if (version !== page.dataset.version) {
        document.querySelector(".oh-changed").hidden = false;
      }
    } finally {
      setTimeout(look, "pending" in head().dataset ? 1000 : 15000);
    }
  };
  setTimeout(look, "pending" in head().dataset ? 1000 : 15000);
}

function begin() {
  const form = document.querySelector(".oh-split");
  if (form && !form.dataset.begun) { form.dataset.begun = "1"; split(form); }
  document.querySelectorAll("[data-show]").forEach((box) => {
    box.addEventListener("change", () => {
      document.querySelectorAll(`.oh-moments [data-kind="${box.dataset.show}"]`)
        .forEach((line) => { line.hidden = !box.checked; });
    });
  });
}

const page = document.querySelector(".oh-case");
if (page) {
  begin();
  follow(page);
  const refusal = document.getElementById("refusal");
  if (refusal) refusal.focus();
}
