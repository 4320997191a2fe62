"""Memberships on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import camel, snake
from tests.doors.scenarios.paging import cli_list, graphql_list, graphql_one, rest_list

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_MEMBERSHIP = """id identity { id kind name } tenant { slug } role variables { name values }
bySignOn createdAt createdBy"""


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    it = snake(found)
    return {
        **it,
        "identity": {**it["identity"], "kind": it["identity"]["kind"].lower()},
        "tenant": it["tenant"] and it["tenant"]["slug"],
        "variables": {one["name"]: one["values"] for one in it["variables"]},
    }


def _input(fields: dict[str, Any]) -> dict[str, Any]:
    given = camel(fields)
    if "variables" in given:
        given["variables"] = [{"name": name, "values": one} for name, one in given["variables"].items()]
    return given


def _options(fields: dict[str, Any]) -> list[str]:
    return [f"--variable={name}={','.join(one)}" for name, one in fields.get("variables", {}).items()]


def _create_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"""mutation ($input: CreateMembershipInput!) {{
        createMembership(input: $input) {{ membership {{ {_MEMBERSHIP} }} replayed }}
    }}"""
    return _shown(door.call(document, input=_input(fields))["membership"])


def _create_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    return door.run("memberships", "create", *_options(fields), "--", fields["identity_id"], fields["role"])


def _update_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    body = {"variables": fields["variables"]}
    return door.call("PATCH", f"/v1/memberships/{fields['id']}", json=body)


def _update_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"""mutation ($input: UpdateMembershipInput!) {{
        updateMembership(input: $input) {{ membership {{ {_MEMBERSHIP} }} }}
    }}"""
    return _shown(door.call(document, input=_input(fields))["membership"])


def _list_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    names = {"identity_id": "identity"}
    given = {names.get(name, name): value for name, value in fields.items()}
    return cli_list(door, "memberships", "list", **given)


def _list_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    found = graphql_list(door, "memberships", _MEMBERSHIP, "MembershipFilter", **camel(fields))
    return [_shown(one) for one in found]


def _delete_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = "mutation ($input: DeleteMembershipInput!) { deleteMembership(input: $input) { deletedId } }"
    assert door.call(document, input=fields)["deletedId"] == fields["id"]


def _delete_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    door.run("memberships", "delete", "--yes", fields["id"])


OPERATIONS = {
    "memberships.create": Operation(
        rest=lambda door, fields: door.call("POST", "/v1/memberships", json=fields),
        graphql=_create_graphql,
        cli=_create_cli,
    ),
    "memberships.get": Operation(
        rest=lambda door, fields: door.call("GET", f"/v1/memberships/{fields['id']}"),
        graphql=lambda door, fields: _shown(
            graphql_one(door, "membership", "id", "ID", fields["id"], _MEMBERSHIP)
        ),
        cli=lambda door, fields: door.run("memberships", "show", fields["id"]),
    ),
    "memberships.list": Operation(
        rest=lambda door, fields: rest_list(door, "/v1/memberships", **fields),
        graphql=_list_graphql,
        cli=_list_cli,
    ),
    "memberships.update": Operation(
        rest=_update_rest,
        graphql=_update_graphql,
        cli=lambda door, fields: door.run("memberships", "update", *_options(fields), fields["id"]),
    ),
    "memberships.delete": Operation(
        rest=lambda door, fields: door.call("DELETE", f"/v1/memberships/{fields['id']}"),
        graphql=_delete_graphql,
        cli=_delete_cli,
    ),
}
