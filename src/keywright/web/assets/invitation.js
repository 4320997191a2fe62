"use strict";

// The token stands after the "#", which browsers send to no server, and leaves the address bar and the history at once.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const form = document.getElementById("acceptance");
const fields = form.querySelector("fieldset");
const outcome = document.getElementById("outcome");

function tell(text, refused) {
  outcome.className = refused ? "refused" : "";
  outcome.textContent = text;
}

async function accept(login, password) {
  const answer = await fetch("/v1/invitations/accept", {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, password, ...(login ? { login } : {}) }),
  });
  const found = await answer.json();
  if (!answer.ok) {
    throw new Error(found.detail);
  }
  return found;
}

async function submit(event) {
  event.preventDefault();
  const [login, password, again] = ["login", "password", "again"].map((id) => document.getElementById(id).value);
  if (password !== again) {
    tell("The two passwords differ.", true);
    return;
  }
  fields.disabled = true;
  tell("One moment.", false);
  try {
    const accepted = await accept(login.trim(), password);
    const where = accepted.tenant === null ? "" : ` You belong to ${accepted.tenant} now.`;
    form.remove();
    tell(`Done.${where} Log in as ${accepted.login}: keywright login --user ${accepted.login}`, false);
  } catch (error) {
    fields.disabled = false;
    tell(error.message, true);
  }
}

if (token) {
  fields.disabled = false;
  form.addEventListener("submit", submit);
  document.getElementById("login").focus();
} else {
  tell("This address holds no invitation. Open the whole link, with what stands after its #.", true);
}
