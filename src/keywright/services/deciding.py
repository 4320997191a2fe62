"""Deciding: the parts by which one process decides about keys from memory, and what keeps them going."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from keywright.core.boottime import boottime
from keywright.core.errors import KeywrightError
from keywright.core.ports import Counters
from keywright.ops.logging import get_logger
from keywright.services.upkeep import every
from keywright.storage.credits import DatabaseCredits
from keywright.storage.feed import DatabaseFeed
from keywright.storage.wakeups import WakeUps
from keywright.verify import CreditSpender, Memory, Node, Recall, Strangers, UseLog, Verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from keywright.core.ports import ChangeFeed, Clock, CreditStore, KeyLookup
    from keywright.ops.metrics import Metrics
    from keywright.storage import Database
    from keywright.verify import Label, Terms

IDLE_SECONDS = 5.0
"""Credits that lie idle in a node's memory for so long go back, so that others can spend them."""

log = get_logger("keywright")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much a process may remember: keys, and bytes."""

    entries: int
    bytes: int


class Closing(Counters, Protocol):
    """Counters that are let go of at the end."""

    async def close(self) -> None:
        """Let go of whatever they hold."""
        ...


class Watch(Protocol):
    """What says soon that something has changed."""

    async def start(self) -> None:
        """Begin to listen."""
        ...

    async def stop(self) -> None:
        """Stop listening."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a node stands on: a database, or a server that does the same in its place.

    `watch` makes what calls its first argument for changes, and the second for what other nodes have applied.
    `called` says what an id is called in the feed, where that is not the id itself.
    """

    feed: ChangeFeed
    lookup: KeyLookup
    credits: CreditStore
    watch: Callable[[Callable[[], None], Callable[[], None]], Watch]
    called: Callable[[str], str] | None = None


def ground_of(database: Database, clock: Clock) -> Ground:
    """A database to stand on."""
    return Ground(
        feed=DatabaseFeed(database, clock),
        lookup=database.lookup,
        credits=DatabaseCredits(database),
        watch=partial(WakeUps, database),
    )


class Deciding:
    """A node with its verifier, its counters and its credits.

    `uses` gathers what was decided; writing it down is for `Upkeep`.
    """

    def __init__(
        self,
        ground: Ground,
        clock: Clock,
        counters: Closing,
        metrics: Metrics,
        *,
        label: Label,
        terms: Terms,
        room: Room,
    ) -> None:
        self.counters = counters
        self.uses = UseLog()
        self.node = Node(
            ground.feed,
            Memory(max_entries=room.entries, max_bytes=room.bytes, called=ground.called),
            clock,
            boottime,
            label=label,
            terms=terms,
            heard=self._heard,
            renewed=metrics.renewed,
        )
        self.credits = CreditSpender(ground.credits, clock, holds=lambda: self.node.in_grace)
        self.verifier = Verifier(
            ground.lookup,
            clock,
            self.uses,
            node=self.node,
            counters=counters,
            credits=self.credits,
            strangers=Strangers(boottime),
            looked_up=metrics.looked_up,
        )
        self.recall = Recall(self.node, clock, self.uses)
        metrics.node(self.node)
        self._called = ground.called
        self._watch = ground.watch(self.node.hint, self.node.stir)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Register, and keep the lease from now on. Raises `Unavailable`."""
        await self.node.register()
        await self._watch.start()
        self._tasks = [
            asyncio.create_task(self.node.keep(), name="lease"),
            asyncio.create_task(
                every(IDLE_SECONDS, self.credits.give_back_idle, _not_given_back), name="credits"
            ),
        ]

    async def stop(self) -> None:
        """Decide nothing from memory any more, give back what was not spent, and tell the others.

        Without the database they see it themselves when the lease has run out.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._watch.stop()
        await self._leave()
        await self.credits.close()
        await self.counters.close()

    async def _leave(self) -> None:
        try:
            await self.node.leave()
        except KeywrightError:
            log.warning("node_not_left", node=self.node.id)

    def _heard(self, touched: Collection[str] | None) -> None:
        """Spend nothing of what was taken before a change that may have set the credits anew."""
        if touched is None:
            self.credits.drop_all()
            return
        if self._called is not None:
            touched = [one for one in self.credits.held if self._called(one) in touched]
        for one in touched:
            self.credits.drop(one)


def _not_given_back(error: Exception) -> None:
    log.error("scheduled_work_failed", work="credits", exc_info=error)
