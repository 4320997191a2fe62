"""Time: aware UTC datetimes for people, whole microseconds since the Unix epoch for storage and the hot path."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""No expiry may be later: beyond this, moving between time zones overflows the calendar."""

_MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """The microseconds since the epoch of an aware datetime; exact, without a detour over floats."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The UTC datetime of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=microseconds)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with a `Z`; a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


class SystemClock:
    """The wall clock of this machine."""

    __slots__ = ()

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000

    def now(self) -> datetime:
        """The same moment as an aware UTC datetime."""
        return from_us(self.now_us())
