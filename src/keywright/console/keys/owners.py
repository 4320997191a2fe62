"""For whom keys speak: in words, and as something to filter by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.choosing import choice_of, with_id
from keywright.console.keys.filters import Filters
from keywright.console.routing import page
from keywright.core.identities import IdentityKind

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.core.identities import Identity
    from keywright.services.keys import KeyList, KeyView

_KINDS: Final = {
    IdentityKind.USER: "person",
    IdentityKind.SERVICE_ACCOUNT: "service account",
    IdentityKind.KEY: "no owner",
}


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
    somebody = await with_id(ask, identity_id)
    if somebody is None:
        return Owner(identity_id, "somebody who is not here", "")
    return _owner(ask, somebody.identity)


@page("/t/{tenant}/keys/owners", needs="identities:read")
async def choose_owner(ask: Ask) -> Response:
    """Whose keys are to be shown; back to the list as soon as that is clear."""
    filters = Filters.of(ask.query)
    choice = await choice_of(ask, ask.query, "owner")
    if choice.made:
        return ask.to(ask.at("keys", **filters.address(owner=choice.made)))
    return ask.dialog("keys/list_owners.html", filters=filters, choice=choice)


PAGES = (choose_owner,)
