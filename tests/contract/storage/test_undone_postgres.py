"""PostgreSQL: what it is told about its patience, and transactions that it undoes for the sake of others."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from keywright.core.errors import Unavailable
from keywright.storage import Database
from keywright.storage import postgres as servers
from keywright.storage.away import Undone
from keywright.storage.migrate import upgrade
from tests.contract.storage.acts import EVERYTHING, available, look_up, unavailable, write
from tests.contract.storage.making import Home, a_tenant, add_home, add_key, execute, fetch, key_by_id
from tests.contract.storage.servers import restartable_postgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.keys import Key

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)]

LIMITS = (
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_keepalives_count",
    "tcp_user_timeout",
)


async def limits(database: Database) -> dict[str, str]:
    rows = await fetch(database, f"SELECT name, setting FROM pg_settings WHERE name IN {LIMITS}")
    return dict(rows)


async def test_each_connection_is_told_how_long_to_wait(database: Database) -> None:
    assert await limits(database) == {
        "statement_timeout": "10000",
        "lock_timeout": "7000",
        "idle_in_transaction_session_timeout": "5000",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "10000",
    }


async def test_the_time_for_a_statement_is_set_by_who_runs_it(url: str) -> None:
    database = Database.connect(url, statement_seconds=0.5)
    found = await limits(database)
    assert (found["statement_timeout"], found["lock_timeout"]) == ("500", "500")
    with pytest.raises(Unavailable):
        await fetch(database, "SELECT pg_sleep(5)")
    await database.close()


async def test_lower_limits_of_the_server_stand(url: str, connect: Callable[[str], Database]) -> None:
    name = urlsplit(url).path[1:]
    await execute(
        url,
        f"ALTER DATABASE {name} SET statement_timeout = '3s'",
        f"ALTER DATABASE {name} SET lock_timeout = '2min'",
    )
    found = await limits(connect(url))
    assert (found["statement_timeout"], found["lock_timeout"]) == ("3000", "7000")


async def test_an_engine_that_knows_none_of_the_limits(
    url: str, connect: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_FOUND", "SELECT 'statement_timeout', '0s' WHERE 'x' = ANY($1::text[])")
    await available(connect(url), *EVERYTHING)


async def test_a_connection_that_cannot_be_set_up_is_none(
    url: str, connect: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = connect(url)
    with monkeypatch.context() as patched:
        patched.setattr(servers, "_FOUND", "SELECT 1 / 0 WHERE 'x' <> ALL($1::text[])")
        await unavailable(database, *EVERYTHING)
    await available(database, *EVERYTHING)
    names = await fetch(database, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    assert names[0][0] == 2


async def test_connections_are_kept_alive(database: Database) -> None:
    server = database.server
    assert server is not None
    connection = await server.connect(name="keywright", seconds=5)
    wire = connection._transport.get_extra_info("socket")
    assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
    assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
    await connection.close()


async def test_no_more_connections_than_were_allowed(url: str) -> None:
    database = Database.connect(url, pool_size=2)
    await asyncio.gather(*(act(database) for act in (write, look_up) for _ in range(20)))
    names = await fetch(
        database, "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    )
    found = [row[0] for row in names]
    assert found.count("keywright") == found.count("keywright verify") == 2
    await database.close()


async def test_who_stands_still_in_a_transaction_loses_it(
    url: str, connect: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a process that was stopped while it held the head of the change feed."""
    monkeypatch.setattr(servers, "IDLE_IN_TRANSACTION_MILLISECONDS", 200)
    frozen, other = connect(url), connect(url)
    home = await add_home(other)

    async def stand_still() -> None:
        async with frozen.write() as transaction:
            await transaction.changes.add({home.identity.id}, home.identity.created_at)
            async with other.write() as following:  # it waits, and gets its turn
                assert await following.changes.add({home.identity.id}, home.identity.created_at) == 1
            await transaction.probe()

    with pytest.raises(Unavailable):
        await stand_still()
    await available(frozen, *EVERYTHING)


async def test_a_conflict_of_serializable_transactions(url: str, connect: Callable[[str], Database]) -> None:
    """Where the server is set up to be that strict, one of two that read what the other writes is undone."""
    await execute(
        url, f"ALTER DATABASE {urlsplit(url).path[1:]} SET default_transaction_isolation = 'serializable'"
    )
    database = connect(url)
    together = asyncio.Barrier(2)

    async def add(slug: str) -> None:
        async with database.write() as transaction:
            assert not await transaction.tenants.any()
            await together.wait()
            await transaction.tenants.add(a_tenant(slug))
            await together.wait()

    async with asyncio.timeout(20):
        results = await asyncio.gather(add("one"), add("two"), return_exceptions=True)
    assert {type(result) for result in results} == {type(None), Undone}
    await available(database, *EVERYTHING)


async def test_the_connection_of_what_was_undone_stays_in_use(database: Database) -> None:
    before = await fetch(database, "SELECT pg_backend_pid()")
    with pytest.raises(Undone):
        async with database.write() as transaction:
            await transaction._connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))
    assert await fetch(database, "SELECT pg_backend_pid()") == before


async def test_after_an_outcome_that_nobody_knows_it_is_away(database: Database) -> None:
    """SQLSTATE 40003 is of the same class, and may not be tried again."""
    with pytest.raises(Unavailable) as raised:
        async with database.write() as transaction:
            await transaction._connection.execute(text("DO $$ BEGIN RAISE SQLSTATE '40003'; END $$"))
    assert type(raised.value) is Unavailable


async def test_writers_of_one_row_all_get_their_turn(database: Database) -> None:
    home: Home = await add_home(database)
    key: Key = await add_key(database, home)

    async def rename(number: int) -> None:
        async with database.write() as transaction:
            found = await transaction.keys(home.tenant_id).by_id(key.id, lock=True)
            assert found is not None
            await transaction.keys(home.tenant_id).change(
                replace(found, description=f"{found.description}{number}")
            )

    async with asyncio.timeout(20):
        await asyncio.gather(*(rename(number) for number in range(9)))
    stored = await key_by_id(database, key)
    assert stored is not None
    assert sorted(stored.description[-9:]) == list("012345678")


async def test_after_a_restart_everybody_comes_back_in_a_moment(connect: Callable[[str], Database]) -> None:
    with restartable_postgres() as server:
        database = connect(server.url)
        await upgrade(database)
        await asyncio.gather(*(write(database) for _ in range(8)))
        server.stop()
        gone = await asyncio.gather(*(write(database) for _ in range(8)), return_exceptions=True)
        assert {type(one) for one in gone} == {Unavailable}
        server.start()
        async with asyncio.timeout(10):
            await asyncio.gather(*(act(database) for act in EVERYTHING for _ in range(8)))
        await database.close()
