"""Wake-ups: who listens is told soon of what another one commits, and finds its way back when it cannot listen."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import asyncpg
import pytest

from keywright.core.changes import NodeState
from keywright.storage import wakeups
from keywright.storage.engine import notifies
from keywright.storage.postgres import Postgres
from keywright.storage.wakeups import WakeUps
from tests.contract.storage.making import NOW, execute
from tests.contract.storage.servers import Wire, kill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from keywright.storage import Database
    from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.anyio

PATIENCE = 20


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what it waits for happens elsewhere
            await asyncio.sleep(0.005)


class Ear:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.hints = 0
        self.acknowledgements = 0

    def hint(self) -> None:
        self.hints += 1

    def acknowledged(self) -> None:
        self.acknowledgements += 1

    async def until(self, condition: Callable[[Ear], bool]) -> None:
        await until(lambda: condition(self))


def a_node(node_id: str = "nod_1") -> NodeState:
    return NodeState(
        id=node_id,
        name="here",
        kind="server",
        version="1",
        started_at=NOW,
        renewed_at=NOW,
        beat=0,
        applied=0,
        lease_us=3_000_000,
        grace_us=0,
    )


async def change(database: Database) -> int:
    async with database.write() as transaction:
        return await transaction.changes.add({"key_1"}, NOW)


@pytest.fixture
async def other(url: str, connect: Callable[[str], Database]) -> Database:
    """The same database as another process has it."""
    return connect(url)


@pytest.fixture
async def ear(database: Database) -> AsyncIterator[Ear]:
    """Somebody who listens already."""
    made = Ear()
    wake_ups = WakeUps(database, made.hint, made.acknowledged)
    await wake_ups.start()
    await made.until(lambda ear: ear.hints > 0)
    yield made
    await wake_ups.stop()


async def test_a_change_by_another_one_is_heard(ear: Ear, other: Database) -> None:
    for _ in range(3):
        before = ear.hints
        await change(other)
        await ear.until(lambda ear, before=before: ear.hints > before)  # type: ignore[misc]


async def test_an_acknowledgement_is_heard_and_a_renewal_is_not(ear: Ear, other: Database) -> None:
    async with other.write() as transaction:
        await transaction.nodes.add(a_node())
    await change(other)
    await ear.until(lambda ear: ear.hints > 1)
    await asyncio.sleep(0.1)
    hints, heard = ear.hints, ear.acknowledgements
    for _ in range(3):
        async with other.write() as transaction:
            assert await transaction.nodes.renew("nod_1", 0, NOW)
    await asyncio.sleep(0.2)
    assert (ear.hints, ear.acknowledgements) == (hints, heard)
    async with other.write() as transaction:
        await transaction.nodes.acknowledge("nod_1", 1)
    await ear.until(lambda ear: ear.acknowledgements > heard)
    assert ear.hints == hints
    async with other.write() as transaction:
        await transaction.nodes.acknowledge("nod_1", 1)
    await asyncio.sleep(0.2)
    assert ear.acknowledgements == heard + 1


async def test_what_is_undone_is_not_heard(ear: Ear, other: Database) -> None:
    async def give_up() -> None:
        async with other.write() as transaction:
            await transaction.changes.add({"key_1"}, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await give_up()
    await asyncio.sleep(0.2)
    assert ear.hints == 1


async def test_where_nobody_cares_for_acknowledgements_they_are_hints(
    database: Database, other: Database
) -> None:
    ear = Ear()
    wake_ups = WakeUps(database, ear.hint)
    await wake_ups.start()
    await ear.until(lambda ear: ear.hints > 0)
    async with other.write() as transaction:
        await transaction.nodes.add(a_node())
    await change(other)
    await ear.until(lambda ear: ear.hints > 1)
    await asyncio.sleep(0.1)
    before = ear.hints
    async with other.write() as transaction:
        await transaction.nodes.acknowledge("nod_1", 1)
    await ear.until(lambda ear: ear.hints > before)
    await wake_ups.stop()
    await wake_ups.stop()


async def test_stopping_what_was_not_started(database: Database) -> None:
    await WakeUps(database, lambda: None).stop()


async def test_a_quiet_file_is_looked_at_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "QUIET_AFTER_SECONDS", 0.0)
    file = tmp_path / "quiet.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE head (epoch)")
        connection.execute("CREATE TABLE node (applied)")
    connection.close()
    watch = wakeups._FileWatch(file, lambda: None, lambda: None)
    assert watch._look() == wakeups.POLL_SECONDS
    assert watch._look() == wakeups.QUIET_POLL_SECONDS
    watch._let_go()


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_a_file_that_is_missing_and_then_replaced(
    tmp_path: Path,
    database: Database,
    url: str,
    connect: Callable[[str], Database],
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "there.db"
    caplog.set_level("INFO")
    late = connect(f"sqlite:///{file}")
    ear = Ear()
    wake_ups = WakeUps(late, ear.hint, ear.acknowledged)
    await wake_ups.start()
    await asyncio.sleep(0.2)
    assert ear.hints == 0
    await change(database)
    await database.close()
    (tmp_path / url.rpartition("/")[2]).rename(file)
    await ear.until(lambda ear: ear.hints == 1)
    await change(late)
    await ear.until(lambda ear: ear.hints == 2)
    await wake_ups.stop()
    said = [record.getMessage() for record in caplog.records]
    assert sum("wake_ups_missing" in line for line in said) == 1
    assert sum("wake_ups_back" in line for line in said) == 1


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_listener_that_was_cut_off_listens_again(
    ear: Ear, other: Database, url: str, postgres: PostgresServer
) -> None:
    assert kill(postgres, url) >= 1
    # It looks at once, for what it may have missed.
    await ear.until(lambda ear: ear.hints == 2)
    await change(other)
    await ear.until(lambda ear: ear.hints == 3)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_silent_server_is_noticed(
    url: str,
    connect: Callable[[str], Database],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(wakeups, "CHECK_SECONDS", 0.2)
    wire = Wire(url)
    await wire.connect()
    ear = Ear()
    wake_ups = WakeUps(connect(wire.url), ear.hint)
    await wake_ups.start()
    await ear.until(lambda ear: ear.hints == 1)
    await asyncio.sleep(0.5)
    assert ear.hints == 1
    wire.mute()
    await until(lambda: "wake_ups_missing" in caplog.text)
    wire.unmute()
    await ear.until(lambda ear: ear.hints > 1)
    await wake_ups.stop()
    await wire.cut()


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_a_server_without_notifications_is_changed_all_the_same(
    url: str, connect: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one is that speaks PostgreSQL and does not have everything of it."""
    monkeypatch.setattr("keywright.storage.postgres._PROBE", "SELECT no_such_function('keywright_probe')")
    database = connect(url)
    async with database.write() as transaction:
        assert not notifies(transaction._connection)
        await transaction.nodes.add(a_node())
    assert await change(database) == 1
    async with database.write() as transaction:
        await transaction.nodes.acknowledge("nod_1", 1)
        (state,) = await transaction.nodes.all()
    assert state.applied == 1


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_whether_a_server_carries_notifications_is_asked_until_it_can_say(
    url: str, connect: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby cannot: what it is asked is a write to it."""
    server = connect(url).server
    assert isinstance(server, Postgres)
    with monkeypatch.context() as patched:
        patched.setattr("keywright.storage.postgres._PROBE", "DO $$ BEGIN RAISE SQLSTATE '25006'; END $$")
        await (await server.connect(name="keywright", seconds=5)).close()
    assert server.notifies is None
    await (await server.connect(name="keywright", seconds=5)).close()
    assert server.notifies is True


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_listening_to_a_server_that_does_not_let_anybody(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once, tried again and again, and no reason for anything else to fail."""
    tried = 0

    async def refuse(_connection: object, _channel: str, _callback: object) -> None:
        nonlocal tried
        tried += 1
        raise asyncpg.FeatureNotSupportedError("LISTEN is not supported")

    monkeypatch.setattr(asyncpg.Connection, "add_listener", refuse)
    ear = Ear()
    wake_ups = WakeUps(database, ear.hint)
    await wake_ups.start()
    await until(lambda: tried >= 3)
    await wake_ups.stop()
    assert ear.hints == 0
    assert caplog.text.count("wake_ups_missing") == 1


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
async def test_other_notifications_on_the_channel_are_hints_too(ear: Ear, url: str) -> None:
    await execute(url, "NOTIFY keywright")
    await ear.until(lambda ear: ear.hints == 2)
