"""What was used, gathered in memory and handed over in batches, so that a decision writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv6Address

MAX_KEYS = 100_000


@dataclass(frozen=True, slots=True)
class Use:
    """The last use of one key: microseconds since the epoch, and the address where it is known."""

    key_id: str
    at_us: int
    ip: str | None


class UseLog:
    """The last use of each key since the last batch.

    Bounded: when more keys than `max_keys` wait to be written, uses of further keys are dropped and counted.
    """

    __slots__ = ("_dropped", "_latest", "_max_keys")

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._latest: dict[str, tuple[int, IPv4Address | IPv6Address | str | None]] = {}
        self._max_keys = max_keys
        self._dropped = 0

    def used(self, key_id: str, at_us: int, ip: IPv4Address | IPv6Address | str | None) -> None:
        """Note a use; the latest one of a key stands."""
        latest = self._latest.get(key_id)
        if latest is None and len(self._latest) >= self._max_keys:
            self._dropped += 1
        elif latest is None or latest[0] <= at_us:
            self._latest[key_id] = (at_us, ip)

    def take(self) -> tuple[Use, ...]:
        """Hand over what has been gathered and begin anew."""
        taken, self._latest = self._latest, {}
        return tuple(
            Use(key_id, at_us, None if ip is None else str(ip)) for key_id, (at_us, ip) in taken.items()
        )

    def put_back(self, batch: Sequence[Use]) -> None:
        """Keep a batch that could not be written for the next attempt."""
        for use in batch:
            self.used(use.key_id, use.at_us, use.ip)

    def take_dropped(self) -> int:
        """How many uses were dropped since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped
