"""`make bench`: `/v1/verify` beside a constant answer of the same server software, in one run, as ratios.

Beside them, decisions in process with 1, 10 and 200 policies, in microseconds (`python -m bench.decisions`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import secrets
import statistics
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from bench import decisions
from bench.servers import Load, Server, free_port, load, serving

if TYPE_CHECKING:
    from collections.abc import Callable

_SCRIPT = """\
wrk.method = "POST"
wrk.body = {body}
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = {authorization}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of a round (5)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each, in turn (3)")
    parser.add_argument("--connections", type=int, default=32, help="connections of the load (32)")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.seconds, options.rounds, options.connections)
    report(figures, options.connections)
    decisions.report(decisions.measure())
    if options.json:
        options.json.write_text(
            json.dumps({name: [vars_of(one) for one in rounds] for name, rounds in figures.items()})
        )
    if any(one.failures for rounds in figures.values() for one in rounds):
        sys.exit("Some requests failed: the figures are worth nothing.")


def measure(folder: Path, seconds: int, rounds: int, connections: int) -> dict[str, list[Load]]:
    """Start both servers and load them in turn, so that a drift of the machine meets both."""
    root = f"root-{secrets.token_hex(16)}"
    ours, constant = free_port(), free_port()
    env = {
        "KEYWRIGHT_DATA": str(folder / "data"),
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(root.encode()).hexdigest(),
        "KEYWRIGHT_PORT": str(ours),
        "KEYWRIGHT_LOG_LEVEL": "warning",
    }
    keywright = [str(Path(sys.executable).with_name("keywright")), "serve"]
    uvicorn = [
        *(sys.executable, "-m", "uvicorn", "bench.constant:app", "--port", str(constant)),
        *("--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools"),
        *("--no-server-header", "--no-proxy-headers"),
    ]
    figures: dict[str, list[Load]] = {"constant": [], "verify": []}
    with (
        serving(keywright, env, ours, "/readyz", folder / "keywright.log") as server,
        serving(uvicorn, {}, constant, "/", folder / "constant.log") as ceiling,
    ):
        script = folder / "verify.lua"
        script.write_text(_script(server, root))
        run: dict[str, Callable[[int], Load]] = {
            "constant": lambda length: load(ceiling, "/", script, connections=connections, seconds=length),
            "verify": lambda length: load(
                server, "/v1/verify", script, connections=connections, seconds=length
            ),
        }
        for one in run.values():
            one(1)
        for _ in range(rounds):
            for name, one in run.items():
                figures[name].append(one(seconds))
    return figures


def _script(server: Server, root: str) -> str:
    """The load's request: a caller with a key of its own verifies another key."""
    asking = _call(server, "/v1/keys", root, {"name": "gateway", "scope": [{"actions": ["keys:verify"]}]})
    asked = _call(server, "/v1/keys", root, {"name": "client", "scope": [{"actions": ["article:read"]}]})
    body = json.dumps({"token": asked["token"], "action": "article:read"})
    return _SCRIPT.format(body=json.dumps(body), authorization=json.dumps(f"Bearer {asking['token']}"))


def _call(server: Server, path: str, token: str, body: dict[str, object]) -> dict[str, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{path}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, str] = json.load(answer)
    return found


def report(figures: dict[str, list[Load]], connections: int) -> None:
    """A table for people: medians over the rounds, and ratios within the run."""
    cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.machine()}, {cores} processors, Python {platform.python_version()}, {connections} connections"
    )
    print(f"{'':24}{'requests/s':>12}{'CPU/request':>14}{'p50':>10}{'p99':>10}")
    for name, label in (("constant", "constant answer"), ("verify", "/v1/verify, SQLite")):
        rounds = figures[name]
        print(
            f"{label:24}{_median(rounds, 'per_second'):>12,.0f}{_median(rounds, 'cpu_us'):>11.1f} µs"
            f"{_median(rounds, 'p50_ms'):>7.2f} ms{_median(rounds, 'p99_ms'):>7.2f} ms"
        )
    speed = _median(figures["verify"], "per_second") / _median(figures["constant"], "per_second")
    cpu = _median(figures["verify"], "cpu_us") / _median(figures["constant"], "cpu_us")
    print(f"/v1/verify reaches {speed:.2f} of the constant's rate, at {cpu:.1f} times its CPU a request.")


def _median(rounds: list[Load], figure: str) -> float:
    return float(statistics.median(getattr(one, figure) for one in rounds))


def vars_of(one: Load) -> dict[str, float]:
    return {name: getattr(one, name) for name in one.__slots__}


if __name__ == "__main__":
    main()
