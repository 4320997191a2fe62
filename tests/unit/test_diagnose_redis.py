"""What `keywright doctor` says of Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.app import Finding, diagnose
from keywright.ops.metrics import Metrics
from keywright.settings import load
from keywright.storage.counters import MemoryCounters, SharedCounters, counters_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.valkey import ValkeyServer

pytestmark = pytest.mark.anyio


async def findings(url: str, folder: Path) -> list[Finding]:
    settings = load({"redis_url": url, "data": str(folder)}, {}, folder)
    return [finding for finding in await diagnose(settings) if finding.name == "redis"]


async def test_redis_is_asked_to_count(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    assert await findings(valkey_server.url, tmp_path) == [
        Finding("redis", ok=True, detail="It answers, and counts.")
    ]
    valkey_server.kill()
    (finding,) = await findings(valkey_server.url, tmp_path)
    assert not finding.ok
    assert "ConnectionError" in finding.detail
    assert valkey_server.url not in finding.detail


async def test_counters_are_shared_where_there_is_a_redis(tmp_path: Path) -> None:
    assert isinstance(counters_of(None, Metrics()), MemoryCounters)
    shared = counters_of("redis://redis.example.com:6379/1", Metrics())
    assert isinstance(shared, SharedCounters)
    await shared.close()
