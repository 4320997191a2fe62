"""PostgreSQL: however the server goes, it is told as "away", and all goes on once it is back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from keywright.core.errors import Unavailable
from keywright.storage import engine as engines
from keywright.storage import lookup as lookups
from keywright.storage.migrate import upgrade
from tests.contract.storage.making import (
    Home,
    a_digest,
    a_tenant,
    add_home,
    add_key,
    execute,
    fetch,
    somebody_waits,
)
from tests.contract.storage.servers import Wire, restartable_postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from keywright.storage import Database
    from tests.support.postgres import PostgresServer

    Act = Callable[[Database], Awaitable[object]]

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)]


async def write(database: Database) -> None:
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant())


async def read(database: Database) -> None:
    async with database.read() as transaction:
        await transaction.tenants.any()


async def write_around(database: Database, happens: Callable[[], object]) -> None:
    """Write before something happens, and after it in the same transaction."""
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant("lost"))
        happens()
        await transaction.tenants.add(a_tenant())


async def look_up(database: Database) -> None:
    await database.lookup.by_digest(a_digest())


EVERYTHING: tuple[Act, ...] = (write, read, look_up)


async def unavailable(database: Database, *acts: Act) -> None:
    async with asyncio.timeout(10):
        for act in acts:
            with pytest.raises(Unavailable):
                await act(database)


async def available(database: Database, *acts: Act) -> None:
    async with asyncio.timeout(10):
        for act in acts:
            await act(database)


async def healed(database: Database) -> None:
    """Wait until a write goes through; connections that the server has ended are noticed one after the other."""
    async with asyncio.timeout(10):
        while True:
            try:
                await write(database)
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds in production is over soon here; connections made from now on have this."""
    monkeypatch.setattr(engines, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", 0.3)
    monkeypatch.setattr(lookups, "LOOKUP_SECONDS", 0.2)


@pytest.fixture
async def wire(url: str) -> AsyncIterator[Wire]:
    made = Wire(url)
    await made.connect()
    yield made
    made.unmute()
    await made.cut()


def kill(postgres: PostgresServer, url: str) -> int:
    """End every connection to a database, as an administrator or a failover does; answers how many."""
    name = urlsplit(url).path.removeprefix("/")
    killed: int = postgres.fetch_value(
        f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    return killed


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


@pytest.fixture
def guest(postgres: PostgresServer, url: str) -> Iterator[str]:
    """The URL of the database for somebody who is not the server's superuser, whom no limit holds."""
    parts = urlsplit(url)
    name = f"guest_{parts.path[-16:]}"
    postgres.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'guest'")
    postgres.execute(f"GRANT pg_read_all_data, pg_write_all_data TO {name}")
    yield parts._replace(netloc=f"{name}:guest@{parts.netloc.rpartition('@')[2]}").geturl()
    kill(postgres, url)
    postgres.execute(f"DROP ROLE {name}")


async def test_too_many_connections(
    guest: str, postgres: PostgresServer, connect: Callable[[str], Database]
) -> None:
    role = str(urlsplit(guest).username)
    postgres.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    database = connect(guest)
    async with database.write() as transaction:
        await transaction.tenants.add(a_tenant("first"))
        await unavailable(database, *EVERYTHING)
    postgres.execute(f"ALTER ROLE {role} CONNECTION LIMIT 10")
    await available(database, *EVERYTHING)
    assert await database.lookup.tenant("first") is not None


async def test_a_login_that_is_refused(
    guest: str, postgres: PostgresServer, connect: Callable[[str], Database]
) -> None:
    """The password was changed, or the account closed: nothing can be known until that is put right."""
    role = str(urlsplit(guest).username)
    database = connect(guest)
    postgres.execute(f"ALTER ROLE {role} NOLOGIN")
    await unavailable(database, *EVERYTHING)
    postgres.execute(f"ALTER ROLE {role} LOGIN")
    await available(database, *EVERYTHING)


async def test_a_database_that_is_not_there(url: str, connect: Callable[[str], Database]) -> None:
    database = connect(urlsplit(url)._replace(path="/absent").geturl())
    await unavailable(database, *EVERYTHING)


async def locked(database: Database, home: Home, holder: Database, *acts: Act) -> None:
    """That acts are unavailable while somebody holds a lock on everything, and not any more afterwards."""
    async with holder.writer.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute("BEGIN; LOCK TABLE api_key, tenant IN ACCESS EXCLUSIVE MODE")
        await unavailable(database, *acts)
        await raw.execute("ROLLBACK")
    await available(database, *acts)
    await add_key(database, home)


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
async def test_the_servers_own_patience_ends(
    url: str, connect: Callable[[str], Database], setting: str
) -> None:
    holder = connect(url)
    home = await add_home(holder)
    await execute(url, f"ALTER DATABASE {urlsplit(url).path[1:]} SET {setting} = '100ms'")
    await locked(connect(url), home, holder, *EVERYTHING)


async def test_our_own_patience_ends(
    url: str, connect: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = connect(url)
    home = await add_home(holder)
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", 0.2)
    monkeypatch.setattr(lookups, "LOOKUP_SECONDS", 0.2)
    await locked(connect(url), home, holder, *EVERYTHING)


@pytest.mark.usefixtures("impatience")
async def test_look_ups_do_not_wait_for_ever_for_their_turn(
    url: str, connect: Callable[[str], Database]
) -> None:
    """More of them than connections, all of which wait for the same lock."""
    database = connect(url)

    async def many(database: Database) -> None:
        found = await asyncio.gather(*(look_up(database) for _ in range(25)), return_exceptions=True)
        assert {type(one) for one in found} <= {Unavailable, type(None)}
        for one in found:
            if one is not None:
                raise one

    await locked(database, await add_home(database), connect(url), many)


async def test_look_ups_that_begin_together_share_their_connections(database: Database) -> None:
    lookup = database.lookup
    assert isinstance(lookup, lookups.PostgresLookup)
    async with lookup._opening:
        tasks = [asyncio.create_task(look_up(database)) for _ in range(3)]
        await asyncio.sleep(0.01)
    await asyncio.gather(*tasks)
    names = await fetch(
        database, "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    )
    assert 1 <= sum(row[0] == "keywright verify" for row in names) <= 3


async def test_transactions_that_wait_for_each_other(database: Database) -> None:
    """PostgreSQL ends one of them, which may be tried again: nothing of it was done."""
    home = await add_home(database)
    keys = [await add_key(database, home) for _ in range(2)]
    together = asyncio.Barrier(2)

    async def lock(order: tuple[int, int]) -> None:
        async with database.write() as transaction:
            await transaction.keys(home.tenant_id).by_id(keys[order[0]].id, lock=True)
            await together.wait()
            await transaction.keys(home.tenant_id).by_id(keys[order[1]].id, lock=True)

    async with asyncio.timeout(10):
        results = await asyncio.gather(lock((0, 1)), lock((1, 0)), return_exceptions=True)
    assert {type(result) for result in results} == {type(None), Unavailable}
    await available(database, *EVERYTHING)


async def test_a_server_that_only_reads(
    url: str, postgres: PostgresServer, connect: Callable[[str], Database]
) -> None:
    """As a standby does, to which a failover has led us for a moment."""
    name = urlsplit(url).path[1:]
    database = connect(url)
    await execute(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await unavailable(database, write)
    await available(database, read, look_up)
    postgres.execute(f"ALTER DATABASE {name} RESET ALL")
    kill(postgres, url)
    await healed(database)
    await available(database, *EVERYTHING)


@pytest.mark.parametrize("options", ["sslmode=disable", "sslmode=prefer&application_name=ours"])
async def test_options_of_a_url_reach_every_connection(
    url: str, connect: Callable[[str], Database], options: str
) -> None:
    database = connect(f"{url}?{options}")
    await available(database, *EVERYTHING)


async def test_connections_have_names(database: Database) -> None:
    """By which whoever looks after the server tells them apart."""
    await available(database, *EVERYTHING)
    names = await fetch(
        database, "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    )
    assert {row[0] for row in names} == {"keywright", "keywright verify"}
