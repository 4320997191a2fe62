"""The nodes that decide from memory, to be read: how far each has come, and whether it holds its lease."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING

from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.core.changes import NodeState
    from keywright.services.tools import Tools
    from keywright.services.work import Work


class Standing(StrEnum):
    """How a node stands, as far as the node that answers can see."""

    SERVING = "serving"
    """It renews its lease."""
    LATE = "late"
    """It has not renewed within its lease; changes may still have to wait for it."""
    GONE = "gone"
    """Its lease is over, with the grace for outages: it answers nothing from memory, and no change waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node, the newest epoch there is, and how long ago it renewed, by the clocks of the hosts."""

    node: NodeState
    head: int
    lease_age: timedelta
    standing: Standing

    @property
    def lag(self) -> int:
        """How many changes it has yet to apply."""
        return max(0, self.head - self.node.applied)


async def _judged(tools: Tools, views: tuple[NodeView, ...]) -> tuple[NodeView, ...]:
    """The nodes with those marked as gone that this process has seen stand still for longer than their lease."""
    over = {row.id for row in await tools.node.look() if tools.node.is_over(row, inf)}
    return tuple(replace(one, standing=Standing.GONE) if one.node.id in over else one for one in views)


@use_case("nodes.list", permission="nodes:read", reach=Reach.INSTALLATION, after=_judged)
async def list_nodes(work: Work, _nothing: None) -> tuple[NodeView, ...]:
    """Every node for which changes wait, in the order in which they started."""
    head = await work.transaction.changes.head()
    return tuple(_view(one, head, work) for one in await work.transaction.nodes.all())


def _view(node: NodeState, head: int, work: Work) -> NodeView:
    age = max(timedelta(0), work.now - node.renewed_at)
    late = age > timedelta(microseconds=node.lease_us)
    return NodeView(node=node, head=head, lease_age=age, standing=Standing.LATE if late else Standing.SERVING)
