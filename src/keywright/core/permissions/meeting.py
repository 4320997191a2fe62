"""What two lists of policies allow together: the policies that say so, as far as patterns can say it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from keywright.core.permissions.globs import ANY, segment_fits
from keywright.core.permissions.patterns import InvalidPattern, Pattern
from keywright.core.permissions.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_WORK = 500_000
"""Steps that one meeting may cost, each a fraction of a microsecond; ordinary ones take some thousands."""


def meet(one: Sequence[Policy], other: Sequence[Policy], max_work: int = MAX_WORK) -> tuple[Policy, ...]:
    """The policies that allow what both lists allow.

    What is found never allows more than both, and may say less: two patterns that overlap inside a segment
    (`a*` and `*b`), or around a `**` that is not their end, match something together for which there is no
    one pattern. Nor are more pairs compared than the work allows. For showing, not for deciding.
    """
    meeting = _Meeting(max_work)
    found: dict[Policy, None] = {}
    for left in one:
        for right in other:
            both = meeting.policy(left, right)
            if both is not None:
                found[both] = None
    return tuple(found)


class _Meeting:
    """One meeting, with what is left of its work."""

    def __init__(self, left: int) -> None:
        self._left = left

    def policy(self, left: Policy, right: Policy) -> Policy | None:
        """What two policies allow together, None where no pattern says it."""
        actions = self._patterns(left.actions, right.actions)
        if not actions:
            return None
        if left.unbounded or right.unbounded:
            bounded = right if left.unbounded else left
            return Policy(actions, None if bounded.unbounded else bounded.resources)
        resources = self._patterns(left.resources or (), right.resources or ())
        return Policy(actions, resources) if resources else None

    def _patterns(self, left: Iterable[Pattern], right: Sequence[Pattern]) -> tuple[Pattern, ...]:
        found: dict[Pattern, None] = {}
        for one, other in product(left, right):
            self._left -= len(one.text) + len(other.text)
            if self._left < 0:
                break
            both = _narrower(one, other) or _segmentwise(one, other)
            if both is not None:
                found[both] = None
        return tuple(found)


def _narrower(one: Pattern, other: Pattern) -> Pattern | None:
    """The one that the other covers, None where neither covers the other."""
    if one.covers(other):
        return other
    return one if other.covers(one) else None


def _segmentwise(one: Pattern, other: Pattern) -> Pattern | None:
    """What both match, put together from the narrower segment of each place; a `**` at an end takes what follows."""
    left, right = one.text.split(":"), other.text.split(":")
    if ANY in (*left[:-1], *right[:-1]):
        return None
    if right[-1] == ANY and (left[-1] != ANY or len(right) < len(left)):
        left, right = right, left
    rest: list[str] = []
    if left[-1] == ANY:
        left = left[:-1]
        right, rest = right[: len(left)], right[len(left) :]
    if len(left) != len(right):
        return None
    met: list[str] = []
    for a, b in zip(left, right, strict=True):
        if not (segment_fits(a, b) or segment_fits(b, a)):
            return None
        met.append(b if segment_fits(a, b) else a)
    try:
        return Pattern(":".join([*met, *rest]))
    except InvalidPattern:  # longer, or with more wildcards, than a pattern may be
        return None
