"""For whom keys speak: in words, and as something to filter by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console.keys.filters import Filters
from keywright.console.routing import page
from keywright.core.errors import NotFound
from keywright.core.identities import IdentityKind
from keywright.core.listing import MAX_PAGE, fold
from keywright.services.service_accounts import (
    ListServiceAccounts,
    ServiceAccountId,
    get_service_account,
    list_service_accounts,
)
from keywright.services.users import ListUsers, UserId, get_user, list_users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.core.identities import Identity
    from keywright.services.keys import KeyList, KeyView

_KINDS: Final = {
    IdentityKind.USER: "person",
    IdentityKind.SERVICE_ACCOUNT: "service account",
    IdentityKind.KEY: "no owner",
}
_SHOWN: Final = 12
_PAGES: Final = 5
"""Pages of people, and of service accounts, that are looked through for a name."""


@dataclass(frozen=True, slots=True)
class Owner:
    """For whom a key speaks: their id, name, and what they are."""

    id: str
    name: str
    kind: str
    active: bool = True


def owner_of(ask: Ask, view: KeyView) -> Owner:
    """The owner of a key. One that was made with it speaks for itself alone."""
    identity = view.owner
    if identity is None or identity.kind is IdentityKind.KEY:
        active = identity is None or identity.active
        return Owner(view.key.identity_id, "itself", _KINDS[IdentityKind.KEY], active=active)
    return _owner(ask, identity)


def _owner(ask: Ask, identity: Identity) -> Owner:
    you = identity.id == ask.caller.identity.id
    return Owner(identity.id, identity.name, "you" if you else _KINDS[identity.kind], active=identity.active)


async def owner_named(ask: Ask, identity_id: str, found: KeyList | None) -> Owner:
    """Whose keys are shown; by their id alone where the reader may not know their name."""
    if found is not None and found.items:
        return owner_of(ask, found.items[0])
    if identity_id == ask.caller.identity.id:
        return _owner(ask, ask.caller.identity)
    if ask.may("identities:read"):
        try:
            return _owner(ask, (await ask.run(get_user, UserId(identity_id))).person.identity)
        except NotFound:
            pass
        try:
            account = await ask.run(get_service_account, ServiceAccountId(identity_id))
            return _owner(ask, account.identity)
        except NotFound:
            pass
    return Owner(identity_id, "somebody who is not here", "")


@page("/t/{tenant}/keys/owners", needs="identities:read")
async def choose_owner(ask: Ask) -> Response:
    """Whose keys are to be shown: found while one types, and then as links back to the list."""
    text = ask.query.get("find")
    filters = Filters.of(ask.query)
    found, more = await _found(ask, text)
    context: dict[str, Any] = {"filters": filters, "owners": found, "more": more, "find": text}
    if ask.wants_part and ask.target == "owners":
        return ask.part("keys/list_owners_found.html", **context)
    return ask.dialog("keys/list_owners.html", **context)


async def _found(ask: Ask, text: str) -> tuple[list[Owner], bool]:
    """The reader, then people and service accounts in whose name or login name a text stands; and whether more do."""
    folded = fold(text)
    found: dict[str, Owner] = {}
    async for identity, login in _everybody(ask):
        if folded in fold(identity.name) or folded in login:
            found[identity.id] = _owner(ask, identity)
        if len(found) > _SHOWN:
            break
    owners = sorted(found.values(), key=lambda one: one.kind != "you")
    return owners[:_SHOWN], len(owners) > _SHOWN


async def _everybody(ask: Ask) -> AsyncIterator[tuple[Identity, str]]:
    yield ask.caller.identity, ""
    cursor = None
    for _ in range(_PAGES):
        people = await ask.run(list_users, ListUsers(limit=MAX_PAGE, cursor=cursor))
        for view in people.items:
            yield view.person.identity, fold(view.person.login)
        cursor = people.next_cursor
        if cursor is None:
            break
    if ask.place is None or ask.place.tenant is None:
        return
    cursor = None
    for _ in range(_PAGES):
        accounts = await ask.run(list_service_accounts, ListServiceAccounts(limit=MAX_PAGE, cursor=cursor))
        for one in accounts.items:
            yield one.identity, ""
        cursor = accounts.next_cursor
        if cursor is None:
            break


PAGES = (choose_owner,)
