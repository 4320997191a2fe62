"""Starting the command itself: quick, and without loading what the command does not need."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import Shell

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("sqlalchemy", "alembic", "fastapi", "starlette", "pydantic", "ariadne", "uvicorn", "httpx2", "rich")
REPORT = "; import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def loaded(code: str, *args: str) -> set[str]:
    """The packages that a piece of Python loads, run with these arguments."""
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT, *args], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


RUN = "import sys; from keywright.cli.root import run; run(sys.argv[1:])"


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    packages = loaded("import keywright.cli")
    assert "click" in packages
    assert packages.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["keys"],
        ["keys", "--help"],
        ["keys", "create", "--help"],
        ["serve", "--help"],
        ["doctor", "--help"],
        ["login", "--help"],
        ["kesy"],
        ["serve", "--port", "x"],
        ["keys", "delete", "x"],
    ],
)
def test_help_and_mistakes_load_nothing_heavy(args: list[str]) -> None:
    assert loaded(RUN, *args).isdisjoint(HEAVY)


def test_a_client_command_does_not_load_the_server(shell: Shell) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN + REPORT, "keys", "list"],
        capture_output=True,
        text=True,
        env=shell.environment,
        check=True,
    )
    packages = set(done.stdout.splitlines()[-1].split())
    assert "httpx2" in packages
    assert packages.isdisjoint({*HEAVY, "rich"} - {"httpx2"})


def test_the_client_is_loaded_without_its_library() -> None:
    assert loaded("import keywright.client").isdisjoint({*HEAVY, "click"})


def test_help_starts_little_later_than_python(home: Path) -> None:
    environment = Shell(home, {}).environment

    def seconds(*command: str) -> float:
        taken = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, env=environment, check=True)
            taken.append(time.perf_counter() - began)
        return min(taken) if median(taken) else 0.0

    # The aim is 80 ms on a quiet machine; what is refused here is a library that slipped in.
    assert seconds("-m", "keywright", "--help") - seconds("-c", "pass") < 0.3


def test_closed_streams_are_no_traceback(home: Path) -> None:
    shell = Shell(home, {})
    script = f"exec '{sys.executable}' -m keywright version <&- >&- 2>&-; echo $?"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, env=shell.environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
