"""Finding who acted, by a part of a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.audit.filters import Filters
from keywright.console.routing import page
from keywright.core.errors import NotFound
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

_MOST: Final = 8
_PAGES: Final = 5
_KINDS: Final = {"key": "a key", "ses": "a session", "idn": "somebody"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who may have acted: the id, and how people know them."""

    id: str
    name: str
    kind: str


@page("/t/{tenant}/audit/actors", needs="audit:read")
async def actors(ask: Ask) -> Response:
    """Those whose name holds what is typed, as links that narrow the log to them."""
    who = ask.query.get("who")
    found = await found_actors(ask, who) if who else []
    return ask.part(
        "audit/actors.html", who=who, picked=found, filters=Filters.of(ask), known=ask.may("identities:read")
    )


async def found_actors(ask: Ask, who: str) -> list[Actor]:
    """The first few of the people and service accounts whose name holds a text; nobody for who may not know them."""
    if not ask.may("identities:read"):
        return []
    wanted = fold(who)
    found: list[Actor] = []
    async for one in _everybody(ask):
        if wanted in fold(one.name) or wanted in fold(one.kind):
            found.append(one)
            if len(found) == _MOST:
                break
    return found


async def _everybody(ask: Ask) -> AsyncIterator[Actor]:
    """People, then service accounts; of each as many as five pages hold."""
    cursor: str | None = None
    for _ in range(_PAGES):
        people = await ask.run(list_users, ListUsers(limit=MAX_PAGE, cursor=cursor))
        for view in people.items:
            it = view.person
            yield Actor(it.identity.id, it.identity.name, it.login or it.email or "person")
        cursor = people.next_cursor
        if cursor is None:
            break
    if ask.place is None or ask.place.tenant is None:
        return
    cursor = None
    for _ in range(_PAGES):
        accounts = await ask.run(list_service_accounts, ListServiceAccounts(limit=MAX_PAGE, cursor=cursor))
        for account in accounts.items:
            yield Actor(account.identity.id, account.identity.name, "service account")
        cursor = accounts.next_cursor
        if cursor is None:
            break


async def actor_of(ask: Ask, actor_id: str) -> Actor:
    """Who an id stands for, as far as the reader may know."""
    if actor_id.startswith("idn_") and ask.may("identities:read"):
        try:
            person = (await ask.run(get_user, UserId(actor_id))).person
            return Actor(actor_id, person.identity.name, "person")
        except NotFound:
            pass
        if ask.place is not None and ask.place.tenant is not None:
            try:
                account = await ask.run(get_service_account, ServiceAccountId(actor_id))
                return Actor(actor_id, account.identity.name, "service account")
            except NotFound:
                pass
    kind = _KINDS.get(actor_id[:3], "")
    return Actor(actor_id, f"{kind} …{actor_id[-8:]}" if kind else actor_id[:40], kind)


PAGES = (actors,)
