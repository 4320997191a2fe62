"""Requests through dialects, beside a constant answer of the same server and the engine that is stood in for."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bench.figures import TIMES, Bar, Plot, Row, Section, Table, Target, figure, ratio
from bench.installation import keywright, new_key, scratch
from bench.parts import contenders
from bench.parts.contenders import Asking
from bench.servers import Client, Load, Request, load, script_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.installation import Keywright
    from bench.options import Options

CONSTANT, CONTEMBER, CYCLOID = "constant", "contember", "cycloid"
LABELS: Final = {
    CONSTANT: "constant answer, same server",
    CONTEMBER: "Contember, `{ me { id } }`",
    CYCLOID: "Cycloid, `can_do`",
}
TENANT: Final = "default"
FEW: Final = 1

ENGINE_CPU_US: Final = 500
ENGINE_RATES: Final = {1: 1_500, 32: 3_200}
"""Requests a second by connections, about, of Contember's engine on two processors, asked the same."""
TIMES_AS_FAST: Final = 2
"""How much less of a processor a request is to take here."""

_ABOUT: Final = """\
One server process on one processor, {keys} keys in turn, each asking something that only an accepted key is told; all
have been accepted before. The constant answer is to the same requests."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of one contender with so many connections."""

    name: str
    connections: int
    rounds: tuple[Load, ...]

    def of(self, what: str) -> list[float]:
        """One figure in each round."""
        return [float(getattr(one, what)) for one in self.rounds]


def run(options: Options) -> Section:
    """Start both servers, and load them in turn, so that a drift of the machine meets all alike."""
    with scratch() as folder, ExitStack() as stack:
        asked, notes = _start(stack, folder)
        scripts = {name: script_of(one.requests, folder / f"{name}.lua") for name, one in asked.items()}
        loads: dict[tuple[str, int], list[Load]] = defaultdict(list)
        for turn in range(options.rounds + 1):
            for name, one in asked.items():
                for connections in (FEW, options.connections):
                    found = load(one.server, scripts[name], connections=connections, seconds=options.seconds)
                    if turn:  # the first round warms up
                        loads[name, connections].append(found)
    measured = [Measured(name, connections, tuple(rounds)) for (name, connections), rounds in loads.items()]
    notes += [
        f"{LABELS[one.name]}: some answers were errors, so its figures are worth nothing."
        for one in measured
        if any(one.of("failures"))
    ]
    return section(measured, notes)


def _start(stack: ExitStack, folder: Path) -> tuple[dict[str, Asking], list[str]]:
    home = stack.enter_context(keywright(folder))
    requests = _requests(home)
    asked, notes = {}, []
    for name, some in requests.items():
        problem = refused(home, some)
        if problem is None:
            asked[name] = Asking(home.server, some)
        else:
            notes.append(f"{LABELS[name]} was not measured: {problem}.")
    ceiling = contenders.constant(stack, folder).server
    return {CONSTANT: Asking(ceiling, requests[CONTEMBER]), **asked}, notes


def _requests(home: Keywright) -> dict[str, Sequence[Request]]:
    client = home.client()
    tokens = [new_key(client, name=f"key {number}", scope=[])[1] for number in range(contenders.KEYS)]
    client.close()
    contember: Any = {"query": "{ me { id } }"}
    cycloid: Any = {"action": "organization:read", "entity_canonicals": []}
    paths = {
        CONTEMBER: ("/dialects/contember/tenant", contember),
        CYCLOID: (f"/dialects/cycloid/organizations/{TENANT}/can_do", cycloid),
    }
    return {name: [_post(path, token, body) for token in tokens] for name, (path, body) in paths.items()}


def _post(path: str, token: str, body: Any) -> Request:  # noqa: ANN401 - JSON
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return Request("POST", path, headers, json.dumps(body))


def refused(home: Keywright, requests: Sequence[Request]) -> str | None:
    """Ask each request twice; what was wrong with an answer, None where all are as the load takes for granted."""
    client = Client(home.server.port)
    try:
        for request in (*requests, *requests):
            status, answer = client.send(request)
            if status != 200 or "errors" in answer or not answer.get("data"):
                return f"{request.method} {request.path} is answered {status}"
    finally:
        client.close()
    return None


def section(measured: Sequence[Measured], notes: Sequence[str]) -> Section:
    """The table, target and plot of what was measured."""
    ceilings = {one.connections: one for one in measured if one.name == CONSTANT}
    heading = (
        "",
        "connections",
        "requests/s",
        f"{TIMES} constant",
        "CPU a request",
        "p50",
        "p99",
        "server / load busy",
    )
    most = max(ceilings)
    busiest = [one for one in measured if one.connections == most]
    return Section(
        name="dialects",
        title="An authenticated request through a dialect",
        about=_ABOUT.format(keys=contenders.KEYS),
        tables=(Table(heading, tuple(_row(one, ceilings[one.connections]) for one in measured)),),
        targets=tuple(
            Target(
                "Contember: CPU a request, µs",
                figure(one.of("cpu_us"), "µs"),
                ENGINE_CPU_US / TIMES_AS_FAST,
            )
            for one in busiest
            if one.name == CONTEMBER
        ),
        plots=(
            Plot(
                "dialects-cpu",
                f"Server CPU time of a request through a dialect, {most} connections",
                tuple(
                    Bar(
                        LABELS[one.name].replace("`", ""),
                        figure(one.of("cpu_us"), "µs"),
                        ours=one.name != CONSTANT,
                    )
                    for one in busiest
                ),
            ),
        ),
        notes=(engine_note(), *notes),
    )


def engine_note() -> str:
    """What the engine that the Contember dialect stands in for does with the same request."""
    rates = " and ".join(
        f"{rate:,} requests/s at {connections} connection{'s' if connections > 1 else ''}"
        for connections, rate in ENGINE_RATES.items()
    )
    return (
        f"Contember's own engine, on two processors and asked the same, gives about {rates}, with "
        f"{ENGINE_CPU_US} µs of CPU a request; the target is {TIMES_AS_FAST} times as fast on one."
    )


def _row(one: Measured, ceiling: Measured) -> Row:
    busy = " / ".join(f"{figure(one.of(what), '').value:.0%}" for what in ("server_share", "load_share"))
    cells = (
        str(one.connections),
        str(figure(one.of("per_second"), "")),
        f"{ratio(one.of('per_second'), ceiling.of('per_second')).value:.2f}",
        str(figure(one.of("cpu_us"), "µs")),
        str(figure(one.of("p50_ms"), "ms")),
        str(figure(one.of("p99_ms"), "ms")),
        busy,
    )
    return Row(LABELS[one.name], cells, ours=one.name != CONSTANT)
