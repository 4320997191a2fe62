"""One running Keywright for each engine, as people run it, and a door to it for each way in."""

from __future__ import annotations

import hashlib
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.doors.scenarios.cli_door import CliDoor
from tests.doors.scenarios.graphql_door import GraphqlDoor
from tests.doors.scenarios.rest_door import RestDoor
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doors.scenarios.door import Door
    from tests.support.postgres import Postgres

KEYWRIGHT = Path(sys.executable).with_name("keywright")
DOORS: dict[str, type[Door]] = {"rest": RestDoor, "graphql": GraphqlDoor, "cli": CliDoor}


@dataclass(frozen=True, slots=True)
class Installation:
    """A running server, the token of its root key, and where its database is."""

    url: str
    root: str
    database: str

    def new_tenant(self) -> tuple[str, str]:
        """A tenant of its own for one scenario: its slug, and the token of an administrator's key in it."""
        slug = f"t-{secrets.token_hex(6)}"
        root = RestDoor(self.url, self.root)
        root.create_tenant(slug, "A tenant")
        return slug, root.create(name="Administrator", tenant=slug).token or ""


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Installation]:
    root, port = f"root-{secrets.token_hex(16)}", free_port()
    env = {
        "KEYWRIGHT_DATA": str(tmp_path_factory.mktemp("data")),
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(root.encode()).hexdigest(),
        "KEYWRIGHT_USAGE_FLUSH_SECONDS": "0.2",
    }
    if request.param == "postgresql":
        env["KEYWRIGHT_DATABASE_URL"] = postgres.create_database()
        with running([KEYWRIGHT, "migrate"], env=env) as migration:
            assert migration.popen.wait(60) == 0, migration.errors()
    url = f"http://127.0.0.1:{port}"
    with running([KEYWRIGHT, "serve"], env=env, ready_url=f"{url}/readyz"):
        database = f"sqlite:///{env['KEYWRIGHT_DATA']}/keywright.db"
        yield Installation(url, root, env.get("KEYWRIGHT_DATABASE_URL", database))


@pytest.fixture(params=sorted(DOORS))
def kind(request: pytest.FixtureRequest) -> type[Door]:
    return DOORS[request.param]


@pytest.fixture
def home(installation: Installation) -> tuple[str, str]:
    """A tenant of its own: its slug, and the token of a key with which everything may be done in it."""
    return installation.new_tenant()


@pytest.fixture
def admin(kind: type[Door], installation: Installation, home: tuple[str, str]) -> Door:
    """The door of whoever holds that key."""
    return kind(installation.url, home[1])


@pytest.fixture
def root(kind: type[Door], installation: Installation) -> Door:
    """The door of whoever holds the root key."""
    return kind(installation.url, installation.root)
