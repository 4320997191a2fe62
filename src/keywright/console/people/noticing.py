"""Who will notice: the keys of an identity, when each was last used and how often, and which programs carry it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.core.listing import KeyQuery, KeySort
from keywright.services.keys import KeyIds, ListKeys, keys_impact, list_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.asking import Ask
    from keywright.services.keys import KeyImpact, KeyView
    from keywright.services.memberships import MembershipView

SHOWN: Final = 20
"""So many keys are told of one by one; the others are counted."""
MOST: Final = 200
_PLACES: Final = 20


@dataclass(frozen=True, slots=True)
class KeyNotice:
    """A key with what is known of its use; `at` is what the address of its tenant's pages names."""

    impact: KeyImpact
    at: str

    @property
    def view(self) -> KeyView:
        """The key."""
        return self.impact.view


@dataclass(frozen=True, slots=True)
class Notices:
    """The keys of an identity, those used last first. With `more` there are others; unknown: none may be read."""

    known: bool
    shown: tuple[KeyNotice, ...] = ()
    total: int = 0
    more: bool = False

    @property
    def count(self) -> str:
        """How many there are, as far as they were counted."""
        return f"more than {self.total:,}" if self.more else f"{self.total:,}"

    @property
    def sentence(self) -> str:
        """How many keys there are: `1 key`, `more than 200 keys`."""
        return f"{self.count} {'key' if self.total == 1 and not self.more else 'keys'}"

    @property
    def calls(self) -> int | None:
        """All calls of the last seven days with the keys that are shown."""
        known = [one.impact.calls for one in self.shown if one.impact.calls is not None]
        return sum(known) if known or not self.shown else None


async def notices(ask: Ask, identity_id: str) -> Notices:
    """The keys of an identity in the page's tenant."""
    if not ask.may_or_own("keys:read", identity_id):
        return Notices(known=False)
    return await _in_one(ask, identity_id, "" if ask.place is None else ask.place.named)


async def notices_everywhere(ask: Ask, identity_id: str, held: Sequence[MembershipView]) -> Notices:
    """The keys of a person in each tenant where they hold a role, and those for the whole installation."""
    if not ask.may_everywhere("keys:read"):
        return Notices(known=False)
    slugs = list(dict.fromkeys(one.tenant.slug for one in held if one.tenant is not None))
    found = [await _in_one(ask, identity_id, slug) for slug in ["*", *slugs[:_PLACES]]]
    return Notices(
        known=True,
        shown=tuple(notice for one in found for notice in one.shown)[:SHOWN],
        total=sum(one.total for one in found),
        more=len(slugs) > _PLACES or any(one.more for one in found),
    )


async def _in_one(ask: Ask, identity_id: str, named: str) -> Notices:
    query = KeyQuery(identity_id=identity_id, sort=KeySort.LAST_USED_AT, descending=True, limit=MOST)
    page = await ask.run(list_keys, ListKeys(query=query), named)
    # Keys that were never used come first, and stand at the end here.
    ordered = sorted(page.items, key=lambda view: view.key.last_used_at is None)
    ids = tuple(view.key.id for view in ordered[:SHOWN])
    impacts = await ask.run(keys_impact, KeyIds(ids), named) if ids else ()
    shown = tuple(KeyNotice(one, named) for one in impacts)
    return Notices(known=True, shown=shown, total=len(page.items), more=page.more)
