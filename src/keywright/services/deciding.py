"""Deciding: the parts by which one process decides about keys from memory, and what keeps them going."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.boottime import boottime
from keywright.core.errors import Unavailable
from keywright.ops.logging import get_logger
from keywright.services.upkeep import every
from keywright.storage.counters import SharedCounters
from keywright.storage.credits import DatabaseCredits
from keywright.storage.feed import DatabaseFeed
from keywright.storage.wakeups import WakeUps
from keywright.verify import CreditSpender, Memory, Node, Recall, Strangers, UseLog, Verifier

if TYPE_CHECKING:
    from collections.abc import Collection

    from keywright.core.ports import Clock
    from keywright.ops.metrics import Metrics
    from keywright.storage import Database
    from keywright.storage.counters import MemoryCounters
    from keywright.verify import Label, Terms

IDLE_SECONDS = 5.0
"""Credits that lie idle in a node's memory for so long go back, so that others can spend them."""

log = get_logger("keywright")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much a process may remember: keys, and bytes."""

    entries: int
    bytes: int


class Deciding:
    """A node with its verifier, its counters and its credits, on a database.

    `uses` gathers what was decided; writing it down is for `Upkeep`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        counters: MemoryCounters | SharedCounters,
        metrics: Metrics,
        *,
        label: Label,
        terms: Terms,
        room: Room,
    ) -> None:
        self.counters = counters
        self.uses = UseLog()
        self.node = Node(
            DatabaseFeed(database, clock),
            Memory(max_entries=room.entries, max_bytes=room.bytes),
            clock,
            boottime,
            label=label,
            terms=terms,
            heard=self._heard,
            renewed=metrics.renewed,
        )
        self.credits = CreditSpender(DatabaseCredits(database), clock, holds=lambda: self.node.in_grace)
        self.verifier = Verifier(
            database.lookup,
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
        self._wake_ups = WakeUps(database, self.node.hint, self.node.stir)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Register, and keep the lease from now on. Raises `Unavailable`."""
        await self.node.register()
        await self._wake_ups.start()
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
        await self._wake_ups.stop()
        await self._leave()
        await self.credits.close()
        if isinstance(self.counters, SharedCounters):
            await self.counters.close()

    async def _leave(self) -> None:
        try:
            await self.node.leave()
        except Unavailable:
            log.warning("node_not_left", node=self.node.id)

    def _heard(self, touched: Collection[str] | None) -> None:
        """Spend nothing of what was taken before a change that may have set the credits anew."""
        if touched is None:
            self.credits.drop_all()
            return
        for one in touched:
            self.credits.drop(one)


def _not_given_back(error: Exception) -> None:
    log.error("scheduled_work_failed", work="credits", exc_info=error)
