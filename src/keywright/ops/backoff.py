"""Pauses between tries: each about twice as long as the one before, and no two processes in step."""

from __future__ import annotations

from random import SystemRandom

_between = SystemRandom().uniform


class Backoff:
    """How long to wait after each failure in a row, in seconds.

    A pause lies between half of its length and the whole, so that those that failed together do not come back together.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def pause(self) -> float:
        """The seconds to wait after one more failure."""
        length, self._next = self._next, min(2 * self._next, self._longest)
        return _between(length / 2, length)

    def reset(self) -> None:
        """Begin anew after a success."""
        self._next = self._first
