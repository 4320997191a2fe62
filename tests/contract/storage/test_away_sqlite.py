"""SQLite: whatever befalls the file, it is told as "away", and all goes on once the file is right again."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiosqlite
import pytest

from keywright.storage.migrate import upgrade
from tests.contract.storage.acts import EVERYTHING, available, look_up, read, unavailable, write
from tests.contract.storage.making import a_digest, a_tenant, add_home, add_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keywright.storage import Database

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("dialect", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("impatience"),
]


@dataclass(frozen=True, slots=True)
class File:
    """The database's file, and what can befall it."""

    path: Path

    def hide(self) -> None:
        self.path.rename(self.path.with_suffix(".hidden"))

    def show(self) -> None:
        self.path.with_suffix(".hidden").rename(self.path)

    def put(self, content: bytes) -> None:
        """Something else is there under this name, and nothing is left of what was."""
        other = self.path.with_suffix(".other")
        other.write_bytes(content)
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        other.replace(self.path)

    def content(self) -> bytes:
        return self.path.read_bytes()

    def is_there(self) -> bool:
        return self.path.exists()

    def become_a_folder(self) -> None:
        self.path.unlink()
        self.path.mkdir()

    def log_size(self) -> int:
        """How large the write-ahead log is."""
        return Path(f"{self.path}-wal").stat().st_size


@pytest.fixture
def file(url: str) -> File:
    return File(Path(url.removeprefix("sqlite:///")))


