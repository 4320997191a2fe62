"""Counting together on one host without Redis, over a Unix socket."""

from __future__ import annotations

import asyncio
import socket
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keywright.core.ids import new_id
from keywright.core.limits import MAX_USES, Bucket, Level, Limit
from keywright.ops.metrics import Metrics
from keywright.storage.counters import SharedCounters, counters_of, host_counters
from keywright.storage.counters.host import HostRemote

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

YEAR = 31_536_000


@pytest.fixture
def path() -> Iterator[Path]:
    """Short enough for the address of a socket."""
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:
        yield Path(folder, "counters")


def some_bucket(limit: int) -> tuple[Bucket, ...]:
    return (Bucket(Level.KEY, new_id("key"), Limit("a", limit, YEAR)),)


def mode(path: Path) -> int | None:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


def leave_behind(path: Path) -> None:
    """The file of a socket, as somebody leaves it who was killed."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def counting(path: Path) -> SharedCounters:
    return SharedCounters(HostRemote(path), Metrics(), patience=30, pauses=(0.01, 0.05))


async def test_processes_count_together(path: Path) -> None:
    buckets = some_bucket(30) + some_bucket(MAX_USES)
    async with host_counters(path):
        assert mode(path) == 0o600
        nodes = [counting(path) for _ in range(3)]
        taken = await asyncio.gather(*(nodes[n % 3].take(buckets, 1) for n in range(60)))
        assert not any(one.local for one in taken)
        assert sum(one.allowed for one in taken) == 30
        await nodes[0].give_back(buckets, 2)
        assert (await nodes[1].take(buckets, 0)).states[0].remaining == 2
        for node in nodes:
            await node.close()
    assert mode(path) is None


async def test_without_the_one_that_counts_each_counts_alone_until_it_is_back(path: Path) -> None:
    node, buckets = counting(path), some_bucket(10)
    async with host_counters(path):
        assert not (await node.take(buckets, 4)).local
    taken = await node.take(buckets, 4)
    assert (taken.local, taken.states[0].remaining) == (True, 2)
    leave_behind(path)
    async with host_counters(path), asyncio.timeout(30):
        while (await node.take(some_bucket(1), 0)).local:  # noqa: ASYNC110 - it waits for a connection
            await asyncio.sleep(0.01)
    await node.close()


async def test_calls_on_their_way_when_it_ends_are_counted_alone(path: Path) -> None:
    begun = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        begun.set()
        await reader.read(10)
        writer.close()

    server = await asyncio.start_unix_server(silent, path)
    node, buckets = counting(path), some_bucket(5)
    calls = asyncio.gather(*(node.take(buckets, 1) for _ in range(3)))
    await begun.wait()
    assert [one.local for one in await calls] == [True] * 3
    server.close()
    await node.close()


async def test_an_answer_that_comes_too_late_is_nobodys(path: Path) -> None:
    late = asyncio.Event()
    arrived = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        arrived.set()
        await late.wait()
        for number in (0, 1):
            body = bytes([0x92, number, 0x91, 0x92, 0, 0])  # [number, [[0, 0]]]
            writer.write(len(body).to_bytes(4, "big") + body)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(slow, path)
    remote, buckets = HostRemote(path), some_bucket(5)
    first = asyncio.create_task(remote.take(buckets, 1))
    second = asyncio.create_task(remote.take(buckets, 1))
    await arrived.wait()
    first.cancel()
    await asyncio.sleep(0)
    late.set()
    assert await second == [0]
    await remote.close()
    server.close()


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\x02\xc1\xc1", b"\0\0", b"\0\0\0\x09abc"]
)
async def test_who_says_something_else_is_hung_up_on(path: Path, sent: bytes) -> None:
    async with host_counters(path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        node = counters_of(None, Metrics(), host=path)
        assert isinstance(node, SharedCounters)
        assert (await node.take(some_bucket(1), 1)).allowed
        await node.close()


async def test_where_nobody_counts_each_counts_alone(path: Path) -> None:
    node = counting(path)
    assert (await node.take(some_bucket(1), 1)).local
    await node.close()
    with pytest.raises(OSError, match="No such file"):
        async with host_counters(path / "nowhere"):
            pass


async def test_an_end_before_the_first_use_ends_nothing(path: Path) -> None:
    node = counting(path)
    await node.close()
    async with host_counters(path):
        _, writer = await asyncio.open_unix_connection(path)
        await asyncio.sleep(0)
        writer.close()
