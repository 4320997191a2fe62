"""An agent beside the server that it asks: its rate warm, what it takes, and what a revocation waits for it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.figures import (
    TIMES,
    Bar,
    Figure,
    Plot,
    Row,
    Section,
    Table,
    Target,
    exactly,
    figure,
    percentile,
    ratio,
)
from bench.installation import COMMAND, keywright, new_key, scratch
from bench.parts import contenders
from bench.parts.verify import warm
from bench.servers import Client, Load, free_port, load, script_of, serving

if TYPE_CHECKING:
    from pathlib import Path

    from bench.installation import Keywright
    from bench.options import Options
    from bench.parts.contenders import Asking
    from bench.servers import Server

REVOCATIONS = 100
CEILING, SERVER, AGENT = "constant answer, same server", "the server's /v1/verify", "the agent's /v1/verify"
_ABOUT = """\
One agent beside one server on SQLite, both on one processor and asked in turn about the same {keys} keys, all verified
before. The agent is asked without a credential, as programs on its host do. A revocation is `DELETE /v1/keys/{{id}}`
at the server, from sending it to its complete receipt; the agent knows the key, and is asked about it again after the
answer."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The rounds of each, and of the agent besides: its start in seconds, the memory of both, its revocations."""

    rounds: dict[str, list[Load]]
    start: list[float]
    resident: dict[str, int]
    revocations: list[float]
    violations: int

    def of(self, who: str, name: str) -> list[float]:
        """One figure in each round."""
        return [float(getattr(one, name)) for one in self.rounds[who]]


def run(options: Options) -> Section:
    """Load the server and the agent in turn, and then revoke."""
    with scratch() as folder, ExitStack() as stack:
        home = stack.enter_context(keywright(folder))
        at_server = contenders.plain(home)
        agent, start = _agent(stack, folder, home)
        asked = {CEILING: contenders.constant(stack, folder), SERVER: at_server, AGENT: _at(agent, at_server)}
        rounds: dict[str, list[Load]] = {who: [] for who in asked}
        scripts = {
            who: script_of(one.requests, folder / f"{at}.lua") for at, (who, one) in enumerate(asked.items())
        }
        for one in asked.values():
            warm(one)
        for _ in range(options.rounds):
            for who, one in asked.items():
                connections, seconds = options.connections, options.seconds
                rounds[who].append(load(one.server, scripts[who], connections=connections, seconds=seconds))
        resident = {who: asked[who].server.resident_bytes() for who in (SERVER, AGENT)}
        took, violations = _revoked(home, agent, options.few(REVOCATIONS))
    return section(Measured(rounds, [start], resident, took, violations))


def _agent(stack: ExitStack, folder: Path, home: Keywright) -> tuple[Server, float]:
    """A running agent, and the seconds until it was ready."""
    client = home.client()
    _, token = new_key(client, name="agent", scope=[{"actions": ["nodes:run", "keys:verify"]}])
    client.close()
    port = free_port()
    env = {"KEYWRIGHT_API_KEY": token, "KEYWRIGHT_URL": f"http://127.0.0.1:{home.server.port}"}
    command = [COMMAND, "agent", "start", "--listen", f"127.0.0.1:{port}"]
    began = time.monotonic()
    server = stack.enter_context(serving(command, env, port, "/readyz", folder / "agent.log"))
    return server, time.monotonic() - began


def _at(agent: Server, asked: Asking) -> Asking:
    """The same questions to the agent, without a credential."""
    headers = {"Content-Type": "application/json"}
    return replace(asked, server=agent, requests=[replace(one, headers=headers) for one in asked.requests])


def _revoked(home: Keywright, agent: Server, count: int) -> tuple[list[float], int]:
    """Milliseconds of each revocation, and how many keys the agent still took after one had returned."""
    client, beside = home.client(), Client(agent.port)
    took, violations = [], 0
    for number in range(count):
        key_id, token = new_key(client, name=f"one {number}", scope=[{"actions": [contenders.ACTION]}])
        if beside.call("POST", "/v1/verify", {"token": token})[1].get("code") != "VALID":
            raise SystemExit("The agent does not know a key.")
        began = time.monotonic()
        status, answer = client.call("DELETE", f"/v1/keys/{key_id}")
        took.append((time.monotonic() - began) * 1000)
        if status != 200 or not answer["receipt"]["complete"]:
            raise SystemExit(f"A key could not be deleted: {status} {answer}")
        violations += beside.call("POST", "/v1/verify", {"token": token})[1].get("code") == "VALID"
    client.close()
    beside.close()
    return took, violations


def section(measured: Measured) -> Section:
    """The tables, the targets and the plot of what was measured."""
    rates = {who: figure(measured.of(who, "per_second"), "/s") for who in measured.rounds}
    rows = tuple(_row(who, rates[who], measured) for who in measured.rounds)
    median, high = (exactly(percentile(measured.revocations, share), "ms") for share in (50, 99))
    aside = (
        Row("start until it is ready", (str(figure(measured.start, "s")),), ours=True),
        *(Row(f"memory, {who}", (str(exactly(size, "bytes")),)) for who, size in measured.resident.items()),
        Row("revocation, median", (str(median),), ours=True),
        Row("revocation, p99", (str(high),), ours=True),
    )
    return Section(
        name="agent",
        title="An agent on the host",
        about=_ABOUT.format(keys=contenders.KEYS),
        tables=(
            Table(("", "requests/s", f"{TIMES} constant", "CPU a request", "p50", "p99"), rows),
            Table(("", "agent"), aside),
        ),
        targets=(Target("Revoked keys that an agent still took", exactly(measured.violations, ""), 0),),
        plots=(
            Plot(
                "agent",
                "Verifications a second, warm",
                tuple(Bar(who, rate, ours=who == AGENT) for who, rate in rates.items()),
            ),
        ),
        notes=(),
    )


def _row(who: str, rate: Figure, measured: Measured) -> Row:
    cells = (
        str(rate),
        str(ratio(measured.of(who, "per_second"), measured.of(CEILING, "per_second"))),
        str(figure(measured.of(who, "cpu_us"), "µs")),
        str(figure(measured.of(who, "p50_ms"), "ms")),
        str(figure(measured.of(who, "p99_ms"), "ms")),
    )
    return Row(who, cells, ours=who == AGENT)
