"""Taking connections from sockets that several workers share, so that each worker gets its part of them.

A loop that is woken first would take all that wait, and with connections that stay open one worker would do all the
work. So each takes one at a time, and leaves the next one for a moment to those that have fewer.
"""

from __future__ import annotations

import asyncio
import mmap
from typing import TYPE_CHECKING, Final

from keywright.ops.logging import get_logger

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

PATIENCE_SECONDS: Final = 0.002
"""For so long a connection is left to a sibling that has fewer; then that one is busy, or stands still."""
EXHAUSTED_SECONDS: Final = 0.5
PLACES: Final = 256

log = get_logger("keywright")


class Loads:
    """How many connections each worker has, in memory that all share: the file `fd`, of `SIZE` bytes.

    A place holds one more than the number, and 0 while no worker has it.
    """

    SIZE: Final = 4 * PLACES

    def __init__(self, fd: int) -> None:
        self._counts = memoryview(mmap.mmap(fd, self.SIZE)).cast("I")

    def put(self, place: int, connections: int) -> None:
        """Say how many connections the worker at a place has."""
        self._counts[place] = connections + 1

    def clear(self, place: int) -> None:
        """Free the place of a worker that has ended, or takes no more connections."""
        self._counts[place] = 0

    def least(self) -> int:
        """The fewest connections that any worker has; 0 where there is none."""
        return min((count for count in self._counts if count), default=1) - 1


class Acceptor:
    """Accepts connections in one worker; `connections` tells how many it has."""

    def __init__(
        self,
        sockets: list[socket.socket],
        protocol: Callable[[], asyncio.Protocol],
        connections: Callable[[], int],
        loads: Loads,
        place: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets = sockets
        self._protocol = protocol
        self._connections = connections
        self._loads = loads
        self._place = place
        self._connecting: set[asyncio.Task[None]] = set()
        self._waiting: dict[socket.socket, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Take connections from now on."""
        self.publish()
        for one in self._sockets:
            self._loop.add_reader(one, self._readable, one)

    def stop(self) -> None:
        """Take no more; those that wait are for others."""
        for one in self._sockets:
            self._loop.remove_reader(one)
        for timer in self._waiting.values():
            timer.cancel()
        self._loads.clear(self._place)

    def publish(self) -> None:
        """Tell the siblings how many connections this worker has."""
        self._loads.put(self._place, self._mine())

    def _mine(self) -> int:
        return self._connections() + len(self._connecting)

    def _readable(self, one: socket.socket) -> None:
        if self._mine() > self._loads.least():
            self._pause(one, PATIENCE_SECONDS)
        else:
            self._accept(one)

    def _pause(self, one: socket.socket, seconds: float) -> None:
        self._loop.remove_reader(one)
        self._waiting[one] = self._loop.call_later(seconds, self._go_on, one)

    def _go_on(self, one: socket.socket) -> None:
        del self._waiting[one]
        self._loop.add_reader(one, self._readable, one)
        self._accept(one)

    def _accept(self, one: socket.socket) -> None:
        try:
            connection, _ = one.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # a sibling was faster, or the other end is gone
        except OSError as error:  # no more files: the socket would be ready again at once, and for ever
            log.error("connection_not_taken", reason=error.strerror)  # noqa: TRY400 - a traceback would say no more
            self._pause(one, EXHAUSTED_SECONDS)
            return
        connection.setblocking(False)  # noqa: FBT003 - the standard library's own
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        self.publish()

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:  # it was broken off meanwhile
            connection.close()
