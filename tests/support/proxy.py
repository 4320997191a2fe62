"""A wire between a node and its database that can go silent, slow, half-closed or dead.

It works in the event loop of the test. What is sent while the wire is held arrives later, as TCP has it when packets
are lost: nothing is lost from the middle of a stream.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

UP, DOWN = "up", "down"
"""To the database, and back from it."""


@dataclass(slots=True, eq=False)
class _Pair:
    """One connection: the node's end and the database's end of it."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def abort(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.near.transport.abort()
        self.far.transport.abort()


class Proxy:
    """A wire on a port of its own, which it keeps whatever is done to it. Use it as an async context manager."""

    def __init__(self, far_port: int) -> None:
        self.far_port = far_port
        """Where the database listens; a restart may move it."""
        self.delay = 0.0
        """Seconds that every piece takes on its way, in each direction."""
        self._refusing = False
        self._pairs: set[_Pair] = set()
        self._open = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        self._server: asyncio.Server | None = None
        self.port = 0
        self.heal()

    def url(self, database_url: str) -> str:
        """The database's URL by way of this wire."""
        parts = urlsplit(database_url)
        user, _, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}@127.0.0.1:{self.port}").geturl()

    async def __aenter__(self) -> Self:
        """Take connections."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Take no more connections and end those that there are."""
        assert self._server is not None
        self._server.close()
        self.sever()

    def hold(self, *directions: str) -> None:
        """From here on nothing arrives in these directions until `heal`, and nobody is told."""
        for direction in directions:
            self._open[direction].clear()

    def refuse(self) -> None:
        """Break every connection, and take none until `heal`."""
        self._refusing = True
        self.sever()

    def sever(self) -> None:
        """Break every connection at once, with what is on its way."""
        for pair in tuple(self._pairs):
            pair.abort()
        self._pairs.clear()

    def half_close(self, direction: str) -> None:
        """Say on every connection that nothing more comes in this direction; the other one stays as it is."""
        for pair in tuple(self._pairs):
            end = pair.far if direction == UP else pair.near
            with suppress(OSError):
                end.write_eof()

    def heal(self) -> None:
        """From here on everything arrives, what was held first."""
        self._refusing = False
        self.delay = 0.0
        for event in self._open.values():
            event.set()

    async def _connected(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        if self._refusing:
            near.transport.abort()
            return
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.far_port)
        except OSError:
            near.transport.abort()
            return
        pair = _Pair(near, far)
        self._pairs.add(pair)
        pair.tasks += [
            asyncio.create_task(self._pump(near_reader, far, UP)),
            asyncio.create_task(self._pump(far_reader, near, DOWN)),
        ]
        await asyncio.wait(pair.tasks)
        pair.abort()
        self._pairs.discard(pair)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, direction: str) -> None:
        with suppress(OSError, RuntimeError):  # RuntimeError: written to after it was half-closed
            while data := await source.read(65_536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._open[direction].wait()
                target.write(data)
                await target.drain()
            await self._open[direction].wait()
            target.write_eof()
