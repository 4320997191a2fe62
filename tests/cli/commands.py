"""The installed command, run as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.servers import Process, minimal_environment

KEYWRIGHT = Path(sys.executable).parent / "keywright"
PASSWORD = "correct horse battery"
ROOT_TOKEN = "root-token-of-the-tests"


@dataclass(frozen=True)
class Result:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON, on the condition that the command went well."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def token(self) -> str:
        """The one line of standard output, on the condition that the command went well."""
        assert self.code == 0, self.err
        (line,) = self.out.splitlines()
        return line


@dataclass(frozen=True)
class Shell:
    """A home folder and variables; `run` runs `keywright` there, or in another working folder."""

    home: Path
    variables: dict[str, str]
    folder: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """All variables that a command gets."""
        return {**minimal_environment(self.home), **self.variables}

    def run(self, *args: str, stdin: str | bytes = "", timeout: float = 60) -> Result:
        """Run `keywright` with arguments and standard input, and wait for its end."""
        done = subprocess.run(
            [KEYWRIGHT, *args],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env=self.environment,
            cwd=self.folder or self.home,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def with_(self, **variables: str) -> Shell:
        """The same home with other variables too."""
        return Shell(self.home, {**self.variables, **variables}, self.folder)

    def without(self, *names: str) -> Shell:
        """The same home without some variables."""
        kept = {name: value for name, value in self.variables.items() if name not in names}
        return Shell(self.home, kept, self.folder)

    def within(self, folder: Path) -> Shell:
        """The same home with another working folder."""
        return Shell(self.home, self.variables, folder)


@dataclass(frozen=True)
class Server:
    """A running server, whose root key's token is `ROOT_TOKEN` and whose administrator has `PASSWORD`."""

    url: str
    process: Process
