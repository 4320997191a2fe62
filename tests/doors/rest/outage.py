"""Taking the database away from a running Keywright, and giving it back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Outage(Protocol):
    """Both may be called again and again."""

    async def begin(self) -> None:
        """From here on the database cannot be reached."""

    async def end(self) -> None:
        """From here on it can."""


class MissingFile:
    """SQLite: the file is not where it was."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._hidden = file.with_suffix(".hidden")

    async def begin(self) -> None:
        self._file.rename(self._hidden)

    async def end(self) -> None:
        self._hidden.rename(self._file)


class CutWire:
    """PostgreSQL: a wire between Keywright and the server, which can be cut. `url` is the database at its near end."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._far = (place.hostname, place.port)
        self._place = place
        self._server: asyncio.Server | None = None
        self._port = 0
        self._wires: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        user, _, _ = self._place.netloc.rpartition("@")
        return self._place._replace(netloc=f"{user}@127.0.0.1:{self._port}").geturl()

    async def begin(self) -> None:
        assert self._server is not None
        self._server.close()
        for wire in self._wires:
            wire.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def end(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._far)
        self._wires |= {writer, far_writer}
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(_pump(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.transport.abort()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[CutWire]:
    """A wire to the database at a URL."""
    found = CutWire(url)
    await found.end()
    try:
        yield found
    finally:
        await found.begin()
