"""The change feed and the nodes as the lease protocol sees them: every call is a transaction of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, and_, bindparam, literal_column, select

from keywright.core.changes import FeedEntry
from keywright.storage.lookup import for_drivers
from keywright.storage.nodes import NODE_COLUMNS, node_of
from keywright.storage.schema import change, head, node

if TYPE_CHECKING:
    from keywright.core.changes import NodeState
    from keywright.core.ports import Clock
    from keywright.storage.database import Database

MAX_ENTRIES = 1_000
"""A node that is further behind drops everything, which costs less than to read so much."""


# Straight on the driver, one statement each, since a change waits for every one of them.
_SINCE = for_drivers(
    select(head.c.epoch, change.c.epoch.label("entry"), change.c.touched)
    .select_from(
        head.outerjoin(
            change,
            and_(
                change.c.epoch > bindparam("epoch", type_=BigInteger()),
                change.c.epoch > head.c.epoch - literal_column(str(MAX_ENTRIES)),
            ),
        )
    )
    .order_by(change.c.epoch)
)
_NODES = for_drivers(select(*NODE_COLUMNS).order_by(node.c.id))


class DatabaseFeed:
    """The change feed of a database; see `ChangeFeed`."""

    __slots__ = ("_clock", "_database")

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def register(self, node: NodeState) -> None:
        """See `ChangeFeed`."""
        async with self._database.write() as transaction:
            await transaction.nodes.add(node)

    async def renew(self, node_id: str, applied: int) -> bool:
        """See `ChangeFeed`."""
        async with self._database.write() as transaction:
            return await transaction.nodes.renew(node_id, applied, self._clock.now())

    async def since(self, epoch: int) -> tuple[int, tuple[FeedEntry, ...] | None]:
        """See `ChangeFeed`."""
        rows = await self._database.lookup.rows(_SINCE, epoch)
        newest: int = rows[0][0]
        if newest - epoch > MAX_ENTRIES:
            return newest, None
        entries = tuple(
            FeedEntry(number, tuple(json.loads(text))) for _, number, text in rows if number is not None
        )
        return newest, entries if len(entries) == newest - epoch else None

    async def acknowledge(self, node_id: str, applied: int) -> None:
        """See `ChangeFeed`."""
        async with self._database.write() as transaction:
            await transaction.nodes.acknowledge(node_id, applied)

    async def leave(self, node_id: str) -> None:
        """See `ChangeFeed`."""
        async with self._database.write() as transaction:
            await transaction.nodes.remove(node_id)

    async def nodes(self) -> tuple[NodeState, ...]:
        """See `ChangeFeed`."""
        return tuple(map(node_of, await self._database.lookup.rows(_NODES)))

    async def forget(self, node_id: str, beat: int) -> None:
        """See `ChangeFeed`."""
        async with self._database.write() as transaction:
            await transaction.nodes.remove(node_id, beat)
