"""The metrics of several worker processes as those of one server.

Each worker counts for itself, which costs nothing more, and writes its figures into a folder that all share when it is
asked to. Whoever is scraped asks all of them and adds up what they wrote. What was shown once is in a file, so
that a worker which ends takes nothing with it that was counted, and no counter ever goes back.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

ANSWER_SECONDS: Final = 1.0
"""For so long a scrape waits for a worker; then what that one wrote last counts."""
_ENDED: Final = "ended.json"
_FIGURES: Final = ".figures.json"
_SOCKET: Final = ".socket"
_KEPT_NAMES: Final = 1_000
#: What gauges are together, where the greatest is not what they mean: the worst of all, or the sum.
_TOGETHER: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "keywright_cached_bytes": sum,
    "keywright_cached_keys": sum,
    "keywright_database_up": min,
    "keywright_lease_held": min,
    "keywright_node_epoch": min,
    "keywright_workers": sum,
    "process_max_fds": sum,
    "process_open_fds": sum,
    "process_resident_memory_bytes": sum,
    "process_start_time_seconds": min,
    "process_virtual_memory_bytes": sum,
}

Figures = list[dict[str, Any]]
"""The families of a registry: name, type, text, and samples as name, labels and value."""


class Siblings:
    """One worker among those that share a folder; `name` is its own there, and `figures` gives what it has counted.

    `render` gives the sum over all workers, the ended ones included, in Prometheus' text format.
    """

    def __init__(self, figures: Callable[[], Figures], folder: Path, name: str) -> None:
        self._figures = figures
        self._folder = folder
        self._name = name
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Answer siblings that ask for the figures."""
        self._write()
        self._server = await asyncio.start_unix_server(self._answer, self._folder / (self._name + _SOCKET))

    async def stop(self) -> None:
        """Write the figures a last time, and answer nobody any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        (self._folder / (self._name + _SOCKET)).unlink(missing_ok=True)
        self._write()

    async def render(self) -> tuple[bytes, str]:
        """Write the sum of all workers' metrics; gives the body and its content type."""
        mine = self._write()
        others = [path for path in self._folder.glob("*" + _SOCKET) if path.stem != self._name]
        alive = set()
        for path, answered in zip(others, await asyncio.gather(*map(_ask, others)), strict=True):
            if answered:
                alive.add(path.stem)
        figures = _read_all(self._folder)
        ended = figures.pop(_ENDED, {"names": [], "figures": []})
        for name in ended["names"]:
            figures.pop(name, None)
        figures.pop(self._name, None)
        living = [one for name, one in figures.items() if name in alive]
        gone = [one for name, one in figures.items() if name not in alive]
        return generate_latest(_Sum([mine, *living], [*gone, ended["figures"]])), CONTENT_TYPE_PLAIN_0_0_4

    def _write(self) -> Figures:
        figures = self._figures()
        with suppress(
            FileNotFoundError
        ):  # a folder that somebody has cleared away costs the others' figures alone
            _replace(self._folder / (self._name + _FIGURES), figures)
        return figures

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._write()
        with suppress(OSError):
            writer.write(b".")
            await writer.drain()
        writer.close()


def forget(folder: Path, name: str) -> None:
    """Add what a worker that has ended counted to what all ended ones did, in one file; for one caller at a time."""
    mine = folder / (name + _FIGURES)
    (folder / (name + _SOCKET)).unlink(missing_ok=True)
    if not mine.exists():
        return
    before = _read(folder / _ENDED) or {"names": [], "figures": []}
    both = _Sum([], [before["figures"], _read(mine) or []])
    names = [*before["names"], name][-_KEPT_NAMES:]
    # Who reads meanwhile finds the name here, and so counts the worker's own file no more, whether it is gone or not.
    _replace(folder / _ENDED, {"names": names, "figures": figures_of(both.collect())})
    mine.unlink()


def figures_of(families: Iterable[Metric]) -> Figures:
    """What a registry holds, as plain values; without the times at which its series began."""
    return [
        {
            "name": family.name,
            "type": family.type,
            "help": family.documentation,
            "samples": [
                [sample.name, sample.labels, sample.value]
                for sample in family.samples
                if not sample.name.endswith("_created")
            ],
        }
        for family in families
    ]


class _Sum(Collector):
    """The families of several workers as one: counts are added up, gauges are those of the living."""

    def __init__(self, living: Sequence[Figures], gone: Sequence[Figures]) -> None:
        self._living = living
        self._gone = gone

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], list[float]]] = {}
        for alive, figures in chain(
            ((True, one) for one in self._living), ((False, one) for one in self._gone)
        ):
            for family in figures:
                if family["type"] == "gauge" and not alive:
                    continue
                name = family["name"]
                families.setdefault(name, Metric(name, family["help"], family["type"]))
                found = values.setdefault(name, {})
                for sample, labels, value in family["samples"]:
                    found.setdefault((sample, tuple(labels.items())), []).append(value)
        for name, metric in families.items():
            together = _TOGETHER.get(name, max) if metric.type == "gauge" else sum
            for (sample, labels), found_values in values[name].items():
                metric.add_sample(sample, dict(labels), together(found_values))
            yield metric


async def _ask(path: Path) -> bool:
    """Have a sibling write its figures; False when it does not answer."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                return await reader.read(1) == b"."
            finally:
                writer.close()
    except OSError:  # a time-out is one too
        return False


def _read_all(folder: Path) -> dict[str, Any]:
    """Every file by its worker's name; the sum of the ended last, since by then it names whatever is gone."""
    paths = sorted(folder.glob("*" + _FIGURES))
    found = {path.name.removesuffix(_FIGURES): _read(path) for path in paths}
    found[_ENDED] = _read(folder / _ENDED)
    return {name: figures for name, figures in found.items() if figures is not None}


def _read(path: Path) -> Any:  # noqa: ANN401 - JSON of our own
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


def _replace(path: Path, content: object) -> None:
    """Write a file that is there either as before or in full."""
    fresh = path.with_name(f".{secrets.token_hex(8)}")
    fresh.write_text(json.dumps(content), "utf-8")
    os.replace(fresh, path)  # noqa: PTH105 - the same by either name
