// One more row of a form: the last one again, empty, under the next number.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add]");
  if (!button) {
    return;
  }
  const rows = [...document.querySelectorAll(`[data-row-of="${button.dataset.add}"]`)];
  const last = rows.at(-1);
  const made = last.cloneNode(true);
  const numbered = (text) => text.replace(/\.\d+\./, `.${rows.length}.`);
  for (const one of made.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
    for (const name of ["name", "id", "for", "aria-describedby"]) {
      const value = one.getAttribute(name);
      if (value !== null) {
        one.setAttribute(name, numbered(value));
      }
    }
  }
  made.querySelectorAll(".error").forEach((one) => one.remove());
  made.querySelectorAll(".wrong").forEach((one) => one.classList.remove("wrong"));
  made.querySelectorAll("input, textarea").forEach((one) => (one.value = ""));
  const legend = made.querySelector("legend");
  if (legend) {
    legend.textContent = legend.textContent.replace(/\d+/, String(rows.length + 1));
  }
  last.after(made);
  made.querySelector("input, textarea").focus();
});
