"""The spans of time that one chooses from, and how often something was asked for in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keywright.core.instants import EPOCH
from keywright.core.usage import By

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


STEP: Final[Mapping[By, timedelta]] = {By.HOUR: timedelta(hours=1), By.DAY: timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Span:
    """A choice: how it stands in the address, how it is called, how long it is, and in which steps."""

    word: str
    name: str
    length: timedelta
    by: By

    def since(self, now: datetime) -> datetime:
        """Its beginning, in whole steps, and as many steps before the current one ends as it is long."""
        step = STEP[self.by]
        begin = now - self.length + step
        return begin - (begin - EPOCH) % step


SPANS: Final = (
    Span("24h", "24 hours", timedelta(hours=24), By.HOUR),
    Span("7d", "7 days", timedelta(days=7), By.HOUR),
    Span("30d", "30 days", timedelta(days=30), By.DAY),
    Span("90d", "90 days", timedelta(days=90), By.DAY),
)
USUAL: Final = SPANS[1]


def chosen(word: str) -> Span:
    """The span of this word, the usual one for any other."""
    return next((one for one in SPANS if one.word == word), USUAL)


def valid_share(totals: Mapping[str, int]) -> str | None:
    """Which part was allowed: `99.6 %`; None of nothing. Neither 0 nor 100 is said of what is only near to it."""
    total = sum(totals.values())
    if not total:
        return None
    valid = totals.get("VALID", 0)
    if valid in (0, total):
        return "100 %" if valid else "0 %"
    return f"{min(max(valid * 100 / total, 0.1), 99.9):.1f} %"
