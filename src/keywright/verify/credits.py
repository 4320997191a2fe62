"""Spending credits from memory, out of blocks that are taken from the database.

What a node holds is gone from the database, so that whatever becomes of the node, no credit is spent twice: one that
dies loses the unspent part of one block a key. A block belongs to the period in which it was taken. When the key's
credits are filled up, what is left of older blocks is void, so that of each period no more is spent than it had.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from keywright.core.errors import Unavailable
from keywright.core.limits import CREDIT_SHARE, UnspentCredits

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.limits import CreditBlock
    from keywright.core.ports import Clock, CreditStore

MAX_HELD = 10_000
MAX_BLOCK = 1_000
"""The most that a crash loses of one key's credits."""
QUICK_US = 5_000_000
"""A block that is used up sooner is followed by one four times as large."""
SLOW_US = 30_000_000
"""A block that lasts longer is followed by one half as large."""
KNOWN_US = 1_000_000
"""For so long nobody asks the database again when it had too few."""
_FOREVER = 2**62


class _Held:
    """What a node holds of one key's credits, and what it knows of the rest."""

    __slots__ = (
        "behind",
        "ends_us",
        "flight",
        "fresh",
        "known_us",
        "left",
        "size",
        "taken_us",
        "version",
        "waiting",
    )

    def __init__(self) -> None:
        self.left = 0
        # What the database had when it was last asked, and until when that counts as an answer.
        self.behind = 0
        self.known_us = 0
        self.version = -1
        self.ends_us = _FOREVER
        self.size = 0
        self.taken_us = 0
        self.fresh = True
        self.flight: asyncio.Task[None] | None = None
        self.waiting = 0


def _always() -> bool:
    return True


