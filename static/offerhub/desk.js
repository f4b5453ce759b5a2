// Keys of the desk: "/" goes to the search box.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = document.getElementById("searchbar");
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});
const searchbox = document.getElementById("searchbar");
if (searchbox) {
  searchbox.placeholder = "Search by id or name: press /";
  searchbox.setAttribute("aria-keyshortcuts", "/");
}
// Tables that are wider than the page can be scrolled with the keyboard.
for (const box of document.querySelectorAll("#changelist-form .results")) {
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Rows");
}
