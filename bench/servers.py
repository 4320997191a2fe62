"""Servers under measurement, each a process of its own on the first processor; the load runs on the others."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 300

# The requests are made before the load begins, and taken in turn.
_SCRIPT = """\
local asked = {{
{asked}
}}
local made, turn = {{}}, 0
function init()
  for place, one in ipairs(asked) do made[place] = wrk.format(one[1], one[2], one[3], one[4]) end
end
function request()
  turn = turn % #made + 1
  return made[turn]
end
"""

# In place of the last function: each request is another, also in the next round.
_VARIED = """\
local began, count = os.time(), 0
function request()
  turn, count = turn % #asked + 1, count + 1
  local one, body = asked[turn], asked[turn][4]
  {change}
  return wrk.format(one[1], one[2], one[3], body)
end
"""
VARIATIONS = {
    "trace": """one[3]["Traceparent"] = string.format("00-%016x%016x-%016x-01", began, count, count)""",
    "path": """one[2] = one[2]:gsub("[^/]*$", string.format("%x-%x", began, count))""",
    "resource": """body = body:gsub("}$", string.format(', "resource": "article:%x:%x"}', began, count))""",
}
"""How requests can be made to differ: by a trace in each head, the end of the path, or a resource in each question."""


class DidNotStart(Exception):
    """A server ended before it answered, or never did; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a load."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What one round of load measured. The shares are those of one processor that was busy."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    server_share: float
    load_share: float
    failures: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time so far, of the process and of all that it has started and that still run."""
        return sum(map(_cpu_seconds, family(self.pid)))

    def resident_bytes(self) -> int:
        """Memory of the process and of all that it has started; what they share counts for each."""
        return sum(map(resident_bytes, family(self.pid)))


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            children[int(fields[1])].append(int(entry.name))
    found = [pid]
    for one in found:
        found += children[one]
    return found


def resident_bytes(pid: int) -> int:
    """Memory that a process holds, without what is swapped out."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """What /proc tells of a process, from its state on; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_processor() -> set[int]:
    """Where a server under measurement runs."""
    return {min(os.sched_getaffinity(0))}


def other_processors() -> set[int]:
    """Where the load runs: all others, or the only one there is."""
    everywhere = os.sched_getaffinity(0)
    return everywhere - first_processor() or everywhere


@contextlib.contextmanager
def serving(
    command: Sequence[str],
    env: Mapping[str, str],
    port: int,
    ready: str,
    log: Path,
    *,
    processors: Collection[int] | None = None,
    cwd: Path | None = None,
) -> Iterator[Server]:
    """Run a server until the block ends, on the first processor unless others are given. Raises `DidNotStart`."""
    pinned = first_processor() if processors is None else set(processors)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **env},
            cwd=cwd or Path(__file__).parent.parent,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, pinned),  # noqa: PLW1509 - no threads run yet
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}", log)
        yield Server(process.pid, port)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and whatever it has started; one that is stopped goes on first, or it would not hear of it."""
    for sent, seconds in ((signal.SIGCONT, 0.0), (signal.SIGTERM, 15.0), (signal.SIGKILL, 15.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DidNotStart(f"it stopped:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise DidNotStart(f"it did not answer:\n{log.read_text('utf-8', 'replace')[-2000:]}")


class Client:
    """Calls over one connection that is kept, with one credential."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the JSON of an answer, None where it has no body."""
        headers, content = dict(self._headers), None
        if body is not None:
            headers["Content-Type"], content = "application/json", json.dumps(body)
        return self.send(Request(method, path, headers, content))

    def send(self, request: Request) -> tuple[int, Any]:
        """Send a request of a load as it is."""
        self._connection.request(request.method, request.path, request.body, dict(request.headers))
        answer = self._connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def script_of(requests: Sequence[Request], path: Path, *, varied: str | None = None) -> Path:
    """Write the script by which wrk sends these requests in turn, each another if one of `VARIATIONS` is named."""
    lines = []
    for one in requests:
        headers = ", ".join(
            f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in one.headers.items()
        )
        body = "nil" if one.body is None else json.dumps(one.body)
        lines.append(f"{{{json.dumps(one.method)}, {json.dumps(one.path)}, {{{headers}}}, {body}}},")
    more = "" if varied is None else _VARIED.replace("{change}", VARIATIONS[varied])
    path.write_text(_SCRIPT.format(asked="\n".join(lines)) + more)
    return path


def load(
    server: Server,
    script: Path,
    *,
    connections: int,
    seconds: int,
    processors: Collection[int] | None = None,
    threads: int = 1,
) -> Load:
    """One round of wrk, on the processors that a server on the first one does not use unless others are given."""
    others = other_processors() if processors is None else set(processors)
    before, own = server.cpu_seconds(), _children_seconds()
    began = time.monotonic()
    done = subprocess.run(
        [
            *("wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"),
            *("-s", str(script), f"http://127.0.0.1:{server.port}"),
        ],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, others),
    ).stdout
    passed = time.monotonic() - began
    return parsed(done, server.cpu_seconds() - before, _children_seconds() - own, passed)


def parsed(printed: str, server_cpu: float, load_cpu: float, passed: float) -> Load:
    """What wrk printed, with the processor time that both sides spent in so many seconds."""
    requests = int(_find(r"(\d+) requests in", printed))
    failures = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed)
    return Load(
        requests=requests,
        per_second=float(_find(r"Requests/sec:\s+([\d.]+)", printed)),
        p50_ms=_milliseconds(_find(r"(?m)^ +50% +(\S+)", printed)),
        p99_ms=_milliseconds(_find(r"(?m)^ +99% +(\S+)", printed)),
        cpu_us=server_cpu / max(1, requests) * 1_000_000,
        server_share=server_cpu / passed,
        load_share=load_cpu / passed,
        failures=(int(failures[1]) if failures else 0) + (sum(map(int, broken.groups())) if broken else 0),
    )


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        sys.exit(f"wrk printed something unexpected:\n{text}")
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = float(text.rstrip("mus")), text.lstrip("0123456789.")
    return number * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
