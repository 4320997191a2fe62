"""Prefect's own programs, pointed at a running Keywright."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.servers import minimal_environment, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.servers import Process

PATIENCE = 60.0
"""How long a program may take to print what it has to print, in seconds."""


@dataclass(frozen=True, slots=True)
class Client:
    """An installation of the client, a home of its own, and the address of the API."""

    python: Path
    home: Path
    api: str

    def variables(self, **more: str) -> dict[str, str]:
        """What its programs find in their environment."""
        own = {
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "PREFECT__CLOUD__API": self.api,
            "PYTHONUNBUFFERED": "1",
        }
        return {**minimal_environment(self.home), **own, **more}

    def run(self, *arguments: str, exit_code: int | None = 0, **variables: str) -> str:
        """What a command of `prefect` prints, once it has ended as it should."""
        return self._ran([str(self.python.parent / "prefect"), *arguments], exit_code, variables)

    def script(self, text: str, **variables: str) -> str:
        """What a program with its library prints."""
        return self._ran([str(self.python), "-c", text], 0, variables)

    @contextmanager
    def agent(self, *arguments: str, **variables: str) -> Iterator[Process]:
        """A local agent, as long as the block; it has a home of its own, without a login."""
        argv = [self.python.parent / "prefect", "agent", "local", "start", "--no-hostname-label", *arguments]
        env = self.variables(**variables)
        del env["HOME"]
        with running(argv, env=env) as process:
            yield process

    def _ran(self, argv: list[str], exit_code: int | None, variables: dict[str, str]) -> str:
        done = subprocess.run(
            argv,
            env=self.variables(**variables),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        output = done.stdout + done.stderr
        assert exit_code is None or done.returncode == exit_code, output
        return output.strip()


def printed(process: Process, holds: Callable[[str], bool]) -> str:
    """What a program has printed, as soon as that holds something."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = process.output() + process.errors()
        if holds(found):
            return found
        assert time.monotonic() < deadline, found
        assert process.popen.poll() is None, found
        time.sleep(0.05)
