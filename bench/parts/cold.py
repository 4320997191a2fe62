"""Decisions of a node that has never seen the key, beside the bare driver's read of the same rows."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import asyncpg

from bench import bulk
from bench.figures import Bar, Plot, Row, Section, Table, Target, exactly, figure, percentile, ratio
from bench.inside import default_tenant, elapsed_us, installation
from bench.installation import postgres, scratch
from bench.parts.contenders import ACTION
from keywright.core.decision import Asked
from keywright.core.tokens import digest, mint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bench.options import Options

    Read = Callable[[bytes], Awaitable[object]]

ROUNDS, KEYS = 20, 10_000
BOUNDS = {"SQLite": 60.0, "PostgreSQL": 400.0}
_BREATH = 0.02
_READ = "SELECT * FROM api_key WHERE digest = "


_ABOUT = """\
{count:,} keys, each asked about once, so that none is remembered; databases on this host, in the page cache. Elapsed
time, beside `SELECT *` of the key's row by its digest on a bare connection of the same driver, in turns."""


class Measured:
    """Microseconds of each decision and of each bare read, in rounds."""

    def __init__(self) -> None:
        self.decisions: list[list[float]] = []
        self.reads: list[list[float]] = []

    def medians(self) -> tuple[list[float], list[float]]:
        """The median of each round."""
        return [percentile(one, 50) for one in self.decisions], [percentile(one, 50) for one in self.reads]


def run(options: Options) -> Section:
    """Both engines, each with keys that are asked about once."""
    count = options.few(KEYS)
    tokens = [mint().reveal() for _ in range(count)]
    rounds = options.few(ROUNDS)
    with scratch() as folder, postgres(folder) as server:
        sqlite = asyncio.run(_sqlite(folder, tokens, rounds))
        pg = asyncio.run(_postgres(folder, server.create_database(), tokens, rounds))
    return section({"SQLite": sqlite, "PostgreSQL": pg}, count)


async def _sqlite(folder: Path, tokens: list[str], rounds: int) -> Measured:
    place = folder / "sqlite"
    place.mkdir()
    async with installation(place) as home:
        tenant_id = await default_tenant(home.app.database)
    file = place / "data" / "keywright.db"
    bulk.fill_sqlite(file, bulk.Bulk(len(tokens), tenant_id), map(digest, tokens))
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as bare:

        async def read(key: bytes) -> object:
            return bare.execute(_READ + "?", (key,)).fetchall()

        return await _measured(place, None, tokens, rounds, read)


async def _postgres(folder: Path, url: str, tokens: list[str], rounds: int) -> Measured:
    place = folder / "postgres"
    place.mkdir()
    async with installation(place, url) as home:
        tenant_id = await default_tenant(home.app.database)
    await bulk.fill_postgres(url, bulk.Bulk(len(tokens), tenant_id), map(digest, tokens))
    bare = await asyncpg.connect(url)
    try:
        statement = await bare.prepare(_READ + "$1")
        return await _measured(place, url, tokens, rounds, statement.fetch)
    finally:
        await bare.close()


async def _measured(folder: Path, url: str | None, tokens: list[str], rounds: int, read: Read) -> Measured:
    """A new node is asked about each token once, in rounds that take turns with the bare reads."""
    found, asked = Measured(), Asked(action=ACTION)
    step = len(tokens) // rounds
    async with installation(folder, url) as home:
        verifier = home.verifier
        for start in range(0, step * rounds, step):
            part = tokens[start : start + step]
            await asyncio.sleep(_BREATH)
            found.reads.append(await elapsed_us([partial(read, digest(token)) for token in part]))
            await asyncio.sleep(_BREATH)
            found.decisions.append(
                await elapsed_us([partial(verifier.verify, token, asked) for token in part])
            )
        decision = await verifier.verify(tokens[0], asked)
        if not decision.valid:
            raise SystemExit(f"A key was refused: {decision.code}.")
    return found


def section(measured: dict[str, Measured], count: int) -> Section:
    """The table, targets and plot of what was measured."""
    rows, targets, bars = [], [], []
    for engine, one in measured.items():
        decided, read = one.medians()
        everything = [value for part in one.decisions for value in part]
        median = figure(decided, "µs")
        cells = (
            str(median),
            str(exactly(percentile(everything, 99), "µs")),
            str(figure(read, "µs")),
            str(ratio(decided, read)),
        )
        rows.append(Row(engine, cells, ours=True))
        targets.append(Target(f"Cold, {engine}", median, BOUNDS[engine]))
        bars += [
            Bar(f"{engine}, a cold decision", median, ours=True),
            Bar(f"{engine}, the bare driver", figure(read, "µs")),
        ]
    return Section(
        name="cold",
        title="A decision in process, cold",
        about=_ABOUT.format(count=count),
        tables=(Table(("engine", "a cold decision", "p99", "a bare read", "decision / read"), tuple(rows)),),
        targets=tuple(targets),
        plots=(Plot("cold", "A decision about a key that the node does not remember", tuple(bars)),),
    )
