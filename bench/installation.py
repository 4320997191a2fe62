"""Keywright itself under measurement: a server with a root key, and the keys that a part needs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.environments import CACHE
from bench.servers import Client, Request, Server, free_port, serving
from tests.support.postgres import running_postgres

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from tests.support.postgres import PostgresServer

COMMAND = str(Path(sys.executable).with_name("keywright"))

# As a careful operator has it: nothing that was answered is lost. Only the sizes are those of a small machine.
POSTGRES = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "max_wal_size": "4GB",
    "shared_buffers": "512MB",
    "maintenance_work_mem": "512MB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Keywright:
    """A running server, and its root key's token."""

    server: Server
    root: str

    def client(self, token: str | None = None) -> Client:
        """Calls with the root key, or another."""
        return Client(self.server.port, token or self.root)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for databases, on the disk that the repository is on and not in memory."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=CACHE) as folder:
        yield Path(folder)


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL whose data lie in a folder, which its own user can reach when this runs as root."""
    if os.geteuid() == 0:
        reachable = all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))
        if not reachable:
            folder = Path(tempfile.mkdtemp(prefix="keywright-bench-", dir="/var/tmp"))
            folder.chmod(0o755)
            try:
                with running_postgres(POSTGRES, folder) as server:
                    yield server
            finally:
                shutil.rmtree(folder)
            return
    with running_postgres(POSTGRES, folder) as server:
        yield server


def settings(folder: Path, root: str, database_url: str | None) -> dict[str, str]:
    """The environment of a server, without its port."""
    env = {
        "KEYWRIGHT_DATA": str(folder / "data"),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(root.encode()).hexdigest(),
        "KEYWRIGHT_LOG_LEVEL": "warning",
    }
    return env if database_url is None else {**env, "KEYWRIGHT_DATABASE_URL": database_url}


def migrate(env: Mapping[str, str]) -> None:
    """Bring the database of these settings to the newest schema."""
    done = subprocess.run(
        [COMMAND, "migrate"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"keywright migrate failed:\n{done.stdout}{done.stderr}")


def new_root() -> str:
    """A root key's token."""
    return f"root-{secrets.token_hex(16)}"


@contextlib.contextmanager
def keywright(
    folder: Path,
    *,
    root: str | None = None,
    database_url: str | None = None,
    name: str = "keywright",
    processors: Collection[int] | None = None,
    **more: str,
) -> Iterator[Keywright]:
    """`keywright serve` until the block ends; `more` are further settings by their names in the environment."""
    root = root or new_root()
    port = free_port()
    env = {**settings(folder, root, database_url), "KEYWRIGHT_PORT": str(port), **more}
    with serving(
        [COMMAND, "serve"], env, port, "/readyz", folder / f"{name}.log", processors=processors
    ) as server:
        yield Keywright(server, root)


def new_key(client: Client, **fields: object) -> tuple[str, str]:
    """Make a key; answers its id and its token."""
    status, made = client.call("POST", "/v1/keys", fields)
    if status != 201:
        sys.exit(f"A key could not be made: {status} {made}")
    return made["key"]["id"], made["token"]


def verification(asker: str, token: str, **fields: object) -> Request:
    """A request that asks about a token."""
    return Request(
        "POST",
        "/v1/verify",
        {"Content-Type": "application/json", "Authorization": f"Bearer {asker}"},
        json.dumps({"token": token, **fields}),
    )
