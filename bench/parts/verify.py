"""`/v1/verify` on a warm cache beside a constant answer of the same server, and beside what others use."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.environments import Missing
from bench.figures import TIMES, Bar, Figure, Plot, Row, Section, Table, Target, figure, ratio
from bench.installation import scratch
from bench.parts import contenders
from bench.servers import Client, DidNotStart, Load, load, script_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.options import Options
    from bench.parts.contenders import Asking

CEILING = "constant"
LABELS = {
    CEILING: "constant answer, same server",
    "plain": "Keywright /v1/verify",
    "traced": "Keywright, a trace in each request",
    "fresh": "Keywright, no question like another",
    "limit": "Keywright, key with a rate limit",
    "credits": "Keywright, key with credits",
    "nginx": "nginx map",
    "better_auth-memory": "better-auth, keys in memory",
    "better_auth-database": "better-auth, SQLite",
    "keyshield": "FastAPI + keyshield, cached",
    "drf_api_key": "DRF + djangorestframework-api-key",
}
_ABOUT = """\
One server process on one processor, {connections} connections, {keys} keys in turn, all verified before. The same
requests come again and again, byte for byte or but for a `traceparent`, and Keywright remembers those; where each asks
about a resource of its own no answer can be given again. Where the load keeps its own processor busy, it is what limits
the rate, and the server's CPU time a request is the figure to compare."""
OURS = ("plain", "traced", "fresh", "limit", "credits")
_PEERS: dict[str, Callable[[ExitStack, Path], Asking]] = {
    "nginx": contenders.nginx,
    "better_auth-memory": contenders.better_auth("memory"),
    "better_auth-database": contenders.better_auth("database"),
    "keyshield": contenders.keyshield,
    "drf_api_key": contenders.drf_api_key,
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of one contender."""

    rounds: tuple[Load, ...]

    def of(self, name: str) -> list[float]:
        """One figure in each round."""
        return [float(getattr(one, name)) for one in self.rounds]


def run(options: Options) -> Section:
    """Start all of them, and load them in turn, so that a drift of the machine meets all alike."""
    with scratch() as folder, ExitStack() as stack:
        asked, notes = _start(stack, folder)
        scripts = {
            name: script_of(one.requests, folder / f"{name}.lua", varied=one.varied)
            for name, one in asked.items()
        }
        loads: dict[str, list[Load]] = defaultdict(list)
        for one in asked.values():
            warm(one)
        for turn in range(options.rounds + 1):
            for name, one in asked.items():
                found = load(
                    one.server, scripts[name], connections=options.connections, seconds=options.seconds
                )
                if turn:  # in the first round, blocks of credits grow to what such a load uses
                    loads[name].append(found)
    measured = {name: Measured(tuple(rounds)) for name, rounds in loads.items()}
    for name, rounds in measured.items():
        if any(rounds.of("failures")):
            notes.append(f"{LABELS[name]}: some answers were errors, so its figures are worth nothing.")
    return section(measured, notes, options.connections)


def _start(stack: ExitStack, folder: Path) -> tuple[dict[str, Asking], list[str]]:
    asked = {CEILING: contenders.constant(stack, folder), **contenders.ours(stack, folder)}
    notes = []
    for name, start in _PEERS.items():
        try:
            asked[name] = start(stack, folder)
        except (Missing, DidNotStart) as problem:
            notes.append(f"{LABELS[name]} was not measured: {' '.join(str(problem).split())}.")
    return asked, notes


def warm(one: Asking) -> None:
    """Ask each request twice, and see that it is answered as the load takes for granted."""
    client = Client(one.server.port)
    for request in (*one.requests, *one.requests):
        status, answer = client.send(request)
        if status != 200 or answer.get("valid") is not True:
            raise SystemExit(f"{request.method} {request.path}: {status} {answer}")
    client.close()


def section(measured: dict[str, Measured], notes: list[str], connections: int) -> Section:
    """The tables, targets and plots of what was measured."""
    ceiling = measured[CEILING]
    rows = tuple(_row(name, one, ceiling) for name, one in measured.items())
    heading = (
        "",
        "requests/s",
        f"{TIMES} constant",
        "CPU a request",
        f"{TIMES} constant",
        "p50",
        "p99",
        "server / load busy",
    )
    plain = measured["plain"]
    return Section(
        name="verify",
        title="A verification over HTTP, warm",
        about=_ABOUT.format(connections=connections, keys=contenders.KEYS),
        tables=(Table(heading, rows),),
        targets=(
            Target(
                "/v1/verify: rate, of the constant answer's",
                ratio(plain.of("per_second"), ceiling.of("per_second")),
                0.8,
                at_most=False,
            ),
            Target(
                "/v1/verify: CPU a request, of the constant answer's",
                ratio(plain.of("cpu_us"), ceiling.of("cpu_us")),
                1.25,
            ),
            Target(
                "/v1/verify: p99, of the constant answer's",
                ratio(plain.of("p99_ms"), ceiling.of("p99_ms")),
                2,
            ),
        ),
        plots=(
            _plot(
                "verify-rate", "Verifications a second, one process on one processor", measured, "per_second"
            ),
            _plot("verify-cpu", "Server CPU time of a verification", measured, "cpu_us"),
        ),
        notes=tuple(notes),
    )


def _row(name: str, one: Measured, ceiling: Measured) -> Row:
    busy = f"{_percent(one.of('server_share'))} / {_percent(one.of('load_share'))}"
    cells = (
        str(figure(one.of("per_second"), "")),
        f"{ratio(one.of('per_second'), ceiling.of('per_second')).value:.2f}",
        str(figure(one.of("cpu_us"), "µs")),
        f"{ratio(one.of('cpu_us'), ceiling.of('cpu_us')).value:.2f}",
        str(figure(one.of("p50_ms"), "ms")),
        str(figure(one.of("p99_ms"), "ms")),
        busy,
    )
    return Row(LABELS[name], cells, ours=name in OURS)


def _percent(shares: list[float]) -> str:
    return f"{figure(shares, '').value:.0%}"


def _plot(name: str, title: str, measured: dict[str, Measured], what: str) -> Plot:
    rate = what == "per_second"
    bars = [
        Bar(LABELS[key], figure(one.of(what), "/s" if rate else "µs"), ours=key in OURS)
        for key, one in measured.items()
    ]
    bars.sort(key=lambda bar: _place(bar.figure, rate=rate))
    return Plot(name, title, tuple(bars), more_is_better=rate)


def _place(one: Figure, *, rate: bool) -> float:
    return -one.value if rate else one.value
