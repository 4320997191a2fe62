"use strict";

for (const slot of document.querySelectorAll("[data-origin]")) {
  slot.textContent = location.origin;
}
