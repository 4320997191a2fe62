"""The metrics of several workers, added up: counts go on whoever ends, and what is measured is of the living."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from keywright.ops import siblings
from keywright.ops.metrics import Metrics
from keywright.ops.siblings import Siblings, forget

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

VALID = {"code": "VALID", "door": "verify"}


class Worker:
    """A worker as far as its metrics go."""

    def __init__(self, folder: Path, name: str) -> None:
        self.metrics = Metrics()
        self.siblings = Siblings(self.metrics.figures, folder, name)

    def count(self, times: int) -> None:
        for _ in range(times):
            self.metrics.decision("VALID", "verify")

    async def text(self) -> str:
        return (await self.siblings.render())[0].decode()

    async def value(self, name: str, **labels: str) -> float | None:
        for family in text_string_to_metric_families(await self.text()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return None

    async def decisions(self) -> float | None:
        return await self.value("keywright_decisions_total", **VALID)


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[list[Worker]]:
    made = [Worker(tmp_path, f"{number}-{number}") for number in range(1, 4)]
    for worker in made:
        await worker.siblings.start()
    yield made
    for worker in made:
        await worker.siblings.stop()


async def test_whoever_is_asked_gives_the_sum(workers: list[Worker]) -> None:
    for number, worker in enumerate(workers):
        worker.count(10**number)
    for worker in workers:
        assert await worker.decisions() == 111
    workers[0].count(5)
    assert await workers[2].decisions() == 116


async def test_histograms_are_added_up_bucket_by_bucket(workers: list[Worker]) -> None:
    for worker, seconds in zip(workers, (0.02, 0.3, 20.0), strict=True):
        worker.metrics.request("GET", "/v1/keys", 200, seconds)
    name, labels = "keywright_http_request_duration_seconds", {"method": "GET", "route": "/v1/keys"}
    assert await workers[0].value(name + "_count", **labels) == 3
    assert await workers[0].value(name + "_sum", **labels) == pytest.approx(20.32)
    assert await workers[0].value(name + "_bucket", le="0.025", **labels) == 1
    assert await workers[0].value(name + "_bucket", le="0.5", **labels) == 2
    assert await workers[0].value(name + "_bucket", le="+Inf", **labels) == 3


async def test_what_one_has_and_the_others_have_not(workers: list[Worker]) -> None:
    workers[2].metrics.use_case("keys.create", "ok")
    labels = {"use_case": "keys.create", "outcome": "ok"}
    assert await workers[0].value("keywright_use_cases_total", **labels) == 1


async def test_gauges_are_what_they_mean_together(workers: list[Worker]) -> None:
    for worker in workers:
        worker.metrics.build_info("1.2.3")
        worker.metrics.database(up=True)
    assert await workers[0].value("keywright_workers") == 3
    assert await workers[0].value("keywright_build_info", version="1.2.3") == 1
    assert await workers[0].value("keywright_database_up") == 1
    workers[1].metrics.database(up=False)
    assert await workers[0].value("keywright_database_up") == 0
    alone = Metrics().render()[0].decode()
    (one,) = [line for line in alone.splitlines() if line.startswith("process_virtual_memory_bytes ")]
    together = await workers[0].value("process_virtual_memory_bytes")
    assert together is not None
    assert together > 2.9 * float(one.split()[1])


async def test_the_text_is_that_of_one_server(workers: list[Worker]) -> None:
    workers[0].count(1)
    workers[1].count(1)
    text = await workers[0].text()
    families = {family.name for family in text_string_to_metric_families(text)}
    one = {family.name for family in text_string_to_metric_families(workers[0].metrics.render()[0].decode())}
    assert families == one
    assert "_created" not in text
    assert text.count("# TYPE keywright_decisions_total counter") == 1
    helps = [
        line for line in workers[0].metrics.render()[0].decode().splitlines() if line.startswith("# HELP")
    ]
    assert set(helps) <= set(text.splitlines())


async def test_a_worker_that_stopped_is_counted_on_and_no_longer_measured(workers: list[Worker]) -> None:
    for worker in workers:
        worker.count(1)
    await workers[1].siblings.stop()
    assert await workers[0].decisions() == 3
    assert await workers[0].value("keywright_workers") == 2


async def test_what_was_shown_is_counted_on_whatever_becomes_of_its_worker(
    workers: list[Worker], tmp_path: Path
) -> None:
    for worker in workers:
        worker.count(1)
    assert await workers[0].decisions() == 3
    workers[1].count(5)  # nobody asked before the end
    assert workers[1].siblings._server is not None
    workers[1].siblings._server.close()
    assert await workers[0].decisions() == 3
    forget(tmp_path, "2-2")
    assert await workers[0].decisions() == 3
    assert await workers[2].value("keywright_workers") == 2
    workers[0].count(1)
    assert await workers[2].decisions() == 4


async def test_the_counts_of_many_that_ended_are_one_file(tmp_path: Path) -> None:
    for number in range(5):
        worker = Worker(tmp_path, f"1-{number}")
        await worker.siblings.start()
        worker.count(2)
        worker.metrics.request("GET", "/v1/keys", 200, 0.02)
        await worker.siblings.stop()
        forget(tmp_path, f"1-{number}")
    assert files(tmp_path) == ["ended.json"]
    last = Worker(tmp_path, "1-9")
    assert await last.decisions() == 10
    name = "keywright_http_request_duration_seconds_count"
    assert await last.value(name, method="GET", route="/v1/keys") == 5
    assert await last.value("keywright_workers") == 1


async def test_a_worker_between_its_file_and_the_sum_is_counted_once(
    workers: list[Worker], tmp_path: Path
) -> None:
    """The sum is written before the file is removed, and names what is in it."""
    workers[1].count(3)
    await workers[1].siblings.stop()
    file = tmp_path / "2-2.figures.json"
    kept = file.read_bytes()
    forget(tmp_path, "2-2")
    file.write_bytes(kept)
    assert await workers[0].decisions() == 3


async def test_who_is_not_known_is_nothing_to_forget(tmp_path: Path) -> None:
    forget(tmp_path, "1-1")
    assert files(tmp_path) == []


async def test_a_worker_that_stands_still_does_not_hold_up_a_scrape(
    workers: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siblings, "ANSWER_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(tmp_path / "4-4.socket"))
        frozen.listen()
        (tmp_path / "4-4.figures.json").write_text(json.dumps(Metrics().figures()), "utf-8")
        async with asyncio.timeout(10):
            assert await workers[0].value("keywright_workers") == 3


async def test_who_asks_and_does_not_wait_for_the_answer(workers: list[Worker], tmp_path: Path) -> None:
    _, writer = await asyncio.open_unix_connection(tmp_path / "1-1.socket")
    writer.transport.abort()
    assert await workers[1].value("keywright_workers") == 3


async def test_a_folder_that_was_cleared_away_leaves_each_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    worker = Worker(folder, "1-1")
    await worker.siblings.start()
    worker.count(2)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert await worker.decisions() == 2
    await worker.siblings.stop()
