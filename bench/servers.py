"""Servers under measurement, each a process of its own on the first processor; the load runs on the others."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What one round of load measured."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    failures: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(
    command: Sequence[str], env: Mapping[str, str], port: int, ready: str, log: Path
) -> Iterator[Server]:
    """Run a server pinned to the first processor until the block ends."""
    first = min(os.sched_getaffinity(0))
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **env},
            cwd=Path(__file__).parent.parent,
            stdout=output,
            stderr=output,
            preexec_fn=lambda: os.sched_setaffinity(0, {first}),  # noqa: PLW1509 - no threads run yet
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}", log)
        yield Server(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            sys.exit(f"The server stopped:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"The server did not answer:\n{log.read_text()[-2000:]}")


def load(server: Server, path: str, script: Path, *, connections: int, seconds: int) -> Load:
    """One round of wrk against a path, on the processors that the server does not use."""
    everywhere = os.sched_getaffinity(0)
    others = everywhere - {min(everywhere)} or everywhere
    before = server.cpu_seconds()
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(script),
            f"http://127.0.0.1:{server.port}{path}",
        ],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, others),
    ).stdout
    spent = server.cpu_seconds() - before
    requests = int(_find(r"(\d+) requests in", done))
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return Load(
        requests=requests,
        per_second=float(_find(r"Requests/sec:\s+([\d.]+)", done)),
        p50_ms=_milliseconds(_find(r"(?m)^ +50% +(\S+)", done)),
        p99_ms=_milliseconds(_find(r"(?m)^ +99% +(\S+)", done)),
        cpu_us=spent / requests * 1_000_000,
        failures=0 if failures is None else int(failures[1]),
    )


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        sys.exit(f"wrk printed something unexpected:\n{text}")
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = float(text.rstrip("mus")), text.lstrip("0123456789.")
    return number * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
