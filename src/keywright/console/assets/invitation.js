// The invitation: its token stands behind the "#", which browsers send to no server, and leaves the address at once.
"use strict";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const joining = document.getElementById("joining");
const acceptance = document.getElementById("acceptance");
const entering = document.getElementById("entering");
const refused = document.getElementById("refused");

function refuse(text) {
  refused.textContent = text;
  refused.hidden = false;
}

function wrong(name, text) {
  const field = document.getElementById(`f-${name}`);
  const place = field.closest(".field");
  place.querySelector(".error")?.remove();
  place.classList.toggle("wrong", Boolean(text));
  field.toggleAttribute("aria-invalid", Boolean(text));
  if (text) {
    const said = document.createElement("p");
    said.className = "error";
    said.setAttribute("role", "alert");
    said.textContent = text;
    field.after(said);
    field.focus();
  }
}

async function accept(login, password) {
  const answer = await fetch("/v1/invitations/accept", {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, password, ...(login ? { login } : {}) }),
  });
  return { ok: answer.ok, found: await answer.json() };
}

function arrived(accepted, password) {
  const where = accepted.tenant === null ? "" : ` You belong to ${accepted.tenant}.`;
  const lost = (accepted.skipped || []).length ? ` Left out, since it can no longer be given: ${accepted.skipped.join(", ")}.` : "";
  document.getElementById("accepted").textContent = `Done.${where}${lost} Your login name is ${accepted.login}.`;
  entering.elements.login.value = accepted.login;
  entering.elements.password.value = password;
  acceptance.reset();
  acceptance.hidden = true;
  refused.hidden = true;
  entering.hidden = false;
  entering.querySelector("button").focus();
}

async function submit(event) {
  event.preventDefault();
  const [login, password, again] = ["login", "password", "again"].map((name) => document.getElementById(`f-${name}`).value);
  ["login", "password", "again"].forEach((name) => wrong(name, ""));
  refused.hidden = true;
  if (password !== again) {
    wrong("again", "This is not the same password.");
    return;
  }
  const button = acceptance.querySelector("button");
  button.disabled = true;
  try {
    const { ok, found } = await accept(login.trim(), password);
    if (ok) {
      arrived(found, password);
    } else if (["login", "password"].includes(found.field)) {
      wrong(found.field, found.detail);
    } else {
      refuse(found.detail);
    }
  } catch {
    refuse("The server did not answer. Try again.");
  } finally {
    button.disabled = false;
  }
}

document.querySelector("[data-newcomer]")?.addEventListener("click", () => {
  joining.hidden = true;
  acceptance.hidden = false;
  document.getElementById("f-login").focus();
});

if (!token) {
  refuse("This address holds no invitation. Open the whole link, with what stands behind its #.");
} else if (joining) {
  joining.elements.token.value = token;
  joining.hidden = false;
} else {
  acceptance.hidden = false;
  document.getElementById("f-login").focus();
}
acceptance.addEventListener("submit", submit);
