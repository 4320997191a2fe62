"""Engines: how each database is opened, and how its failures leave when it is away."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_only

from keywright.core.errors import Unavailable
from keywright.storage.away import Undone, is_away, was_undone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

BUSY_MILLISECONDS = 5_000
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 10.0
_RETRY_SECONDS = 0.01
WRITES = "keywright_writes"
NOTIFIES = "keywright_notifies"


class StorageError(Exception):
    """The database cannot be used as it is configured; the text says what to do."""


class SchemaMismatch(StorageError):
    """The database's schema is older or newer than this version of Keywright needs."""


def parse_url(text: str) -> URL:
    """The URL with the async driver in it. Raises `StorageError` for an engine that is not supported."""
    if text.startswith("sqlite:"):
        # Taken as it stands: versions of SQLAlchemy differ in what they make of a percent sign.
        path = text.removeprefix("sqlite:///")
        if path in {text, "", ":memory:"} or "?" in path:
            raise StorageError("A SQLite database needs a file: sqlite:///path/to/keywright.db")
        return URL.create("sqlite+aiosqlite", database=path)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # its message would repeat the URL, and the password in it
        raise StorageError("The database's URL cannot be read.") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+asyncpg")
    raise StorageError("The database must be sqlite:///… or postgresql://…")


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction that ends with the block.

    Raises `Unavailable` when the database cannot be reached. Whatever else goes wrong passes through, so
    that a defect stays visible as one.
    """
    try:
        async with engine.begin() as connection:
            yield connection
    except PoolTimeout as busy:
        raise Unavailable("All connections to the database are in use.") from busy


def sqlite_engines(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    """Two engines on a SQLite file: one connection that writes, and a few that only read.

    One writer a process keeps transactions in order without waiting for locks; `BEGIN IMMEDIATE` takes
    the write lock at the start, so that no transaction fails half-way for having read first.
    """
    return _sqlite_engine(url, write=True), _sqlite_engine(url, write=False)


def _sqlite_engine(url: URL, *, write: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if write else 4,
        max_overflow=0,
        pool_timeout=BUSY_MILLISECONDS / 1000,
        connect_args={"uri": True, "isolation_level": None, "timeout": BUSY_MILLISECONDS / 1000},
        execution_options={WRITES: write},
        hide_parameters=True,
    )
    path = sqlite_file(url)

    @event.listens_for(engine.sync_engine, "do_connect")
    def _open(_dialect: object, _record: object, cargs: list[str], _cparams: object) -> None:
        # The driver would start a thread for it all the same.
        if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a folder cannot be entered
            raise Unavailable("The database's file is missing.")
        cargs[:] = [sqlite_uri(path)]

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:  # noqa: ANN401 - the driver's and the pool's own classes
        record.info["file"] = file_identity(path)
        try:
            _run_pragmas(connection, write=write)
        except BaseException:
            connection.close()
            raise

    @event.listens_for(engine.sync_engine, "checkout")
    def _same_file(_connection: object, record: Any, _proxy: object) -> None:  # noqa: ANN401 - the pool's own class
        if record.info["file"] != file_identity(path):
            raise DisconnectionError

    @event.listens_for(engine.sync_engine, "invalidate")
    def _roll_back(connection: Any, _record: object, _error: object) -> None:  # noqa: ANN401 - the driver's own class
        # A statement given up half-way keeps a connection alive that was closed, and with it the lock it holds.
        with suppress(sqlite3.Error, asyncio.CancelledError):
            connection.rollback()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's connection, before it is usable
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    tell_when_away(engine)
    return engine


def _run_pragmas(connection: Any, *, write: bool) -> None:  # noqa: ANN401 - the driver's own class
    """Set a connection up, waiting for others that do so.

    Of several that switch a new file to WAL at once, SQLite refuses all but one without waiting.
    """
    deadline = time.monotonic() + BUSY_MILLISECONDS / 1000
    cursor = connection.cursor()
    for pragma in sqlite_pragmas(write=write):
        while True:
            try:
                cursor.execute(pragma)
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                await_only(asyncio.sleep(_RETRY_SECONDS))
    cursor.close()


def sqlite_pragmas(*, write: bool, busy_milliseconds: int | None = None) -> tuple[str, ...]:
    """What each connection is set to. FULL: a revocation that was acknowledged survives a power cut."""
    wait = BUSY_MILLISECONDS if busy_milliseconds is None else busy_milliseconds
    shared = (f"PRAGMA busy_timeout={wait}", "PRAGMA foreign_keys=ON")
    if write:
        return (*shared, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
    return (*shared, "PRAGMA query_only=ON")


def sqlite_file(url: URL) -> Path:
    """The file of a SQLite URL."""
    return Path(url.database or "")


def sqlite_uri(path: Path) -> str:
    """A SQLite file by its URI: one that is missing is a failure to report, not a reason to make an empty one."""
    return f"{path.absolute().as_uri()}?mode=rw"


def file_identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one put in its place; None where there is no file.

    A connection goes on with the file it has opened, whatever becomes of its name.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - half the cost of Path.stat, and paid at each verification
    except OSError:
        return None
    return found.st_dev, found.st_ino


def notifies(connection: AsyncConnection) -> bool:
    """Whether a connection's server carries notifications to whoever listens."""
    sync = connection.sync_connection
    return sync is not None and bool(sync.info.get(NOTIFIES))


def tell_when_away(engine: AsyncEngine) -> None:
    """Have the engine's failures leave as `Unavailable` when they mean that the database is away."""

    @event.listens_for(engine.sync_engine, "handle_error")
    def _told(context: ExceptionContext) -> Exception | None:
        error = context.original_exception
        if not isinstance(error, Exception):  # a cancellation, which SQLAlchemy counts as a lost connection
            return None
        if was_undone(error):
            return Undone("The database gave this up for the sake of another request. Try again.")
        if not context.is_disconnect:
            options = {} if context.connection is None else context.connection.get_execution_options()
            if not is_away(error, write=options.get(WRITES, True)):
                return None
            # Its connection may be of no more use: the statement still runs, or it was opened only to read.
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False
        return Unavailable("The database cannot be reached.")
