// The list of keys: tokens that are pasted into the search never reach an address, and keys stay ticked over pages.
"use strict";

// Tokens

const IN_OUR_FORM = /[a-z][a-z0-9_]{0,15}_[0-9A-Za-z]{37}/;
const RUN = /[0-9A-Za-z]{20,}/g;
const HEX = /[0-9a-f]{32}/;
const ID = /^[a-z]{3}_[0-9a-f]{32}$/;

function mixed(text) {
  return /[0-9]/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text);
}

// Whether a text may be a token or most of one, ours or of somebody else: what people call keys has no such letters.
function mayBeToken(text) {
  const other = (text.match(RUN) ?? []).some(mixed) || (HEX.test(text) && !ID.test(text.trim()));
  return IN_OUR_FORM.test(text) || other;
}

function sendAsForm(field, text) {
  const form = document.querySelector(field.dataset.tokenTo);
  field.value = "";
  form.elements.token.value = text.trim();
  form.submit();
}

// Before anybody else hears of what was typed: htmx listens at the form, and the browser after that.
for (const kind of ["input", "submit"]) {
  document.addEventListener(
    kind,
    (event) => {
      const field = kind === "input" ? event.target : event.target.querySelector("[data-token-to]");
      if (field?.dataset?.tokenTo && mayBeToken(field.value)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        sendAsForm(field, field.value);
      }
    },
    true,
  );
}

// Ticked keys, by tenant, as long as the tab is open

const MOST = 1000;
const list = () => document.getElementById("list");

function storage() {
  const place = (list() ?? document.querySelector("[data-ends-selection]"))?.dataset.place;
  return `kw-ticked ${place}`;
}

function ticked() {
  return new Set(JSON.parse(sessionStorage.getItem(storage()) ?? "[]"));
}

function keep(ids) {
  sessionStorage.setItem(storage(), JSON.stringify([...ids]));
  show();
}

function boxes() {
  return [...document.querySelectorAll("input[data-select]")];
}

function show() {
  const bar = document.getElementById("bulk");
  if (!bar) {
    return;
  }
  const ids = ticked();
  const here = boxes();
  here.forEach((box) => (box.checked = ids.has(box.value)));
  const shown = here.filter((box) => box.checked).length;
  const all = document.querySelector("[data-select-all]");
  if (all) {
    all.checked = here.length > 0 && shown === here.length;
    all.indeterminate = shown > 0 && shown < here.length;
  }
  const visible = new Set(here.map((box) => box.value));
  document.getElementById("bulk-more").replaceChildren(
    ...[...ids]
      .filter((id) => !visible.has(id))
      .map((id) => Object.assign(document.createElement("input"), { type: "hidden", name: "id", value: id })),
  );
  const elsewhere = ids.size - shown;
  const counted = `${ids.size.toLocaleString("en")} selected`;
  const more = elsewhere ? `${counted}, ${elsewhere.toLocaleString("en")} of them not on this page` : counted;
  const over = ids.size > MOST;
  document.getElementById("bulk-count").textContent = over ? `${more}. At most ${MOST.toLocaleString("en")} can be changed at once.` : more;
  bar.querySelectorAll("button[name=do]").forEach((button) => (button.disabled = over));
  bar.classList.toggle("open", ids.size > 0);
}

function tick(some, on) {
  const ids = ticked();
  some.forEach((box) => (on ? ids.add(box.value) : ids.delete(box.value)));
  keep(ids);
}

let last = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest("td.select")?.querySelector("input[data-select]");
  if (box && box !== event.target) {
    box.checked = !box.checked;
  }
  if (box) {
    const here = boxes();
    const [from, to] = [here.findIndex((one) => one.value === last), here.indexOf(box)].sort((a, b) => a - b);
    tick(event.shiftKey && from >= 0 ? here.slice(from, to + 1) : [box], box.checked);
    last = box.value;
    box.closest("tr").parentElement.querySelectorAll(".at").forEach((row) => row.classList.remove("at"));
    box.closest("tr").classList.add("at");
  } else if (event.target.matches("[data-select-all]")) {
    tick(boxes(), event.target.checked);
  } else if (event.target.matches("[data-select-none]")) {
    keep([]);
  }
});

// What the list shows stands in the address, without a step in the history for each letter.

function listed() {
  const found = list();
  if (!found) {
    return;
  }
  history.replaceState(null, "", found.dataset.address);
  const clear = document.querySelector("[data-clear]");
  if (clear) {
    clear.hidden = !("any" in found.dataset);
  }
  show();
}

function begin() {
  // What was done is done: nothing stays ticked for the next time.
  if (document.querySelector("[data-ends-selection], #notices .notice.done")) {
    sessionStorage.removeItem(storage());
  }
}

document.addEventListener("htmx:after:swap", () => {
  begin();
  listed();
});
addEventListener("pageshow", show);
begin();
show();
