// Showing who one is: passkeys, and waiting where an attempt has to wait. On every page, since any may ask to confirm.
"use strict";

const webauthn = {
  // Passkeys belong to the address that the server is known by; at another the browser has none to offer.
  here: (box) => Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON) && location.origin === box.dataset.webauthn,

  async post(address, form) {
    const answer = await fetch(address, { method: "POST", headers: { "X-Csrf": form.elements.csrf.value } });
    const text = await answer.text();
    let found = {};
    try {
      found = JSON.parse(text);
    } catch {
      found = { detail: "The server did not answer as it should. Open the page anew." };
    }
    if (!answer.ok) {
      throw new Error(found.detail);
    }
    return found;
  },

  async answer(form, options = {}) {
    const asked = await webauthn.post(form.dataset.challenge || "/login/challenge", form);
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
    return (await navigator.credentials.get({ ...options, publicKey })).toJSON();
  },

  // What to say of an error; nothing where the person closed the browser's own dialog.
  words(error) {
    const closed = error.name === "NotAllowedError" || error.name === "AbortError";
    return closed ? "No passkey was shown. Try again, or log in another way." : error.message;
  },

  // A browser with a passkey for this server is asked for it without a click from then on.
  remember() {
    try {
      localStorage.setItem("kw_passkey", "1");
    } catch {
      // Where nothing may be kept, the button is still there.
    }
  },

  remembered() {
    try {
      return localStorage.getItem("kw_passkey") === "1";
    } catch {
      return false;
    }
  },

  send(form, answer) {
    form.querySelector("input[name$=passkey]").value = JSON.stringify(answer);
    form.noValidate = true;
    form.requestSubmit(form.querySelector("button[data-login]") || undefined);
  },
};

function tellPasskey(form, text) {
  let place = form.querySelector(".passkey-said");
  if (!place) {
    place = document.createElement("p");
    place.className = "error passkey-said";
    place.setAttribute("role", "alert");
    form.querySelector("[data-passkey]").after(place);
  }
  place.textContent = text;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-passkey]");
  if (!button) {
    return;
  }
  const form = button.form;
  button.disabled = true;
  document.dispatchEvent(new CustomEvent("kw:passkey"));
  try {
    const answer = await webauthn.answer(form);
    webauthn.remember();
    webauthn.send(form, answer);
  } catch (error) {
    tellPasskey(form, webauthn.words(error));
  } finally {
    button.disabled = false;
  }
});

// An answer is good once, and a form that was sent with one is checked again as it is.
document.addEventListener("htmx:after:request", (event) => {
  const form = event.target instanceof Element ? event.target.closest("form") : null;
  form?.querySelectorAll("input[name$=passkey]").forEach((one) => (one.value = ""));
  if (form) {
    form.noValidate = false;
  }
});

// Where an attempt has to wait, the button says for how long.
function waitFor(notice) {
  const form = notice.closest("form");
  const button = form?.querySelector("button[data-login]");
  if (!button || notice.dataset.started) {
    return;
  }
  notice.dataset.started = "1";
  const words = button.dataset.words || button.textContent;
  button.dataset.words = words;
  const until = Date.now() + Number(notice.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0 && notice.isConnected;
    button.textContent = button.disabled ? `${words} in ${left} s` : words;
    if (button.disabled) {
      setTimeout(tick, 250);
    }
  };
  tick();
}

function prepareProofs() {
  document.querySelectorAll("[data-webauthn]").forEach((box) => (box.hidden = !webauthn.here(box)));
  document.querySelectorAll("[data-webauthn-not]").forEach((box) => {
    box.hidden = webauthn.here({ dataset: { webauthn: box.dataset.webauthnNot } });
  });
  document.querySelectorAll("[data-wait]").forEach(waitFor);
}

document.addEventListener("htmx:after:swap", prepareProofs);
prepareProofs();
