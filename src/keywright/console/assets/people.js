// Roles in forms: buttons that ask for the form anew, and entities that are picked from what was found.
"use strict";

function pick(button) {
  const { pick: value, label, field } = button.dataset;
  const chips = document.querySelector(`[data-chips="${CSS.escape(field)}"]`);
  const there = [...chips.querySelectorAll("input")].find((one) => one.value === value);
  if (there) {
    there.checked = true;
  } else {
    const chip = document.createElement("label");
    chip.className = "chip";
    const box = Object.assign(document.createElement("input"), { type: "checkbox", name: field, value, checked: true });
    chip.append(box, label);
    chips.append(chip);
  }
  const input = document.getElementById(`f-${field}`);
  input.value = "";
  button.parentElement.replaceChildren();
  input.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (button) {
    pick(button);
  }
});

// Enter picks the first that was found, and does not send the form.
document.addEventListener("keydown", (event) => {
  const list = event.target.dataset?.find && document.getElementById(event.target.dataset.find);
  if (!list) {
    return;
  }
  const first = list.querySelector("[data-pick]");
  if (event.key === "Enter" && event.target.value) {
    event.preventDefault();
    if (first) {
      pick(first);
    }
  } else if (event.key === "Escape") {
    list.replaceChildren();
  } else if (event.key === "ArrowDown" && first) {
    event.preventDefault();
    first.focus();
  }
});
