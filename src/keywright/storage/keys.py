"""API keys: those of one tenant, and the few questions that concern all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    String,
    and_,
    bindparam,
    false,
    insert,
    literal,
    not_,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from keywright.core.errors import HandleTaken, TokenHashTaken
from keywright.core.instants import to_us
from keywright.core.keys import State
from keywright.core.listing import Between, KeySort, Page, Position, fold
from keywright.storage.conflicts import conflicts
from keywright.storage.rows import KEY_COLUMNS, key_of, key_values
from keywright.storage.schema import api_key
from keywright.storage.types import NEVER_ENDS, NEVER_HAPPENED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.keys import Key
    from keywright.core.listing import KeyQuery

_LAST_CHARACTER = chr(0x10FFFF)
_SORTED_BY: dict[KeySort, Column[Any]] = {
    KeySort.NAME: api_key.c.name_folded,
    KeySort.EXPIRES_AT: api_key.c.expires_at,
    KeySort.LAST_USED_AT: api_key.c.last_used_at,
}
_CHANGEABLE = (
    "name",
    "name_folded",
    "handle",
    "description",
    "not_before",
    "expires_at",
    "active",
    "scope",
    "allowed_cidrs",
    "metadata",
)


class Keys:
    """The keys of one tenant (None: the global ones). Deleted keys are not found by anything here."""

    __slots__ = ("_connection", "_mine")

    def __init__(self, connection: AsyncConnection, tenant_id: str | None) -> None:
        self._connection = connection
        mine = api_key.c.tenant_id.is_(None) if tenant_id is None else api_key.c.tenant_id == tenant_id
        self._mine = and_(mine, api_key.c.deleted_at.is_(None))

    async def add(self, key: Key, digest: bytes) -> None:
        """Add a key with the digest of its token. Raises `HandleTaken` or `TokenHashTaken`."""
        with conflicts(_TAKEN):
            await self._connection.execute(insert(api_key).values(**key_values(key), digest=digest))

    async def by_id(self, key_id: str, *, lock: bool = False) -> Key | None:
        """The key with this id, or None; `lock` keeps others from changing it until the transaction ends."""
        query = select(*KEY_COLUMNS).where(self._mine, api_key.c.id == key_id)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).first()
        return None if row is None else key_of(row)

    async def by_ids(self, key_ids: Collection[str], *, lock: bool = False) -> dict[str, Key]:
        """Those of the named keys that are there, by id, locked in a fixed order when asked to."""
        query = select(*KEY_COLUMNS).where(self._mine, api_key.c.id.in_(key_ids)).order_by(api_key.c.id)
        rows = (await self._connection.execute(query.with_for_update() if lock else query)).all()
        return {key.id: key for key in map(key_of, rows)}

    async def page(self, query: KeyQuery, now: datetime) -> Page[Key]:
        """One page of a list, from an index and without counting, however many keys there are."""
        rows = (await self._connection.execute(_listing(query, now).where(self._mine))).all()
        items = tuple(key_of(row) for row in rows[: query.limit])
        positions = tuple(_position(key, query.sort) for key in items)
        return Page(items, positions, len(rows) > query.limit)

    async def change(self, key: Key) -> None:
        """Store what may change of a key. Raises `HandleTaken`."""
        values = key_values(key)
        with conflicts(_TAKEN):
            await self._connection.execute(
                update(api_key)
                .where(self._mine, api_key.c.id == key.id)
                .values({name: values[name] for name in _CHANGEABLE})
            )

    async def delete(self, key_ids: Collection[str], now: datetime) -> None:
        """Mark keys as deleted, for good: the digest stays taken, so that the token cannot come back."""
        await self._connection.execute(
            update(api_key).where(self._mine, api_key.c.id.in_(key_ids)).values(deleted_at=now, active=False)
        )


class AllKeys:
    """What concerns keys of every tenant at once; for Keywright's own upkeep only, never behind a door."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def by_digest(self, digest: bytes) -> Key | None:
        """The key that has, or before it was deleted had, a token with this digest, or None."""
        row = (await self._connection.execute(select(*KEY_COLUMNS).where(api_key.c.digest == digest))).first()
        return None if row is None else key_of(row)

    async def expired_before(self, moment: datetime, limit: int) -> tuple[Key, ...]:
        """Some of the keys whose expiry lies before a moment, the longest expired first."""
        query = (
            select(*KEY_COLUMNS)
            .where(api_key.c.deleted_at.is_(None), api_key.c.expires_at < moment)
            .order_by(api_key.c.expires_at)
            .limit(limit)
        )
        return tuple(map(key_of, (await self._connection.execute(query)).all()))

    async def touch(self, uses: Sequence[tuple[str, datetime, str | None]]) -> None:
        """Store when and from where keys were last used; a use older than the stored one changes nothing."""
        await self._connection.execute(
            update(api_key)
            .where(api_key.c.id == bindparam("used_id"), api_key.c.last_used_at < bindparam("used_at"))
            .values(last_used_at=bindparam("used_at"), last_used_ip=bindparam("used_ip")),
            [{"used_id": key_id, "used_at": at, "used_ip": ip} for key_id, at, ip in sorted(uses)],
        )


