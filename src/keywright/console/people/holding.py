"""What an identity holds and may do, and what was done to it: the parts of pages about people and service accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console.people.wording import rights_of
from keywright.services.memberships import ListMemberships, list_memberships
from keywright.services.trail import ListEntries, list_entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.asking import Ask
    from keywright.console.people.grants import Choices
    from keywright.console.people.wording import Right
    from keywright.core.identities import Grant, Membership
    from keywright.services.memberships import MembershipView
    from keywright.services.trail import EntryView

MOST: Final = 200
ENTRIES: Final = 8

_DONE: Final = {
    "create": "made",
    "update": "changed",
    "delete": "deleted",
    "remove": "taken out of the tenant",
    "reset": "given a link for a new password",
    "revoke": "taken back",
    "accept": "accepted",
}
_NOUNS: Final = {
    "service_account": "service account",
    "user": "person",
    "membership": "role",
    "invitation": "invitation",
}


@dataclass(frozen=True, slots=True)
class Held:
    """A role that an identity holds, the values of its variables in words, and whether they can be changed."""

    membership: Membership
    values: tuple[tuple[str, tuple[str, ...]], ...]
    changeable: bool

    @property
    def grant(self) -> Grant:
        """The role with its values."""
        return self.membership.grant


def held(memberships: Sequence[Membership], known: Choices) -> list[Held]:
    """Memberships as they are shown."""
    found = []
    for one in memberships:
        definition = one.grant.definition
        values = tuple(
            (name, tuple(texts)) for name, texts in known.held(one.grant.role, one.grant.variables)
        )
        found.append(Held(one, values, definition is not None and bool(definition.variables)))
    return found


def rights(memberships: Sequence[Membership], known: Choices) -> dict[str, list[Right]]:
    """What some memberships allow, by group."""
    return rights_of([one.grant for one in memberships], known.lexicon)


async def memberships_of_one(ask: Ask, identity_id: str) -> tuple[MembershipView, ...]:
    """The roles that an identity holds in the page's tenant, or over the installation."""
    return (await ask.run(list_memberships, ListMemberships(identity_id=identity_id, limit=MOST))).items


async def entries(ask: Ask, target: str) -> tuple[EntryView, ...] | None:
    """What was done to something last; None where the reader may not read the trail."""
    if not ask.may("audit:read"):
        return None
    return (await ask.run(list_entries, ListEntries(target=target, limit=ENTRIES))).items


def said(action: str) -> str:
    """What an entry of the trail says was done: `service account made`."""
    noun, _, verb = action.partition(".")
    return (
        f"{_NOUNS.get(noun, noun.replace('_', ' '))} {_DONE.get(verb, verb.replace('_', ' '))}".capitalize()
    )
