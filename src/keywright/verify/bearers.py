"""Bearers who were met before, for whom most of the work of a decision is done.

A program asks about the same few bearers all the time. What is looked up, compared and computed is the same each time,
so that it is kept, and what is left of a decision is to find that all of it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from keywright.core.decision import decide
from keywright.core.usage import HOUR_US

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.decision import Asked, Code, Decision
    from keywright.core.ports import KeyFacts
    from keywright.verify.node import Node

MAX_ANSWERS: Final = 8
"""Answers about one bearer that are kept, of some 650 bytes each, and kinds of uses that are counted together."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Counted:
    """Uses of a kind within one hour, one for each time that this is handed over; `at_us` is when the last was."""

    digest: bytes
    facts: KeyFacts
    code: Code
    asked: Asked
    at_us: int


class Bearer(Generic[T]):
    """Whoever shows one token under the same circumstances, for further questions about them; in any thread.

    It holds the digest of the token (SHA-256) and not the token. It answers for as long as the facts stand in the
    node's memory, under a lease, and no longer than until the hour or the key's span of validity ends.
    """

    __slots__ = (
        "_answers",
        "_asked",
        "_boottime",
        "_digest",
        "_ends_us",
        "_facts",
        "_memory",
        "_node",
        "_note",
        "_now_us",
        "_starts_us",
        "_told",
        "_uses",
    )

    def __init__(
        self,
        node: Node,
        token_digest: bytes,
        facts: KeyFacts,
        asked: Callable[[str | None, str | None], Asked],
        told: Callable[[Decision], T],
        *,
        now_us: Callable[[], int],
        note: Callable[[Counted], bool],
    ) -> None:
        self._node = node
        self._memory = node.memory
        self._boottime = node.boottime
        self._digest = token_digest
        self._facts = facts
        self._asked = asked
        self._told = told
        self._now_us = now_us
        self._note = note
        # What is counted together belongs to one hour.
        now = now_us()
        hour = now - now % HOUR_US
        self._starts_us = max(facts.starts_us, hour)
        self._ends_us = min(facts.ends_us, hour + HOUR_US)
        self._answers: dict[tuple[str | None, str | None], tuple[T, Counted]] = {}
        self._uses: dict[tuple[str | None, Code], Counted] = {}

    def decide(self, action: str | None = None, resource: str | None = None) -> T | None:
        """What is told of an action on a resource, counted as a use; None, and nothing is, if it cannot be decided.

        Then the token has to be shown again. Raises what a question about them raises.
        """
        # First the lease and then the facts, for the reason that `Glances` gives, and what was heard last of all.
        if self._boottime() >= self._node.lease_end or self._facts.compared != self._memory.heard:
            return None
        now_us = self._now_us()
        if not self._starts_us <= now_us < self._ends_us:
            return None
        told, use = self._answers.get((action, resource)) or self._judged(action, resource, now_us)
        use.at_us = now_us
        return told if self._note(use) else None

    def _judged(self, action: str | None, resource: str | None, now_us: int) -> tuple[T, Counted]:
        asked = self._asked(action, resource)
        decision = decide(self._facts, asked, now_us, None)
        kind = action, decision.code
        use = self._uses.get(kind)
        if use is None:
            if len(self._uses) >= MAX_ANSWERS:
                self._uses.clear()
            use = self._uses[kind] = Counted(self._digest, self._facts, decision.code, asked, now_us)
        if len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()
        answer = self._answers[action, resource] = self._told(decision), use
        return answer
