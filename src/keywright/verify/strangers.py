"""How many unknown tokens one address may have looked up: who guesses is not to keep the database busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address, IPv6Address

BURST: Final = 100
"""Unknown tokens in a row."""
PER_SECOND: Final = 10
"""And so many again in each second after."""
_STEP_US: Final = 1_000_000 // PER_SECOND
MAX_ADDRESSES: Final = 100_000


class Strangers:
    """Counts the unknown tokens that came from each address, by a leaking bucket; bounded in addresses.

    An IPv6 address counts with its /64, all of which one customer of a provider has.
    """

    __slots__ = ("_boottime", "_empty_at")

    def __init__(self, boottime: Callable[[], float]) -> None:
        self._boottime = boottime
        self._empty_at: dict[int, int] = {}

    def admits(self, ip: IPv4Address | IPv6Address | None) -> bool:
        """Whether a token from this address may be looked up now. What comes from nowhere always may."""
        if ip is None:
            return True
        empty_at = self._empty_at.get(_subject(ip))
        return empty_at is None or empty_at - self._now_us() <= (BURST - 1) * _STEP_US

    def note(self, ip: IPv4Address | IPv6Address | None) -> None:
        """A token from this address was looked up, and nobody knows it."""
        if ip is None:
            return
        now = self._now_us()
        subject = _subject(ip)
        if subject not in self._empty_at and len(self._empty_at) >= MAX_ADDRESSES:
            self._empty_at = {one: at for one, at in self._empty_at.items() if at > now}
            if len(self._empty_at) >= MAX_ADDRESSES:
                self._empty_at.clear()
        self._empty_at[subject] = max(self._empty_at.get(subject, now), now) + _STEP_US

    def _now_us(self) -> int:
        return int(self._boottime() * 1e6)


def _subject(ip: IPv4Address | IPv6Address) -> int:
    """An IPv4 address as it is, an IPv6 address by its first half; no two of either kind are the same number."""
    return int(ip) if ip.version == 4 else (int(ip) >> 64) + (1 << 64)
