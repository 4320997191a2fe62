"""A PostgreSQL server that tests stop, kill and start again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support import postgres
from tests.support.servers import free_port, tail

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

START_SECONDS = 60.0
# A revocation that returned may not be undone by the death of the server; the machine itself goes on.
DURABLE = {"synchronous_commit": "on"}

SMART, FAST, IMMEDIATE, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL
"""How the server is ended: by the signal that PostgreSQL's documents give for each kind of shutdown."""


class MortalPostgres:
    """A server of our own. It keeps its data from one start to the next, on a new port each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cluster = postgres._Cluster(folder)
        self._running = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._cluster.initialise()

    @property
    def url(self) -> str:
        """The database that a server has from the start."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers; waits for what is left of the one before. Raises `RuntimeError`."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._starts():
                return
            # The processes of a killed server end one by one, and until then no other may use the data.
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL does not start:\n{tail(self._folder / 'log')}")

    def _starts(self) -> bool:
        self.port = free_port()
        self._process = self._running.enter_context(self._cluster._process(self.port, **DURABLE))
        with postgres.connected(self.url) as server:
            if self._cluster._is_ready(server, self._process):
                return True
        self._running.close()
        return False

    def stop(self, how: signal.Signals) -> None:
        """End the server by a signal and wait until its first process is gone."""
        assert self._process is not None
        pid = int((self._folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()[0])
        os.kill(pid, how)
        self._process.wait(START_SECONDS)
        self._running.close()

    def create_database(self) -> str:
        """Make an empty database and return its name."""
        with postgres.connected(self.url) as server:
            return urlsplit(server.create_database()).path.removeprefix("/")

    def url_of(self, name: str) -> str:
        """The URL of a database by its name, on the present port."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def close(self) -> None:
        """End whatever runs."""
        self._running.close()


@contextmanager
def mortal_postgres() -> Iterator[MortalPostgres]:
    """A running server of our own, which is gone at the end whatever became of it."""
    with tempfile.TemporaryDirectory(prefix="keywright-", dir=postgres._open_folder()) as folder:
        server = MortalPostgres(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.close()
