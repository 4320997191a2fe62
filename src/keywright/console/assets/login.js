// The login: its second step, and passkeys that the browser offers where the name is typed.
"use strict";

if (location.pathname !== "/login") {
  // A code of the identity provider, which is spent, does not stay in the address and the history.
  history.replaceState(null, "", "/login");
}

const loginForm = document.getElementById("login-form");
const passkeyForm = document.getElementById("passkey-form");

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-again]")) {
    location.assign(`/login?next=${encodeURIComponent(loginForm.elements.next.value)}`);
  }
});

document.addEventListener("htmx:after:swap", () => {
  const second = document.querySelector("#second [data-second]");
  document.querySelector("[data-others]").hidden = Boolean(second);
  (second?.querySelector("[aria-invalid]") || second?.querySelector("input:not([type=hidden]), [data-passkey]"))?.focus();
});

// A passkey is offered in the list below the login name, in browsers that have shown one here before.
async function offerPasskey() {
  const able = passkeyForm && webauthn.here(passkeyForm) && (await PublicKeyCredential.isConditionalMediationAvailable?.());
  if (!able || !webauthn.remembered()) {
    return;
  }
  const ending = new AbortController();
  document.addEventListener("kw:passkey", () => ending.abort(), { once: true });
  try {
    webauthn.send(passkeyForm, await webauthn.answer(passkeyForm, { mediation: "conditional", signal: ending.signal }));
  } catch {
    // Nobody asked for it: the button is there for who does.
  }
}

offerPasskey();
if (!document.querySelector("[data-second]")) {
  const empty = [...loginForm.querySelectorAll(".first input")].find((one) => !one.value);
  empty?.focus();
}
