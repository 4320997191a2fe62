"""What the benchmark found, as values: figures with their spread, tables of them, targets and plots."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TIMES = "\N{MULTIPLICATION SIGN}"
_SIZES = ("bytes", "KiB", "MiB", "GiB")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit: the median of some rounds, with the lowest and the highest of them."""

    value: float
    unit: str
    low: float
    high: float

    def __str__(self) -> str:
        """The median with its unit, and how far the rounds went below and above it where they differ."""
        shown = quantity(self.value, self.unit)
        if self.value == 0 or max(self.high - self.value, self.value - self.low) / abs(self.value) < 0.005:
            return shown
        below, above = (abs(edge / self.value - 1) * 100 for edge in (self.low, self.high))
        return f"{shown} (-{below:.0f} +{above:.0f} %)"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; `ours` are Keywright's own, which a reader looks for first."""

    label: str
    cells: tuple[str, ...]
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings, of which the first is above the labels."""

    heading: tuple[str, ...]
    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised of a figure: that it is at most, or at least, some bound."""

    what: str
    figure: Figure
    bound: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether the median keeps the promise."""
        return self.figure.value <= self.bound if self.at_most else self.figure.value >= self.bound


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a plot."""

    label: str
    figure: Figure
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars on one scale. `name` is that of the file."""

    name: str
    title: str
    bars: tuple[Bar, ...]
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """What one part of the benchmark found. `about` says how, in a paragraph; `notes` what went otherwise."""

    name: str
    title: str
    about: str
    tables: tuple[Table, ...]
    targets: tuple[Target, ...] = ()
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()


def figure(values: Iterable[float], unit: str) -> Figure:
    """The figure of some rounds."""
    rounds = sorted(values)
    return Figure(statistics.median(rounds), unit, rounds[0], rounds[-1])


def exactly(value: float, unit: str) -> Figure:
    """The figure of a number that was taken once, or that stands for a whole distribution."""
    return Figure(value, unit, value, value)


def ratio(of: Sequence[float], to: Sequence[float]) -> Figure:
    """How many times one measure is another, round by round, since both rounds met the same machine.

    The median is that of the medians, which one odd round moves less.
    """
    pairs = [mine / theirs for mine, theirs in zip(of, to, strict=True)]
    return Figure(statistics.median(of) / statistics.median(to), TIMES, min(pairs), max(pairs))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def quantity(value: float, unit: str) -> str:
    """A number and its unit for people, to three significant digits and with thousands apart."""
    if unit == "bytes":
        step = 0
        while abs(value) >= 1024 * 10 and step < len(_SIZES) - 1:
            value, step = value / 1024, step + 1
        unit = _SIZES[step]
    elif unit == "ms" and abs(value) >= 10_000:
        value, unit = value / 1000, "s"
    return f"{number(value)} {unit}".rstrip()


def number(value: float) -> str:
    """Three significant digits, more where there are that many before the point."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 4)}f}"
