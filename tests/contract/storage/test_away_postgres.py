"""PostgreSQL: however the server goes, it is told as "away", and all goes on once it is back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from keywright.core.errors import Unavailable
from keywright.storage.migrate import upgrade
from tests.contract.storage.acts import EVERYTHING, available, look_up, unavailable
from tests.contract.storage.making import a_digest, a_tenant, add_home, add_key, somebody_waits
from tests.contract.storage.servers import Wire, kill, restartable_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from keywright.storage import Database
    from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)]


async def write_around(database: Database, happens: Callable[[], object]) -> None:
    """Write before something happens, and after it in the same transaction."""
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant("lost"))
        happens()
        await transaction.tenants.add(a_tenant())


@pytest.fixture
async def wire(url: str) -> AsyncIterator[Wire]:
    made = Wire(url)
    await made.connect()
    yield made
    made.unmute()
    await made.cut()


async def test_a_server_that_stops_and_starts(connect: Callable[[str], Database]) -> None:
    with restartable_postgres() as server:
        database, late = connect(server.url), connect(server.url)
        await upgrade(database)
        home = await add_home(database)
        digest = a_digest()
        await add_key(database, home, digest)
        await available(database, *EVERYTHING)

        await unavailable(database, lambda database: write_around(database, server.stop))
        for one in (database, late):
            await unavailable(one, *EVERYTHING, *EVERYTHING)

        server.start()
        for one in (database, late):
            await available(one, *EVERYTHING)
            assert await one.lookup.by_digest(digest) is not None
            assert await one.lookup.tenant("lost") is None
        await database.close()
        await late.close()


async def test_idle_connections_that_were_ended_are_replaced(
    database: Database, url: str, postgres: PostgresServer
) -> None:
    """Nobody is told of it: the next one to need a connection gets a new one."""
    await available(database, *EVERYTHING)
    assert kill(postgres, url) == 2
    await asyncio.sleep(0.05)
    await available(database, *EVERYTHING)


async def test_a_connection_ended_in_a_transaction(
    database: Database, url: str, postgres: PostgresServer
) -> None:
    await unavailable(database, lambda database: write_around(database, lambda: kill(postgres, url)))
    await available(database, *EVERYTHING)
    assert await database.lookup.tenant("lost") is None


async def test_a_connection_ended_before_the_commit(
    database: Database, url: str, postgres: PostgresServer
) -> None:
    """A commit that did not get through is no success."""

    async def write_before(database: Database) -> None:
        async with database.write() as transaction:
            await transaction.tenants.add(a_tenant("lost"))
            kill(postgres, url)

    await unavailable(database, write_before)
    await available(database, *EVERYTHING)
    assert await database.lookup.tenant("lost") is None


async def test_a_connection_ended_in_the_middle_of_statements(
    database: Database, url: str, postgres: PostgresServer
) -> None:
    home = await add_home(database)
    key = await add_key(database, home, digest := a_digest())
    async with database.write() as holder:
        await holder.keys(home.tenant_id).by_id(key.id, lock=True)

        async def wait_for_it(database: Database) -> None:
            async with database.write() as transaction:
                await transaction.keys(home.tenant_id).by_id(key.id, lock=True)

        waiting = asyncio.create_task(unavailable(database, wait_for_it))
        await somebody_waits(database)
        postgres.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        await waiting
    await available(database, *EVERYTHING)
    assert await database.lookup.by_digest(digest) is not None


async def test_a_look_up_ended_in_the_middle(database: Database, url: str, postgres: PostgresServer) -> None:
    await available(database, *EVERYTHING)
    async with database.writer.begin() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute("BEGIN; LOCK TABLE api_key IN ACCESS EXCLUSIVE MODE")
        waiting = asyncio.create_task(unavailable(database, look_up))
        await somebody_waits(database)
        postgres.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        await waiting
        await raw.execute("ROLLBACK")
    await available(database, *EVERYTHING)


async def test_a_server_that_refuses(wire: Wire, connect: Callable[[str], Database]) -> None:
    database = connect(wire.url)
    await available(database, *EVERYTHING)
    await wire.cut()
    for one in (database, connect(wire.url)):
        await unavailable(one, *EVERYTHING, *EVERYTHING)
    await wire.connect()
    await available(database, *EVERYTHING)


@pytest.mark.usefixtures("impatience")
async def test_a_server_that_falls_silent(wire: Wire, connect: Callable[[str], Database]) -> None:
    """Nothing comes back and nothing breaks: only the clock says that it is away."""
    database = connect(wire.url)
    await available(database, *EVERYTHING)
    wire.mute()
    for one in (database, connect(wire.url)):
        await unavailable(one, *EVERYTHING)
    # Many at once do not queue up behind each other's patience.
    async with asyncio.timeout(5):
        many = await asyncio.gather(*(look_up(database) for _ in range(30)), return_exceptions=True)
    assert {type(one) for one in many} == {Unavailable}
    wire.unmute()
    await asyncio.sleep(0.5)
    await available(database, *EVERYTHING)


@pytest.mark.usefixtures("impatience")
async def test_closing_does_not_wait_for_a_silent_server(
    wire: Wire, connect: Callable[[str], Database]
) -> None:
    database = connect(wire.url)
    await available(database, *EVERYTHING)
    wire.mute()
    waiting = asyncio.create_task(unavailable(database, look_up))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        await database.close()
    await waiting


async def test_something_else_answers(url: str, connect: Callable[[str], Database]) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    database = connect(urlsplit(url)._replace(netloc=f"postgres@{place}").geturl())
    await unavailable(database, *EVERYTHING)
    server.close()
