"""Disable, enable and delete one key, after saying who will notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.keys.subject import agents_of, subject_of, week_of
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.keys import KeyChanges, KeyIds, delete_keys, update_key

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.keys.subject import Subject
    from keywright.console.routing import Page

_SWITCH: Final = """
mutation ($input: UpdateApiKeyInput!) {
  updateApiKey(input: $input) { apiKey { id state } receipt { epoch waitedMs } }
}
"""
_DELETE: Final = """
mutation ($input: DeleteApiKeysInput!) {
  deleteApiKeys(input: $input) { deletedIds receipt { epoch waitedMs } }
}
"""
_BOTH: Final = ("GET", "POST")


@page("/t/{tenant}/keys/{id}/disable", needs="keys:update", own="keys:own:update", methods=_BOTH)
async def disable(ask: Ask) -> Response:
    """Have it refused until it is enabled again."""
    return await _switched(ask, active=False)


@page("/t/{tenant}/keys/{id}/enable", needs="keys:update", own="keys:own:update", methods=_BOTH)
async def enable(ask: Ask) -> Response:
    """Have it accepted again."""
    return await _switched(ask, active=True)


@page("/t/{tenant}/keys/{id}/delete", needs="keys:delete", own="keys:own:delete", methods=_BOTH)
async def delete(ask: Ask) -> Response:
    """Have it refused for good."""
    subject = await subject_of(ask)
    errors = Errors()
    if ask.request.method == "POST":
        try:
            done = await ask.change(delete_keys, KeyIds((subject.key.id,)))
        except KeywrightError as error:
            errors = ask.refused(error)
        else:
            return ask.done(ask.at("keys"), f"Deleted {subject.key.name}.", done.receipt)
    return await _asked(subject, "delete", errors, _delete_code(subject))


async def _switched(ask: Ask, *, active: bool) -> Response:
    subject = await subject_of(ask)
    errors = Errors()
    if ask.request.method == "POST":
        try:
            done = await ask.change(update_key, KeyChanges(id=subject.key.id, active=active))
        except KeywrightError as error:
            errors = ask.refused(error)
        else:
            said, did = ("Enabled.", "Accepted") if active else ("Disabled.", "Refused")
            if active and done.result.state != "active":
                said, did = f"Enabled. It is {done.result.state.replace('_', ' ')} all the same.", "In effect"
            return ask.done(subject.at(), said, done.receipt, did)
    return await _asked(
        subject, "enable" if active else "disable", errors, _switch_code(subject, active=active)
    )


async def _asked(subject: Subject, act: str, errors: Errors, code: Code) -> Response:
    """The dialog that says what will happen."""
    return subject.ask.dialog(
        f"keys/details_{act}.html",
        subject.ask.status,
        subject=subject,
        key=subject.key,
        errors=errors,
        week=await week_of(subject),
        agents=await agents_of(subject),
        code=code,
    )


def _switch_code(subject: Subject, *, active: bool) -> Code:
    key_id = subject.key.id
    return subject.ask.code(
        rest=Rest("PATCH", f"/v1/keys/{key_id}", {"active": active}),
        graph=Graph(_SWITCH, {"input": {"id": key_id, "active": active}}),
        cli=["keys", "enable" if active else "disable", key_id],
    )


def _delete_code(subject: Subject) -> Code:
    key_id = subject.key.id
    return subject.ask.code(
        rest=Rest("DELETE", f"/v1/keys/{key_id}"),
        graph=Graph(_DELETE, {"input": {"ids": [key_id]}}),
        cli=["keys", "delete", key_id, "--yes"],
    )


PAGES: Final[tuple[Page, ...]] = (disable, enable, delete)