_TAKEN = {
    "api_key.handle": HandleTaken("Another key of the tenant has this handle.", field="handle"),
    "api_key.digest": TokenHashTaken("A key with this token hash exists or existed.", field="token_hash"),
}


def _listing(query: KeyQuery, now: datetime) -> Select[Any]:
    statement = select(*KEY_COLUMNS).where(*_filters(query, now)).limit(query.limit + 1)
    column = _SORTED_BY.get(query.sort)
    order = [api_key.c.id] if column is None else [column, api_key.c.id]
    if query.after is not None:
        place, here = _places(column, query.after)
        statement = statement.where(place < here if query.descending else place > here)
    return statement.order_by(*(one.desc() if query.descending else one.asc() for one in order))


def _places(column: Column[Any] | None, after: Position) -> tuple[ColumnElement[Any], Any]:
    """What to compare with what to be past a row; row values are compared left to right by both engines."""
    if column is None:
        return api_key.c.id, after.id
    raw = String() if isinstance(after.value, str) else BigInteger()
    return tuple_(type_coerce(column, raw), api_key.c.id), tuple_(literal(after.value, raw), after.id)


def _position(key: Key, sort: KeySort) -> Position:
    match sort:
        case KeySort.NAME:
            return Position(fold(key.name), key.id)
        case KeySort.EXPIRES_AT:
            return Position(NEVER_ENDS if key.expires_at is None else to_us(key.expires_at), key.id)
        case KeySort.LAST_USED_AT:
            return Position(NEVER_HAPPENED if key.last_used_at is None else to_us(key.last_used_at), key.id)
        case KeySort.CREATED_AT:
            return Position(None, key.id)


def _filters(query: KeyQuery, now: datetime) -> list[ColumnElement[bool]]:
    found = [
        *_between(api_key.c.created_at, query.created),
        *_between(api_key.c.expires_at, query.expires),
        *_between(api_key.c.last_used_at, query.last_used),
    ]
    if query.states:
        found.append(
            or_(false(), *(_IN_STATE[state](now) for state in sorted(query.states) if state in _IN_STATE))
        )
    if query.identity_id is not None:
        found.append(api_key.c.identity_id == query.identity_id)
    if query.handle is not None:
        found.append(api_key.c.handle == query.handle)
    if query.name_prefix:
        start = fold(query.name_prefix)
        found += [api_key.c.name_folded >= start, api_key.c.name_folded < start + _LAST_CHARACTER]
    if query.used is not None:
        raw = type_coerce(api_key.c.last_used_at, BigInteger())
        found.append(raw > NEVER_HAPPENED if query.used else raw == NEVER_HAPPENED)
    if query.last_used != Between():
        found.append(type_coerce(api_key.c.last_used_at, BigInteger()) > NEVER_HAPPENED)
    if query.expires != Between():
        found.append(type_coerce(api_key.c.expires_at, BigInteger()) < NEVER_ENDS)
    return found


def _between(column: Column[Any], span: Between) -> list[ColumnElement[bool]]:
    found = []
    if span.since is not None:
        found.append(column >= span.since)
    if span.until is not None:
        found.append(column < span.until)
    return found


def _begun(now: datetime) -> ColumnElement[bool]:
    return or_(api_key.c.not_before.is_(None), api_key.c.not_before <= now)


# The same order of precedence as Key.state: a person's switch, then the expiry, then the start.
_IN_STATE: Mapping[State, Callable[[datetime], ColumnElement[bool]]] = {
    State.ACTIVE: lambda now: and_(api_key.c.active, api_key.c.expires_at > now, _begun(now)),
    State.DISABLED: lambda _now: not_(api_key.c.active),
    State.EXPIRED: lambda now: and_(api_key.c.active, api_key.c.expires_at <= now),
    State.NOT_YET_VALID: lambda now: and_(api_key.c.active, api_key.c.expires_at > now, not_(_begun(now))),
}
