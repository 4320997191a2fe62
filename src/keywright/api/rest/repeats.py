"""Questions to `/v1/verify` that were asked before, byte for byte, and what they came down to.

The same bytes from the same address are the same question: the same caller, the same key, the same action. What is
kept of them is a digest, in which their trace has no part, so that no token stands here, and the answer with the facts
that it rests on.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from keywright.core.decision import Code
from keywright.core.usage import HOUR_US
from keywright.ops.metrics import SHORT_SECONDS

if TYPE_CHECKING:
    from keywright.core.decision import Asked
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.verify import Recall

PATH: Final = "/v1/verify"
QUESTION: Final = "keywright.question"
"""Where the scope of a request has what its answer is to be kept under, a `Known`."""
MAX_KEPT: Final = 8_192
"""Answers that are kept, their heads, and questions that are known to have been asked: about 9 MB."""
MAX_WAITING: Final = 512
"""Answers whose uses are counted here before they are handed over, which takes about a millisecond then."""
_VALID: Final = Code.VALID


class Known(NamedTuple):
    """The digests of a question, and of the head that it begins with."""

    question: bytes
    head: bytes


@dataclass(slots=True, eq=False, kw_only=True)
class Repeat:
    """An answer that is given again, from one moment until before another, in microseconds since the epoch.

    It is that of `caller` with its use `use`, if it is one, about `facts`; `head` is the header section of the response
    from the type of the content up to the request's id, and `body` all that follows that id. `times` is how often it
    was given since that was last handed over, and `at_us` when last.
    """

    caller: KeyFacts
    caller_digest: bytes
    use: Asked | None
    facts: KeyFacts
    facts_digest: bytes
    asked: Asked
    code: Code
    from_us: int
    until_us: int
    head: bytes
    body: bytes
    times: int = 0
    at_us: int = 0


class Standing(Protocol):
    """Tells whether an answer stands. `by_address` says whether the address of a request has a part in who asks."""

    by_address: bool

    def still(self, repeat: Repeat) -> bool:
        """Whether at this moment both keys that an answer rests on are what they were, under a lease."""
        ...


class Repeats:
    """What `/v1/verify` answered from memory, for whoever sees the same bytes again.

    An answer is kept when its question is asked for the second time, so that questions which are never repeated take
    no room; the oldest goes first. What was given is counted here and handed over, with the very counts that single
    notes would have made, when somebody looks: at metrics or at uses.
    """

    def __init__(self, recall: Recall, metrics: Metrics, standing: Standing) -> None:
        self._by_address = standing.by_address
        self._recall = recall
        self._still = standing.still
        self._metrics = metrics
        self._kept: OrderedDict[bytes, Repeat] = OrderedDict()
        self._heads: set[bytes] = set()
        self._met: set[bytes] = set()
        self._waiting: list[Repeat] = []
        self._hour_us = self._hour_ends_us = 0
        self._requests = 0
        self._seconds = 0.0
        recall.before_taking(self.hand_over)
        metrics.before_showing(self.hand_over)

    def __len__(self) -> int:
        return len(self._kept)

    def asked_from(self, host: str | None) -> hashlib._Hash | None:
        """The digest of all questions from an address, as far as they are the same; copy it, and add the bytes.

        None where the address has a part in who asks, and there is none.
        """
        if not self._by_address:
            return hashlib.sha256()
        return None if host is None else hashlib.sha256(host.encode() + b"\0")

    def answer(self, question: bytes) -> Repeat | None:
        """The answer to a question of this digest, if it is true at this moment; then it counts as given.

        That rests on one step in which nothing waits: the node holds its lease, the facts of the key are the very
        object that it remembers, and so are the caller's, or they are what an agent knows of its own key. Whatever is
        revoked is dropped from memory before a node says that it knows, and a node that says nothing is waited out
        until its lease has ended. So when a revocation had returned before these bytes were sent, one of these has
        ended already, and the question goes the long way.
        """
        kept = self._kept.get(question)
        if kept is None:
            return None
        now_us = self._recall.now_us()
        if not kept.from_us <= now_us < kept.until_us or not self._still(kept):
            del self._kept[question]
            _add(self._met, question)
            return None
        if not self._hour_us <= now_us < self._hour_ends_us:
            self._turn(now_us)
        if not kept.times:
            self._wait(kept)
        kept.times += 1
        # The clock may have been set back.
        kept.at_us = max(kept.at_us, now_us)
        return kept

    def took(self, seconds: float) -> None:
        """Count the request to which an answer was given, by the time from its arrival to its end."""
        if seconds > SHORT_SECONDS:
            self._metrics.request("POST", PATH, 200, seconds)
            return
        self._requests += 1
        self._seconds += seconds

    def met(self, question: bytes) -> bool:
        """Whether a question was asked before; it was from now on."""
        if question in self._met:
            return True
        _add(self._met, question)
        return False

    def is_head(self, head: bytes) -> bool:
        """Whether a head with this digest has begun a question whose answer was kept; a body must follow it."""
        return head in self._heads

    def keep(self, known: Known, repeat: Repeat) -> None:
        """Give this answer when the question is asked again."""
        if len(self._kept) >= MAX_KEPT:
            self._kept.popitem(last=False)
        self._kept[known.question] = repeat
        _add(self._heads, known.head)

    def hand_over(self) -> None:
        """Note all that was counted here where uses and metrics are."""
        waiting, self._waiting = self._waiting, []
        note, decision = self._recall.note, self._metrics.decision
        for one in waiting:
            times, at_us = one.times, one.at_us
            one.times = one.at_us = 0
            if one.use is not None:
                note(one.caller, _VALID, one.use, at_us, times)
            note(one.facts, one.code, one.asked, at_us, times)
            decision(one.code, "rest", times)
        if self._requests:
            self._metrics.short_requests("POST", PATH, 200, self._requests, self._seconds)
            self._requests, self._seconds = 0, 0.0

    def _wait(self, repeat: Repeat) -> None:
        """Have the uses of an answer handed over; before too many wait, those that do are."""
        if len(self._waiting) >= MAX_WAITING:
            self.hand_over()
        self._waiting.append(repeat)

    def _turn(self, now_us: int) -> None:
        """Count in the hour of a moment from now on: what is handed over together belongs to one hour."""
        self.hand_over()
        self._hour_us = now_us - now_us % HOUR_US
        self._hour_ends_us = self._hour_us + HOUR_US


def _add(among: set[bytes], one: bytes) -> None:
    """Put something into a set that is emptied when it is full."""
    if len(among) >= MAX_KEPT:
        among.clear()
    among.add(one)


def span(now_us: int, caller: KeyFacts, facts: KeyFacts) -> tuple[int, int]:
    """From when until before when no span of validity of the two begins or ends, with a moment inside one of each."""
    marks = (caller.starts_us, caller.ends_us, facts.starts_us, facts.ends_us)
    return max(mark for mark in marks if mark <= now_us), min(mark for mark in marks if mark > now_us)
