"""Another owner for a key: found by name, and shown with what the key gains and loses before it is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.choosing import choice_of
from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.keys.subject import subject_of
from keywright.console.picker import lexicon_of, summary_of
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.services.keys import KeyTransfer, transfer_key

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.keys.subject import Subject
    from keywright.console.picker.summary import Line
    from keywright.console.routing import Page

_DOCUMENT: Final = """
mutation ($input: TransferApiKeyInput!) {
  transferApiKey(input: $input) { apiKey { id owner { id name } } confirmed receipt { epoch waitedMs } }
}
"""


@dataclass(frozen=True, slots=True)
class Preview:
    """What another owner would change: the owner's name, and what the key would gain and lose, in words."""

    identity_id: str
    name: str
    same: bool
    gained: tuple[Line, ...]
    lost: tuple[Line, ...]


@page("/t/{tenant}/keys/{id}/owner", needs="keys:update", methods=("GET", "POST"))
async def owner(ask: Ask) -> Response:
    """Choose an owner, look at what changes, and change it."""
    subject = await subject_of(ask)
    choice = await choice_of(ask, ask.query, "to", without=subject.key.identity_id)
    wanted = ask.form.get("identity_id") if ask.request.method == "POST" else choice.made
    errors, preview = Errors(), None
    if wanted:
        try:
            if ask.request.method == "POST":
                return await _given(subject, wanted)
            preview = await _preview(subject, wanted)
        except KeywrightError as error:
            errors = ask.refused(error, "identity_id")
    return ask.page(
        "keys/details_owner.html",
        ask.status,
        subject=subject,
        key=subject.key,
        errors=errors,
        choice=choice,
        preview=preview,
        code=None if preview is None else _code(subject, preview.identity_id),
    )


async def _given(subject: Subject, identity_id: str) -> Response:
    done = await subject.ask.change(transfer_key, KeyTransfer(subject.key.id, identity_id, confirm=True))
    owner = done.result.view.owner
    name = identity_id if owner is None else owner.name
    return subject.ask.done(subject.at(), f"It speaks for {name} now.", done.receipt, "In effect")


async def _preview(subject: Subject, identity_id: str) -> Preview:
    ask = subject.ask
    found = await ask.run(transfer_key, KeyTransfer(subject.key.id, identity_id))
    lexicon = await lexicon_of(ask)
    owner = found.view.owner
    return Preview(
        identity_id,
        identity_id if owner is None else owner.name,
        identity_id == subject.key.identity_id,
        summary_of(lexicon, found.gained).lines,
        summary_of(lexicon, found.lost).lines,
    )


def _code(subject: Subject, identity_id: str) -> Code:
    key_id = subject.key.id
    return subject.ask.code(
        rest=Rest("POST", f"/v1/keys/{key_id}/transfer", {"identity_id": identity_id, "confirm": True}),
        graph=Graph(_DOCUMENT, {"input": {"id": key_id, "identityId": identity_id, "confirm": True}}),
        cli=["keys", "transfer", key_id, identity_id, "--yes"],
    )


PAGES: Final[tuple[Page, ...]] = (owner,)
