"""Agents on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import camel, snake
from tests.doors.scenarios.paging import cli_list, graphql_list, rest_list

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_AGENT = """id tenant { slug } key { id name state } identity { id kind name } kind name labels version
registeredAt lastSeenAt lastSeenIp"""


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    it, key = snake(found), found["key"]
    identity = {**it["identity"], "kind": it["identity"]["kind"].lower()}
    carried = key and {**key, "state": key["state"].lower()}
    return {**it, "tenant": it["tenant"]["slug"], "identity": identity, "key": carried}


def _register_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    return door.call("POST", "/v1/agents", json=fields)


def _register_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"""mutation ($input: RegisterAgentInput!) {{
        registerAgent(input: $input) {{ agent {{ {_AGENT} }} created }}
    }}"""
    found = door.call(document, input=fields)
    return {**_shown(found["agent"]), "created": found["created"]}


def _register_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    options = [f"--label={one}" for one in fields.get("labels", ())]
    options += [f"--version={fields['version']}"] if "version" in fields else []
    return door.run("agents", "register", *options, "--", fields["kind"], fields["name"])


def _seen_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = "mutation ($input: SeeAgentInput!) { seeAgent(input: $input) { seenId } }"
    assert door.call(document, input=fields)["seenId"] == fields["id"]


def _seen_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    assert door.run("agents", "seen", fields["id"]) == {"id": fields["id"], "seen": True}


def _list_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    return [_shown(one) for one in graphql_list(door, "agents", _AGENT, "AgentFilter", **camel(fields))]


def _list_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    named = {{"key_id": "key"}.get(name, name): value for name, value in fields.items()}
    return cli_list(door, "agents", "list", **named)


OPERATIONS = {
    "agents.register": Operation(_register_rest, _register_graphql, _register_cli),
    "agents.seen": Operation(
        rest=lambda door, fields: door.call("POST", f"/v1/agents/{fields['id']}/seen"),
        graphql=_seen_graphql,
        cli=_seen_cli,
    ),
    "agents.list": Operation(
        rest=lambda door, fields: rest_list(door, "/v1/agents", **fields),
        graphql=_list_graphql,
        cli=_list_cli,
    ),
}
