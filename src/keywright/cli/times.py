"""Times as people write and read them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

import click

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(-?)([0-9]{1,9})([smhdw])")
_SECONDS = re.compile(r"([0-9]{1,12})([smhdw]?)")
_STEPS = (
    (60, 1, "second"),
    (3_600, 60, "minute"),
    (172_800, 3_600, "hour"),
    (8_640_000, 86_400, "day"),
    (63_072_000, 2_628_000, "month"),
    (math.inf, 31_536_000, "year"),
)


class Moment(click.ParamType[str]):
    """A moment as RFC 3339, or a span such as 90d from now (or before now, where `past`)."""

    name = "time"

    def __init__(self, *, past: bool = False) -> None:
        self._sign = -1 if past else 1

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give RFC 3339; anything but a span is left for the server to judge."""
        text = str(value).strip()
        found = _SPAN.fullmatch(text)
        if found is None:
            return text
        sign = -self._sign if found[1] else self._sign
        try:
            moment = datetime.now(UTC) + timedelta(seconds=sign * int(found[2]) * _UNITS[found[3]])
        except OverflowError:
            self.fail("this span reaches beyond the calendar.", param, ctx)
        return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


class Span(click.ParamType[int]):
    """A span as a number of seconds, or with a unit such as 90d."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Give its seconds."""
        found = _SECONDS.fullmatch(str(value).strip())
        if found is None:
            self.fail("this is no span such as 90d, 12h or 3600.", param, ctx)
        return int(found[1]) * _UNITS[found[2] or "s"]


def in_words(seconds: int) -> str:
    """A span in the largest unit that divides it: `90 days`."""
    unit, name = next(
        (unit, name)
        for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
        if seconds % unit == 0
    )
    number = seconds // unit
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def relative(moment: str | None, now: datetime, never: str = "never") -> str:
    """How far a moment (RFC 3339) is from now: `in 12 days`, `5 minutes ago`."""
    if moment is None:
        return never
    seconds = (datetime.fromisoformat(moment) - now).total_seconds()
    unit, name = next((unit, name) for below, unit, name in _STEPS if abs(seconds) < below)
    number = round(abs(seconds) / unit)
    amount = f"{number} {name}" if number == 1 else f"{number} {name}s"
    if number == 0:
        return "now"
    return f"in {amount}" if seconds > 0 else f"{amount} ago"
