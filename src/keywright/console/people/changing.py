"""Changing a person, and disabling and enabling them, over the whole installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people import limits
from keywright.console.people.noticing import notices_everywhere
from keywright.console.people.rules import only_everywhere, somebody
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.users import UserChanges, update_user

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.forms import Form
    from keywright.console.people.rules import Somebody

_UPDATE: Final = """
mutation UpdateUser($input: UpdateUserInput!) {
  updateUser(input: $input) { user { id name active } receipt { complete } }
}
"""


@dataclass(slots=True)
class Draft:
    """What stands in the form."""

    name: str = ""
    email: str = ""
    limits: tuple[limits.LimitRow, ...] = ()

    @classmethod
    def of(cls, form: Form) -> Draft:
        """The draft that a form sent."""
        return cls(form.get("name"), form.get("email"), tuple(limits.rows_of(form)))


@page("/t/{tenant}/people/{id}/edit", needs="identities:update")
async def form(ask: Ask) -> Response:
    """The form with what stands."""
    only_everywhere(ask)
    who = await somebody(ask)
    person = who.view.person
    draft = Draft(who.identity.name, person.email or "", tuple(limits.shown(who.identity.limits)))
    return _form(ask, who, draft, Errors())


@page("/t/{tenant}/people/{id}/edit", needs="identities:update", methods=("POST",))
async def change(ask: Ask) -> Response:
    """Change them, or show the form again."""
    only_everywhere(ask)
    who = await somebody(ask)
    draft = Draft.of(ask.form)
    try:
        wanted = UserChanges(
            id=who.identity.id,
            name=draft.name,
            email=draft.email or None,
            limits=limits.given(draft.limits),
        )
        if ask.form.get("show"):
            return _form(ask, who, draft, Errors(), _code_for_changes(ask, wanted))
        changed = await ask.change(update_user, wanted)
    except KeywrightError as error:
        return _form(ask, who, draft, ask.refused(error, "name", "email", *limits.FIELDS))
    return ask.done(ask.at(f"people/{who.identity.id}"), "Saved.", changed.receipt, "In effect")


@page("/t/{tenant}/people/{id}/disable", needs="identities:update")
async def disable_dialog(ask: Ask) -> Response:
    """What disabling stops."""
    return await _dialog(ask, "disable", Errors())


@page("/t/{tenant}/people/{id}/disable", needs="identities:update", methods=("POST",))
async def disable(ask: Ask) -> Response:
    """Disable them."""
    return await _switch(ask, "disable")


@page("/t/{tenant}/people/{id}/enable", needs="identities:update")
async def enable_dialog(ask: Ask) -> Response:
    """What enabling opens again."""
    return await _dialog(ask, "enable", Errors())


@page("/t/{tenant}/people/{id}/enable", needs="identities:update", methods=("POST",))
async def enable(ask: Ask) -> Response:
    """Enable them."""
    return await _switch(ask, "enable")


async def _switch(ask: Ask, act: str) -> Response:
    only_everywhere(ask)
    identity_id = ask.variable("id")
    try:
        done = await ask.change(update_user, UserChanges(id=identity_id, active=act == "enable"))
    except KeywrightError as error:
        return await _dialog(ask, act, ask.refused(error))
    name = done.result.person.identity.name
    here = ask.at(f"people/{identity_id}")
    if act == "enable":
        return ask.done(here, f"{name} is enabled, and can log in again.")
    said = f"{name} is disabled, and their sessions have ended."
    return ask.done(here, said, done.receipt, "Their keys are refused")


async def _dialog(ask: Ask, act: str, errors: Errors) -> Response:
    only_everywhere(ask)
    who = await somebody(ask)
    active = act == "enable"
    code = ask.code(
        rest=Rest("PATCH", f"/v1/users/{who.identity.id}", {"active": active}),
        graph=Graph(_UPDATE, {"input": {"id": who.identity.id, "active": active}}),
        cli=["users", "update", who.identity.id, f"--{act}"],
    )
    context: dict[str, Any] = {
        "identity": who.identity,
        "act": act,
        "keys": await notices_everywhere(ask, who.identity.id, who.anywhere or ()),
        "errors": errors,
        "code": code,
    }
    return ask.dialog("people/switch.html", ask.status, **context)


def _form(ask: Ask, who: Somebody, draft: Draft, errors: Errors, code: Code | None = None) -> Response:
    context: dict[str, Any] = {"draft": draft, "errors": errors, "code": code, "spans": limits.SPANS}
    if ask.wants_part and ask.target == "code" and not errors:
        return ask.part("people/code_part.html", **context)
    return ask.page("people/edit.html", ask.status, identity=who.identity, person=who.view.person, **context)


def _code_for_changes(ask: Ask, wanted: UserChanges) -> Code:
    assert isinstance(wanted.limits, tuple)  # noqa: S101 - the form always says them
    base = {"name": wanted.name, "email": wanted.email}
    return ask.code(
        rest=Rest("PATCH", f"/v1/users/{wanted.id}", {**base, "limits": limits.plain(wanted.limits)}),
        graph=Graph(_UPDATE, {"input": {"id": wanted.id, **base, "limits": limits.graphed(wanted.limits)}}),
        cli=[
            *("users", "update", wanted.id, "--name", str(wanted.name)),
            *("--email", str(wanted.email or "")),
            *(limits.worded(wanted.limits) or ["--clear", "limit"]),
        ],
    )


PAGES = (form, change, disable_dialog, disable, enable_dialog, enable)
