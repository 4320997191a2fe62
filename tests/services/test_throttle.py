"""The brake on guessing, by a clock that the test moves, counted in a database that several nodes share."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from keywright.core.errors import TooManyAttempts, Unavailable
from keywright.services import throttle as module
from keywright.services.throttle import FREE_CHALLENGES, FREE_FAILURES, FREE_FROM_ADDRESS, WAITS, Throttle
from keywright.storage import Database, schema

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.house import House

pytestmark = pytest.mark.anyio

LONGEST_WAIT = 300


async def wait(home: House, *subjects: str) -> int:
    """How long these have to wait, 0 when they may try."""
    try:
        async with home.database.read() as transaction:
            await home.throttle.check(transaction, subjects)
    except TooManyAttempts as held:
        return held.retry_after
    return 0


async def fail(home: House, *subjects: str) -> bool:
    """Fail once; answers whether it was counted."""
    try:
        async with home.database.write() as transaction:
            await Throttle(home.clock).failed(transaction, subjects)
    except TooManyAttempts:
        return False
    return True


async def fails(home: House, times: int, *subjects: str) -> None:
    """Fail so often in a row, after whatever wait that takes."""
    for _ in range(times):
        home.clock.advance(seconds=await wait(home, *subjects))
        assert await fail(home, *subjects)


async def test_the_first_failures_are_free_and_then_the_wait_doubles_up_to_five_minutes(
    each_home: House,
) -> None:
    home = each_home
    waits = []
    for _ in range(FREE_FAILURES + 11):
        waits.append(await wait(home, "login:a"))
        await fails(home, 1, "login:a")
    assert waits == [0] * FREE_FAILURES + [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert await wait(home, "login:b") == 0


async def test_a_wait_runs_down_by_the_clock(home: House) -> None:
    await fails(home, FREE_FAILURES + 3, "login:a")
    for left in (8, 7, 6):
        assert await wait(home, "login:a") == left
        home.clock.advance(seconds=1)
    home.clock.advance(seconds=4.9)
    assert await wait(home, "login:a") == 1
    assert not await fail(home, "login:a")
    home.clock.advance(seconds=0.1)
    assert await wait(home, "login:a") == 0
    assert await fail(home, "login:a")
    assert await wait(home, "login:a") == 16


async def test_of_several_subjects_the_longest_wait_counts(home: House) -> None:
    await fails(home, FREE_FAILURES, "login:a")
    await fails(home, FREE_FROM_ADDRESS + 1, "ip:1")
    home.clock.advance(seconds=1)
    assert await wait(home, "login:a", "ip:1") == 1
    assert await wait(home, "login:a") == 0
    assert await wait(home) == 0


async def test_what_is_held_back_counts_for_nobody(home: House) -> None:
    await fails(home, FREE_FROM_ADDRESS, "ip:1")
    assert not await fail(home, "ip:1", "login:a")
    for _ in range(FREE_FAILURES):
        assert await fail(home, "login:a")


async def test_a_success_forgets_the_account_and_not_the_address(each_home: House) -> None:
    home = each_home
    await fails(home, FREE_FAILURES, "login:a")
    await fails(home, FREE_FROM_ADDRESS, "ip:1")
    async with home.database.write() as transaction:
        await home.throttle.succeeded(transaction, ["login:a", "login:never failed"])
    assert await wait(home, "login:a") == 0
    assert await wait(home, "ip:1") == 1


@pytest.mark.parametrize(("quiet", "held"), [(3600, True), (3601, False)])
async def test_what_was_quiet_for_an_hour_begins_anew(each_home: House, quiet: int, held: bool) -> None:
    home = each_home
    await fails(home, FREE_FAILURES, "login:a")
    home.clock.advance(seconds=quiet)
    assert await fail(home, "login:a")
    assert (await wait(home, "login:a") > 0) is held


async def test_what_failed_by_a_clock_that_was_wrong_holds_nobody_back(each_home: House) -> None:
    home = each_home
    home.clock.advance(hours=2)
    await fails(home, FREE_FAILURES, "login:a")
    home.clock.advance(hours=-2)
    assert await wait(home, "login:a") == 0
    assert await fail(home, "login:a")
    await fails(home, FREE_FAILURES - 1, "login:a")
    home.clock.advance(seconds=-10)
    assert await wait(home, "login:a") == 11


async def test_a_sweep_forgets_what_begins_anew(home: House) -> None:
    await fails(home, FREE_FAILURES, "login:a")
    home.clock.advance(minutes=30)
    await fails(home, 1, "login:b")
    home.clock.advance(minutes=30, seconds=1)
    await home.upkeep.sweep(timedelta(0))
    async with home.database.reader.begin() as connection:
        rows = (await connection.execute(select(func.count()).select_from(schema.attempt))).scalar_one()
    assert rows == 1
    assert await wait(home, "login:a") == 0


async def test_years_of_guessing_wait_no_longer_than_the_longest_wait(each_home: House) -> None:
    home = each_home
    await fail(home, "login:a")
    async with home.database.writer.begin() as connection:
        await connection.execute(schema.attempt.update().values(failures=2**62))
    home.clock.advance(minutes=5)
    assert await fail(home, "login:a")
    assert await wait(home, "login:a") == LONGEST_WAIT


async def test_of_many_failures_at_once_no_more_count_than_in_turn(each_home: House) -> None:
    home = each_home
    for expected in (FREE_FAILURES, 1, 1):
        counted = await asyncio.gather(*(fail(home, "login:a", "ip:1") for _ in range(20)))
        assert sum(counted) == expected
        home.clock.advance(seconds=await wait(home, "login:a"))


async def test_challenges_are_given_more_freely(home: House) -> None:
    (subject,) = module.challenges("192.0.2.7")
    for _ in range(FREE_CHALLENGES):
        assert await fail(home, subject)
    assert await wait(home, subject) == 1
    assert not await fail(home, subject)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
    ],
)
def test_an_address_stands_for_all_that_its_owner_has(one: str, other: str, same: bool) -> None:
    for subject in (module.address, module.challenges):
        assert (subject(one) == subject(other)) is same
        assert subject(None) == ()


async def test_names_and_addresses_are_not_to_be_read_from_what_is_stored(home: House) -> None:
    await fails(home, 1, "login:anna", "ip:192.0.2.7", "login:\ud800")
    async with home.database.reader.begin() as connection:
        stored = (await connection.execute(select(schema.attempt.c.subject))).scalars().all()
    assert len(set(stored)) == 3
    assert all(len(one) == 64 and set(one) <= set("0123456789abcdef") for one in stored)


async def test_without_the_database_nobody_is_let_through(home: House, tmp_path: Path) -> None:
    lost = Database.connect(f"sqlite:///{tmp_path / 'not there' / 'house.db'}")
    try:
        with pytest.raises(Unavailable):
            async with lost.read() as transaction:
                await home.throttle.check(transaction, ["login:a"])
    finally:
        await lost.close()


def test_waits_only_grow() -> None:
    assert list(WAITS) == sorted(set(WAITS))
    assert WAITS[-1].total_seconds() == LONGEST_WAIT


@settings(
    derandomize=True,
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.integers(0, 4_000), max_size=20))
async def test_a_wait_is_never_longer_than_the_longest_and_ends(home: House, steps: list[int]) -> None:
    for step in steps:
        home.clock.advance(seconds=step)
        await fail(home, "login:a")
    left = await wait(home, "login:a")
    assert 0 <= left <= LONGEST_WAIT
    home.clock.advance(seconds=left)
    assert await wait(home, "login:a") == 0
