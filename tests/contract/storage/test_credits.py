"""Credits come out of a key's row once, whoever takes them, and go back at most once."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from keywright.core.errors import Unavailable
from keywright.core.instants import SystemClock, to_us
from keywright.core.limits import CreditBlock, Credits, Every, Refill, UnspentCredits
from keywright.storage.away import Undone
from keywright.storage.credits import DatabaseCredits
from keywright.verify.credits import CreditSpender
from tests.contract.storage import spending
from tests.contract.storage.making import (
    EXAMPLES,
    NOW,
    Home,
    add_home,
    add_key,
    key_by_id,
)
from tests.support.credits import CreditsInMemory, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keywright.core.keys import Key
    from keywright.storage import Database
    from tests.contract.storage.conftest import Place

pytestmark = pytest.mark.anyio

NOW_US = to_us(NOW)
HOUR_US = 3_600_000_000
EVERY = {Every.HOUR: 1, Every.DAY: 24, Every.WEEK: 168, Every.MONTH: 720}


@pytest.fixture
async def store(database: Database) -> DatabaseCredits:
    return DatabaseCredits(database)


async def metered(database: Database, home: Home, remaining: int, **refill: Any) -> Key:
    return await add_key(database, home, credits=Credits(remaining, **refill))


async def remaining(database: Database, key: Key) -> int:
    found = await key_by_id(database, key)
    assert found is not None
    assert found.credits is not None
    return found.credits.remaining


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 9), st.integers(0, 30)),
        st.tuples(st.just("left"), st.just(0), st.just(0)),
        st.tuples(st.just("back"), st.integers(1, 9), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.integers(0, 3 * 720 * HOUR_US), st.just(0)),
        st.tuples(st.just("wait"), st.just(HOUR_US), st.just(0)),
    ),
    max_size=15,
)


@EXAMPLES
@given(
    credit=st.integers(0, 60),
    refill=st.none() | st.tuples(st.integers(1, 40), st.sampled_from(Every)),
    steps=STEPS,
)
async def test_every_step_does_what_it_does_in_the_plainest_store(
    database: Database,
    home: Home,
    credit: int,
    refill: tuple[int, Every] | None,
    steps: list[tuple[str, int, int]],
) -> None:
    store, now = DatabaseCredits(database), NOW_US
    row = Row(credit)
    fields: dict[str, Any] = {}
    if refill is not None:
        amount, every = refill
        row = Row(credit, amount, EVERY[every] * HOUR_US, NOW_US + HOUR_US)
        fields = {"refill": Refill(amount, every), "refill_at": NOW + timedelta(hours=1)}
    key = await metered(database, home, credit, **fields)
    plain = CreditsInMemory({key.id: row})
    for what, number, other in steps:
        if what == "take":
            block = await store.take(key.id, number, other, now)
            assert block == await plain.take(key.id, number, max(number, other), now)
        elif what == "back":
            unspent = (UnspentCredits(key.id, number, row.version - other),)
            await store.give_back(unspent)
            await plain.give_back(unspent)
        elif what == "wait":
            now += number
        # The row itself is filled up when somebody takes from it; the plainest store does that at every look.
        found = await store.left(key.id, now)
        if found.version == row.version:
            assert found == await plain.left(key.id, now)
        else:
            assert found.left == row.amount
            await plain.left(key.id, now)
            await store.take(key.id, 0, 0, now)
            assert await store.left(key.id, now) == await plain.left(key.id, now)
    assert await remaining(database, key) == row.credits


async def test_a_key_without_credits_or_without_life_has_none_to_take(
    database: Database, home: Home, store: DatabaseCredits
) -> None:
    free = await add_key(database, home)
    gone = await metered(database, home, 5)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).delete([gone.id], NOW)
    nothing = CreditBlock(0, 0, 0)
    for key_id in (free.id, gone.id, "key_nobody"):
        assert await store.take(key_id, 1, 1, NOW_US) == nothing
        assert await store.left(key_id, NOW_US) == nothing
    await store.give_back((UnspentCredits(free.id, 3, 0), UnspentCredits("key_nobody", 3, 0)))
    assert (await store.left(free.id, NOW_US)) == nothing


async def test_a_key_of_a_month_is_filled_up_on_its_day_however_late_it_is_used(
    database: Database, home: Home, store: DatabaseCredits
) -> None:
    month = timedelta(days=30)
    key = await metered(database, home, 3, refill=Refill(100, Every.MONTH), refill_at=NOW + month)
    late = NOW + 3 * month + timedelta(days=7)
    assert await store.take(key.id, 1, 1, to_us(late)) == CreditBlock(1, 99, 1, to_us(NOW + 4 * month))
    found = await key_by_id(database, key)
    assert found is not None
    assert found.credits == Credits(99, Refill(100, Every.MONTH), NOW + 4 * month)


async def test_changing_a_key_leaves_its_credits_alone_unless_they_are_set(
    database: Database, home: Home, store: DatabaseCredits
) -> None:
    key = await metered(database, home, 50)
    block = await store.take(key.id, 10, 10, NOW_US)
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).change(key)
    assert await remaining(database, key) == 40
    async with database.write() as transaction:
        await transaction.keys(home.tenant_id).change(key, recounted=True)
    await store.give_back((UnspentCredits(key.id, 10, block.version),))
    assert await store.left(key.id, NOW_US) == CreditBlock(0, 50, block.version + 1)


async def test_nodes_that_take_at_one_time_take_what_there_is(
    database: Database, home: Home, url: str, connect: Callable[[str], Database]
) -> None:
    key = await metered(database, home, 200)
    nodes = [DatabaseCredits(connect(url)) for _ in range(2)]

    async def take_all(store: DatabaseCredits) -> int:
        total = 0
        while (block := await store.take(key.id, 3, 9, NOW_US)).taken:
            total += block.taken
        return total

    taken = await asyncio.gather(*(take_all(node) for node in (*nodes, *nodes)))
    assert sum(taken) == 198
    assert await remaining(database, key) == 2


async def test_nodes_that_fill_up_at_one_time_do_so_once(
    database: Database, home: Home, url: str, connect: Callable[[str], Database]
) -> None:
    key = await metered(database, home, 5, refill=Refill(40, Every.HOUR), refill_at=NOW)
    nodes = [DatabaseCredits(connect(url)) for _ in range(2)]
    blocks = await asyncio.gather(*(node.take(key.id, 10, 10, NOW_US) for node in (*nodes, *nodes, *nodes)))
    assert sorted(block.taken for block in blocks) == [0, 0, 10, 10, 10, 10]
    assert {block.version for block in blocks} == {1}


async def test_spenders_on_several_nodes_spend_what_there_is(
    database: Database, home: Home, url: str, connect: Callable[[str], Database]
) -> None:
    key = await metered(database, home, 300)
    spenders = [CreditSpender(DatabaseCredits(connect(url)), SystemClock()) for _ in range(2)]

    async def spend_all(spender: CreditSpender) -> int:
        total = 0
        while await spender.spend(key.id, 1) is not None:
            total += 1
        return total

    spent = await asyncio.gather(*(spend_all(one) for one in (*spenders, *spenders)))
    for one in spenders:
        await one.close()
    assert sum(spent) + await remaining(database, key) == 300
    assert await remaining(database, key) == 0


@contextlib.contextmanager
def failing_commits(database: Database, error: Exception) -> Iterator[None]:
    def fail(_connection: object) -> None:
        raise error

    event.listen(database.writer.sync_engine, "commit", fail)
    try:
        yield
    finally:
        event.remove(database.writer.sync_engine, "commit", fail)


async def test_what_may_have_come_back_is_not_given_back_again(
    database: Database, home: Home, store: DatabaseCredits
) -> None:
    key = await metered(database, home, 10)
    unspent = (UnspentCredits(key.id, 5, 0),)
    with failing_commits(database, Unavailable("The database cannot be reached.")):
        await store.give_back(unspent)
    with failing_commits(database, Undone("The database gave this up.")), pytest.raises(Undone):
        await store.give_back(unspent)
    assert await remaining(database, key) == 10


async def test_what_surely_did_not_come_back_may_be_given_back_again(
    place: Place, connect: Callable[[str], Database]
) -> None:
    nowhere = (
        "sqlite:////nowhere/keywright.db" if place.dialect == "sqlite" else "postgresql://u@127.0.0.1:1/x"
    )
    store = DatabaseCredits(connect(nowhere))
    with pytest.raises(Unavailable):
        await store.give_back((UnspentCredits("key_a", 5, 0),))
    with pytest.raises(Unavailable):
        await store.take("key_a", 1, 1, NOW_US)
    with pytest.raises(Unavailable):
        await store.left("key_a", NOW_US)


async def test_what_was_undone_is_tried_again_a_few_times(
    database: Database, home: Home, store: DatabaseCredits
) -> None:
    key = await metered(database, home, 10)
    failures = [Undone("Again."), Undone("Again.")]

    def fail(_connection: object) -> None:
        if failures:
            raise failures.pop()

    event.listen(database.writer.sync_engine, "commit", fail)
    assert (await store.take(key.id, 1, 1, NOW_US)).taken == 1
    assert failures == []
    failures += [Undone("Again.") for _ in range(3)]
    with pytest.raises(Undone):
        await store.take(key.id, 1, 1, NOW_US)
    assert await remaining(database, key) == 9


@pytest.fixture
async def plenty(database: Database) -> Key:
    home = await add_home(database, "plenty")
    return await metered(database, home, 20_000)


async def test_killed_processes_lose_a_block_each_and_overspend_nothing(
    url: str, database: Database, plenty: Key
) -> None:
    max_block, written = 200, 0
    command = [sys.executable, "-m", spending.__name__, url, plenty.id, str(max_block)]
    processes = [_spawned(command) for _ in range(3)]
    try:
        for process, seen in zip(processes[:2], (300, 1_000), strict=True):
            written += await asyncio.to_thread(_killed_after, process, seen)
            assert process.returncode == -signal.SIGKILL
        written += len(await asyncio.to_thread(_rest, processes[2]))
        assert processes[2].wait(60) == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert await remaining(database, plenty) == 0
    # Each may have spent one that it had no time to write down.
    assert 20_000 - 2 * (max_block + 1) <= written <= 20_000


def _spawned(command: list[str]) -> subprocess.Popen[bytes]:
    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # So small that nobody is done before we have read what it writes.
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(writer, "wb") as out:
        process = subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=out)
    process.stdout = os.fdopen(reader, "rb", buffering=0)
    return process


def _killed_after(process: subprocess.Popen[bytes], least: int) -> int:
    """How many bytes a process wrote until it was killed, some time after so many of them."""
    assert process.stdout is not None
    seen = 0
    while seen < least:
        some = process.stdout.read(512)
        assert some
        seen += len(some)
    process.kill()
    process.wait()
    return seen + len(_rest(process))


def _rest(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.read()
