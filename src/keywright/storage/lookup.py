"""The look-up behind a verification, straight on the driver: a statement through SQLAlchemy costs many times more."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import LargeBinary, String, and_, bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from keywright.core.errors import Unavailable
from keywright.core.ports import KeyFacts
from keywright.storage.engine import CONNECT_SECONDS, sqlite_pragmas
from keywright.storage.rows import (
    GRANT_COLUMNS,
    IDENTITY_COLUMNS,
    KEY_COLUMNS,
    TENANT_COLUMNS,
    grant_of,
    identity_of,
    key_of,
    tenant_of,
)
from keywright.storage.schema import api_key, identity, membership, tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Dialect, Select
    from sqlalchemy.engine import URL

    from keywright.core.identities import Tenant

LOOKUP_SECONDS = 2.0

# What asyncpg raises when the server is away, starting, stopping, full or too slow; a wrong statement is not among it.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)

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
    .where(api_key.c.digest == bindparam("digest", type_=LargeBinary()), api_key.c.deleted_at.is_(None))
)
_TENANT_QUERY = select(*TENANT_COLUMNS).where(tenant.c.slug == bindparam("slug", type_=String()))


class _Statement:
    """A query compiled once for a driver, and the conversions that SQLAlchemy would apply to its rows."""

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        self.sql = str(query.compile(dialect=dialect))
        self._convert: tuple[Callable[[Any], Any] | None, ...] = tuple(
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in query.selected_columns
        )

    def rows(self, raw: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The rows with their values converted."""
        return [
            tuple(
                value if convert is None else convert(value)
                for convert, value in zip(self._convert, row, strict=True)
            )
            for row in raw
        ]


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
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, statement: _Statement, parameter: bytes | str) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None:
                self._connection = self._open()
            return statement.rows(self._connection.execute(statement.sql, (parameter,)).fetchall())
        except sqlite3.OperationalError as away:
            raise Unavailable("The database cannot be read.") from away

    def _open(self) -> sqlite3.Connection:
        # mode=rw: a file that is missing is an error to report, not a reason to make an empty one.
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None
        )
        for pragma in sqlite_pragmas(write=False):
            connection.execute(pragma)
        return connection


class PostgresLookup:
    """A small pool of its own, so that a verification never waits behind a long list; statements are prepared once."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
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
        """Close the pool, if one was opened."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _read(self, statement: _Statement, parameter: bytes | str) -> list[tuple[Any, ...]]:
        try:
            pool = self._pool or await self._open()
            return statement.rows(await pool.fetch(statement.sql, parameter, timeout=LOOKUP_SECONDS))
        except _AWAY as away:
            raise Unavailable("The database cannot be reached.") from away

    async def _open(self) -> asyncpg.Pool[Any]:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=10,
                    timeout=CONNECT_SECONDS,
                    command_timeout=LOOKUP_SECONDS,
                    server_settings={"application_name": "keywright verify"},
                )
            return self._pool
