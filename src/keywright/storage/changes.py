"""The change feed: what was touched, in the order in which it came true."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from keywright.storage.engine import notifies
from keywright.storage.notices import CHANGED, CHANNEL
from keywright.storage.schema import change, head

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


class Changes:
    """The change feed of the installation."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, touched: Collection[str], now: datetime) -> int:
        """Add what a transaction touched, as the last thing that it does; answers the epoch.

        The row of the head stays locked until the transaction ends, so that epochs commit in their order.
        """
        taken = await self._connection.execute(
            update(head).values(epoch=head.c.epoch + 1).returning(head.c.epoch)
        )
        epoch: int = taken.scalar_one()
        added = insert(change).values(epoch=epoch, at=now, touched=json.dumps(sorted(touched)))
        if notifies(self._connection):
            added = added.returning(func.pg_notify(CHANNEL, CHANGED))
        await self._connection.execute(added)
        return epoch

    async def head(self) -> int:
        """The newest epoch."""
        newest: int = (await self._connection.execute(select(head.c.epoch))).scalar_one()
        return newest

    async def forget_before(self, moment: datetime) -> None:
        """Delete old entries; a node that has not applied them by now drops all that it remembers."""
        newest = select(func.max(change.c.epoch)).scalar_subquery()
        await self._connection.execute(delete(change).where(change.c.at < moment, change.c.epoch < newest))
