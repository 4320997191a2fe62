"""What needs no credential answers its refusals like everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from keywright.app import build
from keywright.settings import load

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
OPEN = ["/docs", "/graphiql", "/openapi.json", "/healthz", "/readyz", "/metrics"]


@pytest.fixture
def client(tmp_path: Path) -> httpx2.AsyncClient:
    app = build(load({}, {"KEYWRIGHT_DATA": str(tmp_path)}, tmp_path))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://keywright.test")


@pytest.mark.parametrize("path", OPEN)
async def test_a_method_that_a_page_does_not_take(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.delete(path)
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "method_not_allowed"
    assert "GET" in answer.headers["allow"]


async def test_an_asset_that_is_not_there(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/assets/made-up.js")
    assert answer.status_code == 404
    assert answer.json()["code"] == "no_such_path"
    assert "made-up" not in answer.text


async def test_the_document_is_there_before_the_start(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")
    assert (await client.get("/readyz")).status_code == 503
