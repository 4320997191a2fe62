// The permission picker: filtering it, and places that were found for it.
"use strict";

(() => {
  // A place that was chosen becomes a chip beside the others.

  function added(input, option) {
    const chips = input.closest(".narrow").querySelector("[data-chips]");
    const { value, text } = option.dataset;
    let box = [...chips.querySelectorAll("input")].find((one) => one.value === value);
    if (!box) {
      const chip = document.createElement("label");
      chip.className = "chip";
      box = document.createElement("input");
      box.type = "checkbox";
      box.name = chips.dataset.chips;
      box.value = value;
      chip.append(box, text);
      chips.append(chip);
    }
    box.checked = true;
    input.value = "";
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function filter(input) {
    const picker = input.closest("[data-picker]");
    const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let any = false;
    picker.querySelectorAll("[data-pick-group]").forEach((group) => {
      let some = false;
      group.querySelectorAll("[data-find]").forEach((row) => {
        row.hidden = !words.every((word) => row.dataset.find.includes(word));
        some ||= !row.hidden;
      });
      group.hidden = !some;
      any ||= some;
      if (words.length) {
        group.dataset.was ??= String(group.open);
        group.open = some;
      } else if (group.dataset.was !== undefined) {
        group.open = group.dataset.was === "true";
        delete group.dataset.was;
      }
    });
    picker.querySelectorAll(".perm-head").forEach((head) => (head.hidden = words.length > 0));
    picker.querySelector("[data-pick-none]").hidden = any;
  }

  document.addEventListener("kw:chosen", (event) => {
    if (event.target.closest(".narrow")) {
      added(event.target, event.detail);
    }
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-pick-filter]")) {
      event.stopPropagation();
      filter(event.target);
    }
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-pick-filter]")) {
      event.preventDefault();
    }
  });

  document.addEventListener("click", (event) => {
    const all = event.target.closest("[data-pick-all], [data-pick-nothing]");
    if (all) {
      const boxes = [...all.closest("[data-pick-group]").querySelectorAll("input[name=do]:not(:disabled)")];
      boxes.filter((box) => !box.closest("[hidden]")).forEach((box) => (box.checked = "pickAll" in all.dataset));
      all.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const more = event.target.closest("[data-more-hands]");
    if (more) {
      const hands = more.parentElement.querySelector("[data-hands]");
      const copy = hands.lastElementChild.cloneNode(true);
      copy.querySelectorAll("input").forEach((one) => (one.value = ""));
      copy.querySelectorAll(".error").forEach((one) => one.remove());
      copy.classList.remove("wrong");
      hands.append(copy);
      copy.querySelector("input").focus();
    }
  });
})();
