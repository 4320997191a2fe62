"""`/v1/nodes`."""

from pydantic import Field

from keywright.api.rest.models import Moment, Out
from keywright.api.rest.routes import Door
from keywright.services import nodes
from keywright.services.nodes import NodeView


class NodeOut(Out):
    """A process that decides about keys from memory, while it holds a lease."""

    id: str = Field(description="A process that starts again gets another.")
    name: str = Field(description="The name of its host, unless it was given another.")
    kind: str = Field(description="`server`, or `embedded` in an application.")
    version: str
    started_at: Moment
    renewed_at: Moment = Field(description="When it last renewed its lease, by its own clock.")
    applied: int = Field(description="The newest change that it has applied.")
    head: int = Field(description="The newest change that there is.")
    lag: int = Field(description="How many changes it has yet to apply.")
    lease_seconds: float = Field(description="For how long a renewal lasts.")
    stale_grace_seconds: float = Field(
        description="For how long after that it decides from memory while the database is away."
    )
    lease_age_seconds: float = Field(description="How long ago it renewed, by the clocks of the hosts.")
    state: str = Field(
        description="`serving`; `late`: it has not renewed within its lease, and changes may have to wait for it; "
        "`gone`: its lease is over. As far as the node that answers can see."
    )


class NodeListOut(Out):
    """All nodes, in one page."""

    items: list[NodeOut]
    next_cursor: str | None = Field(description="Always null: a list of nodes is short.")


def read_nothing() -> None:
    """The list takes nothing."""


def show(view: NodeView) -> NodeOut:
    """A node."""
    it = view.node
    return NodeOut(
        id=it.id,
        name=it.name,
        kind=it.kind,
        version=it.version,
        started_at=it.started_at,
        renewed_at=it.renewed_at,
        applied=it.applied,
        head=view.head,
        lag=view.lag,
        lease_seconds=it.lease_us / 1e6,
        stale_grace_seconds=it.grace_us / 1e6,
        lease_age_seconds=view.lease_age.total_seconds(),
        state=view.standing.value,
    )


def _list(views: tuple[NodeView, ...]) -> NodeListOut:
    return NodeListOut(items=[show(view) for view in views], next_cursor=None)


def declare(door: Door) -> None:
    """Declare the routes of nodes."""
    door.route(
        "GET", "/nodes", nodes.list_nodes, read=read_nothing, show=_list, model=NodeListOut, tag="Nodes"
    )
