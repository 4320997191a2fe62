// The account: adding a passkey, and keeping recovery codes.
"use strict";

// A passkey is made by a device when the form with its name is sent, and goes to the server with that.
document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target.closest("[data-new-passkey]");
    const field = form?.querySelector("input[name=passkey]");
    if (!form || field.value) {
      return;
    }
    event.preventDefault();
    const button = form.querySelector("button:not([type=button])");
    button.disabled = true;
    try {
      const asked = await webauthn.post("/account/passkeys/options", form);
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked);
      const made = await navigator.credentials.create({ publicKey });
      field.value = JSON.stringify(made.toJSON());
      webauthn.remember();
      form.requestSubmit();
    } catch (error) {
      const known = error.name === "InvalidStateError" ? "This device has a passkey of yours already." : webauthn.words(error);
      tellNew(form, known.replace("shown. Try again, or log in another way", "made. Try again"));
    } finally {
      button.disabled = false;
    }
  },
  true,
);

function tellNew(form, text) {
  form.querySelector(".passkey-said")?.remove();
  const place = document.createElement("p");
  place.className = "notice bad passkey-said";
  place.setAttribute("role", "alert");
  place.textContent = text;
  form.querySelector(".field").before(place);
}

// Recovery codes

function codesIn(button) {
  return button.closest("[data-codes]").querySelector("code").textContent;
}

async function copyCodes(button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(codesIn(button));
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.closest("[data-codes]").querySelector("code"));
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (button.textContent = before), 2000);
}

function download(button) {
  const text = `Recovery codes of Keywright at ${location.host}\nEach is good for one login.\n\n${codesIn(button)}\n`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = `keywright-recovery-codes-${location.hostname}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy-codes], [data-download], [data-print]");
  if (!button) {
    return;
  }
  if ("copyCodes" in button.dataset) {
    copyCodes(button);
  } else if ("download" in button.dataset) {
    download(button);
  } else {
    print();
  }
});
