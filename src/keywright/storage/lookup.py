"""The look-up behind a verification, straight on the driver: a statement through SQLAlchemy costs many times more."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import LargeBinary, String, and_, bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from keywright.core.errors import Unavailable
from keywright.core.ports import KeyFacts
from keywright.storage.away import is_away
from keywright.storage.engine import (
    file_identity,
    postgres_connection,
    postgres_dsn,
    sqlite_pragmas,
    sqlite_uri,
)
from keywright.storage.rows import (
    DEFINED,
    GRANT_COLUMNS,
    IDENTITY_COLUMNS,
    KEY_COLUMNS,
    TENANT_COLUMNS,
    grant_of,
    identity_of,
    key_of,
    tenant_of,
)
from keywright.storage.schema import api_key, identity, membership, role, tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Dialect, Select
    from sqlalchemy.engine import URL

    from keywright.core.identities import Tenant

LOOKUP_SECONDS = 2.0
# The event loop stands still while SQLite waits for a lock, which nobody holds for long against a reader.
LOOKUP_BUSY_MILLISECONDS = 250

_IDENTITY_AT = len(KEY_COLUMNS)
_TENANT_AT = _IDENTITY_AT + len(IDENTITY_COLUMNS)
_GRANT_AT = _TENANT_AT + len(TENANT_COLUMNS)

# One row for each role that counts: those of the key's tenant and those held everywhere, and for a global
# key those of every tenant.
_KEY_QUERY = (
    select(*KEY_COLUMNS, *IDENTITY_COLUMNS, *TENANT_COLUMNS, *GRANT_COLUMNS)
    .join(identity, identity.c.id == api_key.c.identity_id)
    .outerjoin(tenant, tenant.c.id == api_key.c.tenant_id)
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
_TENANT_QUERY = select(*TENANT_COLUMNS).where(
    tenant.c.slug == bindparam("slug", type_=String()), tenant.c.deleted_at.is_(None)
)


class _Statement:
    """A query compiled once for a driver, and the conversions that SQLAlchemy would apply to its rows."""

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        self.sql = str(query.compile(dialect=dialect))
        processors = (
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in query.selected_columns
        )
        self._convert: tuple[tuple[int, Callable[[Any], Any]], ...] = tuple(
            (index, convert) for index, convert in enumerate(processors) if convert is not None
        )

    def rows(self, raw: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The rows with their values converted."""
        found = []
        for row in raw:
            values = list(row)
            for index, convert in self._convert:
                values[index] = convert(values[index])
            found.append(tuple(values))
        return found


def _facts(rows: list[tuple[Any, ...]]) -> KeyFacts | None:
    if not rows:
        return None
    first = rows[0]
    owner = first[_TENANT_AT:_GRANT_AT]
    grants = tuple(grant_of(row[_GRANT_AT:]) for row in rows if row[_GRANT_AT] is not None)
    return KeyFacts(
        key=key_of(first[:_IDENTITY_AT]),
        identity=identity_of(first[_IDENTITY_AT:_TENANT_AT]),
        tenant=None if owner[0] is None else tenant_of(owner),
        grants=grants,
    )


class SqliteLookup:
    """Reads on the event loop's own thread: a point read takes microseconds, less than a change of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        self._connection: sqlite3.Connection | None = None
        dialect = sqlite.dialect()
        self._key = _Statement(_KEY_QUERY, dialect)
        self._tenant = _Statement(_TENANT_QUERY, dialect)

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        """See `KeyLookup`."""
        return _facts(self._read(self._key, digest))

    async def tenant(self, slug: str) -> Tenant | None:
        """See `KeyLookup`."""
        rows = self._read(self._tenant, slug)
        return tenant_of(rows[0]) if rows else None

    async def close(self) -> None:
        """Close the connection, if one was opened."""
        self._let_go()

    def _read(self, statement: _Statement, parameter: bytes | str) -> list[tuple[Any, ...]]:
        try:
            return statement.rows(self._opened().execute(statement.sql, (parameter,)).fetchall())
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
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresLookup:
    """A small pool of its own, so that a verification never waits behind a long list; statements are prepared once."""

    def __init__(self, url: URL) -> None:
        self._url = postgres_dsn(url)
        self._pool: asyncpg.Pool[Any] | None = None
        self._opening = asyncio.Lock()
        dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy has not annotated it
        self._key = _Statement(_KEY_QUERY, dialect)
        self._tenant = _Statement(_TENANT_QUERY, dialect)

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        """See `KeyLookup`."""
        return _facts(await self._read(self._key, digest))

    async def tenant(self, slug: str) -> Tenant | None:
        """See `KeyLookup`."""
        rows = await self._read(self._tenant, slug)
        return tenant_of(rows[0]) if rows else None

    async def close(self) -> None:
        """Close the pool, if one was opened, and what still runs in it after a while."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(LOOKUP_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def _read(self, statement: _Statement, parameter: bytes | str) -> list[tuple[Any, ...]]:
        try:
            # The pool bounds the statement, this the wait for a connection and giving it back too.
            async with asyncio.timeout(2 * LOOKUP_SECONDS):
                pool = self._pool or await self._open()
                return statement.rows(await pool.fetch(statement.sql, parameter))
        except (asyncpg.PostgresError, OSError) as error:
            if is_away(error):
                raise Unavailable("The database cannot be reached.") from error
            raise

    async def _open(self) -> asyncpg.Pool[Any]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=0,
                    max_size=10,
                    connect=partial(postgres_connection, name="keywright verify", seconds=LOOKUP_SECONDS),
                    reset=_nothing_to_reset,
                )
            return self._pool


async def _nothing_to_reset(_connection: object) -> None:
    """Leave a connection as it is: one statement changes nothing in it, and a reset would be a second round trip."""
