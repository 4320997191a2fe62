"""Rate limits by the generic cell rate algorithm, in exact arithmetic.

The algorithm is the virtual scheduling one of ITU-T Recommendation I.371 (annex A), and of the ATM Forum's Traffic
Management Specification 4.0, section 4.4.2. A limit of L uses in a window of W puts the next use due W/L after the one
before; it lets uses come early by as much as leaves the backlog, which is the time from now until the next use is due,
no longer than W. So:

- from rest, L uses come through at once, and from then on one each W/L;
- within any span of time s, both of its ends included, at most L + floor(s * L / W) uses come through. Within a full
  window that is up to 2 L, after a rest of as long a time: the price of remembering one number instead of each use.

Time is in whole microseconds. W/L need not be whole, so that a backlog is counted in *parts*, of which L make a
microsecond: then a use is worth W (in microseconds) parts, a full backlog L * W, and nothing is ever rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.limits import LimitState, Taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.limits import Bucket

SECOND_US = 1_000_000


def judge(buckets: Sequence[Bucket], backlogs: Sequence[int], cost: int) -> Taken:
    """Whether a use comes through, by the backlog of each bucket before it (in parts, each 0 or more).

    It comes through when there is room in every bucket, and then its cost is to be added to the backlog of each, as
    the states in the answer have it already; else nothing is. A use that costs 0 is never charged, and is refused
    where one that costs 1 would be.
    """
    states = []
    asked = cost or 1
    for at, bucket in enumerate(buckets):
        worth = bucket.worth
        left = bucket.depth - backlogs[at]
        if left < asked * worth:
            return _refused(buckets, backlogs, asked)
        left -= cost * worth
        states.append(LimitState(bucket, left // worth, (bucket.depth - left) / bucket.parts / SECOND_US))
    return Taken(tuple(states))


def _refused(buckets: Sequence[Bucket], backlogs: Sequence[int], asked: int) -> Taken:
    """The answer to a use for which some bucket has no room."""
    states, waits = [], []
    for bucket, backlog in zip(buckets, backlogs, strict=True):
        second = bucket.parts * SECOND_US
        states.append(LimitState(bucket, (bucket.depth - backlog) // bucket.worth, backlog / second))
        never = asked > bucket.parts
        over = backlog + asked * bucket.worth - bucket.depth
        waits.append((never, bucket.limit.window_seconds if never else over / second))
    longest = max(waits)
    return Taken(tuple(states), states[waits.index(longest)], float(longest[1]))
