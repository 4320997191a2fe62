"""A PostgreSQL server that can be stopped and started again, and a wire to one that can be cut or go silent."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support import postgres
from tests.support.servers import free_port

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.support.postgres import PostgresServer


@dataclass(slots=True)
class Restartable:
    """A server of our own. It keeps its data and its port from one start to the next."""

    _folder: Path
    _cluster: postgres._Cluster
    _port: int = field(default_factory=free_port)
    _running: ExitStack = field(default_factory=ExitStack)
    _process: subprocess.Popen[bytes] | None = None
    server: PostgresServer | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = self._running.enter_context(self._cluster._process(self._port))
        self.server = self._running.enter_context(postgres.connected(self.url))
        assert self._cluster._is_ready(self.server, self._process)

    def stop(self) -> None:
        """Shut it down, ending the connections to it, as an administrator does."""
        pid = int((self._folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()[0])
        os.kill(pid, signal.SIGINT)
        assert self._process is not None
        self._process.wait(30)
        self.close()

    def close(self) -> None:
        """Let go of what is running."""
        self._running.close()


@contextmanager
def restartable_postgres() -> Iterator[Restartable]:
    """A running server of our own, which is gone at the end whatever became of it."""
    with tempfile.TemporaryDirectory(prefix="keywright-", dir=postgres._open_folder()) as folder:
        cluster = postgres._Cluster(Path(folder))
        cluster.initialise()
        server = Restartable(Path(folder), cluster)
        try:
            server.start()
            yield server
        finally:
            server.close()


class Wire:
    """What lies between Keywright and its server. `url` is the database at its near end."""

    def __init__(self, url: str) -> None:
        self._place = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sound = asyncio.Event()
        self._sound.set()

    @property
    def url(self) -> str:
        user, _, _ = self._place.netloc.rpartition("@")
        return self._place._replace(netloc=f"{user}@127.0.0.1:{self._port}").geturl()

    async def connect(self) -> None:
        """From here on connections are taken, on the same port each time."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """From here on connections are refused, and those that were there are broken."""
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ends.clear()

    def mute(self) -> None:
        """From here on nothing arrives, and nobody is told: what a firewall or a pulled plug does."""
        self._sound.clear()

    def unmute(self) -> None:
        """From here on what was sent meanwhile arrives, and all that follows."""
        self._sound.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        self._ends |= {writer, far_writer}
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await self._sound.wait()
                target.write(data)
        target.close()


def kill(postgres: PostgresServer, url: str) -> int:
    """End every connection to a database, as an administrator or a failover does; answers how many."""
    name = urlsplit(url).path.removeprefix("/")
    killed: int = postgres.fetch_value(
        f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    return killed
