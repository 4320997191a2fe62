"""Tallies: what is counted at each request, in plain numbers, and shown as metrics when somebody looks.

The library's own counters take a lock for each step, which at this place costs as much as a decision. One event loop
counts here, and the same one shows, so that no lock is needed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric


class Tally(Collector):
    """A counter by labels."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str]) -> None:
        self._name = name
        self._help = help_text
        self._labels = labels
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, labels: tuple[str, ...], times: int = 1) -> None:
        """Count one more, or several."""
        try:
            self._counts[labels] += times
        except KeyError:
            self._counts[labels] = times

    @property
    def total(self) -> int:
        """All that was counted, whatever its labels."""
        return sum(self._counts.values())

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(labels, count)
        yield family


class Durations(Collector):
    """A histogram of seconds by labels; `bounds` are the upper ends of its buckets, all but the last."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name = name
        self._help = help_text
        self._labels = labels
        self._bounds = tuple(bounds)
        self._ends = (*map(str, self._bounds), "+Inf")
        # By labels: how many in each bucket, and the sum as the last item.
        self._found: dict[tuple[str, ...], list[float]] = {}

    def add(self, labels: tuple[str, ...], seconds: float) -> None:
        """Count one duration."""
        row = self._row(labels)
        row[bisect_left(self._bounds, seconds)] += 1
        row[-1] += seconds

    def add_short(self, labels: tuple[str, ...], times: int, seconds: float) -> None:
        """Count several durations of which none is above the lowest bound; `seconds` is their sum."""
        row = self._row(labels)
        row[0] += times
        row[-1] += seconds

    def _row(self, labels: tuple[str, ...]) -> list[float]:
        row = self._found.get(labels)
        if row is None:
            row = self._found[labels] = [0.0] * (len(self._ends) + 1)
        return row

    def collect(self) -> Iterable[Metric]:
        """See `Collector`."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for labels, row in self._found.items():
            so_far = 0.0
            buckets: list[tuple[str, float]] = []
            for end, count in zip(self._ends, row, strict=False):
                so_far += count
                buckets.append((end, so_far))
            family.add_metric(labels, buckets=buckets, sum_value=row[-1])
        yield family
