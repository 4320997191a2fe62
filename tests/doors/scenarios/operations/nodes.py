"""Nodes on every door."""

from __future__ import annotations

from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import snake

_NODE = """id name kind version startedAt renewedAt applied head lag leaseSeconds staleGraceSeconds leaseAgeSeconds
state"""

OPERATIONS = {
    "nodes.list": Operation(
        rest=lambda door, _: door.call("GET", "/v1/nodes")["items"],
        graphql=lambda door, _: [
            {**snake(one), "state": one["state"].lower()} for one in door.call(f"{{ nodes {{ {_NODE} }} }}")
        ],
        cli=lambda door, _: door.run("nodes", "list")["items"],
    ),
}
