"""Bringing a database to the schema of this version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from keywright.storage.engine import SchemaMismatch, away_is_unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from keywright.storage.database import Database


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """The revision that this version of Keywright needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 - the tree of migrations has always one head
    return head


async def revision(database: Database) -> str | None:
    """The revision that the database is at; None for an empty one."""
    with away_is_unavailable():
        async with database.reader.connect() as connection:
            return await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_revision()
            )


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the database to the newest schema in one transaction; answers the revisions before and after.

    Raises `SchemaMismatch` when the database was written by a newer version.
    """
    head = head_revision()
    with away_is_unavailable():
        async with database.writer.begin() as connection:
            before = await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_revision()
            )
            if before is not None and before != head:
                _refuse_unknown(before)
            await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
    return before, head


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


def _refuse_unknown(found: str) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise SchemaMismatch(
            f"The database is at schema {found}, which this version of Keywright does not know: "
            "it was written by a newer version. Use that version."
        )
