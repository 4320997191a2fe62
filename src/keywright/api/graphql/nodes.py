"""The fields of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql.fields import runs
from keywright.services import nodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.nodes import NodeView


def _nothing(_args: Args) -> None:
    return None


def node(view: NodeView) -> Shape:
    """A node."""
    it = view.node
    return {
        "id": it.id,
        "name": it.name,
        "kind": it.kind,
        "version": it.version,
        "startedAt": it.started_at,
        "renewedAt": it.renewed_at,
        "applied": it.applied,
        "head": view.head,
        "lag": view.lag,
        "leaseSeconds": it.lease_us / 1e6,
        "staleGraceSeconds": it.grace_us / 1e6,
        "leaseAgeSeconds": view.lease_age.total_seconds(),
        "state": view.standing,
    }


def _all(views: tuple[NodeView, ...]) -> list[Shape]:
    return [node(one) for one in views]


QUERIES: Final[Mapping[str, RootField]] = {"nodes": runs(nodes.list_nodes, _nothing, _all)}
