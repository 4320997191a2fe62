"""Bringing a database to the schema of this version."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from keywright.core.errors import Unavailable
from keywright.storage import engine as engines
from keywright.storage.engine import SchemaMismatch, StorageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.storage.database import Database

# Alembic keeps the connection it works on in a variable of its module: two migrations in one process would mix.
_ALEMBIC = threading.Lock()
_RETRY_SECONDS = 0.01


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """The revision that this version of Keywright needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 - the tree of migrations has always one head
    return head


async def revision(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one, and where there is none yet."""
    if not database.exists():
        return None
    async with engines.transaction(database.reader) as connection:
        return await _revision(connection)


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the database to the newest schema in one transaction; answers the revisions before and after.

    A SQLite file is made where there is none, readable by its owner alone. Several processes may do this
    at once. Raises `SchemaMismatch` when the database was written by a newer version, and `StorageError`
    when it cannot hold what Keywright stores.
    """
    if database.dialect == "sqlite":
        _make_file(engines.sqlite_file(database.writer.url))
    head = head_revision()
    try:
        async with _alone():
            return await _upgraded(database, head), head
    except DBAPIError:
        # On PostgreSQL another process may have been faster, and the same tables are refused a second time.
        if await revision(database) != head:
            raise
        return head, head


async def require_current(database: Database) -> None:
    """Raises `SchemaMismatch`, with what to do, unless the database has the schema of this version."""
    found = await revision(database)
    if found == head_revision():
        return
    if found is not None:
        _refuse_unknown(found)
    raise SchemaMismatch(
        "The database has no tables yet: run `keywright migrate` once."
        if found is None
        else "The database's schema is older than this version of Keywright: run `keywright migrate`."
    )


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """Wait for other migrations in this process, on whatever event loop they run."""
    while not _ALEMBIC.acquire(blocking=False):  # noqa: ASYNC110 - it may be held on another event loop
        await asyncio.sleep(_RETRY_SECONDS)
    try:
        yield
    finally:
        _ALEMBIC.release()


async def _upgraded(database: Database, head: str) -> str | None:
    async with engines.transaction(database.writer) as connection:
        before = await _revision(connection)
        if before is not None and before != head:
            _refuse_unknown(before)
        await _require_unicode(connection)
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
    return before


async def _revision(connection: AsyncConnection) -> str | None:
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def _make_file(path: Path) -> None:
    try:
        path.touch(mode=0o600)
    except OSError as away:
        raise Unavailable("The database's file cannot be made.") from away


async def _require_unicode(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        encoding = (await connection.execute(text("SHOW server_encoding"))).scalar_one()
        if encoding != "UTF8":
            raise StorageError(
                f"The database has the encoding {encoding}, which cannot hold every text: "
                "make one with the encoding UTF8."
            )


def _refuse_unknown(found: str) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise SchemaMismatch(
            f"The database is at schema {found}, which this version of Keywright does not know: "
            "it was written by a newer version. Use that version."
        )
