"""The audit trail on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import snake
from tests.doors.scenarios.paging import cli_list, graphql_list, rest_list

if TYPE_CHECKING:
    from tests.doors.scenarios.graphql_door import GraphqlDoor

_ENTRY = """id at tenant { slug } actor { kind identity { id kind name } keyId sessionId } action
target { type id } ip requestId changes"""


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    it = snake(found)
    actor = snake(it["actor"])
    identity = actor["identity"] and {**actor["identity"], "kind": actor["identity"]["kind"].lower()}
    return {
        **it,
        "tenant": it["tenant"] and it["tenant"]["slug"],
        "actor": {**actor, "kind": actor["kind"].lower(), "identity": identity},
    }


def _list_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    return [_shown(one) for one in graphql_list(door, "audit", _ENTRY, "AuditFilter", **fields)]


OPERATIONS = {
    "audit.list": Operation(
        rest=lambda door, fields: rest_list(door, "/v1/audit", **fields),
        graphql=_list_graphql,
        cli=lambda door, fields: cli_list(door, "audit", "list", **fields),
    ),
}
