"""The nodes that decide from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.console.code import Graph, Rest
from keywright.console.routing import page
from keywright.services.nodes import list_nodes

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

_QUERY: Final = """
query {
  nodes { id name kind version state applied lag leaseAgeSeconds leaseSeconds startedAt }
}
"""


@page("/nodes", needs="nodes:read")
async def nodes(ask: Ask) -> Response:
    """The nodes; for our script, which asks again every few seconds, the table alone."""
    found = await ask.run(list_nodes, None)
    own = ask.services.figures()
    if ask.wants_part and ask.target == "nodes":
        return ask.part("nodes/table.html", nodes=found, own=own)
    code = ask.code(rest=Rest("GET", "/v1/nodes"), graph=Graph(_QUERY, {}), cli=["nodes", "list"])
    return ask.page("nodes/nodes.html", nodes=found, own=own, code=code)


PAGES = (nodes,)
