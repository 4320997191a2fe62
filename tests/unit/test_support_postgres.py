"""The PostgreSQL that tests get: really there, apart for each test, and gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.postgres import PostgresServer, connected, database_name, running_postgres

ROOT = Path(__file__).resolve().parents[2]


def postmaster(server: PostgresServer) -> int:
    """Return the process id of a server of our own."""
    folder = Path(server.fetch_value("SHOW data_directory"))
    return int((folder / "postmaster.pid").read_text("utf-8").splitlines()[0])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def words(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row["word"] for row in await connection.fetch("SELECT word FROM note ORDER BY word")]
    finally:
        await connection.close()


async def write(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.anyio
async def test_databases_of_one_template_are_apart(create_database: Callable[..., str]) -> None:
    template = create_database()
    await write(template, "CREATE TABLE note (word text)", "INSERT INTO note VALUES ('template')")
    one, two = create_database(template), create_database(template)
    await write(one, "INSERT INTO note VALUES ('one')")

    assert await words(one) == ["one", "template"]
    assert await words(two) == ["template"]
    assert await words(template) == ["template"]


@pytest.mark.anyio
@pytest.mark.parametrize("turn", [1, 2])
async def test_a_database_starts_empty(postgres_database: str, turn: int) -> None:
    await write(postgres_database, "CREATE TABLE note (word text)", f"INSERT INTO note VALUES ('{turn}')")
    assert await words(postgres_database) == [str(turn)]


@pytest.mark.anyio
async def test_sqlalchemy_takes_the_url(postgres_database: str) -> None:
    engine = create_async_engine(make_url(postgres_database).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        name = await connection.scalar(text("SELECT current_database()"))
    await engine.dispose()
    assert name == database_name(postgres_database)


@pytest.mark.anyio
async def test_letters_beyond_ascii_have_two_cases(postgres: PostgresServer) -> None:
    assert postgres.fetch_value("SELECT lower('ŽLUŤ')") == "žluť"


@pytest.mark.anyio
async def test_a_dropped_database_is_gone_though_somebody_is_connected(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    connection = await asyncpg.connect(url)
    postgres.drop_database(url)
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute("SELECT 1")
    await connection.close()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(url)


def test_a_named_server_is_used_and_left_as_it_was(
    postgres: PostgresServer, create_database: Callable[..., str]
) -> None:
    with connected(create_database()) as named:
        url = named.create_database()
        assert database_name(url) in names(postgres)
        named.drop_database(url)
    assert database_name(url) not in names(postgres)


def names(server: PostgresServer) -> list[str]:
    listed: list[str] = server.fetch_value("SELECT array_agg(datname::text) FROM pg_database")
    return listed


def test_nothing_of_a_server_is_left_after_a_failure() -> None:
    seen: list[tuple[Path, int]] = []

    def fail() -> None:
        with running_postgres() as server:
            seen.append((Path(server.fetch_value("SHOW data_directory")), postmaster(server)))
            assert seen[0][0].exists()
            assert is_alive(seen[0][1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    data, pid = seen[0]
    assert not data.parent.exists()
    assert not is_alive(pid)


KILLED = """
import time
from tests.support.postgres import running_postgres
from tests.unit.test_support_postgres import postmaster

with running_postgres() as server:
    print(postmaster(server), server.fetch_value("SHOW data_directory"), flush=True)
    time.sleep(600)
"""


def test_nothing_of_a_server_is_left_when_its_tests_are_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        number, data = tests.stdout.readline().split()
        pid, folder = int(number), Path(data).parent
        assert folder.exists()
        assert is_alive(pid)
        tests.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (is_alive(pid) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)
    assert not folder.exists()
