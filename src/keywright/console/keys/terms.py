"""When, from where and how often a key may be used, in sentences."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from keywright.console import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from keywright.core.limits import Limit
    from keywright.services.limits import CreditsInput, LimitInput

_SOON = timedelta(days=3)


def when(start: datetime | None, end: datetime | None, now: datetime, zone: ZoneInfo | None) -> list[str]:
    """From when to when."""
    said = []
    if start is not None and start > now:
        said.append(f"Begins on {words.exact(start, zone)}.")
    if end is None:
        said.append("Never ends.")
    elif end - now < _SOON:
        said.append(f"Ends on {words.exact(end, zone)}, {words.relative(end, now)}.")
    else:
        said.append(f"Ends on {words.day(end, zone)}.")
    return said


def how_often(limits: Sequence[Limit | LimitInput], credits_: CreditsInput | None = None) -> list[str]:
    """How often, and how many times in all."""
    said = []
    if limits:
        each = [f"{words.counted(one.limit, 'time')} {per(one.window_seconds)}" for one in limits]
        said.append(f"At most {words.listed(each)}.")
    if credits_ is not None:
        text = f"{words.counted(credits_.remaining, 'use')} in all"
        if credits_.refill is not None:
            text += f", and {credits_.refill.amount:,} anew every {credits_.refill.every}"
        said.append(f"{text}.")
    return said


def from_where(ranges: Sequence[object] | None) -> list[str]:
    """From which addresses."""
    if not ranges:
        return []
    shown = [str(one) for one in ranges[:3]]
    if len(ranges) > len(shown):
        shown.append(words.counted(len(ranges) - len(shown), "other range"))
    return [f"Only from {words.listed(shown)}."]


def per(seconds: int) -> str:
    """In how long: `a second`, `in 5 minutes`."""
    text = words.span(seconds)
    one, _, noun = text.partition(" ")
    return f"{'an' if noun == 'hour' else 'a'} {noun}" if one == "1" else f"in {text}"
