"""Times, numbers and results in plain language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from keywright.core.changes import NodeOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.changes import Receipt

_UNITS = (
    (timedelta(days=365), "year"),
    (timedelta(days=30), "month"),
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
)


def zone_of(name: str | None) -> ZoneInfo | None:
    """A time zone by its IANA name; None where there is none of that name here."""
    if not name or len(name) > 64:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def relative(moment: datetime, now: datetime) -> str:
    """How long ago or how far off a moment is, in its largest unit: `2 minutes ago`, `in 9 days`, `just now`."""
    apart = abs(moment - now)
    for size, name in _UNITS:
        if apart >= size:
            count = apart // size
            words = f"{count} {name}" if count == 1 else f"{count:,} {name}s"
            return f"in {words}" if moment > now else f"{words} ago"
    return "in less than a minute" if moment > now else "just now"


def exact(moment: datetime, zone: ZoneInfo | None) -> str:
    """A moment as it is written down: `21 Nov 2026, 14:05`, in the reader's zone, or in UTC and saying so."""
    local = moment.astimezone(zone or UTC)
    text = f"{local.day} {local:%b %Y, %H:%M}"
    return text if zone is not None else f"{text} UTC"


def day(moment: datetime, zone: ZoneInfo | None) -> str:
    """The day of a moment: `21 November 2026`."""
    local = moment.astimezone(zone or UTC)
    return f"{local.day} {local:%B %Y}"


def for_input(moment: datetime | None, zone: ZoneInfo | None) -> str:
    """A moment as the value of a `datetime-local` field."""
    return "" if moment is None else f"{moment.astimezone(zone or UTC):%Y-%m-%dT%H:%M}"


def span(seconds: int) -> str:
    """A number of seconds in words: `1 day`, `90 seconds`."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0:
            return counted(seconds // size, name)
    raise AssertionError("one second divides every number")


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 key`, `1,204 keys`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Some words as a sentence lists them: `a, b and c`."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def receipt(found: Receipt, done: str = "Refused") -> str:
    """A receipt as a sentence, such as `Refused on 3 of 3 nodes after 21 ms`."""
    total = len(found.nodes)
    known = sum(one.outcome is not NodeOutcome.PENDING for one in found.nodes)
    lost = sum(one.outcome is NodeOutcome.EXPIRED for one in found.nodes)
    text = f"{done} on {known} of {counted(total, 'node')} after {found.waited_ms:,} ms."
    if lost:
        leases = "its lease has" if lost == 1 else "their leases have"
        text += f" {counted(lost, 'node')} did not answer, and {leases} run out."
    return text
