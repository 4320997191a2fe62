"""The example applications, started as their READMEs say, beside a running Keywright."""

from __future__ import annotations

import re
import shlex
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.keywright import served
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2

    from tests.support.keywright import Keywright

EXAMPLES = Path(__file__).parents[2] / "examples"
FRAMEWORKS = ("starlette", "fastapi", "litestar", "flask", "django", "drf", "wsgi")
WAYS = ("in process", "over HTTP")
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """A Keywright with its database, and a key by which applications ask it."""

    keywright: Keywright
    database: Path
    asker: str


@dataclass(frozen=True, slots=True)
class App:
    """A running example."""

    url: str
    way: str
    place: Place
    http: httpx2.Client
    log: Callable[[], str]

    def get(self, path: str, headers: Any = None) -> httpx2.Response:
        """Ask for something."""
        return self.http.get(f"{self.url}{path}", headers=headers)

    def read(self, token: str, article: str = "42") -> httpx2.Response:
        """Read an article with a key."""
        return self.get(f"/articles/{article}", {"Authorization": f"Bearer {token}"})

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Nobody can tell the application what keys are good for: its database is away, or the server hangs."""
        hidden = self.place.database.with_suffix(".hidden")
        if self.way == "in process":
            self.place.database.rename(hidden)
        else:
            self.place.keywright.process.popen.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            if self.way == "in process":
                hidden.rename(self.place.database)
            else:
                self.place.keywright.process.popen.send_signal(signal.SIGCONT)
            until(
                lambda: self.place.keywright.http.get(f"{self.place.keywright.url}/readyz").status_code, 200
            )


def until(look: Callable[[], object], wanted: object) -> None:
    """Look again and again until what is seen is what is wanted."""
    ends = time.monotonic() + PATIENCE
    while (seen := look()) != wanted:
        assert time.monotonic() < ends, seen
        time.sleep(0.05)


def command(framework: str) -> list[str]:
    """The last of the three commands of a README: the one that starts the application."""
    text = (EXAMPLES / framework / "README.md").read_text("utf-8")
    block = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[0]
    install, export, start = block.strip().splitlines()
    assert install.startswith("pip install 'keywright[") or install == "pip install keywright"
    assert export.startswith("export KEYWRIGHT_DATABASE_URL=")
    return shlex.split(start)


@contextmanager
def a_place(folder: Path) -> Iterator[Place]:
    """A Keywright, and a key by which applications ask it."""
    data = folder / "data"
    with served(KEYWRIGHT_DATA=str(data)) as keywright:
        asker = keywright.key(
            "default", scope=[{"actions": ["keys:verify"]}], memberships=[{"role": "admin"}]
        )
        yield Place(keywright, data / "keywright.db", asker["token"])


@contextmanager
def running_app(framework: str, way: str, place: Place) -> Iterator[App]:
    """An example, for as long as the block."""
    port = free_port()
    program, *arguments = command(framework)
    argv = [
        str(Path(sys.executable).parent / program),
        *(str(port) if one == "8400" else one for one in arguments),
    ]
    env = (
        {"KEYWRIGHT_DATABASE_URL": f"sqlite:///{place.database}"}
        if way == "in process"
        else {"KEYWRIGHT_URL": place.keywright.url, "KEYWRIGHT_API_KEY": place.asker}
    )
    url = f"http://127.0.0.1:{port}"
    with running(argv, env=env, cwd=EXAMPLES / framework, ready_url=f"{url}/health") as process:
        yield App(url, way, place, place.keywright.http, lambda: process.output() + process.errors())
