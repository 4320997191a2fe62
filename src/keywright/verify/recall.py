"""What a node knows right now, for a path on which nothing may wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywright.core.ports import Clock, KeyFacts
    from keywright.verify.node import Node
    from keywright.verify.usage import UseLog


class Recall:
    """Facts from memory while there is a lease, the time, and where decisions are noted.

    `note` and `before_taking` are those of `UseLog`, `now_us` is that of `Clock`.
    """

    __slots__ = ("_boottime", "_node", "before_taking", "note", "now_us")

    def __init__(self, node: Node, clock: Clock, uses: UseLog) -> None:
        self._node = node
        self._boottime = node.boottime
        self.now_us = clock.now_us
        self.note = uses.note
        self.before_taking = uses.before_taking

    def get(self, digest: bytes) -> KeyFacts | None:
        """What is remembered of the token with this SHA-256 digest; None without a lease too."""
        node = self._node
        return node.memory.get(digest) if self._boottime() < node.lease_end else None

    def still(self, digest: bytes, facts: KeyFacts, other_digest: bytes, other: KeyFacts) -> bool:
        """Whether `get` would give these very facts for both digests, asked in this order."""
        node = self._node
        if self._boottime() >= node.lease_end:
            return False
        get = node.memory.get
        return get(digest) is facts and get(other_digest) is other
