"""Jobs that run on one node at a time: whoever holds the row's lease runs the job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from keywright.core.instants import EPOCH
from keywright.storage.schema import job

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


class Jobs:
    """The leases of scheduled jobs."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take(
        self, name: str, holder: str, *, now: datetime, until: datetime, due_before: datetime
    ) -> bool:
        """Take a job's lease if it is due and nobody else holds it; answers whether it was taken.

        A job is due when it last ran before `due_before`, or never.
        """
        await self._ensure(name)
        free = or_(job.c.held_until <= now, job.c.holder == holder)
        due = or_(job.c.ran_at.is_(None), job.c.ran_at <= due_before)
        taken = await self._connection.execute(
            update(job).where(job.c.name == name, free, due).values(holder=holder, held_until=until)
        )
        return taken.rowcount == 1

    async def done(self, name: str, holder: str, now: datetime) -> None:
        """Give the lease back after a run."""
        await self._connection.execute(
            update(job).where(job.c.name == name, job.c.holder == holder).values(held_until=now, ran_at=now)
        )

    async def _ensure(self, name: str) -> None:
        if (await self._connection.execute(select(job.c.name).where(job.c.name == name))).first() is None:
            try:
                async with self._connection.begin_nested():
                    await self._connection.execute(insert(job).values(name=name, held_until=EPOCH))
            except IntegrityError:
                return  # another node made the row at this moment
