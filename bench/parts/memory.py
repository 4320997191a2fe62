"""What a remembered key takes, in processes of their own: `python -m bench.parts.memory` measures in one of them."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

from bench import bulk
from bench.figures import Bar, Figure, Plot, Row, Section, Table, Target, figure
from bench.inside import default_tenant, installation
from bench.installation import scratch
from bench.servers import resident_bytes
from keywright.core.decision import Asked

if TYPE_CHECKING:
    from bench.inside import Inside
    from bench.options import Options

KEYS = 100_000
BOUND = 1024
_ABOUT = """\
Each of {count:,} keys is asked about once, and what was noted of their use is taken away, as a batch that is written.
The growth of the process's resident memory, and what Python's allocator was asked for, by key; beside it what the node
itself takes a key for when it keeps to its bound. Each key was read once before without being remembered, so that what
has a bound of its own is full already: SQLite's pages, and what the look-up shares among keys."""
_WARM = 1_000
_PART = 1_000
# What is measured is what a key takes, so that neither bound may come before the last key.
_ROOMY = {
    "KEYWRIGHT_CACHE_ENTRIES": "10000000",
    "KEYWRIGHT_CACHE_MEGABYTES": "65536",
    "KEYWRIGHT_USAGE_FLUSH_SECONDS": "3600",
}
SHARES = {100: "a hundred keys for each service account", 1: "a service account for each key"}


def run(options: Options) -> Section:
    """Fill a database for each way of owning keys, and remember all of its keys."""
    count = options.few(KEYS)
    rows, bars, targets = [], [], []
    for share, label in SHARES.items():
        with scratch() as folder:
            asyncio.run(_fill(folder, bulk.Bulk(count, "", share)))
            rounds = [_child(folder, count, traced=False) for _ in range(3)]
            traced = _child(folder, count, traced=True)
        held = figure([one["resident"] for one in rounds], "bytes")
        rows.append(
            Row(label, (str(held), str(_once(traced["traced"])), str(_once(traced["counted"]))), ours=True)
        )
        bars.append(Bar(label, held, ours=True))
        targets.append(Target(f"Memory of a remembered key, {label}", held, BOUND))
    return Section(
        name="memory",
        title=f"Memory of a remembered key, of {count:,}",
        about=_ABOUT.format(count=count),
        tables=(Table(("", "resident memory", "allocated", "by the node's own count"), tuple(rows)),),
        targets=tuple(targets),
        plots=(Plot("memory", "Resident memory of a remembered key", tuple(bars)),),
    )


def _once(value: float) -> Figure:
    return figure([value], "bytes")


async def _fill(folder: Path, wanted: bulk.Bulk) -> None:
    async with installation(folder) as home:
        tenant_id = await default_tenant(home.app.database)
    count, share = wanted.count, wanted.keys_an_owner
    bulk.fill_sqlite(folder / "data" / "keywright.db", bulk.Bulk(count, tenant_id, share))


def _child(folder: Path, count: int, *, traced: bool) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "bench.parts.memory",
        str(folder),
        str(count),
        *(["--traced"] if traced else []),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    if done.returncode != 0:
        sys.exit(f"The measuring process failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


async def _measured(folder: Path, count: int, *, traced: bool) -> dict[str, float]:
    async with installation(folder, **_ROOMY) as home:
        memory = home.memory
        await _remember(home, range(_WARM))
        if traced:
            tracemalloc.start()
        # What the look-up keeps for all keys together, and SQLite's pages, have bounds of their own.
        for number in range(count):
            await home.app.database.lookup.by_digest(bulk.digest_of(number))
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        resident, counted = resident_bytes(os.getpid()), memory.size
        await _remember(home, range(_WARM, count))
        gc.collect()
        remembered = len(memory) - _WARM
        if remembered < count - _WARM:
            raise SystemExit(f"Only {remembered} of {count - _WARM} keys are remembered.")
        return {
            "resident": (resident_bytes(os.getpid()) - resident) / remembered,
            "traced": (tracemalloc.get_traced_memory()[0] - before) / remembered,
            "counted": (memory.size - counted) / remembered,
        }


async def _remember(home: Inside, numbers: range) -> None:
    asked = Asked(action="article:read")
    for number in numbers:
        decision = await home.verifier.verify_digest(bulk.digest_of(number), asked)
        if not decision.valid:
            raise SystemExit(f"A key was refused: {decision.code}.")
        if number % _PART == 0:
            home.app.deciding.uses.take()
            await asyncio.sleep(0.01)  # the node renews its lease
    home.app.deciding.uses.take()


if __name__ == "__main__":
    print(
        json.dumps(
            asyncio.run(_measured(Path(sys.argv[1]), int(sys.argv[2]), traced="--traced" in sys.argv[3:]))
        )
    )
