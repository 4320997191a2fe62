"""Receipts: waiting until a change is true on every node."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from keywright.core.changes import NodeOutcome, NodeReceipt, Receipt
from keywright.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.changes import NodeState
    from keywright.core.ports import Clock
    from keywright.ops.metrics import Metrics
    from keywright.verify import Node

FIRST_LOOK_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.05
GIVEN_UP_SECONDS = 60.0
"""For so long a change waits for a database that went away after it was stored."""


class Receipts:
    """Waits until each node has applied an epoch, or can be known to have lost its lease.

    What is known of other nodes' leases is what this process has seen of them itself, by its own clock: their rows
    carry no time that anything rests on (docs/decisions).
    """

    def __init__(self, node: Node, clock: Clock, boottime: Callable[[], float], metrics: Metrics) -> None:
        self._metrics = metrics
        self._node = node
        self._clock = clock
        self._boottime = boottime

    async def wait(self, epoch: int, *, wait: bool) -> Receipt:
        """The receipt for an epoch whose transaction has committed.

        Raises `Unavailable` when the database is away for so long that nobody can say who has heard of it.
        """
        began = self._boottime()
        self._node.hint()
        pause = FIRST_LOOK_SECONDS
        while True:
            rows = await self._rows(began)
            found = [self._outcome(row, epoch, began) for row in rows]
            done = all(one.outcome is not NodeOutcome.PENDING for one in found)
            waited_ms = round((self._boottime() - began) * 1000)
            if done or not wait:
                self._metrics.receipt(waited_ms / 1000, (one.outcome for one in found))
                by = None if done else self._clock.now() + timedelta(seconds=self._longest(rows))
                return Receipt(epoch, done, waited_ms, tuple(found), by)
            await self._node.pause(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _rows(self, began: float) -> tuple[NodeState, ...]:
        """Every node, read after the commit; waits for a database that went away meanwhile."""
        while True:
            try:
                return await self._node.look()
            except Unavailable:
                if self._boottime() - began > GIVEN_UP_SECONDS:
                    raise Unavailable(
                        "The change is stored, and the database went away before every node was seen to know it."
                    ) from None
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)

    def _outcome(self, row: NodeState, epoch: int, began: float) -> NodeReceipt:
        if row.applied >= epoch or (row.id == self._node.id and self._node.applied >= epoch):
            return NodeReceipt(row.id, NodeOutcome.ACKNOWLEDGED)
        if self._node.is_over(row, began):
            return NodeReceipt(row.id, NodeOutcome.EXPIRED)
        return NodeReceipt(row.id, NodeOutcome.PENDING)

    def _longest(self, rows: tuple[NodeState, ...]) -> float:
        return max((self._node.span_of(row) for row in rows), default=0.0)
