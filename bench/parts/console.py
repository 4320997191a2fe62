"""The list of keys in the console: the server's time, what a browser loads, and when it paints."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from bench import bulk
from bench.figures import Bar, Plot, Row, Section, Table, Target, figure, percentile
from bench.inside import default_tenant, installation
from bench.installation import keywright, scratch
from bench.servers import Request
from tests.support.browser import OPTIONS, chromium

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from bench.figures import Figure
    from bench.installation import Keywright
    from bench.options import Options

SMALL = 100
SERVER_MS, LOADED_BYTES, PAINT_MS = 30.0, 120 * 1024.0, 300.0
LISTS = {
    "the newest": "",
    "by name": "?sort=name",
    "a search by name": "?q=key%200000",
    "a search by hint": "?q=kw_00000001",
    "ending within 90 days": "?expires=90d",
    "few that are disabled, by name": "?state=disabled&sort=name",
    "used in the last 7 days, by name": "?used=7d&sort=name",
}
"""Lists that are measured, by their address."""
REQUESTS, PAINTS = 40, 10
_ABOUT = """\
The list of 50 keys, each with a scope and a catalog's words for it, on SQLite, all keys in one tenant. The server's
time is that of a request over loopback on a connection that stands, from its first byte to the answer's last. What a
browser loads is counted by Chromium on a first visit, with headers and compressed as sent. It paints when the first
content is shown: without anything in its cache, and again with all of it there."""
_PASSWORD = "a-password-of-the-benchmark"
_CATALOG = {
    "tenant": "default",
    "actions": [
        {"name": f"{noun}:{verb}", "group": f"{noun.title()}s", "description": f"{verb.title()} {noun}s"}
        for noun in ("article", *(f"thing{number}" for number in range(50)))
        for verb in ("read", "write", "publish", "delete")
    ],
}


def run(options: Options) -> Section:
    """Fill two databases, and ask for their lists in turn."""
    sizes = (SMALL, options.keys)
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    paints: dict[tuple[str, int], list[float]] = defaultdict(list)
    loaded: dict[int, list[float]] = defaultdict(list)
    with scratch() as folder, ExitStack() as stack:
        running = {size: stack.enter_context(_served(folder, size)) for size in sizes}
        cookies = {size: _logged_in(one) for size, one in running.items()}
        for turn in range(options.rounds + 1):
            for size, one in running.items():
                for name, query in LISTS.items():
                    took = percentile(_asked(one, cookies[size], query, options.few(REQUESTS)), 50)
                    if turn:  # the first round finds templates and statements unprepared
                        times[name, size].append(took)
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium(), args=OPTIONS
        )
        for _ in range(options.few(PAINTS)):
            for size, one in running.items():
                first, again, weight = _painted(browser, one, cookies[size])
                paints["first visit", size].append(first)
                paints["again", size].append(again)
                loaded[size].append(weight)
        browser.close()
    return section(sizes, times, paints, loaded)


def _served(folder: Path, size: int) -> Any:  # noqa: ANN401 - a context manager's own type
    place = folder / str(size)
    place.mkdir()
    asyncio.run(_filled(place, size))
    # Beside the server the browser and the requests need a processor of their own.
    return keywright(place, KEYWRIGHT_LOG_LEVEL="info")


async def _filled(place: Path, size: int) -> None:
    async with installation(place, KEYWRIGHT_ADMIN_PASSWORD=_PASSWORD) as home:
        tenant_id = await default_tenant(home.app.database)
    bulk.fill_sqlite(place / "data" / "keywright.db", bulk.Bulk(size, tenant_id, disabled_each=50_000))


def _logged_in(one: Keywright) -> str:
    """The token of an administrator's session, after the catalog has been applied."""
    client = one.client()
    headers = {
        "Authorization": f"Bearer {one.root}",
        "Content-Type": "application/json",
        "Keywright-Tenant": "default",
    }
    body = json.dumps({"document": _CATALOG})
    status, answer = client.send(Request("PUT", "/v1/catalog", headers, body))
    if status == 200:
        status, answer = client.call("POST", "/v1/sessions", {"login": "admin", "password": _PASSWORD})
    if status not in (200, 201):
        raise SystemExit(f"The installation could not be prepared: {status} {answer}")
    token: str = answer["token"]
    return token


def _asked(one: Keywright, cookie: str, query: str, count: int) -> list[float]:
    """Milliseconds of each of some requests."""
    connection = http.client.HTTPConnection("127.0.0.1", one.server.port, timeout=60)
    found = []
    for _ in range(count):
        began = time.perf_counter()
        connection.request("GET", f"/t/default/keys{query}", headers={"Cookie": f"kw_session={cookie}"})
        answer = connection.getresponse()
        text = answer.read()
        found.append((time.perf_counter() - began) * 1000)
        if answer.status != 200 or b"data-row" not in text:
            raise SystemExit(f"The list {query!r} was answered by {answer.status} and shows no key.")
    connection.close()
    return found


def _painted(browser: Browser, one: Keywright, cookie: str) -> tuple[float, float, float]:
    """When the list is painted on a first visit and on a second, in milliseconds; and the bytes of the first."""
    url = f"http://127.0.0.1:{one.server.port}"
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.add_cookies([{"name": "kw_session", "value": cookie, "url": url}])
    page = context.new_page()
    moments = []
    weight = 0.0
    for visit in range(2):
        page.goto(f"{url}/t/default/keys", wait_until="load")
        moments.append(
            float(
                page.evaluate(
                    "() => new Promise(done => new PerformanceObserver(list => list.getEntries().forEach("
                    "one => one.name === 'first-contentful-paint' && done(one.startTime)))"
                    ".observe({type: 'paint', buffered: true}))"
                )
            )
        )
        if visit == 0:
            sizes = page.evaluate(
                "() => JSON.stringify([...performance.getEntriesByType('navigation'),"
                " ...performance.getEntriesByType('resource')].map(one => one.transferSize))"
            )
            weight = float(sum(json.loads(sizes)))
    context.close()
    return moments[0], moments[1], weight


def section(
    sizes: tuple[int, int],
    times: dict[tuple[str, int], list[float]],
    paints: dict[tuple[str, int], list[float]],
    loaded: dict[int, list[float]],
) -> Section:
    """The table, targets and plot of what was measured."""
    rows, targets, bars = [], [], []

    def add(name: str, found: dict[int, Figure], bound: float, *, plotted: bool = False) -> None:
        rows.append(Row(name, tuple(str(found[size]) for size in sizes), ours=True))
        for size in sizes:
            targets.append(Target(f"{name}, {size:,} keys", found[size], bound))
            if plotted:
                bars.append(Bar(f"{name}, {size:,} keys", found[size], ours=True))

    for name in LISTS:
        found = {size: figure(times[name, size], "ms") for size in sizes}
        add(f"server, {name}", found, SERVER_MS, plotted=True)
    add("loaded on a first visit", {size: figure(loaded[size], "bytes") for size in sizes}, LOADED_BYTES)
    for name in ("first visit", "again"):
        add(f"first paint, {name}", {size: figure(paints[name, size], "ms") for size in sizes}, PAINT_MS)
    return Section(
        name="console",
        title="The console's list of keys",
        about=_ABOUT,
        tables=(Table(("", *(f"{size:,} keys" for size in sizes)), tuple(rows)),),
        targets=tuple(targets),
        plots=(Plot("console", "Server's time for a list of 50 keys", tuple(bars)),),
    )
