"""Workers take connections from one socket evenly, and one that stands still keeps nobody waiting."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import tempfile
from typing import TYPE_CHECKING

import pytest

from keywright.cli.accepting import Acceptor, Loads
from keywright.cli.sockets import listen

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

PATIENCE = 20


class Taken(asyncio.Protocol):
    """A connection, among those of its worker."""

    def __init__(self, mine: set[asyncio.BaseTransport]) -> None:
        self._mine = mine
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._mine.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        assert self._transport is not None
        self._mine.discard(self._transport)


class Worker:
    """What a worker does with the sockets, beside others in one process."""

    def __init__(self, sockets: list[socket.socket], fd: int, place: int) -> None:
        self.mine: set[asyncio.BaseTransport] = set()
        self._sockets = [one.dup() for one in sockets]
        self.acceptor = Acceptor(
            self._sockets, lambda: Taken(self.mine), lambda: len(self.mine), Loads(fd), place
        )

    def close(self) -> None:
        self.acceptor.stop()
        for transport in self.mine:
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
        for one in self._sockets:
            one.close()


@pytest.fixture
def shared() -> Iterator[tuple[list[socket.socket], int]]:
    """Sockets that listen, and memory for the loads."""
    sockets = listen("127.0.0.1", 0)
    with tempfile.TemporaryFile() as file:
        file.truncate(Loads.SIZE)
        yield sockets, file.fileno()
    for one in sockets:
        one.close()


def connections(sockets: list[socket.socket], count: int) -> list[socket.socket]:
    address = sockets[0].getsockname()
    return [socket.create_connection(address, timeout=10) for _ in range(count)]


async def until_taken(workers: list[Worker], count: int) -> list[int]:
    async with asyncio.timeout(PATIENCE):
        while sum(len(worker.mine) for worker in workers) < count:  # noqa: ASYNC110 - the loop is what is tested
            await asyncio.sleep(0.005)
    return [len(worker.mine) for worker in workers]


async def test_connections_that_come_together_are_spread(shared: tuple[list[socket.socket], int]) -> None:
    workers = [Worker(*shared, place) for place in range(4)]
    for worker in workers:
        worker.acceptor.start()
    made = connections(shared[0], 40)
    found = await until_taken(workers, 40)
    assert max(found) - min(found) <= 1
    for worker in workers:
        worker.close()
    for one in made:
        one.close()
    await asyncio.sleep(0)


async def test_one_that_stands_still_and_one_that_ended_keep_nobody_waiting(
    shared: tuple[list[socket.socket], int],
) -> None:
    loads = Loads(shared[1])
    loads.put(7, 0)  # it has nothing to do, and takes nothing
    loads.put(8, 0)
    loads.clear(8)
    worker = Worker(*shared, 0)
    worker.acceptor.start()
    made = connections(shared[0], 5)
    assert await until_taken([worker], 5) == [5]
    assert loads.least() == 0
    loads.clear(7)
    assert loads.least() == 5
    worker.close()
    assert loads.least() == 0
    for one in made:
        one.close()
    await asyncio.sleep(0)


async def test_who_stopped_takes_nothing(shared: tuple[list[socket.socket], int]) -> None:
    first, second = Worker(*shared, 0), Worker(*shared, 1)
    for worker in (first, second):
        worker.acceptor.start()
    first.acceptor.stop()
    made = connections(shared[0], 5)
    assert await until_taken([first, second], 5) == [0, 5]
    second.close()
    first.close()
    for one in made:
        one.close()
    await asyncio.sleep(0)


async def test_without_free_files_it_waits_and_then_goes_on(
    shared: tuple[list[socket.socket], int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("keywright.cli.accepting.EXHAUSTED_SECONDS", 0.05)
    worker = Worker(*shared, 0)
    (one,) = worker._sockets

    class Exhausted(socket.socket):
        tries = 0

        def accept(self) -> tuple[socket.socket, object]:
            Exhausted.tries += 1
            if Exhausted.tries < 3:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return super().accept()

    worker._sockets[0] = Exhausted(fileno=one.detach())
    worker.acceptor.start()
    made = connections(shared[0], 1)
    assert await until_taken([worker], 1) == [1]
    assert caplog.text.count("connection_not_taken") == 2
    worker.close()
    made[0].close()
    await asyncio.sleep(0)
