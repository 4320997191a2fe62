"""Engines: how each database is opened, and which of its failures mean that it is away."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from keywright.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

BUSY_MILLISECONDS = 5_000
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 10.0


class StorageError(Exception):
    """The database cannot be used as it is configured; the text says what to do."""


class SchemaMismatch(StorageError):
    """The database's schema is older or newer than this version of Keywright needs."""


def parse_url(text: str) -> URL:
    """The URL with the async driver in it. Raises `StorageError` for an engine that is not supported."""
    url = make_url(text)
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StorageError("A SQLite database needs a file: sqlite:///path/to/keywright.db")
        return url.set(drivername="sqlite+aiosqlite")
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+asyncpg")
    raise StorageError("The database must be sqlite:///… or postgresql://…")


def sqlite_engine(url: URL, *, write: bool) -> AsyncEngine:
    """An engine on a SQLite file: one connection that writes, or a few that only read.

    One writer a process keeps transactions in order without waiting for locks; `BEGIN IMMEDIATE` takes
    the write lock at the start, so that no transaction fails half-way for having read first.
    """
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if write else 4,
        max_overflow=0,
        pool_timeout=BUSY_MILLISECONDS / 1000,
        connect_args={"isolation_level": None, "timeout": BUSY_MILLISECONDS / 1000},
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
        cursor = connection.cursor()
        for pragma in sqlite_pragmas(write=write):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's connection, before it is usable
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def sqlite_pragmas(*, write: bool) -> tuple[str, ...]:
    """What each connection is set to. FULL: a revocation that was acknowledged survives a power cut."""
    shared = (f"PRAGMA busy_timeout={BUSY_MILLISECONDS}", "PRAGMA foreign_keys=ON")
    if write:
        return ("PRAGMA journal_mode=WAL", *shared, "PRAGMA synchronous=FULL")
    return (*shared, "PRAGMA query_only=ON")


def postgres_engine(url: URL) -> AsyncEngine:
    """An engine on PostgreSQL, with bounds on connecting and on every statement."""
    return create_async_engine(
        url,
        pool_size=10,
        max_overflow=10,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS,
            "server_settings": {"application_name": "keywright"},
        },
        hide_parameters=True,
    )


def sqlite_file(url: URL) -> Path:
    """The file of a SQLite URL."""
    return Path(url.database or "")


@contextmanager
def away_is_unavailable() -> Iterator[None]:
    """Turn the failures that mean "the database cannot be reached" into `Unavailable`.

    Whatever else goes wrong passes through, so that a defect stays visible as one.
    """
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, OSError) as away:
        raise Unavailable("The database cannot be reached.") from away
    except DBAPIError as broken:
        if broken.connection_invalidated:
            raise Unavailable("The connection to the database was lost.") from broken
        raise