class CreditSpender:
    """Spends the credits of keys, for one node.

    `holds` says whether blocks may be held at this moment. While it says no, as for a node without a lease, which would
    not hear that somebody has set the credits anew, each use takes its own cost from the database. Bounded: when blocks
    of more than `max_held` keys are held, those that were not used for longest are given back.
    """

    def __init__(
        self,
        store: CreditStore,
        clock: Clock,
        *,
        holds: Callable[[], bool] = _always,
        max_held: int = MAX_HELD,
        max_block: int = MAX_BLOCK,
    ) -> None:
        self._store = store
        self._clock = clock
        self._holds = holds
        self._max_held = max_held
        self._max_block = max_block
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._unspent: dict[tuple[str, int], int] = {}
        self._flights: set[asyncio.Task[None]] = set()
        self._closed = False

    async def spend(self, key_id: str, cost: int) -> int | None:
        """Spend a use's cost; answers how many credits are left as far as this node knows, None when too few are.

        That is the unspent part of its block and what the database had when it was last asked. What other nodes hold is
        not in it: they give it back when it lies idle. A cost of 0 spends nothing, and asks whether there are any.
        Raises `Unavailable` when the block does not suffice and the database cannot answer.
        """
        held = self._held.get(key_id)
        if (
            held is not None
            and 0 < cost <= held.left
            and self._clock.now_us() < held.ends_us
            and self._may_hold()
        ):
            self._held.move_to_end(key_id)
            held.fresh = True
            held.left -= cost
            return held.left + held.behind
        return await self._spend(key_id, cost)

    @property
    def held(self) -> tuple[str, ...]:
        """The keys of which it holds credits, or asks for them."""
        return tuple(self._held)

    def drop(self, key_id: str) -> None:
        """Hold nothing of a key any more, and use nothing that is on its way: its credits may have been set anew.

        Never waits. What was not spent goes back with the next `give_back_idle`, unless they have.
        """
        held = self._held.pop(key_id, None)
        if held is not None:
            self._put_aside(key_id, held.left, held.version)

    def drop_all(self) -> None:
        """Hold nothing any more; see `drop`."""
        for key_id in list(self._held):
            self.drop(key_id)

    async def give_back_idle(self) -> None:
        """Give back what was not used since this was last called, and what was dropped; call it every few seconds."""
        for key_id, held in list(self._held.items()):
            if not held.fresh and held.flight is None:
                self.drop(key_id)
            held.fresh = False
        await self._give_back()

    async def close(self) -> None:
        """Give back everything. What is spent afterwards is taken from the database use by use."""
        self._closed = True
        await asyncio.gather(*self._flights, return_exceptions=True)
        self.drop_all()
        await self._give_back()

    def _may_hold(self) -> bool:
        return not self._closed and self._holds()

    async def _spend(self, key_id: str, cost: int) -> int | None:
        while self._may_hold():
            held = self._entry(key_id)
            now = self._clock.now_us()
            if now >= held.ends_us:
                held.left = held.behind = held.known_us = 0
            if 0 < cost <= held.left:
                held.left -= cost
                return held.left + held.behind
            if now < held.known_us and held.left + held.behind < max(cost, 1):
                return None
            if cost == 0:
                if held.left == 0 and now >= held.known_us:
                    return await self._look(key_id, held, now)
                return held.left + held.behind or None
            await self._await_block(key_id, held, cost - held.left)
        self.drop(key_id)
        now = self._clock.now_us()
        if cost == 0:
            return (await self._store.left(key_id, now)).left or None
        block = await self._store.take(key_id, cost, cost, now)
        return block.left if block.taken else None

    def _entry(self, key_id: str) -> _Held:
        held = self._held.get(key_id)
        if held is None:
            if len(self._held) >= self._max_held:
                idle = next((one for one, other in self._held.items() if other.flight is None), None)
                if idle is not None:
                    self.drop(idle)
            held = self._held[key_id] = _Held()
        self._held.move_to_end(key_id)
        held.fresh = True
        return held

    async def _look(self, key_id: str, held: _Held, now: int) -> int | None:
        seen = await self._store.left(key_id, now)
        if held.left == 0 and held.flight is None:  # else somebody knows better meanwhile
            self._accept(held, seen, now)
        return held.left + seen.left or None

    async def _await_block(self, key_id: str, held: _Held, need: int) -> None:
        """Wait for the block that is on its way, or for one that holds at least so many."""
        held.waiting += need
        try:
            if held.flight is None:
                held.flight = asyncio.create_task(self._take(key_id, held, need))
                self._flights.add(held.flight)
                held.flight.add_done_callback(self._landed)
            # Whoever gives up waiting leaves the block to the others.
            await asyncio.shield(held.flight)
        finally:
            held.waiting -= need

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        with suppress(asyncio.CancelledError):
            flight.exception()  # seen, also where nobody waits for it any more

    async def _take(self, key_id: str, held: _Held, need: int) -> None:
        try:
            now = self._clock.now_us()
            block = await self._store.take(key_id, need, self._wish(held, need, now), now)
        finally:
            held.flight = None
        if self._held.get(key_id) is held:
            self._accept(held, block, now)
            if block.taken:
                held.size, held.taken_us = block.taken, now
        else:
            # It was dropped meanwhile, and the block may be older than what it was dropped for.
            self._put_aside(key_id, block.taken, block.version)

    def _wish(self, held: _Held, need: int, now: int) -> int:
        """How many to ask for: what all who wait need, or more where blocks are used up quickly, but no large share."""
        lasted = now - held.taken_us
        size = held.size * 4 if lasted < QUICK_US else held.size if lasted < SLOW_US else held.size // 2
        return max(need, min(max(size, held.waiting), self._max_block, held.behind // CREDIT_SHARE))

    def _accept(self, held: _Held, block: CreditBlock, now: int) -> None:
        if block.version != held.version:
            held.left = 0  # void, since somebody has set or filled up the credits
        held.left += block.taken
        held.behind = block.left
        held.version = block.version
        held.ends_us = _FOREVER if block.ends_us is None else block.ends_us
        held.known_us = 0 if block.taken else now + KNOWN_US

    def _put_aside(self, key_id: str, amount: int, version: int) -> None:
        """Keep what was not spent until it is given back; beyond a bound it is lost, as in a crash."""
        if amount and len(self._unspent) < self._max_held:
            place = key_id, version
            self._unspent[place] = self._unspent.get(place, 0) + amount

    async def _give_back(self) -> None:
        # Out of our hands before they are in others': what is interrupted half-way may have come back already.
        unspent, self._unspent = self._unspent, {}
        if unspent:
            values = (
                UnspentCredits(key_id, amount, version) for (key_id, version), amount in unspent.items()
            )
            with suppress(Unavailable):
                await self._store.give_back(tuple(values))
                return
            for (key_id, version), amount in unspent.items():
                self._put_aside(key_id, amount, version)
