"""Decisions in process: through the verifier with its memory, lease and counters, and the bare judgement below it."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING

from bench import decisions
from bench.figures import Bar, Figure, Plot, Row, Section, Table, Target, exactly, figure
from bench.inside import installation, processor_us
from bench.installation import scratch
from bench.parts.contenders import ACTION, CREDITS, LIMITS
from keywright.core.decision import Asked

if TYPE_CHECKING:
    from pathlib import Path

    from bench.options import Options

KINDS: dict[str, tuple[dict[str, object], Asked]] = {
    "a token alone": ({}, Asked()),
    "with an action, in scope": ({"scope": [{"actions": [ACTION]}]}, Asked(action=ACTION)),
    "with scope, one limit and CIDRs": (
        {"scope": [{"actions": [ACTION]}], "limits": LIMITS, "allowed_cidrs": ["10.0.0.0/8", "192.0.2.0/24"]},
        Asked(action=ACTION, ip=ip_address("192.0.2.7")),
    ),
    "with scope and credits": ({"scope": [{"actions": [ACTION]}], "credits": CREDITS}, Asked(action=ACTION)),
}
_ABOUT = """\
`await verifier.verify(token, Asked(…))` from memory, in the event loop's own thread: the token's digest, the memory,
the lease, the judgement, limits and credits, and noting the use. Processor time of the thread. Below it the judgement
alone, for keys with many policies."""
_ROUNDS, _LOOPS = 30, 10_000
# The node renews its lease in these pauses; no round is longer than a lease.
_BREATH = 0.02


def run(options: Options) -> Section:
    """Each kind of key in turn, for as many rounds as it takes to find the machine at rest."""
    with scratch() as folder:
        figures = asyncio.run(_measured(folder, options.few(_ROUNDS), options.few(_LOOPS)))
    costs = decisions.measure()
    plain, full = "a token alone", "with scope, one limit and CIDRs"
    return Section(
        name="inprocess",
        title="A decision in process, warm",
        about=_ABOUT,
        tables=(
            Table(
                ("a decision", "CPU", "least"),
                tuple(
                    Row(name, (str(one), str(exactly(one.low, one.unit))), ours=True)
                    for name, one in figures.items()
                ),
            ),
            decisions.table(costs),
        ),
        targets=(
            Target("In process, warm: a token alone", figures[plain], 3),
            Target("In process, warm: with scope, one limit and CIDRs", figures[full], 6),
        ),
        plots=(
            Plot(
                "inprocess",
                "A decision in process, warm",
                tuple(Bar(name, one, ours=True) for name, one in figures.items()),
            ),
        ),
    )


async def _measured(folder: Path, rounds: int, loops: int) -> dict[str, Figure]:
    found: dict[str, list[float]] = {name: [] for name in KINDS}
    async with installation(folder) as home:
        verifier = home.verifier
        tokens = {name: await home.new_key(name=name, **fields) for name, (fields, _) in KINDS.items()}
        for _ in range(rounds):
            for name, (_, asked) in KINDS.items():
                token = tokens[name]
                decision = await verifier.verify(token, asked)
                if not decision.valid:
                    raise SystemExit(f"A key {name} was refused: {decision.code}.")
                await asyncio.sleep(_BREATH)
                found[name].append(await processor_us(lambda: verifier.verify(token, asked), loops))  # noqa: B023 - awaited here
    return {name: figure(values, "µs") for name, values in found.items()}
