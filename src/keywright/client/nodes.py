"""Nodes: the processes that decide about keys from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.client.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.client.values import Json, Page

_PATH = "/v1/nodes"


class Nodes(Resource):
    """The nodes of the installation."""

    def page(self) -> Page:
        """All nodes; there is no further page."""
        return self._page(_PATH, {})

    def list(self) -> Iterator[Json]:
        """Go through all nodes, in the order in which they started."""
        return self._each(_PATH, {})
