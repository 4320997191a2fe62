"""Lists of keys: their order, the place to go on from, their filters, and the few keys that a filter may leave.

A list is walked in its order until a page is full, which takes few steps where the filters let much through. What they
let little through is found from an index of its own first, and sorted then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    alias,
    and_,
    false,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    tuple_,
    type_coerce,
    union_all,
)

from keywright.core.instants import to_us
from keywright.core.keys import State
from keywright.core.listing import Between, KeySort, Position, fold
from keywright.storage.names import beginning
from keywright.storage.rows import KEY_COLUMNS
from keywright.storage.schema import api_key
from keywright.storage.types import NEVER_ENDS, NEVER_HAPPENED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, FromClause, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.listing import KeyQuery

FEW = 10_000
"""So many keys are sorted rather than looked for along a list."""
_expires_at = type_coerce(api_key.c.expires_at, BigInteger())
ENDS = _expires_at < literal_column(str(NEVER_ENDS))  # as the index for the sweep has it
_created_at = type_coerce(api_key.c.created_at, BigInteger())
_last_used_at = type_coerce(api_key.c.last_used_at, BigInteger())
# What a list is ordered by before the id, as it is stored.
_PLACES: Mapping[KeySort, ColumnElement[Any]] = {
    KeySort.CREATED_AT: _created_at,
    KeySort.NAME: api_key.c.name_folded,
    KeySort.EXPIRES_AT: _expires_at,
    KeySort.LAST_USED_AT: _last_used_at,
}


def of_tenant(table: FromClause, tenant_id: str | None) -> ColumnElement[bool]:
    """Whether rows of a table belong to a tenant (None: to none)."""
    return table.c.tenant_id.is_(None) if tenant_id is None else table.c.tenant_id == tenant_id


def listing(query: KeyQuery, tenant_id: str | None) -> Select[Any]:
    """The rows of a page and the first one after it; each begins with what its position is made of."""
    place = _PLACES[query.sort]
    # With the tenant, since PostgreSQL does not see that it is the same in all rows where it is NULL.
    order = (api_key.c.tenant_id, place, api_key.c.id)
    first = null() if query.sort is KeySort.CREATED_AT else place
    statement = select(first.label("place"), *KEY_COLUMNS)
    if query.after is not None:
        # Row values are compared from left to right by both engines, and found in an index that way.
        row = tuple_(*order[1:])
        here = tuple_(_value(query.sort, query.after, tenant_id), query.after.id)
        statement = statement.where(row < here if query.descending else row > here)
    return statement.order_by(*(one.desc() if query.descending else one.asc() for one in order)).limit(
        query.limit + 1
    )


def _value(sort: KeySort, after: Position, tenant_id: str | None) -> ColumnElement[Any]:
    """What the row of a position is ordered by: as the position says, or as that row itself, since it never changes."""
    if sort is not KeySort.CREATED_AT:
        return literal(after.value, _PLACES[sort].type)
    row = alias(api_key)
    place = type_coerce(row.c.created_at, BigInteger())
    return select(place).where(row.c.id == after.id, of_tenant(row, tenant_id)).scalar_subquery()


def filters(query: KeyQuery, now: datetime) -> list[ColumnElement[bool]]:
    """What the keys of a list have to be, beside being the tenant's.

    SQLite would find them by what they are filtered by, however many, and then sort them; so it is kept from any index
    but that of the order.
    """
    found = [
        *_between(_unfound(_created_at, query.sort is KeySort.CREATED_AT), query.created),
        *_expiring(_unfound(_expires_at, query.sort is KeySort.EXPIRES_AT), query),
        *_last_used(_unfound(_last_used_at, query.sort is KeySort.LAST_USED_AT), query),
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
        found += beginning(api_key.c.name_folded, fold(query.name_prefix))
    return found


async def few_of(
    connection: AsyncConnection, mine: ColumnElement[bool], query: KeyQuery, now: datetime
) -> Select[Any] | None:
    """The ids of the few keys that a filter leaves, with some others perhaps; None where every filter leaves many."""
    for spans in _spans(query, now):
        ways = (select(literal(1).label("one")).where(mine, span).limit(FEW + 1).subquery() for span in spans)
        found = union_all(*(select(way.c.one) for way in ways)).limit(FEW + 1).subquery()
        count = await connection.execute(select(func.count()).select_from(found))
        if count.scalar_one() <= FEW:
            found_first = union_all(*(select(api_key.c.id).where(mine, span) for span in spans)).cte("few")
            # Or PostgreSQL sees that these are rows of the same table, and walks it after all.
            return select(found_first.prefix_with("MATERIALIZED", dialect="postgresql").c.id)
    return None


def _spans(query: KeyQuery, now: datetime) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """For each filter that may leave little: spans of indexes that together hold all that it lets through."""
    if query.states & _SPAN_OF.keys():
        yield tuple(_SPAN_OF[state](now) for state in sorted(query.states & _SPAN_OF.keys()))
    if query.sort is not KeySort.EXPIRES_AT and (query.ends is not None or query.expires != Between()):
        yield (and_(*_expiring(_expires_at, query)),)
    if query.sort is not KeySort.LAST_USED_AT and (query.used is not None or query.last_used != Between()):
        yield (and_(*_last_used(_last_used_at, query)),)
    if query.sort is not KeySort.CREATED_AT and query.created != Between():
        yield (and_(*_between(_created_at, query.created)),)


def _unfound(place: ColumnElement[int], is_order: bool) -> ColumnElement[int]:  # noqa: FBT001 - said by its name
    """A column in such a form that no index answers it, unless the list is in its order."""
    return place if is_order else place + 0


def _between(place: ColumnElement[int], span: Between) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if span.since is not None:
        found.append(place >= _instant(span.since))
    if span.until is not None:
        found.append(place < _instant(span.until))
    return found


def _expiring(place: ColumnElement[int], query: KeyQuery) -> list[ColumnElement[bool]]:
    found = _between(place, query.expires)
    if query.ends is False:
        found.append(place == NEVER_ENDS)
    if query.ends or query.expires != Between():
        found.append(place < NEVER_ENDS)
    return found


def _last_used(place: ColumnElement[int], query: KeyQuery) -> list[ColumnElement[bool]]:
    found = _between(place, query.last_used)
    if query.used is False:
        found.append(place == NEVER_HAPPENED)
    if query.used or query.last_used != Between():
        found.append(place > NEVER_HAPPENED)
    return found


def _instant(moment: datetime) -> ColumnElement[int]:
    return literal(to_us(moment), BigInteger())


def _begun(now: datetime) -> ColumnElement[bool]:
    return or_(api_key.c.not_before.is_(None), api_key.c.not_before <= now)


def _ended(now: datetime) -> ColumnElement[bool]:
    return _unfound(_expires_at, is_order=False) <= _instant(now)


# The same order of precedence as Key.state: a person's switch, then the expiry, then the start.
_IN_STATE: Mapping[State, Callable[[datetime], ColumnElement[bool]]] = {
    State.ACTIVE: lambda now: and_(api_key.c.active, not_(_ended(now)), _begun(now)),
    State.DISABLED: lambda _now: not_(api_key.c.active),
    State.EXPIRED: lambda now: and_(api_key.c.active, _ended(now)),
    State.NOT_YET_VALID: lambda now: and_(api_key.c.active, not_(_ended(now)), not_(_begun(now))),
}
# Where an index has the keys of a state, with some others perhaps.
_SPAN_OF: Mapping[State, Callable[[datetime], ColumnElement[bool]]] = {
    State.ACTIVE: lambda now: _expires_at > _instant(now),
    State.DISABLED: lambda _now: not_(api_key.c.active),
    State.EXPIRED: lambda now: _expires_at <= _instant(now),
    State.NOT_YET_VALID: lambda now: and_(api_key.c.not_before.is_not(None), api_key.c.not_before > now),
}
