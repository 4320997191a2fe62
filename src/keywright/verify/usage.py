"""What was used, gathered in memory and handed over in batches, so that a decision writes nothing.

A batch that could not be written is put back and written with the next one. Where it is not known whether it was
written, it is put back too: a count may then be too high, and nothing that was used is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.decision import Code
from keywright.core.permissions import valid_name
from keywright.core.usage import HOUR_US, MAX_ACTIONS, OTHER_ACTIONS, Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Address, IPv6Address

    from keywright.core.decision import Asked
    from keywright.core.ports import KeyFacts

MAX_KEYS = 100_000
MAX_COUNTERS = 400_000

_VALID = Code.VALID


class Tally:
    """What one key was used for since the last batch. It changes until the log has handed it over."""

    __slots__ = ("actions", "at_us", "counts", "ends_us", "hours", "ip", "key_id", "starts_us", "tenant_id")

    def __init__(self, key_id: str, tenant_id: str | None) -> None:
        self.key_id = key_id
        self.tenant_id = tenant_id
        self.at_us = 0
        self.ip: IPv4Address | IPv6Address | None = None
        self.starts_us = self.ends_us = 0
        # By the beginning of the hour; `counts` are those of the hour from `starts_us` to `ends_us`.
        self.hours: dict[int, dict[str, int]] = {}
        self.counts: dict[str, int] = {}
        # How often, and when last.
        self.actions: dict[str, list[int]] = {}

    def turn(self, now_us: int) -> None:
        """Count in the hour of a moment from now on."""
        self.starts_us = now_us - now_us % HOUR_US
        self.ends_us = self.starts_us + HOUR_US
        self.counts = self.hours.setdefault(self.starts_us, {})

    def total(self) -> int:
        """How many decisions it has counted."""
        return sum(sum(counts.values()) for counts in self.hours.values())

    def use(self) -> Use:
        """The same as a value, to be written."""
        return Use(
            self.key_id,
            self.at_us or None,
            None if self.ip is None else str(self.ip),
            self.tenant_id,
            tuple((at, str(code), n) for at, counts in self.hours.items() for code, n in counts.items()),
            tuple((action, entry[0], entry[1]) for action, entry in self.actions.items()),
        )


class UseLog:
    """What keys were used for since the last batch.

    Bounded: by `max_keys` keys, `max_counters` counters of codes and actions in all, and `max_actions` actions of
    one key, beyond which they are counted as `OTHER_ACTIONS`. What finds no room is dropped and counted.
    """

    __slots__ = ("_counters", "_dropped", "_max_actions", "_max_counters", "_max_keys", "_others", "_tallies")

    def __init__(
        self, max_keys: int = MAX_KEYS, max_counters: int = MAX_COUNTERS, max_actions: int = MAX_ACTIONS
    ) -> None:
        self._tallies: dict[str, Tally] = {}
        self._max_keys = max_keys
        self._max_counters = max_counters
        self._max_actions = max_actions
        self._counters = 0
        self._dropped = 0
        self._others: list[Callable[[], None]] = []

    def before_taking(self, hand_over: Callable[[], None]) -> None:
        """Have something called at the beginning of each `take`, which notes what it has counted by itself."""
        self._others.append(hand_over)

    def note(self, facts: KeyFacts, code: Code, asked: Asked, now_us: int, times: int = 1) -> None:
        """Count a decision about a key; where it is `VALID`, also its last use and the action that was asked about.

        Where it was made several times, all in the same hour, `now_us` is the last of them. Makes no new object where
        the key, the code and the action were met before in the same hour.
        """
        key = facts.key
        tally = self._tallies.get(key.id)
        if tally is None or not tally.starts_us <= now_us < tally.ends_us:
            tally = self._turned(key.id, key.tenant_id, now_us)
            if tally is None:
                self._dropped += times
                return
        counts = tally.counts
        if code in counts:
            counts[code] += times
        elif self._room():
            counts[code] = times
        else:
            self._dropped += times
        if code is not _VALID:
            return
        latest = now_us >= tally.at_us
        if latest:
            tally.at_us = now_us
            tally.ip = asked.ip
        action = asked.action
        if action is not None:
            entry = tally.actions.get(action) or self._entry(tally, action)
            if entry is None:
                self._dropped += times
                return
            entry[0] += times
            # No action was allowed later than the key was accepted.
            entry[1] = now_us if latest else max(entry[1], now_us)

    def take(self) -> tuple[Tally, ...]:
        """Hand over what has been gathered, one tally a key, and begin anew."""
        for hand_over in self._others:
            hand_over()
        taken, self._tallies = self._tallies, {}
        self._counters = 0
        return tuple(taken.values())

    def put_back(self, batch: Iterable[Tally]) -> None:
        """Keep what could not be written for the next attempt, together with what was gathered since."""
        for one in batch:
            tally = self._tallies.get(one.key_id)
            if tally is None:
                if len(self._tallies) >= self._max_keys:
                    self._dropped += one.total()
                    continue
                tally = self._tallies[one.key_id] = Tally(one.key_id, one.tenant_id)
            self._merge(tally, one)

    def take_dropped(self) -> int:
        """How many decisions and actions were dropped since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _turned(self, key_id: str, tenant_id: str | None, now_us: int) -> Tally | None:
        """The tally of a key in the hour of a moment; None where there is no room."""
        tally = self._tallies.get(key_id)
        if tally is None:
            if len(self._tallies) >= self._max_keys:
                return None
            tally = self._tallies[key_id] = Tally(key_id, tenant_id)
        tally.turn(now_us)
        return tally

    def _entry(self, tally: Tally, action: str) -> list[int] | None:
        """Where an action of a key is counted; None where there is no room."""
        actions = tally.actions
        # An application may ask about anything; what is no action cannot be stored as one.
        if len(actions) >= self._max_actions or not valid_name(action):
            action = OTHER_ACTIONS
        entry = actions.get(action)
        if entry is None and self._room():
            entry = actions[action] = [0, 0]
        return entry

    def _room(self) -> bool:
        """Whether there is room for another counter, which is taken."""
        if self._counters >= self._max_counters:
            return False
        self._counters += 1
        return True

    def _merge(self, tally: Tally, other: Tally) -> None:
        for starts, counted in other.hours.items():
            counts = tally.hours.setdefault(starts, {})
            for code, number in counted.items():
                if code in counts:
                    counts[code] += number
                elif self._room():
                    counts[code] = number
                else:
                    self._dropped += number
        for action, (number, last_us) in other.actions.items():
            entry = tally.actions.get(action) or self._entry(tally, action)
            if entry is None:
                self._dropped += number
            else:
                entry[0] += number
                entry[1] = max(entry[1], last_us)
        if other.at_us > tally.at_us:
            tally.at_us = other.at_us
            tally.ip = other.ip
