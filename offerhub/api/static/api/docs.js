// The page works without this; with it, routes can be filtered and tried. The key stays in its
// field: it is stored nowhere.
"use strict";

const key = document.getElementById("key");

document.getElementById("filter").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const operation of document.querySelectorAll(".operation")) {
    const text = operation.dataset.words.toLowerCase();
    operation.hidden = !words.every((word) => text.includes(word));
  }
  for (const tag of document.querySelectorAll(".tag")) {
    tag.hidden = !tag.querySelector(".operation:not([hidden])");
  }
});

function requestOf(form) {
  let path = form.dataset.path;
  const headers = {};
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("input")) {
    const place = field.dataset.in.split(",")[0];
    if (place === "path") {
      path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    } else if (field.value && place === "query") {
      query.set(field.name, field.value);
    } else if (field.value) {
      headers[field.name] = field.value;
    }
  }
  if (key.value) headers.Authorization = `Bearer ${key.value.trim()}`;
  const options = { method: form.dataset.method, headers, credentials: "omit" };
  if (form.elements.body && form.elements.body.value.trim()) {
    headers["Content-Type"] = "application/json";
    options.body = form.elements.body.value;
  }
  return [query.size ? `${path}?${query}` : path, options];
}

async function send(form) {
  const output = form.querySelector("output");
  const started = performance.now();
  output.textContent = "…";
  try {
    const answer = await fetch(...requestOf(form));
    const text = await answer.text();
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch { /* not JSON: shown as it came */ }
    const ms = Math.round(performance.now() - started);
    output.textContent = `${answer.status} ${answer.statusText} in ${ms} ms\n\n${shown}`;
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
}

for (const form of document.querySelectorAll("form.try")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (named && named.tagName === "DETAILS") named.open = true;
