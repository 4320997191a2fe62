"""Sessions: people's logins, found by the digest of their token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, or_, select, update

from keywright.core.listing import Page, Position
from keywright.core.sessions import Session
from keywright.storage.rows import IDENTITY_COLUMNS, identity_of
from keywright.storage.schema import identity, session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Identity

_NAMES = (
    "id",
    "identity_id",
    "created_at",
    "seen_at",
    "idle_at",
    "ends_at",
    "created_ip",
    "ended_at",
    "proved_at",
    "proofs",
)
_COLUMNS = tuple(session.c[name] for name in _NAMES)


class Sessions:
    """The sessions of everybody; found by digest, so that only who holds the token finds one."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Session, digest: bytes) -> None:
        """Add a session with the digest of its token."""
        values = {name: getattr(new, name) for name in _NAMES} | {"proofs": ",".join(new.proofs)}
        await self._connection.execute(insert(session).values(**values, digest=digest))

    async def by_digest(self, digest: bytes) -> tuple[Session, Identity] | None:
        """The session with this digest and its person, ended or not, or None."""
        query = (
            select(*_COLUMNS, *IDENTITY_COLUMNS)
            .join(identity, identity.c.id == session.c.identity_id)
            .where(session.c.digest == digest)
        )
        row = (await self._connection.execute(query)).first()
        if row is None:
            return None
        return _session(row), identity_of(row[len(_NAMES) :])

    async def seen(self, session_id: str, *, seen_at: datetime, idle_at: datetime) -> None:
        """Push the idle end on, after a use."""
        await self._connection.execute(
            update(session).where(session.c.id == session_id).values(seen_at=seen_at, idle_at=idle_at)
        )

    async def end(self, session_id: str, now: datetime) -> None:
        """End a session; its token is refused from now on."""
        await self._connection.execute(update(session).where(session.c.id == session_id).values(ended_at=now))

    async def prove(self, session_id: str, proofs: tuple[str, ...], now: datetime) -> None:
        """Note that the person showed who they are anew, and how."""
        await self._connection.execute(
            update(session).where(session.c.id == session_id).values(proved_at=now, proofs=",".join(proofs))
        )

    async def by_id(self, identity_id: str, session_id: str) -> Session | None:
        """A person's session by its id, ended or not, or None."""
        query = select(*_COLUMNS).where(session.c.identity_id == identity_id, session.c.id == session_id)
        row = (await self._connection.execute(query)).first()
        return None if row is None else _session(row)

    async def page(
        self, identity_id: str, now: datetime, *, limit: int, after: Position | None = None
    ) -> Page[Session]:
        """A person's sessions that are not over, the newest first."""
        query = (
            select(*_COLUMNS)
            .where(session.c.identity_id == identity_id, _live(now))
            .order_by(session.c.id.desc())
            .limit(limit + 1)
        )
        if after is not None:
            query = query.where(session.c.id < after.id)
        rows = (await self._connection.execute(query)).all()
        items = tuple(map(_session, rows[:limit]))
        return Page(items, tuple(Position(None, item.id) for item in items), len(rows) > limit)

    async def end_others(self, identity_id: str, keep: str | None, now: datetime) -> int:
        """End a person's sessions except the one to keep (None: all of them); answers how many were not over."""
        ending = update(session).where(
            session.c.identity_id == identity_id, session.c.id.is_distinct_from(keep), _live(now)
        )
        return (await self._connection.execute(ending.values(ended_at=now))).rowcount

    async def forget_before(self, moment: datetime) -> int:
        """Remove the rows of sessions that were over before a moment; answers how many."""
        over = or_(session.c.ended_at < moment, session.c.idle_at < moment, session.c.ends_at < moment)
        return (await self._connection.execute(delete(session).where(over))).rowcount


def _live(now: datetime) -> ColumnElement[bool]:
    return and_(session.c.ended_at.is_(None), session.c.idle_at > now, session.c.ends_at > now)


def _session(row: Any) -> Session:  # noqa: ANN401 - a tuple-like row
    values = dict(zip(_NAMES, row[: len(_NAMES)], strict=True))
    return Session(**{**values, "proofs": tuple(values["proofs"].split(","))})
