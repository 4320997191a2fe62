// What is found while one types, and somebody who is chosen from it.
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
      // What is still on its way would open the list again.
      clearTimeout(timer);
      asked += 1;
      show(false);
      input.dispatchEvent(new CustomEvent("kw:chosen", { bubbles: true, detail: option }));
    };
    const ask = async () => {
      const mine = ++asked;
      const url = address(input);
      // Where somebody is chosen, others are looked for.
      const text = idOf(input)?.value ? "" : input.value.trim();
      url.searchParams.set("q", text);
      const answer = await fetch(url, { headers: { "HX-Request": "true" } });
      // Only the latest counts, and only while one is still there.
      if (mine !== asked || !answer.ok || document.activeElement !== input) {
        return;
      }
      list.innerHTML = await answer.text();
      options().forEach((one, index) => (one.id = `${list.id}-${index}`));
      show(list.childElementCount > 0);
      mark(text && options().length ? 0 : -1);
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
    // A dialog that has just opened has the focus in it already.
    if (document.activeElement === input) {
      soon();
    }
  }

  // Somebody who is chosen: the field shows a name, and a hidden one in place of the list holds the id. A name that is
  // changed is nobody's id, and a name that has one is not sent beside it.

  function choosing(box) {
    const input = box.querySelector("input");
    const plain = box.querySelector(".unscripted");
    const list = plain.querySelector("select");
    const id = document.createElement("input");
    id.type = "hidden";
    id.name = list.name;
    id.value = list.value;
    plain.replaceWith(id);
    input.addEventListener("focus", () => input.select());
    const form = box.closest("form");
    form.addEventListener("formdata", ({ formData }) => {
      if (id.isConnected && id.value) {
        formData.delete(input.name);
      }
      // An address says only what is asked for.
      if (form.method === "get") {
        [...formData].filter(([, value]) => value === "").forEach(([name]) => formData.delete(name));
      }
    });
  }

  const idOf = (input) => input.closest("[data-chooser]")?.querySelector("input[type=hidden]");

  document.addEventListener(
    "input",
    (event) => {
      const id = event.target.dataset?.suggest !== undefined && idOf(event.target);
      if (id) {
        id.value = "";
      }
    },
    true,
  );

  document.addEventListener("kw:chosen", (event) => {
    const box = event.target.closest("[data-chooser]");
    if (!box) {
      return;
    }
    const id = idOf(event.target);
    event.target.value = event.detail.dataset.text;
    id.value = event.detail.dataset.value;
    if ("submits" in box.dataset) {
      box.closest("form").requestSubmit();
    } else {
      id.dispatchEvent(new Event("input", { bubbles: true }));
      id.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  function prepare() {
    document.querySelectorAll("input[data-places], input[data-chip], input[data-suggest]").forEach((input) => {
      if (!input.hasAttribute("role")) {
        const box = input.closest("[data-chooser]");
        if (box) {
          choosing(box);
        }
        suggesting(input);
      }
    });
  }

  document.addEventListener("htmx:after:swap", prepare);
  prepare();
})();
