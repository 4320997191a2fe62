"""A node: the lease under which a process may decide from memory, and what it has heard of changes.

The protocol is that of the design, section 6. What may not be changed about it: the node notes its clock *before* it
writes its row; it writes the row *before* it reads the changes; it acknowledges *after* it has dropped what they
touch; whoever waits for a change reads the rows *after* the change has committed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.core.changes import NodeState
from keywright.core.errors import Unavailable
from keywright.core.ids import new_id
from keywright.ops.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from keywright.core.ports import ChangeFeed, Clock
    from keywright.verify.memory import Memory

DRIFT: Final = 0.02
"""By so much, of the time that passes, two clocks of sound machines may differ: fifty times what crystals do."""
MARGIN_SECONDS: Final = 0.05
GONE_SECONDS: Final = 60.0
"""A node that was not seen to renew for so long after its lease is forgotten."""
_NEVER: Final = float("-inf")

log = get_logger("keywright")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which terms a node decides from memory, in seconds: how long a renewal lasts, and how long an outage."""

    lease: float
    grace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What people see of a node: its name, its kind (`server` or `embedded`) and its version."""

    name: str
    kind: str
    version: str


class Node:
    """One process that decides from memory while it holds a lease.

    `boottime` is a clock in seconds that runs on while the machine sleeps and that nobody can set. `heard` is called
    with the ids that a change touched, or None for everything, before the change is acknowledged.
    """

    def __init__(
        self,
        feed: ChangeFeed,
        memory: Memory,
        clock: Clock,
        boottime: Callable[[], float],
        *,
        label: Label,
        terms: Terms,
        heard: Callable[[Collection[str] | None], None] | None = None,
        renewed: Callable[[], None] | None = None,
    ) -> None:
        self._feed = feed
        self.memory = memory
        self._clock = clock
        self.boottime = boottime
        self._label = label
        self._terms = terms
        self._heard = heard
        self._renewed = renewed
        self.id = ""
        self.applied = 0
        self._acknowledged = 0
        self.lease_end = _NEVER
        self._given_up = False
        self._started_at: datetime = clock.now()
        self._seen: dict[str, tuple[int, float]] = {}
        self._hinted = asyncio.Event()
        self._pausing: set[asyncio.Future[None]] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def holds_lease(self) -> bool:
        """Whether this node may answer from memory now."""
        return self.boottime() < self.lease_end

    @property
    def in_grace(self) -> bool:
        """Whether it may do so at least while the database is away."""
        return self.boottime() < self.lease_end + self._terms.grace

    @property
    def lease_age(self) -> float:
        """Seconds since this node last noted its clock for a renewal that was granted; endless before the first."""
        return self.boottime() - (self.lease_end - self._terms.lease)

    @property
    def cached_keys(self) -> int:
        """Keys that it remembers."""
        return len(self.memory)

    @property
    def cached_bytes(self) -> int:
        """Memory that they take, about."""
        return self.memory.size

    def give_up(self) -> None:
        """Answer nothing from memory any more, and never again, whatever is on its way."""
        self._given_up = True
        self.lease_end = _NEVER
        self.memory.forget_all(self.applied)

    async def register(self) -> None:
        """Become known, with nothing remembered, and under an id that nobody has seen before."""
        async with self._one_at_a_time:
            await self._register(self.boottime())

    async def renew(self) -> None:
        """Renew the lease and apply what has changed. Raises `Unavailable`, and then the lease goes on running out."""
        async with self._one_at_a_time:
            noted = self.boottime()
            if not await self._feed.renew(self.id, self.applied):
                log.warning("node_forgotten", node=self.id)
                await self._register(noted)
                return
            await self._catch_up()
            self._granted(noted)

    async def catch_up(self) -> None:
        """Apply what has changed and say so; extends no lease. Raises `Unavailable`."""
        async with self._one_at_a_time:
            await self._catch_up()

    async def leave(self) -> None:
        """Answer nothing from memory any more, and then let others know that nothing has to wait for this node."""
        async with self._one_at_a_time:
            self.lease_end = _NEVER
            self.memory.forget_all(self.applied)
            if self.id:
                await self._feed.leave(self.id)

    async def _register(self, noted: float) -> None:
        self.lease_end = _NEVER
        self.id = new_id("nod")
        now = self._clock.now()
        await self._feed.register(
            NodeState(
                id=self.id,
                name=self._label.name,
                kind=self._label.kind,
                version=self._label.version,
                started_at=self._started_at,
                renewed_at=now,
                beat=0,
                applied=0,
                lease_us=round(self._terms.lease * 1e6),
                grace_us=round(self._terms.grace * 1e6),
            )
        )
        # Only now: a read that began before the row was there may have missed a change that did not wait for it.
        self.applied, _ = await self._feed.since(0)
        self._forget_all()
        await self._feed.acknowledge(self.id, self.applied)
        self._acknowledged = self.applied
        self._granted(noted)

    async def _catch_up(self) -> None:
        newest, entries = await self._feed.since(self.applied)
        if newest != self.applied:
            self.applied = newest
            if entries is None:
                self._forget_all()
            else:
                self.memory.apply(entries)
                if self._heard is not None:
                    self._heard({touched for entry in entries for touched in entry.touched})
            self.stir()
        if self._acknowledged != newest:
            await self._feed.acknowledge(self.id, newest)
            self._acknowledged = newest

    def _forget_all(self) -> None:
        self.memory.forget_all(self.applied)
        if self._heard is not None:
            self._heard(None)

    def _granted(self, noted: float) -> None:
        if self._given_up:
            return
        if self._renewed is not None:
            self._renewed()
        self.lease_end = max(self.lease_end, noted + self._terms.lease)
        self.stir()

    def hint(self) -> None:
        """Look for changes soon: somebody says that there are some."""
        self._hinted.set()
        self.stir()

    def stir(self) -> None:
        """Wake whoever pauses: somebody says that a node has applied something."""
        for waiting in self._pausing:
            if not waiting.done():
                waiting.set_result(None)

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until something stirs."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pausing.add(waiting)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await waiting
        finally:
            self._pausing.discard(waiting)

    async def keep(self) -> None:
        """Renew the lease three times in its length, and catch up at every hint, until cancelled."""
        every = self._terms.lease / 3
        due = self.boottime() + every
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - self.boottime())):
                    await self._hinted.wait()
            self._hinted.clear()
            renewing = self.boottime() >= due
            if renewing:
                due = self.boottime() + every
            await self._attempt(renewing=renewing)

    async def _attempt(self, *, renewing: bool) -> None:
        """Renew or catch up, within the length of a lease: what hangs longer would be of no use."""
        try:
            async with asyncio.timeout(self._terms.lease):
                if renewing:
                    await self.renew()
                    await self._tidy(await self.look())
                else:
                    await self.catch_up()
        except (Unavailable, TimeoutError):
            log.warning("lease_not_renewed", node=self.id)
        except Exception as error:
            log.exception("lease_not_renewed", node=self.id, exc_info=error)

    async def look(self) -> tuple[NodeState, ...]:
        """Every node, and note when each was first seen at its present beat. Raises `Unavailable`."""
        rows = await self._feed.nodes()
        now = self.boottime()
        seen = self._seen
        self._seen = {}
        for row in rows:
            before = seen.get(row.id)
            self._seen[row.id] = before if before is not None and before[0] == row.beat else (row.beat, now)
        return rows

    def span_of(self, row: NodeState) -> float:
        """Seconds after a renewal for which a node may answer from memory, with all that clocks may differ."""
        return (row.lease_us + row.grace_us) / 1e6 * (1 + DRIFT) + MARGIN_SECONDS

    def is_over(self, row: NodeState, began: float) -> bool:
        """Whether a node's lease has run out for what it remembers from before a change.

        `row` was read after the change had committed, and `began` is the boot time at which that was known. A renewal
        after the change applies it; one before it is older than `began`, and older than the moment at which
        this node first saw it.
        """
        _, first_seen = self._seen.get(row.id, (0, began))
        return self.boottime() >= min(began, first_seen) + self.span_of(row)

    async def _tidy(self, rows: tuple[NodeState, ...]) -> None:
        now = self.boottime()
        for row in rows:
            beat, first_seen = self._seen[row.id]
            if row.id != self.id and now >= first_seen + self.span_of(row) + GONE_SECONDS:
                await self._feed.forget(row.id, beat)
