"""Who will notice: the keys of an identity, when each was last used and how often, and which programs carry it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keywright.console.words import listed
from keywright.core.listing import KeyQuery, KeySort
from keywright.services.agents import ListAgents, list_agents
from keywright.services.keys import ListKeys, list_keys
from keywright.services.usage import KeyUsageQuestion, key_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.asking import Ask
    from keywright.services.keys import KeyView
    from keywright.services.memberships import MembershipView

SHOWN: Final = 20
"""So many keys are told of one by one; the others are counted."""
MOST: Final = 200
_PLACES: Final = 20
_SPAN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class KeyNotice:
    """A key, the calls with it in the last seven days, and the programs that carry it.

    The last two are None where the reader may not know. `at` is what the address of its tenant's pages names.
    """

    view: KeyView
    at: str
    calls: int | None
    agents: tuple[str, ...] | None


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
        known = [one.calls for one in self.shown if one.calls is not None]
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
    shown = tuple([await _notice(ask, view, named) for view in ordered[:SHOWN]])
    return Notices(known=True, shown=shown, total=len(page.items), more=page.more)


async def _notice(ask: Ask, view: KeyView, named: str) -> KeyNotice:
    key = view.key
    tenant_id = key.tenant_id
    owner = key.identity_id
    mine = owner == ask.caller.identity.id

    def may(action: str, own: str) -> bool:
        return ask.caller.may(tenant_id, action) or (mine and ask.caller.may(tenant_id, own))

    calls = None
    if may("usage:read", "usage:own:read"):
        question = KeyUsageQuestion(id=key.id, since=ask.now - _SPAN)
        calls = (await ask.run(key_usage, question, named)).counts.total
    agents = None
    if tenant_id is not None and may("agents:read", "agents:own:read"):
        found = await ask.run(list_agents, ListAgents(key_id=key.id, limit=5), named)
        agents = tuple(one.agent.name for one in found.items)
    return KeyNotice(view, named, calls, agents)


def stopped(found: Notices) -> str:
    """Which keys stop, as a sentence that follows an act."""
    if not found.known:
        return "Their keys stop too."
    if not found.total:
        return "There was no key to stop."
    names = [one.view.key.name for one in found.shown[:3]]
    left = found.total - len(names)
    told = listed([*names, f"{left:,} more"]) if left or found.more else listed(names)
    return f"{'Key' if found.total == 1 else 'Keys'}: {told}."
