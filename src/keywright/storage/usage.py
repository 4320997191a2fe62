"""Usage: decisions counted by key, hour and code, and the actions that keys were allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    type_coerce,
)

from keywright.core.instants import from_us
from keywright.core.usage import MAX_ACTIONS, OTHER_ACTIONS, By, Count, Exercised, KeyCount
from keywright.storage.schema import exercised, usage
from keywright.storage.upserts import upsert

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.listing import Between
    from keywright.core.usage import Use

_HOUR = type_coerce(usage.c.hour, BigInteger())
_STEPS: Mapping[By, ColumnElement[int]] = {
    By.HOUR: _HOUR,
    # By a number in the text, since PostgreSQL takes two parameters for two expressions to group by.
    By.DAY: literal_column("usage.hour / 86400000000 * 86400000000", BigInteger()),
}
_VALID = case((usage.c.code == "VALID", usage.c.count), else_=0)


class Usage:
    """The usage of one tenant's keys (None: of the global ones), those included that have been deleted since.

    Counts are of whole hours, so a span says from which hour on and before which.
    """

    __slots__ = ("_connection", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str | None) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def of_key(self, key_id: str, span: Between, by: By) -> tuple[Count, ...]:
        """How many decisions about one key there were in each hour or day, by code; in order of time and code."""
        return await self._counted(and_(usage.c.key_id == key_id, self._besides(usage)), span, by)

    async def of_all(self, span: Between, by: By) -> tuple[Count, ...]:
        """The same for all keys together."""
        return await self._counted(self._mine(usage), span, by)

    async def busiest(self, span: Between, limit: int) -> tuple[KeyCount, ...]:
        """The keys with the most decisions, the busiest first."""
        total = func.sum(usage.c.count)
        query = (
            select(usage.c.key_id, total, func.sum(_VALID))
            .where(self._mine(usage), *_within(span))
            .group_by(usage.c.key_id)
            .order_by(total.desc(), usage.c.key_id)
            .limit(limit)
        )
        rows = (await self._connection.execute(query)).all()
        return tuple(KeyCount(key_id, int(count), int(valid)) for key_id, count, valid in rows)

    async def of_keys(self, key_ids: Collection[str], span: Between) -> dict[str, KeyCount]:
        """How many decisions there were about each of some keys, by its id; also of those without any."""
        query = (
            select(usage.c.key_id, func.sum(usage.c.count), func.sum(_VALID))
            .where(usage.c.key_id.in_(key_ids), self._besides(usage), *_within(span))
            .group_by(usage.c.key_id)
        )
        found = {key_id: KeyCount(key_id, 0, 0) for key_id in key_ids}
        for key_id, count, valid in (await self._connection.execute(query)).all():
            found[key_id] = KeyCount(key_id, int(count), int(valid))
        return found

    async def exercised(self, key_id: str) -> tuple[Exercised, ...]:
        """The actions that a key was allowed, the most frequent first; `OTHER_ACTIONS` for those not told apart."""
        query = (
            select(exercised.c.action, exercised.c.count, exercised.c.last_at)
            .where(exercised.c.key_id == key_id, self._besides(exercised))
            .order_by(exercised.c.count.desc(), exercised.c.action)
        )
        return tuple(Exercised(*row) for row in (await self._connection.execute(query)).all())

    async def _counted(self, which: ColumnElement[bool], span: Between, by: By) -> tuple[Count, ...]:
        step = _STEPS[by].label("step")
        query = (
            select(step, usage.c.code, func.sum(usage.c.count))
            .where(which, *_within(span))
            .group_by(step, usage.c.code)
            .order_by(step, usage.c.code)
        )
        rows = (await self._connection.execute(query)).all()
        return tuple(Count(from_us(at), code, int(count)) for at, code, count in rows)

    def _mine(self, table: Table) -> ColumnElement[bool]:
        return (
            table.c.tenant_id.is_(None) if self._tenant_id is None else table.c.tenant_id == self._tenant_id
        )

    def _besides(self, table: Table) -> ColumnElement[bool]:
        """That a row is of the tenant, said so that no engine looks for it by the index of tenants."""
        return func.coalesce(table.c.tenant_id, "") == (self._tenant_id or "")


class AllUsage:
    """What concerns the usage of every tenant at once; for Keywright's own upkeep only, never behind a door."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, uses: Sequence[Use]) -> None:
        """Add what some keys, each named once, were used for; rows in one order, so that no two batches wait in a ring.

        A key has about `MAX_ACTIONS` actions: what two nodes add at the same moment may exceed that by a little.
        """
        counts = [
            {"key_id": use.key_id, "hour": from_us(at), "code": code, "tenant_id": use.tenant_id, "count": n}
            for use in sorted(uses, key=_key_id)
            for at, code, n in sorted(use.counts)
        ]
        if counts:
            statement = upsert(self._connection, usage)
            more = {"count": usage.c.count + statement.excluded.count}
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["key_id", "hour", "code"], set_=more), counts
            )
        actions = await self._bounded([use for use in uses if use.actions])
        if actions:
            statement = upsert(self._connection, exercised)
            new = statement.excluded
            latest = case((exercised.c.last_at < new.last_at, new.last_at), else_=exercised.c.last_at)
            more = {"count": exercised.c.count + new.count, "last_at": latest}
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["key_id", "action"], set_=more), actions
            )

    async def forget_counts_before(self, moment: datetime, limit: int) -> int:
        """Remove some of the counts of hours that began before a moment; answers how many, `limit` at most."""
        names = ("key_id", "hour", "code")
        return await self._forget(usage, names, usage.c.hour, moment, limit)

    async def forget_exercised_before(self, moment: datetime, limit: int) -> int:
        """Remove some of the actions that were allowed last before a moment; answers how many, `limit` at most."""
        return await self._forget(exercised, ("key_id", "action"), exercised.c.last_at, moment, limit)

    async def _bounded(self, uses: Sequence[Use]) -> list[dict[str, Any]]:
        """The rows of actions to add, in order; what is one too many for its key is among its other ones."""
        known = await self._known({use.key_id: len(use.actions) for use in uses})
        rows = []
        for use in sorted(uses, key=_key_id):
            stored = known.get(use.key_id)
            actions = use.actions if stored is None else _told_apart(use.actions, stored)
            rows += [
                {
                    "key_id": use.key_id,
                    "action": action,
                    "tenant_id": use.tenant_id,
                    "count": number,
                    "last_at": from_us(last_us),
                }
                for action, number, last_us in sorted(actions)
            ]
        return rows

    async def _known(self, adding: Mapping[str, int]) -> dict[str, set[str]]:
        """The stored actions of those keys that may have too many when so many more are added."""
        number = func.count()
        query = (
            select(exercised.c.key_id, number)
            .where(exercised.c.key_id.in_(adding))
            .group_by(exercised.c.key_id)
        )
        rows = await self._connection.execute(query) if adding else ()
        known: dict[str, set[str]] = {
            key_id: set() for key_id, stored in rows if stored + adding[key_id] > MAX_ACTIONS
        }
        if known:
            each = select(exercised.c.key_id, exercised.c.action).where(exercised.c.key_id.in_(known))
            for key_id, action in await self._connection.execute(each):
                known[key_id].add(action)
        return known

    async def _forget(
        self, table: Table, names: tuple[str, ...], at: ColumnElement[Any], moment: datetime, limit: int
    ) -> int:
        """Remove rows by their primary key; those that somebody is adding to now are left for another time."""
        old = select(*(table.c[name] for name in names)).where(at < moment).order_by(at).limit(limit)
        rows = (await self._connection.execute(old.with_for_update(skip_locked=True))).all()
        if rows:
            which = [table.c[name] == bindparam(f"its_{name}") for name in names]
            values = [{f"its_{name}": value for name, value in zip(names, row, strict=True)} for row in rows]
            await self._connection.execute(delete(table).where(*which), values)
        return len(rows)


def _key_id(use: Use) -> str:
    return use.key_id


def _within(span: Between) -> Iterable[ColumnElement[bool]]:
    if span.since is not None:
        yield usage.c.hour >= span.since
    if span.until is not None:
        yield usage.c.hour < span.until


def _told_apart(actions: Iterable[tuple[str, int, int]], stored: set[str]) -> Iterable[tuple[str, int, int]]:
    """Actions of one key, of which those for which there is no room are taken together."""
    room = MAX_ACTIONS - len(stored)
    found: dict[str, tuple[str, int, int]] = {}
    for action, number, last_us in sorted(actions):
        name = action
        if action not in stored:
            name = action if room > 0 else OTHER_ACTIONS
            room -= 1
        _, so_far, latest = found.get(name, (name, 0, 0))
        found[name] = (name, so_far + number, max(latest, last_us))
    return found.values()
