"""A brake on guessing: after some failures in a row, each further attempt must wait longer."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from keywright.core.errors import TooManyAttempts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.ports import Clock

FREE_FAILURES = 5
LONGEST_WAIT = 300
MAX_SUBJECTS = 50_000


class Throttle:
    """Failures in a row by subject, an account or an address; bounded, the longest untouched goes first.

    The first five failures are free; then the wait doubles from one second up to five minutes. What was
    quiet for an hour begins anew.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def check(self, subjects: Sequence[str]) -> None:
        """Raise `TooManyAttempts` while any of the subjects has to wait."""
        wait = max((self._wait(subject) for subject in subjects), default=0)
        if wait > 0:
            raise TooManyAttempts(f"Too many failed logins. Try again in {wait} seconds.", retry_after=wait)

    def failed(self, subjects: Sequence[str]) -> None:
        """Note a failure."""
        now = self._clock.now_us() // 1_000_000
        for subject in subjects:
            count, last = self._failures.pop(subject, (0, now))
            self._failures[subject] = (count + 1 if now - last < 3600 else 1, now)
        while len(self._failures) > MAX_SUBJECTS:
            self._failures.popitem(last=False)

    def succeeded(self, subject: str) -> None:
        """Forget a subject's failures."""
        self._failures.pop(subject, None)

    def _wait(self, subject: str) -> int:
        count, last = self._failures.get(subject, (0, 0))
        if count < FREE_FAILURES:
            return 0
        # The exponent is bounded, because after years of guessing the count is not.
        wait = min(1 << min(count - FREE_FAILURES, 16), LONGEST_WAIT)
        return max(0, last + wait - self._clock.now_us() // 1_000_000)