@contextmanager
def other(file: File, *statements: str) -> Iterator[sqlite3.Connection]:
    """Another process that has done something to the file, and holds on to it."""
    with closing(sqlite3.connect(file.path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        yield connection


@pytest.mark.parametrize("used_before", [False, True])
async def test_somebody_else_writes(database: Database, file: File, used_before: bool) -> None:
    """Who writes has to wait, and does not wait for ever; who reads does not wait."""
    if used_before:
        await available(database, *EVERYTHING)
    with other(file, "BEGIN IMMEDIATE"):
        await unavailable(database, write)
        await available(database, read, look_up)
    await available(database, *EVERYTHING)


async def test_a_statement_given_up_half_way_holds_no_lock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are not all read, so SQLite keeps the connection alive, closed as it is, until Python forgets it."""
    await available(database, *EVERYTHING)
    reached = asyncio.Event()

    async def stall(_cursor: aiosqlite.Cursor) -> None:
        reached.set()
        await asyncio.Event().wait()

    async def ask() -> None:
        async with database.write() as transaction:
            await transaction.tenants.any()

    with monkeypatch.context() as patch:
        patch.setattr(aiosqlite.Cursor, "fetchall", stall)
        task = asyncio.create_task(ask())
        await reached.wait()
        task.cancel()
        (given_up,) = await asyncio.gather(task, return_exceptions=True)
    await available(database, *EVERYTHING)
    assert isinstance(given_up, asyncio.CancelledError)


@pytest.mark.parametrize("used_before", [False, True])
async def test_somebody_else_has_the_file_to_itself(
    database: Database, file: File, used_before: bool
) -> None:
    if used_before:
        await available(database, *EVERYTHING)
        await database.close()
    with other(file, "PRAGMA locking_mode=EXCLUSIVE", "BEGIN IMMEDIATE", "CREATE TABLE theirs (n)", "COMMIT"):
        await unavailable(database, *EVERYTHING)
    await available(database, *EVERYTHING)


async def test_switching_to_wal_waits_for_others(database: Database, file: File) -> None:
    """SQLite refuses the switch at once, however long it was told to wait."""
    with other(file, "PRAGMA journal_mode=DELETE", "BEGIN IMMEDIATE") as holder:
        attempt = asyncio.create_task(write(database))
        await asyncio.sleep(0.02)
        assert not attempt.done()
        holder.execute("ROLLBACK")
        await attempt
    with other(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_switching_to_wal_does_not_wait_for_ever(database: Database, file: File) -> None:
    with other(file, "PRAGMA journal_mode=DELETE", "BEGIN IMMEDIATE"):
        await unavailable(database, write)
    await available(database, *EVERYTHING)


async def test_the_file_is_missing(database: Database, file: File) -> None:
    """Also for connections that were opened before, and would go on with a file that nobody else sees."""
    home = await add_home(database)
    digest = a_digest()
    await add_key(database, home, digest)
    await available(database, *EVERYTHING)
    file.hide()
    for _ in range(2):
        await unavailable(database, *EVERYTHING)
    assert not file.is_there(), "nothing may make an empty one in its place"
    file.show()
    await available(database, *EVERYTHING)
    assert await database.lookup.by_digest(digest) is not None


async def test_the_file_is_another_one(database: Database, file: File, sqlite_template: Path) -> None:
    """A backup was put in its place: all see it from the next statement on, or all do not."""
    home = await add_home(database, "before")
    digest = a_digest()
    await add_key(database, home, digest)
    await available(database, *EVERYTHING)
    file.put(File(sqlite_template).content())
    assert await database.lookup.by_digest(digest) is None
    async with database.read() as transaction:
        assert await transaction.tenants.by_slug("before") is None
    await add_home(database, "after")
    assert await database.lookup.tenant("before") is None
    assert await database.lookup.tenant("after") is not None
    async with database.read() as transaction:
        assert await transaction.tenants.by_slug("after") is not None


@pytest.mark.parametrize("content", [b"this is no database " * 1000, b"SQLite format 3\0" + b"\xff" * 20_000])
async def test_the_file_is_no_database(
    url: str, connect: Callable[[str], Database], file: File, sqlite_template: Path, content: bytes
) -> None:
    file.put(content)
    database = connect(url)
    for _ in range(2):
        await unavailable(database, *EVERYTHING)
    file.put(File(sqlite_template).content())
    await available(database, *EVERYTHING)


async def test_the_file_is_a_folder(url: str, connect: Callable[[str], Database], file: File) -> None:
    file.become_a_folder()
    database = connect(url)
    await unavailable(database, *EVERYTHING)


async def test_the_file_is_damaged(url: str, connect: Callable[[str], Database], file: File) -> None:
    database = connect(url)
    home = await add_home(database)
    for _ in range(50):
        await add_key(database, home)
    await database.close()
    intact = file.content()
    page = int.from_bytes(intact[16:18], "big")
    file.put(intact[:page] + b"\xa5" * (len(intact) - page))
    await unavailable(database, *EVERYTHING)
    file.put(intact)
    await available(database, *EVERYTHING)


async def pragma(database: Database, text: str) -> int | None:
    """Set or ask something in the connection that writes; what it answers."""
    async with database.writer.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        async with raw.execute(f"PRAGMA {text}") as rows:
            row = await rows.fetchone()
    return None if row is None else int(row[0])


async def test_the_file_cannot_be_written(database: Database) -> None:
    """As for a connection that was opened while the disk was set to be read only: the next one is a new one."""
    await available(database, *EVERYTHING)
    await pragma(database, "query_only=ON")
    await unavailable(database, write)
    await available(database, *EVERYTHING)


async def test_the_disk_is_full(database: Database) -> None:
    await write(database)
    assert await pragma(database, "max_page_count=1") == await pragma(database, "page_count")

    async def write_much(database: Database) -> None:
        async with database.write() as transaction:
            for _ in range(200):
                await transaction.tenants.add(a_tenant(name="x" * 1000))

    await unavailable(database, write_much)
    assert await tenants(database) == 1
    await available(database, *EVERYTHING, write_much)
    assert await tenants(database) == 202


async def tenants(database: Database) -> int:
    async with database.read() as transaction:
        return len((await transaction.tenants.page(among=None, limit=1000, after=None)).items)


async def test_the_disk_fails(database: Database, file: File) -> None:
    """The system refuses to let the write-ahead log grow: what was to be written is not, and nothing else is lost."""
    await write(database)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.log_size(), hard))
    try:
        await unavailable(database, write)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await available(database, *EVERYTHING)
    assert await tenants(database) == 2


@pytest.mark.parametrize("name", ["key #1.db", "100%41.db", "žluť \u00e9.db", "a&b=c.db"])
async def test_any_name_of_a_file_will_do(
    tmp_path: Path, connect: Callable[[str], Database], name: str
) -> None:
    """All that opens it opens the same, and no other one comes to be."""
    database = connect(f"sqlite:///{tmp_path}/{name}")
    await upgrade(database)
    await add_home(database, "here")
    assert await database.lookup.tenant("here") is not None
    await database.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]  # noqa: ASYNC240 - one look at a folder
