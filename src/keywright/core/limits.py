"""Limits and credits: how often, and how many times in all, something may be used."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

MAX_LIMITS = 10
MAX_USES = 1_000_000_000
"""The most that a limit or credits can count; like every number here it fits into the 32 bits of GraphQL's Int."""
LONGEST_WINDOW = 50 * 31_536_000
MAX_COST = 1_000_000
CREDIT_SHARE = 4
"""Beyond what a use needs, no node takes more than one such part of the credits that are left."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit: so many uses in so many seconds."""

    name: str
    limit: int
    window_seconds: int


class Level(StrEnum):
    """Whose limit it is: one key's, or one that all keys of an identity or of a tenant share."""

    KEY = "key"
    IDENTITY = "identity"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit together with what it counts: `subject` is the id of the key, identity or tenant.

    `key` is what counters know it by. The numbers of the limit are in it, so that a changed limit counts anew.
    `parts`, `worth` and `depth` are how `core.gcra` reckons: parts in a microsecond, parts that a use is worth, and
    parts that fill the bucket.
    """

    level: Level
    subject: str
    limit: Limit
    key: str = field(init=False, repr=False, compare=False)
    parts: int = field(init=False, repr=False, compare=False)
    worth: int = field(init=False, repr=False, compare=False)
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        limit = self.limit
        key = f"{self.level}:{self.subject}:{limit.limit}/{limit.window_seconds}:{limit.name}"
        window_us = limit.window_seconds * 1_000_000
        for name, value in (
            ("key", key),
            ("parts", limit.limit),
            ("worth", window_us),
            ("depth", limit.limit * window_us),
        ):
            object.__setattr__(self, name, value)


# These two are named tuples, since each decision makes some, and a frozen dataclass takes several times as long.
class LimitState(NamedTuple):
    """Where a limit stands after a use: uses left now, and seconds until all of them are back."""

    bucket: Bucket
    remaining: int
    reset_seconds: float


class Taken(NamedTuple):
    """What became of a use that asked some limits: all of them let it through, or none was charged.

    `refused` is the limit that stands in the way longest, and `retry_after` the seconds until it would not;
    None and 0 when the use was let through. For a cost beyond the limit itself, which it never lets through, they are
    those of the whole window. `local` says that this node counted alone, as the shared counters could not be reached.
    """

    states: tuple[LimitState, ...]
    refused: LimitState | None = None
    retry_after: float = 0.0
    local: bool = False

    @property
    def allowed(self) -> bool:
        """Whether the use was let through."""
        return self.refused is None


class Every(StrEnum):
    """How often credits are filled up again; an hour, a day or a week is that span, a month 30 days."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def span(self) -> timedelta:
        """How long such a period is."""
        return _SPANS[self]


_SPANS = {
    Every.HOUR: timedelta(hours=1),
    Every.DAY: timedelta(days=1),
    Every.WEEK: timedelta(weeks=1),
    Every.MONTH: timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class Refill:
    """At each period's end there are this many credits again, however many were left."""

    amount: int
    every: Every


@dataclass(frozen=True, slots=True)
class Credits:
    """How many uses are left, as far as the database knows, and when they are filled up again.

    Nodes spend from blocks that they have taken from the database already, so that `remaining` is never more
    than what is left.
    """

    remaining: int
    refill: Refill | None = None
    refill_at: datetime | None = None

    def begun(self, now: datetime) -> Credits:
        """The same credits as they are when they are set: the first period of their refill begins now."""
        return replace(self, refill_at=None if self.refill is None else now + self.refill.every.span)


def more_often(before: tuple[Limit, ...], after: tuple[Limit, ...]) -> bool:
    """Whether some limits let through what others refused.

    They do unless each of the others stands among them by its name, with neither more uses at once nor more of them
    in the same time.
    """
    by_name = {one.name: one for one in after}
    return not all(one.name in by_name and _within(by_name[one.name], one) for one in before)


def _within(one: Limit, other: Limit) -> bool:
    return one.limit <= other.limit and one.limit * other.window_seconds <= other.limit * one.window_seconds


def more_credits(before: Credits | None, after: Credits | None) -> bool:
    """Whether credits allow more uses than others: more of them now, or more of them or sooner later on."""
    if before is None:
        return False
    if after is None or after.remaining > before.remaining:
        return True
    old, new = before.refill, after.refill
    return new is not None and (old is None or new.amount > old.amount or new.every.span < old.every.span)


@dataclass(frozen=True, slots=True)
class CreditBlock:
    """Credits that a node took out of the database, to spend them from memory.

    `left` is what the database held afterwards. `taken` 0 means that it held too few for what was asked. The block is
    worth nothing any more from `ends_us` on (microseconds since the epoch), when the key's credits are filled up anew,
    and can come back only while the database knows the same `version`.
    """

    taken: int
    left: int
    version: int
    ends_us: int | None = None


@dataclass(frozen=True, slots=True)
class UnspentCredits:
    """What is left of a block that a node gives back."""

    key_id: str
    amount: int
    version: int
