"""Nodes: the processes that decide about keys from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.client.calls import Call, Listing, S, call, listing
from keywright.client.resources import Resource

if TYPE_CHECKING:
    from keywright.client.values import Page

_PATH = "/v1/nodes"


class Nodes(Resource[S]):
    """The nodes of the installation."""

    @call
    def page(self) -> Call[Page]:
        """All nodes; there is no further page."""
        return self._page(_PATH, {})

    @listing
    def list(self) -> Listing:
        """Go through all nodes, in the order in which they started."""
        return self._each(_PATH, {})
