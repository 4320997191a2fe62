"""Ten million keys, or as many as one likes, beside a hundred thousand."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench import bulk
from bench.figures import Bar, Plot, Row, Section, Table, Target, figure, percentile, ratio
from bench.inside import default_tenant, elapsed_us, installation
from bench.installation import postgres, scratch
from keywright.core.listing import KeyQuery, KeySort
from keywright.services.keys import NewKey, create_key
from keywright.services.work import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bench.inside import Inside
    from bench.options import Options
    from keywright.core.listing import Position
    from keywright.services.callers import Caller
    from tests.support.postgres import PostgresServer

    Work = Callable[[], Awaitable[object]]

SMALL = 100_000
BOUND = 1.5
ROUNDS, LOOKUPS, PAGES, CREATIONS = 10, 500, 10, 20
_ABOUT = """\
All keys in one tenant, a hundred for each service account. A look-up is the one behind a cold decision, of a random
key. A page has 50 keys, from the beginning and the middle of the list, upwards and downwards. Creating is the whole
use case with its audit entry, on a disk that is waited for. Elapsed time, medians; both tables take turns."""
_BREATH = 0.02
_SEED = 20


@dataclass(frozen=True, slots=True)
class Installed:
    """One installation with so many keys, and what is needed to use it."""

    home: Inside
    count: int
    tenant_id: str
    caller: Caller
    middles: dict[KeySort, Position]


def run(options: Options) -> Section:
    """Fill two databases of each engine, and use them in turn."""
    sizes = (min(SMALL, options.keys // 10), options.keys)
    found: dict[str, dict[int, dict[str, list[float]]]] = {}
    notes = []
    with scratch() as folder, postgres(folder) as server:
        for engine in ("SQLite", "PostgreSQL"):
            began = time.monotonic()
            found[engine] = asyncio.run(_engine(folder, server, engine, sizes, options))
            notes.append(f"{engine}: {time.monotonic() - began:.0f} s, filling included.")
    return section(found, sizes, notes)


async def _engine(
    folder: Path, server: PostgresServer, engine: str, sizes: tuple[int, int], options: Options
) -> dict[int, dict[str, list[float]]]:
    async with AsyncExitStack() as stack:
        installed = []
        for size in sizes:
            place = folder / f"{engine}-{size}"
            place.mkdir()
            url = server.create_database() if engine == "PostgreSQL" else None
            await _fill(place, url, size)
            home = await stack.enter_async_context(installation(place, url))
            installed.append(await _installed(home, size))
        return await _measured(installed, options)


async def _fill(place: Path, url: str | None, size: int) -> None:
    async with installation(place, url) as home:
        tenant_id = await default_tenant(home.app.database)
    if url is None:
        bulk.fill_sqlite(place / "data" / "keywright.db", bulk.Bulk(size, tenant_id))
    else:
        await bulk.fill_postgres(url, bulk.Bulk(size, tenant_id))


async def _installed(home: Inside, size: int) -> Installed:
    """With a place in the middle of the list, in each order."""
    tenant_id = await default_tenant(home.app.database)
    caller = await home.app.services.authenticate(home.root, None)
    middles = {}
    now = home.app.clock.now()
    # A name in the middle is known; its key tells the values by which the other orders place it.
    name = f"key {size // 2:08d}"
    async with home.app.database.read() as transaction:
        query = KeyQuery(name_prefix=name, sort=KeySort.NAME, limit=1)
        (key,) = (await transaction.keys(tenant_id).page(query, now)).items
        for sort in KeySort:
            page = await transaction.keys(tenant_id).page(KeyQuery(name_prefix=name, sort=sort, limit=1), now)
            middles[sort] = page.positions[0]
    if key.name != name:
        raise SystemExit("The list by name does not find the key in its middle.")
    return Installed(home, size, tenant_id, caller, middles)


async def _measured(installed: list[Installed], options: Options) -> dict[int, dict[str, list[float]]]:
    """The median of each round, of each kind of work, on each installation in turn."""
    choose = random.Random(_SEED)
    found: dict[int, dict[str, list[float]]] = {one.count: defaultdict(list) for one in installed}
    for turn in range(options.few(ROUNDS) + 1):
        for one in installed:
            for name, works in _works(one, choose, options).items():
                await asyncio.sleep(_BREATH)
                took = percentile(await elapsed_us(works), 50)
                if turn:  # the first round finds statements unprepared and pages on the disk
                    found[one.count][name].append(took)
    return found


def _works(one: Installed, choose: random.Random, options: Options) -> dict[str, list[Work]]:
    lookup = one.home.app.database.lookup
    works: dict[str, list[Work]] = {
        "cold look-up": [
            partial(lookup.by_digest, bulk.digest_of(choose.randrange(one.count)))
            for _ in range(options.few(LOOKUPS))
        ]
    }
    for sort in KeySort:
        pages = [
            partial(_page, one, KeyQuery(sort=sort, descending=descending, after=after))
            for _ in range(options.few(PAGES))
            for descending in (True, False)
            for after in (None, one.middles[sort])
        ]
        works[f"page by {sort.replace('_', ' ')}"] = list(pages)
    works["creating a key"] = [partial(_create, one) for _ in range(options.few(CREATIONS))]
    return works


async def _page(one: Installed, query: KeyQuery) -> None:
    async with one.home.app.database.read() as transaction:
        page = await transaction.keys(one.tenant_id).page(query, one.home.app.clock.now())
    if len(page.items) != query.limit:
        raise SystemExit("A page was not full.")


async def _create(one: Installed) -> None:
    # The digest as brought by the caller, so that it lands anywhere in the index, as a token's does.
    brought = hashlib.sha256(random.randbytes(16)).hexdigest()
    call = Call(caller=one.caller, tenant="default")
    await one.home.app.services.run(create_key, call, NewKey(name="New", token_hash=brought))


def section(
    found: dict[str, dict[int, dict[str, list[float]]]], sizes: tuple[int, int], notes: list[str]
) -> Section:
    """The table, targets and plot of what was measured."""
    small, large = sizes
    rows, targets, bars = [], [], []
    for engine, by_size in found.items():
        for name, few in by_size[small].items():
            many = by_size[large][name]
            times = ratio(many, few)
            rows.append(
                Row(
                    f"{engine}, {name}",
                    (str(figure(few, "µs")), str(figure(many, "µs")), str(times)),
                    ours=True,
                )
            )
            targets.append(Target(f"{engine}, {name}: {large:,} keys against {small:,}", times, BOUND))
            bars.append(Bar(f"{engine}, {name}", times, ours=True))
    return Section(
        name="large",
        title=f"{large:,} keys beside {small:,}",
        about=_ABOUT,
        tables=(Table(("", f"{small:,} keys", f"{large:,} keys", "ratio"), tuple(rows)),),
        targets=tuple(targets),
        plots=(Plot("large", f"How many times longer with {large:,} keys than with {small:,}", tuple(bars)),),
        notes=tuple(notes),
    )
