"""Attempts: how often in a row somebody failed, by account or address, counted for all nodes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, case, delete, literal, or_, select, type_coerce

from keywright.core.instants import to_us
from keywright.storage.schema import attempt
from keywright.storage.upserts import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.ext.asyncio import AsyncConnection

_LAST = type_coerce(attempt.c.last_at, BigInteger)


class Attempts:
    """Failures in a row by subject, which is the SHA-256 in hex of an account's name or an address."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def standing(self, subjects: Iterable[str]) -> dict[str, tuple[int, datetime]]:
        """How often these failed in a row, and when last; those that never did are left out."""
        query = select(attempt).where(attempt.c.subject.in_(subjects))
        return {row.subject: (row.failures, row.last_at) for row in await self._connection.execute(query)}

    async def fail(
        self, subject: str, now: datetime, *, free: int, waits: Sequence[timedelta], quiet_since: datetime
    ) -> bool:
        """Count a failure, unless the subject has to wait; answers whether it was counted.

        After the first `free` failures in a row it has to wait, each time as long as the next of `waits`, and
        then always as long as the last. What failed last before `quiet_since` begins anew, and so does what
        failed further ahead than any wait is long, by a clock that was wrong. One statement decides and
        counts, so that of many at once no more are counted than of as many in turn.
        """
        steps = [wait.total_seconds() * 1_000_000 for wait in waits]
        wait = case(
            (attempt.c.failures < free, 0),
            *((attempt.c.failures == free + number, int(step)) for number, step in enumerate(steps)),
            else_=int(steps[-1]),
        )
        ahead = attempt.c.last_at > now + waits[-1]
        over = _LAST + type_coerce(wait, BigInteger) <= literal(to_us(now), BigInteger)
        counted = (
            upsert(self._connection, attempt)
            .values(subject=subject, failures=1, last_at=now)
            .on_conflict_do_update(
                index_elements=[attempt.c.subject],
                set_={
                    "failures": case(
                        (or_(attempt.c.last_at < quiet_since, ahead), 1), else_=attempt.c.failures + 1
                    ),
                    "last_at": now,
                },
                where=or_(over, ahead),
            )
        )
        return (await self._connection.execute(counted)).rowcount == 1

    async def forget(self, subjects: Iterable[str]) -> None:
        """Let these begin anew."""
        await self._connection.execute(delete(attempt).where(attempt.c.subject.in_(subjects)))

    async def forget_before(self, moment: datetime) -> int:
        """Remove what failed last before a moment; answers how many."""
        return (await self._connection.execute(delete(attempt).where(attempt.c.last_at < moment))).rowcount
