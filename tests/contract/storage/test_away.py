"""What counts as "the database is away", on both engines: failures to reach it, never a fault in what is asked."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from keywright.core.errors import Unavailable
from keywright.storage import Database, StorageError
from keywright.storage import engine as engines
from keywright.storage.away import is_away
from tests.contract.storage.making import Home, a_digest, a_tenant, add_key, execute

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.storage import Transaction

pytestmark = pytest.mark.anyio


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    return error


AWAY = [
    sqlite_error(sqlite3.SQLITE_BUSY),
    sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT),
    sqlite_error(sqlite3.SQLITE_LOCKED),
    sqlite_error(sqlite3.SQLITE_IOERR_READ),
    sqlite_error(sqlite3.SQLITE_CANTOPEN),
    sqlite_error(sqlite3.SQLITE_FULL),
    sqlite_error(sqlite3.SQLITE_CORRUPT),
    sqlite_error(sqlite3.SQLITE_NOTADB),
    sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED),
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.ConnectionFailureError("gone"),
    asyncpg.AdminShutdownError("terminating connection"),
    asyncpg.CrashShutdownError("terminating connection"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.OutOfMemoryError("out of memory"),
    asyncpg.DiskFullError("no space left"),
    asyncpg.InvalidPasswordError("password authentication failed"),
    asyncpg.InvalidCatalogNameError("database does not exist"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    asyncpg.SerializationError("could not serialize access"),
    asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
    asyncpg.PostgresIOError("could not read block"),
    asyncpg.DataCorruptedError("invalid page"),
    ConnectionRefusedError(),
    ConnectionResetError(),
    TimeoutError(),
]
FAULTS = [
    sqlite_error(sqlite3.SQLITE_ERROR),
    sqlite_error(sqlite3.SQLITE_CONSTRAINT_UNIQUE),
    sqlite_error(sqlite3.SQLITE_MISMATCH),
    sqlite_error(sqlite3.SQLITE_TOOBIG),
    sqlite3.ProgrammingError("Cannot operate on a closed database."),
    asyncpg.UndefinedTableError("relation does not exist"),
    asyncpg.PostgresSyntaxError("syntax error"),
    asyncpg.UniqueViolationError("duplicate key"),
    asyncpg.StringDataRightTruncationError("value too long"),
    asyncpg.InsufficientPrivilegeError("permission denied"),
    asyncpg.InFailedSQLTransactionError("current transaction is aborted"),
    asyncpg.DataError("invalid input for query argument"),
    ValueError(),
    KeyError(),
]
READ_ONLY = [sqlite_error(sqlite3.SQLITE_READONLY), asyncpg.ReadOnlySQLTransactionError("read-only")]


def named(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorcode", "")) + type(error).__name__


@pytest.mark.parametrize("error", AWAY, ids=named)
def test_a_failure_to_reach_it_is_away(error: Exception) -> None:
    assert is_away(error)
    assert is_away(error, write=True)


@pytest.mark.parametrize("error", FAULTS, ids=named)
def test_a_fault_in_what_is_asked_is_not(error: Exception) -> None:
    assert not is_away(error)
    assert not is_away(error, write=True)


@pytest.mark.parametrize("error", READ_ONLY, ids=named)
def test_refusing_to_write_is_away_only_where_one_may_write(error: Exception) -> None:
    """Elsewhere it is our own rule that was broken."""
    assert is_away(error, write=True)
    assert not is_away(error)


@pytest.mark.parametrize(
    "statement", ["SELECT nonsense", "SELEC 1", "SELECT * FROM nowhere", "SELECT 1 / 'a'"]
)
async def test_a_wrong_statement_stays_visible(database: Database, statement: str) -> None:
    if database.dialect == "sqlite" and "/" in statement:
        statement = "SELECT nofunction(1)"
    for begin in (database.read, database.write):
        with pytest.raises(DBAPIError):
            async with begin() as transaction:
                await transaction._connection.execute(text(statement))
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant())


async def test_a_breach_of_a_constraint_stays_visible(database: Database, home: Home) -> None:
    with pytest.raises(IntegrityError):
        await add_key(database, home, description=None)


@pytest.mark.parametrize(
    "own",
    [
        FileNotFoundError,
        TimeoutError,
        ConnectionResetError,
        sqlite3.OperationalError,
        asyncpg.PostgresIOError,
    ],
)
async def test_what_the_caller_raises_is_its_own(database: Database, own: type[Exception]) -> None:
    """A failure between two statements has nothing to do with the database."""

    async def fail(transaction: Transaction) -> None:
        await transaction.probe()
        raise own("of the caller")

    for begin in (database.read, database.write):
        with pytest.raises(own, match="of the caller"):
            async with begin() as transaction:
                await fail(transaction)


async def test_a_missing_table_is_a_defect_of_a_look_up_too(database: Database, url: str, home: Home) -> None:
    digest = a_digest()
    await add_key(database, home, digest)
    assert await database.lookup.by_digest(digest) is not None
    await execute(url, "ALTER TABLE api_key RENAME TO elsewhere")
    with pytest.raises((sqlite3.OperationalError, asyncpg.UndefinedTableError)):
        await database.lookup.by_digest(digest)
    await execute(url, "ALTER TABLE elsewhere RENAME TO api_key")
    facts = await database.lookup.by_digest(digest)
    assert facts is not None


async def test_all_connections_in_use(
    url: str, connect: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 50)
    monkeypatch.setattr(engines, "CONNECT_SECONDS", 0.2)
    database = connect(url)
    held = [database.write() for _ in range(1 if database.dialect == "sqlite" else 10)]
    for one in held:
        await (await one.__aenter__()).probe()
    with pytest.raises(Unavailable, match="in use"):
        async with database.write():
            pytest.fail("there is no connection left")
    for one in held:
        await one.__aexit__(None, None, None)
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant())


WRONG_URLS = [
    "",
    "keywright.db",
    "mysql://localhost/keywright",
    "sqlite://",
    "sqlite:///",
    "sqlite:///:memory:",
    "sqlite:///keywright.db?mode=ro",
    "sqlite+other:///keywright.db",
    "postgresql://user:secret@host:port/name",
]


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(StorageError) as refused:
        Database.connect(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_a_look_up_can_be_closed_before_it_was_used(database: Database) -> None:
    await database.lookup.close()
    await database.lookup.close()
    assert await database.lookup.by_digest(a_digest()) is None
