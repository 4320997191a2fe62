"""One server for the tests of a module, and a shell for each test."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import KEYWRIGHT, PASSWORD, ROOT_TOKEN, Server, Shell
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server on a new SQLite database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "KEYWRIGHT_PORT": str(port),
        "KEYWRIGHT_ADMIN_PASSWORD": PASSWORD,
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT_TOKEN.encode()).hexdigest(),
    }
    with running([KEYWRIGHT, "serve"], env=variables, ready_url=f"{url}/readyz") as process:
        yield Server(url, process)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home folder, where nothing was set up."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def anyone(home: Path, server: Server) -> Shell:
    """A shell that knows the server's address and has no credential."""
    return Shell(home, {"KEYWRIGHT_URL": server.url})


@pytest.fixture
def shell(anyone: Shell) -> Shell:
    """A shell with the root key."""
    return anyone.with_(KEYWRIGHT_API_KEY=ROOT_TOKEN)


@pytest.fixture
def repository(home: Path) -> Path:
    """The folder of a project, with a folder in it."""
    folder = home / "repository"
    (folder / "src").mkdir(parents=True)
    return folder


@pytest.fixture
def plain(home: Path, repository: Path) -> Shell:
    """A shell in the project's inner folder, that knows nothing."""
    return Shell(home, {}, repository / "src")
