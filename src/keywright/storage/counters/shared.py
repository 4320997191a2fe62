"""Counting together with other nodes, and alone for as long as the shared counters cannot be reached."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from keywright.core.gcra import judge
from keywright.ops.logging import get_logger
from keywright.storage.counters.memory import MemoryCounters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.limits import Bucket, Taken
    from keywright.ops.metrics import Metrics

PATIENCE_SECONDS = 0.1
"""A decision waits no longer for the shared counters; on one network they answer in less than a hundredth of it."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
_PROBE_PATIENCE = 20
"""So many times as long as a decision does the task wait that finds out when they are back."""

log = get_logger("keywright")


class RemoteAway(Exception):
    """The shared counters cannot be reached, or not used; whether they counted is not known."""


class Remote(Protocol):
    """Counters outside of this process. Each call raises `RemoteAway` when they do not answer."""

    async def take(self, buckets: Sequence[Bucket], cost: int) -> Sequence[int]:
        """The backlog of each bucket, in parts, before a use, which is charged where `core.gcra.judge` says so."""
        ...

    async def give_back(self, buckets: Sequence[Bucket], cost: int) -> None:
        """Undo a charge."""
        ...

    async def probe(self) -> None:
        """Find out whether they count."""
        ...

    async def close(self) -> None:
        """Let go of connections; never raises."""
        ...


class SharedCounters:
    """Counts where all nodes count, see `Counters`, and by itself while that place is away.

    The first call that fails is counted here, like all until the place answers again, which one task asks at growing
    intervals: no decision waits for an outage longer than `PATIENCE_SECONDS`, and none twice. Counting here goes on
    from what the shared counters said last, so that an outage by itself gives nobody more uses.
    """

    def __init__(
        self,
        remote: Remote,
        metrics: Metrics,
        *,
        local: MemoryCounters | None = None,
        patience: float = PATIENCE_SECONDS,
        pauses: tuple[float, float] = (FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS),
    ) -> None:
        self._remote = remote
        self._metrics = metrics
        self._local = MemoryCounters() if local is None else local
        self._patience = patience
        self._pauses = pauses
        self._away = False
        self._answered = False
        self._returning: asyncio.Task[None] | None = None

    async def take(self, buckets: tuple[Bucket, ...], cost: int) -> Taken:
        """See `Counters`."""
        if not buckets:
            return judge(buckets, (), cost)
        if not self._away:
            try:
                async with asyncio.timeout(self._patience):
                    backlogs = await self._remote.take(buckets, cost)
            except (RemoteAway, TimeoutError) as error:
                self._lose(error)
            else:
                return self._told(buckets, backlogs, cost)
        self._metrics.counted_alone()
        return (await self._local.take(buckets, cost))._replace(local=True)

    async def give_back(self, buckets: tuple[Bucket, ...], cost: int) -> None:
        """See `Counters`."""
        if buckets and not self._away:
            try:
                async with asyncio.timeout(self._patience):
                    await self._remote.give_back(buckets, cost)
            except (RemoteAway, TimeoutError) as error:
                self._lose(error)
        # Also of what was charged elsewhere: this is where counting goes on.
        await self._local.give_back(buckets, cost)

    async def close(self) -> None:
        """Let go of the shared counters."""
        self._away = True
        if self._returning is not None:
            self._returning.cancel()
            with suppress(asyncio.CancelledError):
                await self._returning
        await self._remote.close()

    def _told(self, buckets: tuple[Bucket, ...], backlogs: Sequence[int], cost: int) -> Taken:
        if not self._answered:
            self._answered = True
            self._metrics.shared_counters(up=True)
        taken = judge(buckets, backlogs, cost)
        charged = cost if taken.allowed else 0
        for bucket, backlog in zip(buckets, backlogs, strict=True):
            self._local.adopt(bucket, backlog + charged * bucket.worth)
        return taken

    def _lose(self, error: Exception) -> None:
        """Count here from now on, and have one task find out when the others are back."""
        if self._away:
            return
        self._away = True
        self._answered = False
        self._metrics.shared_counters(up=False)
        cause = error if isinstance(error, TimeoutError) else error.__cause__
        log.warning("shared_counters_lost", reason=type(cause).__name__)
        self._returning = asyncio.create_task(self._return(), name="shared counters")

    async def _return(self) -> None:
        pause, longest = self._pauses
        while True:
            # Spread, so that nodes that lost it together do not all come back in one moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - nothing secret rests on it
            pause = min(2 * pause, longest)
            with suppress(RemoteAway, TimeoutError):
                async with asyncio.timeout(_PROBE_PATIENCE * self._patience):
                    await self._remote.probe()
                break
        self._away = False
        self._answered = True
        self._metrics.shared_counters(up=True)
        log.info("shared_counters_back")
