// The permission picker: filtering it, and finding things while one types.
"use strict";

(() => {
  // A list under a field, filled by the server: <input data-suggest="ADDRESS">. Choosing sends "kw:chosen" from the field,
  // with the option that was chosen.

  const WAIT = 150;
  let serial = 0;

  function address(input) {
    const { places, chip, suggest } = input.dataset;
    if (places === undefined) {
      return new URL(chip ?? suggest, location.href);
    }
    const url = new URL(input.closest("[data-picker]").dataset.picker, location.href);
    url.searchParams.set("action", places);
    return url;
  }

  function suggesting(input) {
    const list = document.createElement("ul");
    list.className = "options";
    list.id = `options-${++serial}`;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.getAttribute("aria-label") || input.labels?.[0]?.textContent || "Found");
    list.hidden = true;
    input.after(list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-expanded", "false");
    let timer;
    let asked = 0;
    let at = -1;

    const options = () => [...list.querySelectorAll("[role=option]")];
    const show = (open) => {
      list.hidden = !open;
      input.setAttribute("aria-expanded", String(open));
      if (!open) {
        mark(-1);
      }
    };
    const mark = (place) => {
      at = place;
      options().forEach((one, index) => one.setAttribute("aria-selected", String(index === place)));
      const chosen = options()[place];
      if (chosen) {
        input.setAttribute("aria-activedescendant", chosen.id);
        chosen.scrollIntoView({ block: "nearest" });
      } else {
        input.removeAttribute("aria-activedescendant");
      }
    };
    const choose = (option) => {
      show(false);
      input.dispatchEvent(new CustomEvent("kw:chosen", { bubbles: true, detail: option }));
    };
    const ask = async () => {
      const mine = ++asked;
      const url = address(input);
      url.searchParams.set("q", input.value.trim());
      const answer = await fetch(url, { headers: { "HX-Request": "true" } });
      // Only the latest counts, and only while one is still there.
      if (mine !== asked || !answer.ok || document.activeElement !== input) {
        return;
      }
      list.innerHTML = await answer.text();
      options().forEach((one, index) => (one.id = `${list.id}-${index}`));
      show(list.childElementCount > 0);
      mark(input.value.trim() && options().length ? 0 : -1);
    };
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => ask().catch(() => show(false)), WAIT);
    };
    input.addEventListener("input", (event) => {
      // What is typed to find something says nothing yet.
      event.stopPropagation();
      soon();
    });
    input.addEventListener("change", () => input.parentElement.dispatchEvent(new Event("input", { bubbles: true })));
    input.addEventListener("focus", soon);
    input.addEventListener("blur", () => {
      clearTimeout(timer);
      show(false);
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) {
        choose(option);
      }
    });
    input.addEventListener("keydown", (event) => {
      const found = options();
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) {
          soon();
        } else if (found.length) {
          const step = event.key === "ArrowDown" ? 1 : -1;
          mark((at + step + found.length) % found.length);
        }
      } else if (event.key === "Enter" && !list.hidden && found[at]) {
        event.preventDefault();
        choose(found[at]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        event.stopPropagation();
        show(false);
      } else if (event.key === "Enter" && input.dataset.suggest === undefined) {
        event.preventDefault();
      }
    });
  }

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

  function prepare(root) {
    root.querySelectorAll("input[data-places], input[data-chip], input[data-suggest]").forEach((input) => {
      if (!input.hasAttribute("role")) {
        suggesting(input);
      }
    });
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

  document.addEventListener("htmx:after:swap", () => prepare(document));
  prepare(document);
})();
