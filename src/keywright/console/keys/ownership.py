"""Another owner for a key: found by name, and shown with what the key gains and loses before it is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.keys.subject import subject_of
from keywright.console.picker import lexicon_of, summary_of
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.core.listing import MAX_PAGE
from keywright.services.keys import KeyTransfer, transfer_key
from keywright.services.service_accounts import ListServiceAccounts, list_service_accounts
from keywright.services.users import ListUsers, list_users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.code import Code
    from keywright.console.keys.subject import Subject
    from keywright.console.picker.summary import Line
    from keywright.console.routing import Page
    from keywright.core.identities import Membership

SHOWN: Final = 12
"""Owners that are shown for what was typed."""
_PAGES: Final = 10
"""Pages of service accounts, and of people, that one search looks through."""
_DOCUMENT: Final = """
mutation ($input: TransferApiKeyInput!) {
  transferApiKey(input: $input) { apiKey { id owner { id name } } confirmed receipt { epoch waitedMs } }
}
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody for whom the key could speak; `also` is by what else they are known."""

    id: str
    name: str
    kind: str
    also: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Some of those who fit what was typed, and whether there are more of them."""

    owners: tuple[Candidate, ...]
    more: bool


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
    wanted = ask.form.get("identity_id") if ask.request.method == "POST" else ask.query.get("to")
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
        wanted=wanted,
        preview=preview,
        typed=ask.query.get("q"),
        found=await _candidates(subject, ask.query.get("q")),
        code=None if preview is None else _code(subject, preview.identity_id),
    )


@page("/t/{tenant}/keys/{id}/owners", needs="keys:update")
async def owners(ask: Ask) -> Response:
    """Those who fit what was typed, for our script; without one, the page with them."""
    subject = await subject_of(ask)
    if not ask.wants_part:
        return ask.to(subject.at("owner", q=ask.query.get("q")))
    found = await _candidates(subject, ask.query.get("q"))
    return ask.part("keys/details_owners.html", subject=subject, found=found, typed=ask.query.get("q"))


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


async def _candidates(subject: Subject, typed: str) -> Candidates | None:
    """Those whose name, login, address or id holds what was typed; None for who may not know of anybody."""
    ask = subject.ask
    if not ask.may("identities:read"):
        return None
    folded = typed.casefold()
    found: list[Candidate] = []
    if ask.place is not None and ask.place.tenant is not None:
        await _accounts(ask, folded, found)
    await _people(ask, folded, found)
    others = [one for one in found if one.id != subject.key.identity_id]
    return Candidates(tuple(others[:SHOWN]), len(others) > SHOWN)


async def _accounts(ask: Ask, folded: str, found: list[Candidate]) -> None:
    cursor = None
    for _ in range(_PAGES):
        listed = await ask.run(list_service_accounts, ListServiceAccounts(limit=MAX_PAGE, cursor=cursor))
        for one in listed.items:
            if folded in one.identity.name.casefold() or folded == one.identity.id:
                roles = _roles(one.memberships)
                found.append(Candidate(one.identity.id, one.identity.name, "service account", "", roles))
        cursor = listed.next_cursor
        if cursor is None or len(found) > SHOWN:
            return


async def _people(ask: Ask, folded: str, found: list[Candidate]) -> None:
    cursor = None
    for _ in range(_PAGES):
        listed = await ask.run(list_users, ListUsers(limit=MAX_PAGE, cursor=cursor))
        for one in listed.items:
            person = one.person
            known = (
                person.identity.name.casefold(),
                person.login.casefold(),
                (person.email or "").casefold(),
            )
            if any(folded in text for text in known) or folded == person.identity.id:
                roles = _roles(one.memberships)
                found.append(
                    Candidate(person.identity.id, person.identity.name, "person", person.login, roles)
                )
        cursor = listed.next_cursor
        if cursor is None or len(found) > SHOWN + 1:
            return


def _roles(memberships: Iterable[Membership]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.grant.role for one in memberships))


def _code(subject: Subject, identity_id: str) -> Code:
    key_id = subject.key.id
    return subject.ask.code(
        rest=Rest("POST", f"/v1/keys/{key_id}/transfer", {"identity_id": identity_id, "confirm": True}),
        graph=Graph(_DOCUMENT, {"input": {"id": key_id, "identityId": identity_id, "confirm": True}}),
        cli=["keys", "transfer", key_id, identity_id, "--yes"],
    )


PAGES: Final[tuple[Page, ...]] = (owner, owners)
