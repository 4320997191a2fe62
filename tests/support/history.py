"""What was changed and what was answered, by one monotonic clock, and what of it breaks the guarantee.

The guarantee: *if a revocation returned before a verification was sent, that verification is not VALID.*

A **gate** is one thing that decides whether a question is allowed: whether a key is active, what its scope holds,
whether its owner is a member. Changes close and open gates, and each question rests on one gate alone. A moment is
noted before something is sent and after its answer is there, so that what seems to be ordered was ordered.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

VALID = "VALID"
FOREVER = float("inf")
UNKNOWING = frozenset({None, "STALE"})
"""Answers that say nothing about the key: none came, or the node could not know."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a gate, in seconds of the clock; `returned` is None where it is not known to have been done."""

    gate: str
    closes: bool
    began: float
    returned: float | None
    what: str
    node: str

    @property
    def over(self) -> float:
        """The moment after which it cannot come true any more."""
        return FOREVER if self.returned is None else self.returned


@dataclass(frozen=True, slots=True)
class Asked:
    """A verification; `code` is None where no answer came."""

    gate: str
    sent: float
    answered: float
    code: str | None
    node: str


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer that must not be, and the change that it ignores; None where the gate was never touched."""

    asked: Asked
    change: Change | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to the servers."""

    at: float
    what: str


@dataclass(slots=True)
class History:
    """Everything that happened in a run."""

    changes: list[Change] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def begin(self, change: Change) -> Callable[[Change], None]:
        """Note a change that is on its way; what is returned takes what is known of it in the end."""
        place = len(self.changes)
        self.changes.append(change)

        def end(known: Change) -> None:
            self.changes[place] = known

        return end

    def violations(self) -> list[Finding]:
        """Each VALID answer to a question whose gate was certainly closed from before it was sent."""
        return list(_against(self.changes, self.asked, closed=True))

    def refusals(self) -> list[Finding]:
        """Each refusal of a question whose gate was certainly open all the time."""
        return list(_against(self.changes, self.asked, closed=False))

    def around(self, finding: Finding, seconds: float = 1.0) -> str:
        """The history of the finding's gate and of the servers around it, a line each, with the seconds since then."""
        asked = finding.asked
        since = (asked.sent if finding.change is None else finding.change.began) - seconds
        until = asked.answered + seconds
        lines = [(event.at, f"          {event.what}") for event in self.events]
        for change in self.changes:
            if change.gate == asked.gate:
                end = "unknown" if change.returned is None else f"{change.returned - asked.sent:+.6f}"
                lines.append((change.began, f"{change.node:9} {change.what}, returned {end}"))
        for one in self.asked:
            if one.gate == asked.gate:
                mark = "  <-- this must not be" if one is asked else ""
                answer = f"{one.code}, answered {one.answered - asked.sent:+.6f}"
                lines.append((one.sent, f"{one.node:9} asked: {answer}{mark}"))
        shown = [f"{at - asked.sent:+12.6f}  {text}" for at, text in sorted(lines) if since <= at <= until]
        return f"gate {asked.gate}\n" + "\n".join(shown)


@dataclass(slots=True)
class _Side:
    """The changes of one gate that go one way, and the others, so that each answer costs a search alone."""

    returned: Sequence[float]
    newest: Sequence[Change]
    began: Sequence[float]
    over: Sequence[float]

    @classmethod
    def of(cls, wanted: Iterable[Change], others: Iterable[Change]) -> _Side:
        done = sorted((one for one in wanted if one.returned is not None), key=lambda one: one.over)
        against = sorted(others, key=lambda one: one.began)
        return cls(
            returned=[one.over for one in done],
            newest=list(accumulate(done, _later)),
            began=[one.began for one in against],
            over=list(accumulate((one.over for one in against), max)),
        )

    def certain(self, asked: Asked) -> Change | None:
        """The change that had certainly been done before the question was sent, and was not undone up to its answer.

        Of those that had returned the one that began last rules out most: a change the other way counts unless it
        had returned before that one began, or began after the answer.
        """
        before = bisect_left(self.returned, asked.sent)
        if not before:
            return None
        change = self.newest[before - 1]
        begun = bisect_left(self.began, asked.answered)
        return None if begun and self.over[begun - 1] > change.began else change

    def untouched(self, asked: Asked) -> bool:
        """Whether no change the other way had begun up to the answer."""
        return not self.began or self.began[0] > asked.answered


def _later(one: Change, other: Change) -> Change:
    return other if other.began > one.began else one


def _against(changes: Sequence[Change], asked: Sequence[Asked], *, closed: bool) -> Iterator[Finding]:
    gates: dict[str, list[Change]] = {}
    for change in changes:
        gates.setdefault(change.gate, []).append(change)
    sides = {
        gate: _Side.of((c for c in own if c.closes is closed), (c for c in own if c.closes is not closed))
        for gate, own in gates.items()
    }
    nothing = _Side.of((), ())
    for one in asked:
        if one.code in UNKNOWING or (one.code == VALID) is not closed:
            continue
        side = sides.get(one.gate, nothing)
        sure = side.certain(one)
        # A gate is open from the start, and so for a refusal there need not have been a change at all.
        if sure is not None or (not closed and side.untouched(one)):
            yield Finding(one, sure)
