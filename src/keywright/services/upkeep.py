"""Upkeep: deleting what expired, forgetting what is over, and writing down what was used."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from keywright.core import agents
from keywright.core.audit import SYSTEM, AuditEntry, Change
from keywright.core.errors import Unavailable
from keywright.core.ids import new_id
from keywright.core.instants import from_us
from keywright.core.invitations import KEPT_FOR
from keywright.core.keys import State
from keywright.services import replays
from keywright.services.throttle import FORGOTTEN_AFTER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from keywright.core.ports import Clock
    from keywright.core.usage import Use
    from keywright.ops.metrics import Metrics
    from keywright.storage import Database, Transaction
    from keywright.verify import Tally, UseLog

BATCH = 500
CHANGES_KEPT_FOR = timedelta(hours=1)
"""A node that has not heard of a change for so long drops all that it remembers, and needs no older ones."""
USAGE_KEPT_FOR = timedelta(days=90)
_SWEEP = "sweep"
_OVER_FOR = timedelta(days=7)
_HELD_FOR = timedelta(minutes=5)


class Upkeep:
    """The scheduled work of one node. `sweep` runs on one node at a time, `flush` on each for itself."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        uses: UseLog,
        metrics: Metrics,
        *,
        keep_expired: timedelta,
        keep_usage: timedelta = USAGE_KEPT_FOR,
    ) -> None:
        self._database = database
        self._clock = clock
        self._uses = uses
        self._metrics = metrics
        self._keep_expired = keep_expired
        self._keep_usage = keep_usage
        self._holder = secrets.token_hex(8)

    async def sweep(self, every: timedelta) -> int:
        """Delete the keys that expired long enough ago; answers how many.

        Does nothing when the sweep is not due, or another node is at it.
        """
        began = self._clock.now()
        deleted = 0
        for step in (self._sweep_some, self._forget_counts, self._forget_exercised):
            batch = BATCH
            while batch == BATCH:
                async with self._database.write() as transaction:
                    # Taken anew for each batch: however long the backlog, no other node works on the same rows.
                    now = self._clock.now()
                    if not await transaction.jobs.take(
                        _SWEEP, self._holder, now=now, until=now + _HELD_FOR, due_before=began - every
                    ):
                        return deleted
                    batch = await step(transaction, now)
                deleted += batch if step == self._sweep_some else 0
        now = self._clock.now()
        async with self._database.write() as transaction:
            await transaction.replays.forget_before(now - replays.LIFETIME)
            await transaction.sessions.forget_before(now - _OVER_FOR)
            await transaction.attempts.forget_before(now - FORGOTTEN_AFTER)
            await transaction.challenges.forget_before(now)
            await transaction.changes.forget_before(now - CHANGES_KEPT_FOR)
            await transaction.all_invitations.forget_before(now - KEPT_FOR)
            await transaction.all_agents.forget_before(now - agents.KEPT_FOR)
            await transaction.jobs.done(_SWEEP, self._holder, now)
        self._metrics.sweep(deleted)
        return deleted

    async def flush(self) -> None:
        """Write down what was used, the uses of some keys at a time.

        What cannot be written now is kept for the next time, and so is what may have been written: a count can be
        too high after a failure, and never misses what was used.
        """
        waiting = self._uses.take()
        written = 0
        try:
            while written < len(waiting):
                await self._write(waiting[written : written + BATCH])
                written += BATCH
        except Unavailable:
            self._keep(waiting[written:])
        except BaseException:  # also when the server stops at this moment
            self._keep(waiting[written:])
            raise
        finally:
            self._metrics.usage_dropped(self._uses.take_dropped())

    async def _write(self, batch: Sequence[Tally]) -> None:
        async with self._database.write() as transaction:
            await write_uses(transaction, [one.use() for one in batch])
        self._metrics.usage_flush(ok=True, keys=len(batch))

    def _keep(self, batch: Sequence[Tally]) -> None:
        self._uses.put_back(batch)
        self._metrics.usage_flush(ok=False, keys=len(batch))

    async def _forget_counts(self, transaction: Transaction, now: datetime) -> int:
        return await transaction.all_usage.forget_counts_before(now - self._keep_usage, BATCH)

    async def _forget_exercised(self, transaction: Transaction, now: datetime) -> int:
        return await transaction.all_usage.forget_exercised_before(now - self._keep_usage, BATCH)

    async def _sweep_some(self, transaction: Transaction, now: datetime) -> int:
        expired = await transaction.all_keys.expired_before(now - self._keep_expired, BATCH)
        ordered = sorted(expired, key=lambda key: key.tenant_id or "")
        for _, group in groupby(ordered, key=lambda key: key.tenant_id or ""):
            keys = list(group)
            await transaction.keys(keys[0].tenant_id).delete([key.id for key in keys], now)
            for key in keys:
                entry = AuditEntry(
                    id=new_id("aud"),
                    at=now,
                    tenant_id=key.tenant_id,
                    actor=SYSTEM,
                    action="key.delete",
                    target_type="key",
                    target_id=key.id,
                    ip=None,
                    request_id=None,
                    changes={"state": Change(key.state(now), State.DELETED)},
                )
                await transaction.audit(key.tenant_id).add(entry)
        if expired:
            # Nothing waits for it: these keys were refused before.
            await transaction.changes.add([key.id for key in expired], now)
        return len(expired)


async def write_uses(transaction: Transaction, uses: Sequence[Use]) -> None:
    """Add what some keys, each named once, were used for, and when and from where last."""
    await transaction.all_keys.touch(
        [(use.key_id, from_us(use.at_us), use.ip) for use in uses if use.at_us is not None]
    )
    await transaction.all_usage.add(uses)


async def every(
    seconds: float, work: Callable[[], Awaitable[object]], failed: Callable[[Exception], None]
) -> None:
    """Do some work again and again until cancelled; a failure is reported and does not end the schedule."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the schedule outlives whatever one run meets
            failed(error)
