"""The nodes that decide from memory, and for which changes wait."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, delete, func, insert, select, type_coerce, update

from keywright.core.changes import NodeState
from keywright.core.instants import from_us
from keywright.storage.engine import notifies
from keywright.storage.notices import ACKNOWLEDGED, CHANNEL
from keywright.storage.schema import change, node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

NODE_COLUMNS = tuple(node.c[one.name] for one in fields(NodeState))


def node_of(row: Sequence[Any]) -> NodeState:
    """A node from the values of `NODE_COLUMNS` as a driver has them."""
    id_, name, kind, version, started_at, renewed_at, beat, applied, lease_us, grace_us = row
    return NodeState(
        id=id_,
        name=name,
        kind=kind,
        version=version,
        started_at=from_us(started_at),
        renewed_at=from_us(renewed_at),
        beat=beat,
        applied=applied,
        lease_us=lease_us,
        grace_us=grace_us,
    )


class Nodes:
    """The nodes of the installation."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, state: NodeState) -> None:
        """Add a node."""
        await self._connection.execute(insert(node).values(asdict(state)))

    async def renew(self, node_id: str, applied: int, now: datetime) -> bool:
        """Count a renewal; False when the node is not there any more."""
        done = await self._connection.execute(
            update(node)
            .where(node.c.id == node_id)
            .values(applied=applied, beat=node.c.beat + 1, renewed_at=now)
        )
        return done.rowcount == 1

    async def is_stuck(self, node_id: str, applied: int) -> bool:
        """Whether a node has renewed a whole lease after a change, and still has not applied it.

        A sound node takes no lease from a renewal before it has applied all that there was then.
        """
        renewed = type_coerce(node.c.renewed_at, BigInteger) - node.c.lease_us
        missed = (
            select(change.c.epoch)
            .join(node, renewed > type_coerce(change.c.at, BigInteger))
            .where(node.c.id == node_id, change.c.epoch > applied)
            .limit(1)
        )
        return (await self._connection.execute(missed)).first() is not None

    async def acknowledge(self, node_id: str, applied: int) -> None:
        """Store the epoch that a node has applied."""
        stored = update(node).where(node.c.id == node_id, node.c.applied < applied).values(applied=applied)
        if notifies(self._connection):
            stored = stored.returning(func.pg_notify(CHANNEL, ACKNOWLEDGED))
        await self._connection.execute(stored)

    async def remove(self, node_id: str, beat: int | None = None) -> None:
        """Remove a node, if `beat` is given only where it has not renewed since."""
        which = [node.c.id == node_id]
        if beat is not None:
            which.append(node.c.beat == beat)
        await self._connection.execute(delete(node).where(*which))

    async def all(self) -> tuple[NodeState, ...]:
        """Every node, by id, which is the order in which they started."""
        rows = (await self._connection.execute(select(*NODE_COLUMNS).order_by(node.c.id))).mappings()
        return tuple(NodeState(**row) for row in rows)
