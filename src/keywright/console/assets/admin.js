// The editor of the catalog, rows of limits, and what is fetched again every few seconds.
"use strict";

// The editor: line numbers, the lines that have faults, and a Tab that does not trap the keyboard.

const INDENT = "  ";

function edit(text, replacement) {
  // The only way to change a text so that the browser can undo it.
  if (!document.execCommand("insertText", false, replacement)) {
    text.setRangeText(replacement, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function editor(box) {
  if (box.dataset.ready) {
    return;
  }
  box.dataset.ready = "yes";
  const text = box.querySelector("textarea");
  const numbers = document.createElement("div");
  let leaving = false;
  let sent = false;
  const before = text.value;
  box.querySelector(".gutter").append(numbers);
  const draw = () => {
    const lines = text.value.split("\n").length;
    if (numbers.childElementCount !== lines) {
      numbers.replaceChildren(
        ...Array.from({ length: lines }, (_, at) => {
          const number = document.createElement("span");
          number.textContent = String(at + 1);
          return number;
        }),
      );
      box.querySelector(".gutter").style.width = `${String(lines).length + 3}ch`;
    }
    mark(box);
  };
  const follow = () => (numbers.style.transform = `translateY(${-text.scrollTop}px)`);
  text.addEventListener("input", draw);
  text.addEventListener("scroll", follow);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leaving = true;
    } else if (event.key === "Tab" && !leaving && !event.shiftKey && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      edit(text, INDENT);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      const line = text.value.slice(0, text.selectionStart).split("\n").pop();
      const indent = line.match(/^ */)[0];
      if (indent) {
        event.preventDefault();
        edit(text, `\n${indent}`);
      }
    } else if (event.key !== "Shift" && event.key !== "Tab") {
      leaving = false;
    }
  });
  text.addEventListener("blur", () => (leaving = false));
  text.form.addEventListener("submit", () => (sent = true));
  addEventListener("beforeunload", (event) => {
    if (!sent && text.value !== before) {
      event.preventDefault();
    }
  });
  addEventListener("pageshow", () => {
    sent = false;
    draw();
  });
  draw();
  follow();
}

function mark(box) {
  const faults = new Map(
    [...document.querySelectorAll(".faults [data-line]")].map((one) => [
      Number(one.dataset.line),
      one.querySelector(".error").textContent,
    ]),
  );
  box.querySelectorAll(".gutter span").forEach((number, at) => {
    const fault = faults.get(at + 1);
    number.classList.toggle("wrong", fault !== undefined);
    number.title = fault ?? "";
  });
}

function go(line, column) {
  const text = document.getElementById("text");
  const lines = text.value.split("\n");
  const at = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  // Columns count characters, and a text in JavaScript counts halves of some of them.
  const inside = [...lines[line - 1]].slice(0, column - 1).join("").length;
  text.focus();
  text.setSelectionRange(at + inside, at + inside);
  text.scrollTop = Math.max(0, (line - 5) * 20);
}

// Rows of limits: as many as one likes, up to ten.

function limits(box) {
  const rows = box.querySelectorAll(".limit").length;
  box.parentElement.querySelector("[data-add]").disabled = rows >= Number(box.dataset.most);
}

function add(button) {
  const box = document.getElementById(button.dataset.add);
  const row = box.querySelector(".limit:last-of-type").cloneNode(true);
  const place = Number(row.dataset.place) + 1;
  row.dataset.place = String(place);
  row.querySelectorAll(".error").forEach((one) => one.remove());
  row.querySelectorAll("input, select").forEach((one) => {
    one.name = one.name.replace(/\.\d+\./, `.${place}.`);
    one.id = `f-${one.name}`;
    one.classList.remove("wrong");
    one.removeAttribute("aria-invalid");
    one.removeAttribute("aria-describedby");
    if (one.tagName === "INPUT") {
      one.value = one.name.endsWith(".window_seconds") ? "1" : "";
    }
  });
  box.append(row);
  row.querySelector("input").focus();
  limits(box);
}

function drop(button) {
  const row = button.closest(".limit");
  const box = row.parentElement;
  if (box.querySelectorAll(".limit").length > 1) {
    row.remove();
  } else {
    row.querySelectorAll("input").forEach((one) => (one.value = ""));
  }
  limits(box);
  box.querySelector("input")?.focus();
}

// A list is sent again as soon as one picks.

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-at-once]")) {
    event.target.form.requestSubmit();
  }
});

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-goto], [data-add], [data-drop], .gutter span.wrong");
  if (!target) {
    return;
  }
  if ("goto" in target.dataset) {
    event.preventDefault();
    const { line, column } = target.closest("[data-line]").dataset;
    go(Number(line), Number(column));
  } else if ("add" in target.dataset) {
    add(target);
  } else if ("drop" in target.dataset) {
    drop(target);
  } else {
    go(Number(target.textContent), 1);
  }
});

// What is fetched again every few seconds, while somebody can see it.

function again(box) {
  if (!box.dataset.ready) {
    box.dataset.ready = "yes";
    setInterval(() => document.hidden || box.dispatchEvent(new Event("kw:again")), Number(box.dataset.again));
    document.addEventListener("visibilitychange", () => document.hidden || box.dispatchEvent(new Event("kw:again")));
  }
}

function prepareAdmin() {
  document.querySelectorAll("[data-editor]").forEach(editor);
  document.querySelectorAll("[data-editor]").forEach(mark);
  document.querySelectorAll(".limits").forEach(limits);
  document.querySelectorAll("[data-again]").forEach(again);
}

// What a search found has an address of its own, which can be kept and sent to others.
document.addEventListener("htmx:after:swap", () => {
  const found = document.querySelector("[data-address]");
  if (found) {
    history.replaceState(null, "", found.dataset.address);
  }
  prepareAdmin();
});
prepareAdmin();
