"""Decisions of other threads than the one in which a node lives.

A program that does not await has its node in a thread with an event loop of its own. To send each question there costs
many times what the answer does, so that the thread that asks decides by itself whenever memory alone can tell.
`docs/decisions/0021` says why that keeps the promise about revocations.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, TypeVar

from keywright.core.decision import NOT_FOUND, decide
from keywright.core.tokens import digest, is_reserved
from keywright.verify.bearers import Bearer, Counted
from keywright.verify.verifier import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.decision import Asked, Decision
    from keywright.core.ports import Clock
    from keywright.verify.node import Node
    from keywright.verify.usage import UseLog

T = TypeVar("T")
HAND_OVER_AT: Final = 512
"""So many uses wait before the loop is asked to note them, which takes it about a millisecond."""
MAX_WAITING: Final = 10_000
"""So many wait at most. Who comes then is not answered here, so that a loop that is late slows down those who ask."""


class Glances:
    """Decides from the memory of a node in any thread, and hands what was used over to the node's own.

    `soon` has the loop call `hand_over` before long; any thread may call it.
    """

    __slots__ = (
        "_boottime",
        "_full_at",
        "_given",
        "_is_called",
        "_is_closed",
        "_node",
        "_now_us",
        "_soon",
        "_uses",
    )

    def __init__(self, node: Node, clock: Clock, uses: UseLog, soon: Callable[[], None]) -> None:
        self._node = node
        self._boottime = node.boottime
        self._now_us = clock.now_us
        self._uses = uses
        self._soon = soon
        self._given: list[Counted] = []
        self._is_called = False
        self._is_closed, self._full_at = True, 0
        uses.before_taking(self.hand_over)

    def at_once(self, token: str, asked: Asked) -> Decision | None:
        """What `Verifier.at_once` answers; None also where the loop has to look at what was heard first."""
        if is_reserved(token):
            return refused(NOT_FOUND, asked)
        token_digest = digest(token)
        node = self._node
        # First the lease and then the facts. A renewal applies what has changed before it moves the end of the lease,
        # so that facts which are read after that end are as new as the lease that allows them. The other way round a
        # thread could take up facts under a lease that has run out, sleep through a renewal, and find a lease.
        if self._boottime() >= node.lease_end:
            return None
        facts = node.memory.glimpse(token_digest)
        if facts is None or not facts.uncounted:
            return None
        # Facts are values: what `decide` finds out about them once and keeps is the same whichever thread does.
        now_us = self._now_us()
        decision = decide(facts, asked, now_us, None)
        return decision if self._note(Counted(token_digest, facts, decision.code, asked, now_us)) else None

    def bearer(
        self, token: str, asked: Callable[[str | None, str | None], Asked], told: Callable[[Decision], T]
    ) -> Bearer[T] | None:
        """Whoever shows this token; None where nothing can be told of them at once.

        `asked` makes a question of an action and a resource, and `told` what is told of a decision.
        """
        node = self._node
        token_digest = digest(token)
        facts = node.memory.glimpse(token_digest) if self._boottime() < node.lease_end else None
        if is_reserved(token) or facts is None or not facts.uncounted:
            return None
        return Bearer(node, token_digest, facts, asked, told, now_us=self._now_us, note=self._note)

    def hand_over(self) -> None:
        """Note what was used; in the thread of the loop, before anybody reads it there."""
        self._is_called = False
        # Others only append, so that the first ones are theirs no longer.
        taken = self._given[: len(self._given)]
        del self._given[: len(taken)]
        for one, times in Counter(taken).items():
            self._uses.note(one.facts, one.code, one.asked, one.at_us, times)
        # What is used by threads alone is used, too: it is not what memory forgets first.
        for token_digest in {one.digest for one in taken}:
            self._node.memory.get(token_digest)

    def open(self) -> None:
        """Decide from now on."""
        self._is_closed, self._full_at = False, HAND_OVER_AT

    def close(self) -> None:
        """Decide nothing any more; what was decided before is noted."""
        self._is_closed, self._full_at = True, 0
        self.hand_over()

    def _note(self, use: Counted) -> bool:
        """Count a use; False where there is no counting any more.

        To append is one step for other threads. Whoever still finds it open after that has counted before the last are
        handed over; whoever does not may have been counted, and is not answered.
        """
        given = self._given
        if len(given) >= self._full_at and not self._has_room():
            return False
        given.append(use)
        return not self._is_closed

    def _has_room(self) -> bool:
        """Whether more uses may wait, of which there are many; the loop is asked to note them."""
        if self._is_closed or len(self._given) >= MAX_WAITING:
            return False
        if not self._is_called:
            self._is_called = True
            self._soon()
        return True
