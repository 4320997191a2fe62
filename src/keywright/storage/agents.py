"""Agents: the programs that announced themselves in a tenant, and when each was seen last."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, or_, select, update

from keywright.core.agents import MAX_AGENTS, Agent
from keywright.core.listing import Page, Position
from keywright.storage.rows import KEY_COLUMNS, key_of
from keywright.storage.schema import agent, api_key
from keywright.storage.upserts import upsert

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.keys import Key

_NAMES = tuple(field.name for field in fields(Agent))
_COLUMNS = tuple(agent.c[name] for name in _NAMES)
_ANEW = ("identity_id", "labels", "version", "registered_at", "last_seen_at", "last_seen_ip")


class Agents:
    """The agents of one tenant."""

    __slots__ = ("_connection", "_mine", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._mine: ColumnElement[bool] = agent.c.tenant_id == tenant_id

    async def add(self, new: Agent) -> str:
        """Add an agent, or say anew what is known of the one with its fingerprint; answers the id of the row.

        Of more than `MAX_AGENTS` of one key, or of the sessions of one identity, those seen longest ago go. Raises
        `ValueError` for an agent of another tenant.
        """
        if new.tenant_id != self._tenant_id:
            raise ValueError("The agent belongs to another tenant.")
        values = {name: getattr(new, name) for name in _NAMES} | {
            "labels": json.dumps(new.labels, ensure_ascii=False),
            "fingerprint": new.fingerprint,
        }
        statement = upsert(self._connection, agent).values(values)
        anew = {name: statement.excluded[name] for name in _ANEW}
        stored = statement.on_conflict_do_update(
            index_elements=["tenant_id", "fingerprint"], set_=anew
        ).returning(agent.c.id)
        found: str = (await self._connection.execute(stored)).scalar_one()
        if found == new.id:
            await self._make_room(new)
        return found

    async def by_id(self, agent_id: str) -> Agent | None:
        """The agent with this id, or None."""
        query = select(*_COLUMNS).where(self._mine, agent.c.id == agent_id)
        row = (await self._connection.execute(query)).first()
        return None if row is None else _agent(row)

    async def page(
        self,
        *,
        key_id: str | None = None,
        identity_id: str | None = None,
        limit: int,
        after: Position | None = None,
    ) -> Page[Agent]:
        """Agents in the order in which they announced themselves first, of one key or one identity if asked."""
        # Ordered by all that the indexes have, as for lists of keys.
        order = (agent.c.tenant_id, agent.c.id)
        query = select(*_COLUMNS).where(self._mine).order_by(*order).limit(limit + 1)
        if key_id is not None:
            query = query.where(agent.c.key_id == key_id)
        if identity_id is not None:
            query = query.where(agent.c.identity_id == identity_id)
        if after is not None:
            query = query.where(agent.c.id > after.id)
        rows = (await self._connection.execute(query)).all()
        items = tuple(map(_agent, rows[:limit]))
        return Page(items, tuple(Position(None, item.id) for item in items), len(rows) > limit)

    async def carrying(
        self, key_ids: Collection[str], *, named: int
    ) -> dict[str, tuple[tuple[Agent, ...], int]]:
        """Who carries each of some keys, by its id: the agents seen last, so many of them, and how many there are."""
        rank = func.row_number().over(
            partition_by=agent.c.key_id, order_by=(agent.c.last_seen_at.desc(), agent.c.id)
        )
        number = func.count().over(partition_by=agent.c.key_id)
        ranked = (
            select(*_COLUMNS, number.label("number"), rank.label("rank"))
            .where(self._mine, agent.c.key_id.in_(key_ids))
            .subquery()
        )
        query = select(ranked).where(ranked.c.rank <= named).order_by(ranked.c.key_id, ranked.c.rank)
        found: dict[str, tuple[tuple[Agent, ...], int]] = dict.fromkeys(key_ids, ((), 0))
        for row in (await self._connection.execute(query)).all():
            *columns, number_of_key, _ = row
            one = _agent(columns)
            found[str(one.key_id)] = ((*found[str(one.key_id)][0], one), number_of_key)
        return found

    async def keys(self, key_ids: Collection[str]) -> dict[str, Key]:
        """Of some keys those of the tenant and the global ones, by id; deleted ones too, since agents may hold them."""
        mine = or_(api_key.c.tenant_id == self._tenant_id, api_key.c.tenant_id.is_(None))
        query = select(*KEY_COLUMNS).where(mine, api_key.c.id.in_(key_ids))
        return {key.id: key for key in map(key_of, (await self._connection.execute(query)).all())}

    async def seen(self, agent_id: str, identity_id: str, at: datetime, ip: str | None) -> None:
        """Store when and from where an agent was seen, and for whom its credential speaks."""
        await self._connection.execute(
            update(agent)
            .where(self._mine, agent.c.id == agent_id)
            .values(identity_id=identity_id, last_seen_at=at, last_seen_ip=ip)
        )

    async def _make_room(self, new: Agent) -> None:
        """Remove the agents of a new one's holder that are too many, but never the new one."""
        holder = agent.c.key_id == new.key_id
        if new.key_id is None:
            holder = and_(agent.c.key_id.is_(None), agent.c.identity_id == new.identity_id)
        query = (
            select(agent.c.id)
            .where(self._mine, holder, agent.c.id != new.id)
            .order_by(agent.c.last_seen_at.desc(), agent.c.id.desc())
            .offset(MAX_AGENTS - 1)
        )
        over = sorted((await self._connection.execute(query)).scalars())
        if over:
            await self._connection.execute(delete(agent).where(self._mine, agent.c.id.in_(over)))


class AllAgents:
    """What concerns the agents of every tenant at once; for Keywright's own upkeep only, never behind a door."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def forget_before(self, moment: datetime) -> int:
        """Remove the agents that were seen last before a moment; answers how many."""
        over = delete(agent).where(agent.c.last_seen_at < moment)
        return (await self._connection.execute(over)).rowcount


def _agent(row: Any) -> Agent:  # noqa: ANN401 - a tuple-like row
    values = dict(zip(_NAMES, row, strict=True))
    return Agent(**{**values, "labels": tuple(json.loads(values["labels"]))})
