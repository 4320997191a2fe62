"""The look-up behind a verification, straight on the driver: a statement through SQLAlchemy costs many times more."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import LargeBinary, String, and_, bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from keywright.core.errors import Unavailable
from keywright.core.ports import KeyFacts
from keywright.storage.away import is_away
from keywright.storage.engine import file_identity, sqlite_pragmas, sqlite_uri
from keywright.storage.remembered import (
    remembered_grants,
    remembered_identity,
    remembered_key,
    remembered_tenant,
)
from keywright.storage.rows import (
    DEFINED,
    GRANT_COLUMNS,
    IDENTITY_COLUMNS,
    TENANT_COLUMNS,
    USED_KEY_COLUMNS,
    routes_of,
)
from keywright.storage.schema import api_key, catalog, head, identity, membership, role, tenant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Select

    from keywright.core.identities import Tenant
    from keywright.storage.postgres import Postgres

LOOKUP_SECONDS = 2.0
# The event loop stands still while SQLite waits for a lock, which nobody holds for long against a reader.
LOOKUP_BUSY_MILLISECONDS = 250
# Holds the upper pages of the indexes of ten million keys, where SQLite's own two megabytes do not.
_LARGER_CACHE = "PRAGMA cache_size=-32768"

_KEY_AT = 2
_IDENTITY_AT = _KEY_AT + len(USED_KEY_COLUMNS)
_TENANT_AT = _IDENTITY_AT + len(IDENTITY_COLUMNS)
_GRANT_AT = _TENANT_AT + len(TENANT_COLUMNS)

# One statement reads one snapshot, so that the epoch says what the rest of the row has seen.
_EPOCH = select(head.c.epoch).scalar_subquery()
# One row for each role that counts: those of the key's tenant and those held everywhere, and for a global
# key those of every tenant.
_KEY_QUERY = (
    select(_EPOCH, catalog.c.routes, *USED_KEY_COLUMNS, *IDENTITY_COLUMNS, *TENANT_COLUMNS, *GRANT_COLUMNS)
    .join(identity, identity.c.id == api_key.c.identity_id)
    .outerjoin(tenant, tenant.c.id == api_key.c.tenant_id)
    .outerjoin(catalog, catalog.c.tenant_id == api_key.c.tenant_id)
    .outerjoin(
        membership,
        and_(
            membership.c.identity_id == api_key.c.identity_id,
            or_(
                membership.c.tenant_id == api_key.c.tenant_id,
                membership.c.tenant_id.is_(None),
                api_key.c.tenant_id.is_(None),
            ),
        ),
    )
    .outerjoin(role, DEFINED)
    .where(api_key.c.digest == bindparam("digest", type_=LargeBinary()), api_key.c.deleted_at.is_(None))
)
_TENANT_QUERY = select(_EPOCH, *TENANT_COLUMNS).where(
    tenant.c.slug == bindparam("slug", type_=String()), tenant.c.deleted_at.is_(None)
)


def for_drivers(query: Select[Any]) -> Mapping[str, str]:
    """A query as text for each engine's driver, its parameters in the order in which they stand."""
    return {
        "sqlite": str(query.compile(dialect=sqlite.dialect())),
        "postgresql": str(query.compile(dialect=postgresql.asyncpg.dialect())),  # type: ignore[no-untyped-call] # SQLAlchemy has not annotated it
    }


FACTS_COLUMNS = tuple(str(column) for column in _KEY_QUERY.selected_columns[1:])
"""What stands in a row of `KEY_SQL`, behind the newest epoch."""

KEY_SQL = for_drivers(_KEY_QUERY)
"""Reads what `facts_of` needs, by the digest of a token."""
TENANT_SQL = for_drivers(_TENANT_QUERY)
"""Reads what `placed` needs, by a slug."""


@lru_cache(maxsize=64)
def _shared(epoch: int) -> int:
    """An epoch as one object for all facts that were read at it, of which there may be a hundred thousand."""
    return epoch


