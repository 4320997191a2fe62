"""Health tells the truth, and metrics can be read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from keywright.core.errors import Unavailable
from keywright.ops.metrics import Metrics
from keywright.web import health
from keywright.web.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Get = Callable[[str], Awaitable[httpx2.Response]]

pytestmark = pytest.mark.anyio


class Database:
    """A database that is there, away, or does not answer."""

    def __init__(self) -> None:
        self.state = "there"

    async def ready(self) -> bool:
        if self.state == "away":
            raise Unavailable("The database cannot be reached.")
        if self.state == "silent":
            await asyncio.Event().wait()
        return self.state != "no lease"


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def found(database: Database) -> Health:
    return Health(Metrics(), database.ready)


@pytest.fixture
async def get(found: Health) -> AsyncIterator[Get]:
    transport = httpx2.ASGITransport(app=Starlette(routes=found.routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://keywright.test") as client:
        yield client.get


async def database_up(get: Get) -> float:
    text = (await get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return families["keywright_database_up"].samples[0].value


async def test_alive_from_the_first_moment_to_the_last(found: Health, get: Get, database: Database) -> None:
    for serving in (False, True, False):
        found.serving = serving
        for database.state in ("there", "away"):
            answer = await get("/healthz")
            assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_while_it_serves_and_the_database_answers(
    found: Health,
    get: Get,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "READY_SECONDS", 0.01)
    answer = await get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
    found.serving = True
    for state, status, said in (
        ("there", 200, "ready"),
        ("away", 503, "database unavailable"),
        ("silent", 503, "database unavailable"),
        ("no lease", 503, "no lease"),
        ("there", 200, "ready"),
    ):
        database.state = state
        answer = await get("/readyz")
        assert (answer.status_code, answer.json()) == (status, {"status": said})
        assert await database_up(get) == (state in {"there", "no lease"})
    found.serving = False
    assert (await get("/readyz")).status_code == 503


async def test_metrics_are_in_the_form_that_prometheus_reads(
    get: Get,
) -> None:
    answer = await get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families) > 5


async def test_they_are_only_read(found: Health) -> None:
    transport = httpx2.ASGITransport(app=Starlette(routes=found.routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://keywright.test") as client:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await client.post(path)).status_code == 405
            assert (await client.head(path)).content == b""
