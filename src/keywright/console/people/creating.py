"""Making a person without an invitation, over the whole installation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people.rules import only_everywhere
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.users import NewUser, create_user

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.forms import Form

_CREATE: Final = """
mutation CreateUser($input: CreateUserInput!) {
  createUser(input: $input) { user { id login } }
}
"""


@dataclass(slots=True)
class Draft:
    """What stands in the form; never a password."""

    name: str = ""
    login: str = ""
    email: str = ""
    once: str = ""

    @classmethod
    def of(cls, form: Form) -> Draft:
        """The draft that a form sent."""
        return cls(form.get("name"), form.get("login"), form.get("email"), form.get("once"))


@page("/t/{tenant}/people/new", needs="identities:create")
async def form(ask: Ask) -> Response:
    """The empty form."""
    only_everywhere(ask)
    return _form(ask, Draft(once=secrets.token_urlsafe(16)), Errors())


@page("/t/{tenant}/people/new", needs="identities:create", methods=("POST",))
async def create(ask: Ask) -> Response:
    """Make the person, or show the form again."""
    only_everywhere(ask)
    draft = Draft.of(ask.form)
    if ask.form.get("show"):
        return _form(ask, draft, Errors(), _code(ask, draft))
    wanted = NewUser(
        login=draft.login,
        name=draft.name,
        email=draft.email or None,
        password=ask.form.raw("password") or None,
    )
    try:
        made = await ask.change(create_user, wanted, once=draft.once or None)
    except KeywrightError as error:
        return _form(ask, draft, ask.refused(error, "name", "login", "email", "password"))
    identity = made.result.view.person.identity
    next_step = "" if wanted.password else " Make a link by which they set a password."
    return ask.done(
        ask.at(f"people/{identity.id}"), f"{identity.name} is here, and holds no role yet.{next_step}"
    )


def _form(ask: Ask, draft: Draft, errors: Errors, code: Code | None = None) -> Response:
    context: dict[str, Any] = {"draft": draft, "errors": errors, "code": code}
    if ask.wants_part and ask.target == "code":
        return ask.part("people/code_part.html", **context)
    return ask.page("people/new.html", ask.status, **context)


def _code(ask: Ask, draft: Draft) -> Code:
    """Without the password, which belongs in no shell's history."""
    told = {"login": draft.login or "LOGIN", "name": draft.name or "NAME"}
    more = {"email": draft.email} if draft.email else {}
    return ask.code(
        rest=Rest("POST", "/v1/users", {**told, **more}),
        graph=Graph(_CREATE, {"input": {**told, **more}}),
        cli=[
            *("users", "create"),
            *(["--email", draft.email] if draft.email else []),
            *("--", told["login"], told["name"]),
        ],
    )


PAGES = (form, create)
