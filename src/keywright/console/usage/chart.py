"""Counts as a plot: numbers for our script to draw, an SVG for who has none, and a table for who cannot see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.console.usage.outcomes import Outcome, in_order
from keywright.console.usage.spans import STEP
from keywright.core.usage import By

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from keywright.services.usage import Counts

WIDTH: Final = 900
HEIGHT: Final = 160
_GAP: Final = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a bar of the SVG, in its units; `kind` is the outcome's."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Row:
    """An hour or a day in which something was asked: when, all of it, and each outcome in the order of the heads."""

    at: datetime
    total: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The same counts three times over: `data` is JSON for `plot.js`."""

    by: By
    outcomes: tuple[Outcome, ...]
    totals: tuple[int, ...]
    total: int
    most: int
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    data: str
    first: str
    last: str


def chart_of(counts: Counts, zone: ZoneInfo | None) -> Chart:
    """Draw counts. Steps without any are drawn too, as nothing; the table leaves them out."""
    found = in_order(counts.totals)
    outcomes = tuple(one for one, _ in found)
    rows = tuple(
        Row(one.at, sum(one.counts.values()), tuple(one.counts.get(o.code, 0) for o in outcomes))
        for one in counts.buckets
    )
    most = max((row.total for row in rows), default=0)
    step = STEP[counts.by]
    number = int((counts.until - counts.since) / step)
    by_place = {int((row.at - counts.since) / step): row for row in rows}
    data = {
        "since": int(counts.since.timestamp()),
        "step": int(step.total_seconds()),
        "by": counts.by.value,
        "outcomes": [{"name": one.name, "kind": one.kind} for one in outcomes],
        "counts": [
            [by_place[place].counts[index] if place in by_place else 0 for place in range(number)]
            for index in range(len(outcomes))
        ],
    }
    return Chart(
        by=counts.by,
        outcomes=outcomes,
        totals=tuple(count for _, count in found),
        total=counts.total,
        most=most,
        rows=tuple(reversed(rows)),
        bars=tuple(_bars(outcomes, by_place, number, most)),
        data=json.dumps(data, separators=(",", ":")),
        first=when(counts.since, counts.by, zone),
        last=when(counts.until, counts.by, zone),
    )


def when(at: datetime, by: By, zone: ZoneInfo | None) -> str:
    """An hour or a day in words; days are those of UTC."""
    return words.exact(at, zone) if by is By.HOUR else words.day(at, None)


def busiest_step(counts: Counts, zone: ZoneInfo | None) -> str | None:
    """The hour or day with the most decisions, in words; None where there were none."""
    if not counts.buckets:
        return None
    most = max(counts.buckets, key=lambda one: sum(one.counts.values()))
    return when(most.at, counts.by, zone)


def _bars(outcomes: Sequence[Outcome], by_place: dict[int, Row], number: int, most: int) -> list[Bar]:
    """Stacked bars, the first outcome at the foot."""
    wide = WIDTH / number
    found = []
    for place, row in sorted(by_place.items()):
        top = float(HEIGHT)
        for one, count in zip(outcomes, row.counts, strict=True):
            if count:
                high = max(count / most * HEIGHT, 1.0)
                top -= high
                found.append(
                    Bar(
                        round(place * wide, 2),
                        round(top, 2),
                        round(wide * (1 - _GAP), 2),
                        round(high, 2),
                        one.kind,
                    )
                )
    return found
