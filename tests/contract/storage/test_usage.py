"""Usage as it is stored: counts add up whoever adds them, and are read by hour and by day of UTC."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.instants import EPOCH, from_us, to_us
from keywright.core.listing import Between
from keywright.core.usage import MAX_ACTIONS, OTHER_ACTIONS, By, Count, Exercised, KeyCount, Use
from tests.contract.storage.making import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.storage import Database
    from tests.contract.storage.making import Home

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = datetime(2026, 3, 1, 22, tzinfo=UTC)
EVER = Between()
LAST = to_us(START) + 5


def counted(key_id: str, *counts: tuple[datetime, str, int], tenant_id: str | None = None) -> Use:
    """Decisions of some hours."""
    return Use(key_id, None, None, tenant_id, tuple((to_us(at), code, n) for at, code, n in counts))


def allowed(key_id: str, *actions: tuple[str, int, int]) -> Use:
    """Actions of a global key."""
    return Use(key_id, None, None, None, (), actions)


async def add(database: Database, *uses: Use) -> None:
    async with database.write() as transaction:
        await transaction.all_usage.add(uses)


async def of_key(database: Database, key_id: str, by: By, span: Between = EVER) -> tuple[Count, ...]:
    async with database.read() as transaction:
        return await transaction.usage(None).of_key(key_id, span, by)


async def exercised(database: Database, key_id: str) -> tuple[Exercised, ...]:
    async with database.read() as transaction:
        return await transaction.usage(None).exercised(key_id)


async def test_nothing_was_used(database: Database) -> None:
    await add(database)
    await add(database, Use("key_1", LAST, None))
    assert await of_key(database, "key_1", By.HOUR) == ()
    assert await exercised(database, "key_1") == ()
    async with database.read() as transaction:
        assert await transaction.usage(None).of_all(EVER, By.DAY) == ()
        assert await transaction.usage(None).busiest(EVER, 10) == ()


async def test_several_keys_are_counted_at_once(database: Database) -> None:
    await add(
        database,
        counted("key_1", (START, "VALID", 3), (START + HOUR, "VALID", 1), (START + HOUR, "DISABLED", 2)),
        counted("key_2", (START, "EXPIRED", 7)),
        counted("key_3", (START, "VALID", 9)),
    )
    async with database.read() as transaction:
        usage = transaction.usage(None)
        asked = ["key_1", "key_2", "key_none"]
        assert await usage.of_keys(asked, EVER) == {
            "key_1": KeyCount("key_1", 6, 4),
            "key_2": KeyCount("key_2", 7, 0),
            "key_none": KeyCount("key_none", 0, 0),
        }
        later = await usage.of_keys(asked, Between(START + HOUR, START + 2 * HOUR))
        assert later["key_1"] == KeyCount("key_1", 3, 1)
        assert await usage.of_keys([], EVER) == {}


async def test_counts_add_up_by_hour_and_by_day(database: Database) -> None:
    first = counted(
        "key_1", (START, "VALID", 3), (START + HOUR, "VALID", 1), (START + 2 * HOUR, "DISABLED", 2)
    )
    await add(database, first, counted("key_2", (START, "VALID", 50)))
    await add(database, counted("key_1", (START, "VALID", 2**40), (START, "EXPIRED", 1)))
    assert await of_key(database, "key_1", By.HOUR) == (
        Count(START, "EXPIRED", 1),
        Count(START, "VALID", 2**40 + 3),
        Count(START + HOUR, "VALID", 1),
        Count(START + 2 * HOUR, "DISABLED", 2),
    )
    midnight = START.replace(hour=0)
    assert await of_key(database, "key_1", By.DAY) == (
        Count(midnight, "EXPIRED", 1),
        Count(midnight, "VALID", 2**40 + 4),
        Count(midnight + DAY, "DISABLED", 2),
    )
    # From an hour on, and before one.
    inner = Between(START + HOUR, START + 2 * HOUR)
    assert await of_key(database, "key_1", By.HOUR, inner) == (Count(START + HOUR, "VALID", 1),)
    assert len(await of_key(database, "key_1", By.HOUR, Between(since=START + HOUR))) == 2
    assert len(await of_key(database, "key_1", By.HOUR, Between(until=START + HOUR))) == 2
    async with database.read() as transaction:
        usage = transaction.usage(None)
        assert await usage.of_all(Between(until=START + HOUR), By.DAY) == (
            Count(midnight, "EXPIRED", 1),
            Count(midnight, "VALID", 2**40 + 53),
        )


async def test_the_busiest_keys_come_first(database: Database) -> None:
    await add(
        database,
        counted("key_1", (START, "VALID", 3), (START + HOUR, "EXPIRED", 4)),
        counted("key_2", (START, "VALID", 5)),
        counted("key_3", (START, "DISABLED", 5)),
        counted("key_4", (START + 9 * HOUR, "VALID", 1)),
    )
    async with database.read() as transaction:
        usage = transaction.usage(None)
        everybody = (
            KeyCount("key_1", 7, 3),
            KeyCount("key_2", 5, 5),
            KeyCount("key_3", 5, 0),
            KeyCount("key_4", 1, 1),
        )
        assert await usage.busiest(EVER, 10) == everybody
        assert await usage.busiest(EVER, 2) == everybody[:2]
        assert await usage.busiest(Between(until=START + HOUR), 2) == (everybody[1], everybody[2])


async def test_actions_add_up_and_keep_their_latest_moment(database: Database) -> None:
    await add(database, allowed("key_1", ("b", 1, LAST), ("a", 2, LAST)), allowed("key_2", ("a", 9, LAST)))
    await add(database, allowed("key_1", ("a", 3, LAST - 1), ("b", 1, LAST + 1), ("B", 2, 1)))
    assert await exercised(database, "key_1") == (
        Exercised("a", 5, from_us(LAST)),
        Exercised("B", 2, from_us(1)),
        Exercised("b", 2, from_us(LAST + 1)),
    )


def names(numbers: Sequence[int]) -> tuple[tuple[str, int, int], ...]:
    return tuple((f"a:{number:03d}", 1, LAST + number) for number in numbers)


async def test_the_actions_of_a_key_have_a_bound(database: Database) -> None:
    await add(database, allowed("key_1", *names(range(MAX_ACTIONS - 2))), allowed("key_2", *names(range(3))))
    more = (*names(range(MAX_ACTIONS - 4, MAX_ACTIONS + 3)), (OTHER_ACTIONS, 5, LAST))
    await add(database, allowed("key_1", *more), allowed("key_2", *names(range(2, 5))))
    found = {one.action: one for one in await exercised(database, "key_1")}
    others = found.pop(OTHER_ACTIONS)
    # One place went to the others, and the first of the new ones took the last that was left.
    assert set(found) == {action for action, _, _ in names(range(MAX_ACTIONS - 1))}
    assert {one.count for one in found.values()} == {1, 2}
    assert (others.count, others.last_at) == (5 + 4, from_us(LAST + MAX_ACTIONS + 2))
    await add(database, allowed("key_1", *names([0, MAX_ACTIONS + 50])))
    again = {one.action: one.count for one in await exercised(database, "key_1")}
    assert (again["a:000"], again[OTHER_ACTIONS], len(again)) == (2, 10, MAX_ACTIONS)
    assert [(one.action, one.count) for one in await exercised(database, "key_2")] == [
        ("a:002", 2),
        *((f"a:{number:03d}", 1) for number in (0, 1, 3, 4)),
    ]


async def test_many_nodes_add_at_once_and_nothing_is_lost(database: Database) -> None:
    """In whatever order each of them met the keys."""

    async def node(number: int) -> None:
        order = random.Random(number)
        keys = [f"key_{one}" for one in range(30)]
        for _ in range(5):
            order.shuffle(keys)
            uses = [
                Use(key, None, None, None, ((to_us(START), "VALID", 1),), (("b", 1, LAST), ("a", 1, LAST)))
                for key in keys
            ]
            await add(database, *uses)

    await asyncio.gather(*(node(number) for number in range(4)))
    async with database.read() as transaction:
        busiest = await transaction.usage(None).busiest(EVER, 100)
    assert {(one.count, one.valid) for one in busiest} == {(20, 20)}
    assert len(busiest) == 30
    assert [one.count for one in await exercised(database, "key_7")] == [20, 20]


async def test_a_batch_is_written_whole_or_not_at_all(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as transaction:
            both = (counted("key_1", (START, "VALID", 3)), allowed("key_1", ("a", 1, 1)))
            await transaction.all_usage.add(both)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await of_key(database, "key_1", By.HOUR) == ()
    assert await exercised(database, "key_1") == ()


async def test_what_is_old_is_forgotten_some_at_a_time(database: Database, home: Home) -> None:
    hours = [START + number * HOUR for number in range(5)]
    await add(
        database,
        *(
            Use(f"key_{who}", None, None, tenant, tuple((to_us(at), "VALID", 1) for at in hours))
            for who, tenant in enumerate((None, home.tenant_id))
        ),
        allowed("key_2", *(("a", 1, to_us(hours[0])), ("b", 1, to_us(hours[2])))),
    )
    async with database.write() as transaction:
        usage = transaction.all_usage
        assert await usage.forget_counts_before(hours[2], 3) == 3
        assert await usage.forget_counts_before(hours[2], 3) == 1
        assert await usage.forget_counts_before(hours[2], 3) == 0
        assert await usage.forget_exercised_before(hours[2], 3) == 1
        assert await usage.forget_exercised_before(hours[2], 3) == 0
        assert await usage.forget_counts_before(EPOCH, 3) == 0
    assert [one.at for one in await of_key(database, "key_0", By.HOUR)] == hours[2:]
    assert [one.action for one in await exercised(database, "key_2")] == ["b"]
    assert await fetch(database, "SELECT count(*) FROM usage") == [(6,)]


async def test_what_is_being_added_to_is_left_for_another_time(database: Database, dialect: str) -> None:
    if dialect == "sqlite":
        return  # it has one writer at a time
    await add(database, counted("key_1", (START, "VALID", 1)), counted("key_2", (START, "VALID", 1)))
    async with database.write() as adding:
        await adding.all_usage.add([counted("key_1", (START, "VALID", 1))])
        async with database.write() as forgetting:
            assert await forgetting.all_usage.forget_counts_before(START + HOUR, 10) == 1
    assert await of_key(database, "key_1", By.HOUR) == (Count(START, "VALID", 2),)
