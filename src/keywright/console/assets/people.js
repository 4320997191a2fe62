// What a list shows stands in the address, without a step in the history for each letter that is typed.
"use strict";

document.addEventListener("htmx:after:swap", () => {
  const found = document.querySelector("#list [data-address]");
  if (found && found.dataset.address !== location.pathname + location.search) {
    history.replaceState(null, "", found.dataset.address);
  }
});
