// The form of a new key, and the key that is shown once.
"use strict";

(() => {
  const form = () => document.getElementById("create");

  function told(element) {
    element.dispatchEvent(new Event("input", { bubbles: true }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // Limits and addresses

  function another(rows) {
    const last = rows.lastElementChild;
    const copy = last.cloneNode(true);
    copy.querySelectorAll("input").forEach((one) => (one.value = one.name === "limit.window" ? "1" : ""));
    copy.querySelectorAll(".error").forEach((one) => one.remove());
    rows.append(copy);
    return last;
  }

  document.addEventListener("input", (event) => {
    const rows = event.target.closest("[data-limits]");
    if (rows && rows.lastElementChild.contains(event.target) && event.target.name === "limit.uses" && event.target.value) {
      another(rows);
    }
  });

  document.addEventListener("click", (event) => {
    const preset = event.target.closest("[data-limit]");
    const mine = event.target.closest("[data-address]");
    if (preset) {
      const rows = preset.closest(".if-own").querySelector("[data-limits]");
      const row = another(rows);
      row.querySelector("[name='limit.uses']").value = preset.dataset.limit;
      row.querySelector("[name='limit.unit']").value = preset.dataset.unit;
      told(row.querySelector("[name='limit.uses']"));
    } else if (mine) {
      const field = form().elements.allowed_cidrs;
      const lines = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
      if (!lines.includes(mine.dataset.address)) {
        field.value = [...lines, mine.dataset.address].join("\n");
        told(field);
      }
    }
  });

  // The code is made anew as one types; the form of it that was looked at stays the one that is shown.

  let looked;
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("#code [role=tab]");
    if (tab) {
      looked = tab.textContent;
    }
  });

  function swapped() {
    const tab = [...document.querySelectorAll("#code [role=tab]")].find((one) => one.textContent === looked);
    if (tab?.getAttribute("aria-selected") === "false") {
      tab.click();
    }
  }

  // What is wrong is looked at first.

  function refused(root) {
    const errors = root.querySelector?.("[data-errors]");
    if (errors && !errors.dataset.seen) {
      errors.dataset.seen = "1";
      errors.focus({ preventScroll: true });
      errors.scrollIntoView({ block: "center" });
    }
  }

  // The key that is shown once: closing it before it was copied asks, and all ways out lead to the key's own page.

  function keep(dialog) {
    let copied = false;
    const unsaved = dialog.querySelector("[data-unsaved]");
    const leave = () => location.assign(dialog.dataset.leads);
    const close = () => {
      if (copied) {
        leave();
        return;
      }
      unsaved.hidden = false;
      unsaved.querySelector("[data-stay]").focus();
      unsaved.scrollIntoView({ block: "nearest" });
    };
    dialog.addEventListener("kw:copied", (event) => {
      if (event.target.matches("[data-copy-key]")) {
        copied = true;
        dialog.querySelector("[data-copied]").hidden = false;
      }
    });
    // Who selected the key and copied it by hand has it, too.
    dialog.addEventListener("copy", () => {
      copied ||= getSelection().toString().includes(dialog.querySelector("[data-secret]").textContent);
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        close();
      }
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target.closest("[data-stored]")) {
        event.preventDefault();
        close();
      } else if (event.target.closest("[data-stay]")) {
        unsaved.hidden = true;
        dialog.querySelector("[data-copy-key]").focus();
      } else if (event.target.closest("[data-leave]")) {
        event.preventDefault();
        leave();
      }
    });
    addEventListener("beforeunload", (event) => {
      if (!copied && dialog.isConnected && unsaved.hidden) {
        event.preventDefault();
      }
    });
    dialog.querySelector("[data-copy-key]").focus();
  }

  function prepare() {
    swapped();
    refused(document);
    document.querySelectorAll("dialog[data-keep]:not([data-kept])").forEach((dialog) => {
      dialog.dataset.kept = "1";
      keep(dialog);
    });
  }

  document.addEventListener("htmx:after:swap", prepare);
  prepare();
})();
