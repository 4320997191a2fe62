"""What the figures were taken on: when, of what, and on which machine."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LIBRARIES = ("uvicorn", "uvloop", "httptools", "msgspec", "sqlalchemy", "asyncpg")


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of a run. `load` is the machine's load average before it began."""

    at: str
    commit: str
    clean: bool
    system: str
    processor: str
    cores: int
    memory_bytes: int
    load: float
    versions: tuple[tuple[str, str], ...]


def describe() -> Run:
    """The circumstances now."""
    return Run(
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_said("git", "rev-parse", "--short=12", "HEAD") or "unknown",
        clean=_said("git", "status", "--porcelain", "--", "src", "bench", "uv.lock") == "",
        system=f"{platform.system()} {platform.release()}, {_distribution()}",
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        load=os.getloadavg()[0],
        versions=(
            ("Keywright", version("keywright")),
            ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
            *((name, version(name)) for name in _LIBRARIES),
            ("SQLite", _sqlite()),
            *_programs(),
        ),
    )


def _programs() -> list[tuple[str, str]]:
    asked = {
        "wrk": (("wrk", "-v"), r"wrk (?:debian/)?(\S+)"),
        "nginx": (("nginx", "-v"), r"nginx/(\S+)"),
        "Node": (("node", "--version"), r"v(\S+)"),
    }
    found = []
    for name, (command, pattern) in asked.items():
        match = re.search(pattern, _said(*command) or "")
        if match is not None:
            found.append((name, match[1]))
    return found


def _sqlite() -> str:
    import sqlite3  # noqa: PLC0415 - its version is all that is wanted here

    return sqlite3.sqlite_version


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.platform()


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        if found is not None:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _said(*command: str) -> str | None:
    """What a command prints, on either stream; None when it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    except OSError:
        return None
    # wrk prints its version together with its usage, as a failure.
    return (done.stdout + done.stderr).strip() if done.returncode == 0 or command[0] == "wrk" else None
