// What pages do beyond HTML: the reader's time zone, dialogs, copying, tabs, the keyboard, and forgetting secrets.
"use strict";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `kw_zone=${encodeURIComponent(zone)}; Path=/; SameSite=Lax; Max-Age=31536000${secure}`;
}

function all(root, selector) {
  const found = [...root.querySelectorAll(selector)];
  return root.matches?.(selector) ? [root, ...found] : found;
}

// Copying

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    button.dispatchEvent(new CustomEvent("kw:copied", { bubbles: true }));
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (button.textContent = before), 2000);
}

// Tabs: sections with data-tab below an element with data-tabs are shown one at a time.

function tabs(box) {
  const sections = [...box.querySelectorAll(":scope > [data-tab]")];
  const bar = document.createElement("div");
  bar.className = "tabs";
  bar.setAttribute("role", "tablist");
  const buttons = sections.map((section, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = section.dataset.tab;
    button.setAttribute("role", "tab");
    section.setAttribute("role", "tabpanel");
    section.setAttribute("aria-label", section.dataset.tab);
    section.querySelector(":scope > h3")?.remove();
    button.addEventListener("click", () => show(place));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) {
        const next = (place + step + sections.length) % sections.length;
        show(next);
        buttons[next].focus();
      }
    });
    bar.append(button);
    return button;
  });
  const show = (chosen) => {
    sections.forEach((section, place) => {
      section.hidden = place !== chosen;
      buttons[place].setAttribute("aria-selected", String(place === chosen));
      buttons[place].tabIndex = place === chosen ? 0 : -1;
    });
  };
  show(0);
  box.prepend(bar);
}

// Dialogs that were fetched into #dialogs. One with data-keep holds something that cannot be shown again.

function open(dialog) {
  dialog.showModal();
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && !("keep" in dialog.dataset)) {
      dialog.close();
    }
  });
  dialog.addEventListener("cancel", (event) => "keep" in dialog.dataset && event.preventDefault());
  dialog.addEventListener("close", () => dialog.remove());
}

// What is new on the page, at its start and whenever htmx put something in.

function prepare(root) {
  all(root, "[data-copy], [data-shortcuts], [data-script]").forEach((one) => (one.hidden = false));
  all(root, "[data-tabs]").forEach((box) => box.querySelector(":scope > .tabs") || tabs(box));
  all(root, "dialog[data-dialog]").forEach((dialog) => dialog.open || open(dialog));
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-shortcuts], [data-close]");
  if (!target) {
    return;
  }
  if ("copy" in target.dataset) {
    copy(target);
  } else if ("shortcuts" in target.dataset) {
    document.getElementById("shortcuts").showModal();
  } else {
    event.preventDefault();
    target.closest("dialog")?.close();
  }
});

// A menu closes when one clicks or goes elsewhere.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false));
});

// The keyboard

function typing(element) {
  return element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (rows.length) {
    const at = rows.findIndex((row) => row.classList.contains("at"));
    const next = Math.min(rows.length - 1, Math.max(0, at + step));
    rows[at]?.classList.remove("at");
    rows[next].classList.add("at");
    rows[next].querySelector("a.name, summary.name")?.focus();
    rows[next].scrollIntoView({ block: "nearest" });
  }
}

const SHORTCUTS = {
  "/": () => document.querySelector("input[type=search]")?.focus(),
  "?": () => document.getElementById("shortcuts")?.showModal(),
  c: () => document.querySelector("[data-create]")?.click(),
  j: () => move(1),
  k: () => move(-1),
  x: () => document.querySelector("[data-row].at input[data-select]")?.click(),
};

document.addEventListener("keydown", (event) => {
  const action = SHORTCUTS[event.key];
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (event.key === "Escape") {
    document.querySelectorAll("details.menu[open]").forEach((menu) => (menu.open = false));
  }
  if (action && !modified && !typing(event.target) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    action();
  }
});

// A form is sent once, and its button says so.
document.addEventListener("submit", (event) => {
  if (event.target.method === "post" && !event.defaultPrevented) {
    setTimeout(() => event.target.querySelectorAll("button:not([type=button])").forEach((one) => (one.disabled = true)));
  }
});

// Nothing secret comes back with the back button: the page as it was left is wiped, and fetched anew.
addEventListener("pagehide", () => {
  document.querySelectorAll("[data-secret]").forEach((one) => one.replaceChildren());
  document.querySelectorAll("input[type=password]").forEach((one) => (one.value = ""));
});
addEventListener("pageshow", (event) => {
  document.querySelectorAll("button:disabled").forEach((one) => (one.disabled = "off" in one.dataset));
  if (event.persisted && document.querySelector("[data-secret]")) {
    location.reload();
  }
});

// The event is sent at what asked, which is seldom where the answer was put.
document.addEventListener("htmx:after:swap", () => prepare(document.body));
prepare(document.body);
