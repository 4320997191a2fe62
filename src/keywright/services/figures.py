"""What the process that answers says of its own work: no node knows another's."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keywright.ops.metrics import Metrics
    from keywright.verify import Node

WINDOW_SECONDS: Final = 60.0
"""Over so long a span a rate is told, or since the first look where that is less."""
_APART: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A process by its node's id, since it started.

    `decisions` were asked of it, `from_memory` of them (0 to 1, None before the first) were answered without reading
    a key, and `per_second` is their rate lately, None until it was looked at twice.
    """

    node_id: str
    decisions: int
    from_memory: float | None
    per_second: float | None
    cached_keys: int
    cached_bytes: int


class Watch:
    """Remembers what was counted when somebody looked, so that a rate can be told."""

    __slots__ = ("_metrics", "_node", "_seen")

    def __init__(self, node: Node, metrics: Metrics) -> None:
        self._node = node
        self._metrics = metrics
        self._seen: deque[tuple[float, int]] = deque()

    def look(self) -> Figures:
        """The figures of this moment."""
        decisions, lookups = self._metrics.decided, self._metrics.lookups
        now = self._node.boottime()
        if not self._seen or now - self._seen[-1][0] >= _APART:
            self._seen.append((now, decisions))
        while len(self._seen) > 1 and now - self._seen[1][0] >= WINDOW_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return Figures(
            node_id=self._node.id,
            decisions=decisions,
            # A key is read for who asks Keywright itself too, which is no decision.
            from_memory=max(0.0, 1 - lookups / decisions) if decisions else None,
            per_second=(decisions - before) / (now - since) if now - since >= _APART else None,
            cached_keys=self._node.cached_keys,
            cached_bytes=self._node.cached_bytes,
        )
