"""Counting in a real Valkey: exact arithmetic in Lua, several processes together, and outages."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from keywright.core.gcra import SECOND_US, judge
from keywright.core.ids import new_id
from keywright.core.limits import Bucket, Level, Limit
from keywright.ops.metrics import Metrics
from keywright.storage.counters import RemoteAway, SharedCounters, counters_of, redis_answers
from keywright.storage.counters import redis as module
from keywright.storage.counters.redis import RedisRemote
from tests.contract.counters import hammer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.valkey import ValkeyServer

pytestmark = pytest.mark.anyio

YEAR = 31_536_000
LIMITS = st.builds(
    Limit,
    st.just("a"),
    st.integers(1, 40) | st.sampled_from([999_983, 1_000_000_000]),
    st.integers(1, 60) | st.just(50 * YEAR),
)
# How long after the one before (or, where the server's clock is set back, before it), the cost, whether it is undone.
STEPS = st.lists(
    st.tuples(st.integers(-SECOND_US, 3 * SECOND_US), st.integers(0, 6) | st.just(1_000_000), st.booleans()),
    max_size=12,
)


def at_a_given_time(script: str) -> str:
    """A script that reads the time from its last two arguments, not from a clock, and has nothing expire."""
    expiry = ", 'PX', math.floor(us / 1000) + 2"
    assert (script.count("redis.call('TIME')"), script.count(expiry)) == (1, 1)
    return script.replace("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}").replace(expiry, "")


class Scripted:
    """The scripts of `RedisRemote` at times that a test chooses."""

    def __init__(self, client: redis.Redis, buckets: tuple[Bucket, ...]) -> None:
        self._take = client.register_script(at_a_given_time(module._TAKE))
        self._give_back = client.register_script(at_a_given_time(module._GIVE_BACK))
        self.buckets = buckets

    def take(self, now: int, cost: int) -> list[int]:
        charge = cost > 0 and all(cost <= one.parts for one in self.buckets)
        return self._call(
            self._take, now, [int(charge), *module._arguments(self.buckets, cost if charge else 1)]
        )

    def give_back(self, now: int, cost: int) -> None:
        self._call(self._give_back, now, [0, *module._arguments(self.buckets, cost)])

    def _call(self, script: Any, now: int, arguments: list[int]) -> list[int]:
        found = script(keys=module._keys(self.buckets), args=[*arguments, *divmod(now, SECOND_US)]) or []
        parts = [one.parts for one in self.buckets]
        return [us * one + part for one, us, part in zip(parts, found[::2], found[1::2], strict=False)]


@settings(max_examples=60)
@given(limits=st.lists(LIMITS, min_size=1, max_size=3), steps=STEPS)
def test_the_script_reckons_exactly_as_the_core_does(
    shared_redis: str, limits: list[Limit], steps: list[tuple[int, int, bool]]
) -> None:
    subject = new_id("key")
    buckets = tuple(Bucket(Level.KEY, f"{subject}:{n}", limit) for n, limit in enumerate(limits))
    # A moment as late as any that Keywright will see.
    now = 4_000_000_000 * SECOND_US
    empty = [0] * len(buckets)
    with redis.Redis.from_url(shared_redis) as client:
        script = Scripted(client, buckets)
        due = [0] * len(buckets)
        for after, cost, undone in steps:
            now += after
            backlogs = [min(one.depth, max(0, due[n] - now * one.parts)) for n, one in enumerate(buckets)]
            assert script.take(now, cost) == backlogs
            if judge(buckets, backlogs, cost).allowed and cost:
                due = [now * one.parts + backlogs[n] + cost * one.worth for n, one in enumerate(buckets)]
                if undone:
                    script.give_back(now, cost)
                    due = [due[n] - cost * one.worth for n, one in enumerate(buckets)]
        client.delete(*module._keys(buckets))
        assert script.take(now, 0) == empty


@pytest.fixture
async def counting() -> AsyncIterator[Callable[[str], SharedCounters]]:
    opened: list[SharedCounters] = []

    def count(url: str, **options: Any) -> SharedCounters:
        opened.append(SharedCounters(RedisRemote(url), Metrics(), pauses=(0.01, 0.05), **options))
        return opened[-1]

    yield count
    for one in opened:
        await one.close()


def some_bucket(limit: int, window: int = YEAR) -> tuple[Bucket, ...]:
    return (Bucket(Level.KEY, new_id("key"), Limit("a", limit, window)),)


def metric(counters: SharedCounters, name: str) -> float:
    lines = counters._metrics.render()[0].decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


async def test_a_bucket_empties_by_the_servers_clock_and_then_expires(
    shared_redis: str, counting: Callable[[str], SharedCounters]
) -> None:
    counters, buckets = counting(shared_redis), some_bucket(1, 1)
    await counters.take(buckets, 1)
    refused = await counters.take(buckets, 1)
    assert 0 < refused.retry_after <= 1
    with redis.Redis.from_url(shared_redis) as client:
        assert 0 < client.pttl(module._keys(buckets)[0]) <= 1002
        await asyncio.sleep(refused.retry_after)
        assert (await counters.take(buckets, 1)).allowed
        await asyncio.sleep(1.1)
        assert not client.exists(*module._keys(buckets))


async def test_a_use_is_one_command_also_after_the_server_forgot_the_script(
    valkey_server: ValkeyServer, counting: Callable[[str], SharedCounters]
) -> None:
    counters, buckets = counting(valkey_server.url), some_bucket(100) + some_bucket(200) + some_bucket(300)
    await counters.take(buckets, 1)
    with redis.Redis.from_url(valkey_server.url) as client:
        client.script_flush()
        assert (await counters.take(buckets, 1)).states[0].remaining == 98
        client.config_resetstat()
        assert (await counters.take(buckets, 1)).states[2].remaining == 297
        called = {name: one["calls"] for name, one in client.info("commandstats").items()}
    # TIME, MGET and SET are the script's own.
    assert {
        name: n for name, n in called.items() if not name.startswith(("cmdstat_config", "cmdstat_client"))
    } == {
        "cmdstat_evalsha": 1,
        "cmdstat_time": 1,
        "cmdstat_mget": 1,
        "cmdstat_set": 3,
    }


async def test_all_keys_of_a_use_are_in_one_slot_of_a_cluster() -> None:
    keys = module._keys(some_bucket(1) + some_bucket(2))
    assert {key[: key.index("}") + 1] for key in keys} == {"{keywright}"}


def test_three_processes_together_let_through_what_one_would(shared_redis: str) -> None:
    subject, limit, tries = new_id("key"), 150, 160
    command = [sys.executable, "-m", hammer.__name__, shared_redis, subject, str(limit), str(tries)]
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    try:
        for one in processes:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in processes:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = [_finish(one) for one in processes]
    finally:
        for one in processes:
            one.kill()
            one.communicate()
    assert [alone for _, alone in answers] == [0, 0, 0]
    assert sum(through for through, _ in answers) == limit
    assert all(through for through, _ in answers)


def _finish(process: subprocess.Popen[str]) -> tuple[int, int]:
    through, alone = process.communicate(timeout=60)[0].split()
    return int(through), int(alone)


async def test_an_outage_is_counted_through_alone_and_ends_by_itself(
    valkey_server: ValkeyServer, counting: Callable[[str], SharedCounters]
) -> None:
    counters, buckets = counting(valkey_server.url), some_bucket(10)
    assert metric(counters, "keywright_counters_shared_up") == 0
    assert [(await counters.take(buckets, 1)).local for _ in range(4)] == [False] * 4
    assert metric(counters, "keywright_counters_shared_up") == 1

    valkey_server.kill()
    taken = [await counters.take(buckets, 1) for _ in range(8)]
    assert all(one.local for one in taken)
    # It goes on from the four uses that everybody knows of.
    assert [one.allowed for one in taken] == [True] * 6 + [False] * 2
    await counters.give_back(buckets, 1)
    assert (await counters.take(buckets, 1)).allowed
    assert metric(counters, "keywright_counters_shared_up") == 0
    assert metric(counters, "keywright_counters_local_total") == 9

    valkey_server.start()
    await until_shared(counters)
    assert metric(counters, "keywright_counters_shared_up") == 1
    assert (await counters.take(some_bucket(1), 1)).allowed


async def until_shared(counters: SharedCounters) -> None:
    async with asyncio.timeout(30):
        while (await counters.take(some_bucket(1), 0)).local:  # noqa: ASYNC110 - it waits for another process
            await asyncio.sleep(0.01)


async def test_a_server_that_hangs_is_given_up_and_taken_up_again(
    valkey_server: ValkeyServer, counting: Callable[[str], SharedCounters]
) -> None:
    counters, buckets = counting(valkey_server.url), some_bucket(100)
    await counters.take(buckets, 1)
    valkey_server.freeze()
    try:
        taken = await asyncio.gather(*(counters.take(buckets, 1) for _ in range(50)))
        assert all(one.local and one.allowed for one in taken)
        assert (await counters.take(buckets, 1)).states[0].remaining == 48
    finally:
        valkey_server.thaw()
    await until_shared(counters)
    # What was sent to it while it hung may have been counted there; what was not sent, was not.
    assert 48 <= (await counters.take(buckets, 1)).states[0].remaining <= 98


async def test_what_cannot_be_given_back_there_is_given_back_here(
    valkey_server: ValkeyServer, counting: Callable[[str], SharedCounters]
) -> None:
    counters, buckets = counting(valkey_server.url), some_bucket(1)
    await counters.take(buckets, 1)
    valkey_server.kill()
    await counters.give_back(buckets, 1)
    taken = await counters.take(buckets, 1)
    assert (taken.allowed, taken.local) == (True, True)


async def test_a_server_that_may_not_be_written_to_is_away(
    valkey_server: ValkeyServer, counting: Callable[[str], SharedCounters]
) -> None:
    counters = counting(valkey_server.url)
    with redis.Redis.from_url(valkey_server.url) as client:
        client.replicaof("127.0.0.1", 1)
        assert (await counters.take(some_bucket(1), 1)).local
        # It answers, and counts nothing: that is no return.
        await asyncio.sleep(0.1)
        assert (await counters.take(some_bucket(1), 1)).local
        client.replicaof("NO", "ONE")
    await until_shared(counters)


async def test_whether_redis_can_be_used_is_found_out(valkey_server: ValkeyServer) -> None:
    await redis_answers(valkey_server.url)
    valkey_server.kill()
    with pytest.raises(RemoteAway) as away:
        await redis_answers(valkey_server.url)
    assert isinstance(away.value.__cause__, redis.RedisError | OSError)


async def test_an_end_during_an_outage_ends_the_search_too(valkey_server: ValkeyServer) -> None:
    counters = counters_of(valkey_server.url, Metrics())
    valkey_server.kill()
    assert (await counters.take(some_bucket(1), 1)).local
    await counters.close()
    await counters.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "shared counters"]
