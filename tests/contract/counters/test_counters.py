"""What holds for counters wherever they count: in this process's memory, and in a real Valkey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.ids import new_id
from keywright.core.limits import Bucket, Level, Limit, LimitState
from keywright.ops.metrics import Metrics
from keywright.storage.counters import MemoryCounters, counters_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keywright.core.ports import Counters

pytestmark = pytest.mark.anyio

YEAR = 31_536_000  # so long a window that nothing comes back while a test runs


class Still:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.us = 123_456_789

    def __call__(self) -> int:
        return self.us


@pytest.fixture(params=["memory", "valkey"])
async def counters(request: pytest.FixtureRequest) -> AsyncIterator[Counters]:
    if request.param == "memory":
        yield MemoryCounters(Still())
        return
    shared = counters_of(request.getfixturevalue("shared_redis"), Metrics())
    yield shared
    await shared.close()


def bucket(limit: int, *, level: Level = Level.KEY, subject: str | None = None, name: str = "a") -> Bucket:
    return Bucket(level, subject or new_id("key"), Limit(name, limit, YEAR))


def remaining(states: tuple[LimitState, ...]) -> list[int]:
    return [state.remaining for state in states]


async def test_as_many_uses_come_through_as_the_limit_says(counters: Counters) -> None:
    buckets = (bucket(3),)
    taken = [await counters.take(buckets, 1) for _ in range(5)]
    assert [one.allowed for one in taken] == [True, True, True, False, False]
    assert [one.states[0].remaining for one in taken] == [2, 1, 0, 0, 0]
    assert not any(one.local for one in taken)
    assert taken[4].refused == taken[4].states[0]
    assert 0 < taken[4].retry_after <= YEAR / 3
    assert YEAR * 0.9 < taken[4].states[0].reset_seconds <= YEAR


async def test_a_use_is_charged_to_all_limits_or_to_none(counters: Counters) -> None:
    wide, narrow = bucket(10), bucket(2, level=Level.TENANT)
    assert remaining((await counters.take((wide, narrow), 2)).states) == [8, 0]
    refused = await counters.take((wide, narrow), 1)
    assert refused.refused is not None
    assert refused.refused.bucket == narrow
    assert remaining(refused.states) == [8, 0]
    assert remaining((await counters.take((wide,), 0)).states) == [8]


async def test_buckets_of_different_owners_and_names_count_apart(counters: Counters) -> None:
    mine, others, another = (
        bucket(1, subject="s"),
        bucket(1, level=Level.IDENTITY, subject="s"),
        bucket(1, name="b"),
    )
    for one in (mine, others, another):
        assert (await counters.take((one,), 1)).allowed == (await counters.take((bucket(1),), 1)).allowed
        await counters.give_back((one,), 1)


async def test_a_look_charges_nothing(counters: Counters) -> None:
    one = (bucket(1),)
    assert [(await counters.take(one, 0)).allowed for _ in range(3)] == [True] * 3
    assert (await counters.take(one, 1)).allowed
    assert not (await counters.take(one, 0)).allowed


async def test_a_cost_beyond_the_limit_is_always_refused(counters: Counters) -> None:
    small, large = bucket(2), bucket(100)
    refused = await counters.take((small, large), 3)
    assert refused.refused is not None
    assert (refused.refused.bucket, refused.retry_after) == (small, YEAR)
    assert remaining((await counters.take((small, large), 2)).states) == [0, 98]


async def test_what_is_given_back_can_be_used_again(counters: Counters) -> None:
    buckets = (bucket(2), bucket(7, level=Level.TENANT))
    await counters.take(buckets, 2)
    await counters.give_back(buckets, 1)
    assert remaining((await counters.take(buckets, 0)).states) == [1, 6]
    await counters.give_back(buckets, 2)
    assert remaining((await counters.take(buckets, 0)).states) == [2, 7]
    await counters.give_back((bucket(1),), 1)


async def test_a_bucket_never_holds_more_than_its_limit(counters: Counters) -> None:
    one = (bucket(3),)
    await counters.take(one, 1)
    await counters.give_back(one, 3)
    assert [(await counters.take(one, 1)).allowed for _ in range(4)] == [True, True, True, False]


async def test_without_limits_everything_comes_through(counters: Counters) -> None:
    taken = await counters.take((), 1)
    assert (taken.allowed, taken.states, taken.local) == (True, (), False)
    await counters.give_back((), 1)


async def test_memory_forgets_what_has_emptied() -> None:
    clock = Still()
    counters = MemoryCounters(clock)
    for _ in range(100):
        await counters.take((Bucket(Level.KEY, new_id("key"), Limit("a", 1, 1)),), 1)
        clock.us += 250_000
    assert len(counters) <= 8


async def test_memory_has_room_for_so_many_buckets_and_no_more() -> None:
    counters = MemoryCounters(Still(), max_buckets=3)
    buckets = [(bucket(1),) for _ in range(5)]
    for one in buckets:
        assert (await counters.take(one, 1)).allowed
    assert len(counters) == 3
    assert [(await counters.take(one, 0)).allowed for one in buckets].count(True) == 2


async def test_memory_goes_on_from_what_somebody_else_knows() -> None:
    clock = Still()
    counters = MemoryCounters(clock)
    one = bucket(4)
    counters.adopt(one, 3 * one.worth)
    assert remaining((await counters.take((one,), 1)).states) == [0]
    counters.adopt(one, 0)
    assert remaining((await counters.take((one,), 0)).states) == [4]
    real = MemoryCounters()
    assert (await real.take((one,), 1)).allowed
