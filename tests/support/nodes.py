"""Nodes for tests, on a feed of their own or on a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.boottime import boottime
from keywright.verify import Label, Memory, Node, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from keywright.core.changes import FeedEntry, NodeState
    from keywright.core.ports import ChangeFeed, Clock

LABEL = Label(name="here", kind="server", version="0")


class EmptyFeed:
    """A feed of which nothing ever comes, and on which nobody is known."""

    async def register(self, node: NodeState) -> None:
        """See `ChangeFeed`."""

    async def renew(self, node_id: str, applied: int) -> bool:
        """See `ChangeFeed`."""
        return bool(node_id) and applied >= 0

    async def since(self, epoch: int) -> tuple[int, tuple[FeedEntry, ...] | None]:
        """See `ChangeFeed`."""
        return epoch, ()

    async def acknowledge(self, node_id: str, applied: int) -> None:
        """See `ChangeFeed`."""

    async def leave(self, node_id: str) -> None:
        """See `ChangeFeed`."""

    async def nodes(self) -> tuple[NodeState, ...]:
        """See `ChangeFeed`."""
        return ()

    async def forget(self, node_id: str, beat: int) -> None:
        """See `ChangeFeed`."""


def a_node(
    clock: Clock,
    feed: ChangeFeed | None = None,
    *,
    lease: float = 3.0,
    grace: float = 0.0,
    entries: int = 1_000,
    at: Callable[[], float] = boottime,
    heard: Callable[[Collection[str] | None], None] | None = None,
) -> Node:
    """A node that has not registered; without a feed it hears nothing."""
    return Node(
        feed or EmptyFeed(),
        Memory(max_entries=entries, max_bytes=10_000_000),
        clock,
        at,
        label=LABEL,
        terms=Terms(lease=lease, grace=grace),
        heard=heard,
    )