def facts_of(rows: Sequence[Sequence[Any]]) -> KeyFacts | None:
    """The facts in the rows of a driver, one for each role."""
    if not rows:
        return None
    first = rows[0]
    owner = first[_TENANT_AT:_GRANT_AT]
    tenant = None if owner[0] is None else remembered_tenant(tuple(owner))
    identity = remembered_identity(tuple(first[_IDENTITY_AT:_TENANT_AT]))
    return KeyFacts(
        key=remembered_key(first[_KEY_AT:_IDENTITY_AT], tenant, identity),
        identity=identity,
        tenant=tenant,
        grants=remembered_grants(tuple(tuple(row[_GRANT_AT:]) for row in rows if row[_GRANT_AT] is not None)),
        epoch=_shared(first[0]),
        routes=None if first[1] is None else routes_of(first[1]),
    )


def placed(rows: Sequence[Sequence[Any]]) -> tuple[Tenant, int] | None:
    """The tenant in the rows of a driver, and the newest epoch of that snapshot."""
    return (remembered_tenant(tuple(rows[0][1:])), rows[0][0]) if rows else None


class SqliteLookup:
    """Reads on the event loop's own thread: a point read takes microseconds, less than a change of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._connection: sqlite3.Connection | None = None

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        """See `KeyLookup`."""
        return facts_of(self._read(KEY_SQL["sqlite"], digest))

    async def rows(self, sql: Mapping[str, str], *parameters: Any) -> Sequence[Sequence[Any]]:  # noqa: ANN401 - the driver's
        """The rows of a statement, given for each engine, as the driver has them. Raises `Unavailable`."""
        return self._read(sql["sqlite"], *parameters)

    async def tenant(self, slug: str) -> tuple[Tenant, int] | None:
        """See `KeyLookup`."""
        return placed(self._read(TENANT_SQL["sqlite"], slug))

    async def close(self) -> None:
        """Close the connection, if one was opened."""
        self._let_go()

    def _read(self, sql: str, *parameters: Any) -> Sequence[Sequence[Any]]:  # noqa: ANN401 - the driver's
        try:
            return self._opened().execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            self._let_go()
            if is_away(error):
                raise Unavailable("The database cannot be read.") from error
            raise

    def _opened(self) -> sqlite3.Connection:
        file = file_identity(self._path)
        if self._connection is None or file != self._file:
            self._let_go()
            self._connection = sqlite3.connect(sqlite_uri(self._path), uri=True, isolation_level=None)
            self._file = file
            for pragma in sqlite_pragmas(write=False, busy_milliseconds=LOOKUP_BUSY_MILLISECONDS):
                self._connection.execute(pragma)
            self._connection.execute(_LARGER_CACHE)
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresLookup:
    """A small pool of its own, so that a verification never waits behind a long list; statements are prepared once."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._pool: asyncpg.Pool[Any] | None = None
        self._opening = asyncio.Lock()

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        """See `KeyLookup`."""
        return facts_of(await self._read(KEY_SQL["postgresql"], digest))

    async def rows(self, sql: Mapping[str, str], *parameters: Any) -> Sequence[Sequence[Any]]:  # noqa: ANN401 - the driver's
        """See `SqliteLookup`."""
        return await self._read(sql["postgresql"], *parameters)

    async def tenant(self, slug: str) -> tuple[Tenant, int] | None:
        """See `KeyLookup`."""
        return placed(await self._read(TENANT_SQL["postgresql"], slug))

    async def close(self) -> None:
        """Close the pool, if one was opened, and what still runs in it after a while."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(LOOKUP_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def _read(self, sql: str, *parameters: Any) -> Sequence[Sequence[Any]]:  # noqa: ANN401 - the driver's
        try:
            # The pool bounds the statement, this the wait for a connection and giving it back too.
            async with asyncio.timeout(2 * LOOKUP_SECONDS):
                pool = self._pool or await self._open()
                found: Sequence[Sequence[Any]] = await pool.fetch(sql, *parameters)
                return found
        except (asyncpg.PostgresError, OSError) as error:
            if is_away(error):
                raise Unavailable("The database cannot be reached.") from error
            raise

    async def _open(self) -> asyncpg.Pool[Any]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    min_size=0,
                    max_size=self._server.size,
                    connect=partial(self._server.connect, name="keywright verify", seconds=LOOKUP_SECONDS),
                    reset=_nothing_to_reset,
                )
            return self._pool


async def _nothing_to_reset(_connection: object) -> None:
    """Leave a connection as it is: one statement changes nothing in it, and a reset would be a second round trip."""
