"""PostgreSQL: its limits and ours. Whoever runs into one is told that the database is away, and may try again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from keywright.core.errors import Unavailable
from keywright.storage import StorageError
from keywright.storage import engine as engines
from keywright.storage import lookup as lookups
from keywright.storage.away import Undone
from tests.contract.storage.acts import EVERYTHING, available, healed, look_up, read, unavailable, write
from tests.contract.storage.making import Home, a_tenant, add_home, add_key, execute, fetch
from tests.contract.storage.servers import kill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keywright.storage import Database
    from tests.contract.storage.acts import Act
    from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)]


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
    assert {type(result) for result in results} == {type(None), Undone}
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


@pytest.mark.parametrize("options", ["sslmode=perhaps", "target_session_attrs=anything"])
async def test_options_that_make_no_sense_are_refused(
    url: str, connect: Callable[[str], Database], options: str
) -> None:
    database = connect(f"{url}?{options}")
    for act in EVERYTHING:
        with pytest.raises(StorageError, match="options") as refused:
            await act(database)
        assert refused.value.__cause__ is None


async def test_commits_are_durable_whatever_the_server_has_as_its_default(
    guest: str, postgres: PostgresServer, connect: Callable[[str], Database]
) -> None:
    """A crash of the server must not undo a revocation that was answered; who asks for more than that keeps it."""
    role = str(urlsplit(guest).username)
    for default, found in (("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")):
        postgres.execute(f"ALTER ROLE {role} SET synchronous_commit = '{default}'")
        database = connect(guest)
        assert await fetch(database, "SHOW synchronous_commit") == [(found,)]
        await database.close()
