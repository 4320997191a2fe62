"""Throughput of one host with more and more worker processes."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench.figures import Bar, Plot, Row, Section, Table, figure, ratio
from bench.installation import keywright, scratch
from bench.parts import contenders
from bench.parts.verify import warm
from bench.servers import DidNotStart, Load, load, script_of

if TYPE_CHECKING:
    from pathlib import Path

    from bench.options import Options
    from bench.parts.contenders import Asking

COUNTS = (1, 2, 3, 4)


def run(options: Options) -> Section:
    """A server for each number of workers, all on databases of their own, loaded in turn."""
    loads: dict[int, list[Load]] = defaultdict(list)
    notes = []
    everywhere = sorted(os.sched_getaffinity(0))
    # The load gets a third of the processors, at least one; where there are but two, all share both.
    few = len(everywhere) < 3
    cut = max(1, len(everywhere) // 3)
    serving, loading = (everywhere, everywhere) if few else (everywhere[:-cut], everywhere[-cut:])
    with scratch() as folder, ExitStack() as stack:
        asked = {}
        for count in COUNTS:
            try:
                asked[count] = _start(stack, folder, count, serving)
            except DidNotStart as problem:
                notes.append(f"{count} workers were not measured: {' '.join(str(problem).split())[-200:]}")
        scripts = {count: script_of(one.requests, folder / f"{count}.lua") for count, one in asked.items()}
        for turn in range(options.rounds + 1):
            for count, one in asked.items():
                found = load(
                    one.server,
                    scripts[count],
                    connections=options.connections * 2,
                    seconds=options.seconds,
                    processors=loading,
                    threads=len(loading),
                )
                if turn:  # in the first round each worker fills a memory of its own
                    loads[count].append(found)
    if few:
        notes.append(
            "This machine has too few processors to tell: load and workers share them, "
            "so that more workers cannot give more."
        )
    return section(loads, notes, len(serving), len(loading))


def _start(stack: ExitStack, folder: Path, count: int, processors: list[int]) -> Asking:
    place = folder / str(count)
    place.mkdir()
    home = stack.enter_context(keywright(place, processors=processors, KEYWRIGHT_WORKERS=str(count)))
    asking = contenders.plain(home)
    warm(asking)
    return asking


def section(loads: dict[int, list[Load]], notes: list[str], serving: int, loading: int) -> Section:
    """The table and plot of what was measured."""
    rates = {count: [one.per_second for one in rounds] for count, rounds in loads.items()}
    first = rates[min(rates)] if rates else []
    rows = tuple(
        Row(
            f"{count} worker{'s' if count > 1 else ''}",
            (
                str(figure(rates[count], "/s")),
                str(ratio(rates[count], first)),
                str(figure([one.cpu_us for one in rounds], "µs")),
                str(figure([one.p99_ms for one in rounds], "ms")),
                f"{figure([one.server_share for one in rounds], '').value:.2f}",
                f"{figure([one.load_share for one in rounds], '').value:.2f}",
            ),
            ours=True,
        )
        for count, rounds in loads.items()
    )
    return Section(
        name="workers",
        title="One host, more worker processes",
        about=(
            f"`/v1/verify` on SQLite, warm, on {serving} processors, with the load on {loading}; the last two "
            "columns say how many processors each kept busy."
        ),
        tables=(
            Table(("", "verifications", "to one", "CPU a request", "p99", "server busy", "load busy"), rows),
        ),
        plots=(
            Plot(
                "workers",
                "Verifications a second by worker processes",
                tuple(
                    Bar(f"{count} worker{'s' if count > 1 else ''}", figure(rates[count], "/s"), ours=True)
                    for count in rates
                ),
                more_is_better=True,
            ),
        ),
        notes=tuple(notes),
    )
