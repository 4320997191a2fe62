"""Roles on every door."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import snake
from tests.doors.scenarios.paging import graphql_one

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_ROLE = """name description variables { name entity description } policies { actions resources }
builtIn byCatalog createdAt updatedAt"""


def _again(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    given = dict(fields)
    key = given.pop("idempotency_key", None)
    return given, {} if key is None else {"Idempotency-Key": key}


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    role = snake(found)
    variables = {
        one["name"]: {"entity": one["entity"], "description": one["description"]} for one in role["variables"]
    }
    return {**role, "variables": variables}


def _input(fields: dict[str, Any]) -> dict[str, Any]:
    if "variables" not in fields:
        return fields
    return {**fields, "variables": [{"name": name, **one} for name, one in fields["variables"].items()]}


def _options(fields: dict[str, Any]) -> list[str]:
    found = []
    if "description" in fields:
        found.append(f"--description={fields['description']}")
    for name, option in (("variables", "variable"), ("policies", "policy")):
        if name in fields:
            given = fields[name]
            found.append(f"--{option}={json.dumps(given)}" if given else f"--clear={name}")
    return found


def _create_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    given, headers = _again(fields)
    return door.call("POST", "/v1/roles", json=given, headers=headers)


def _create_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    given, headers = _again(fields)
    document = f"mutation ($input: CreateRoleInput!) {{ createRole(input: $input) {{ role {{ {_ROLE} }} }} }}"
    return _shown(door.call(document, headers, input=_input(given))["role"])


def _create_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    given, headers = _again(fields)
    again = [f"--idempotency-key={key}" for key in headers.values()]
    return door.run("roles", "create", *again, *_options(given), "--", fields["name"])


def _update_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    changes = dict(fields)
    return door.call("PATCH", f"/v1/roles/{changes.pop('name')}", json=changes)


def _update_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"mutation ($input: UpdateRoleInput!) {{ updateRole(input: $input) {{ role {{ {_ROLE} }} }} }}"
    return _shown(door.call(document, input=_input(fields))["role"])


def _update_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    return door.run("roles", "update", *_options(fields), "--", fields["name"])


def _delete_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = "mutation ($input: DeleteRoleInput!) { deleteRole(input: $input) { deletedName } }"
    assert door.call(document, input=fields)["deletedName"] == fields["name"]


def _delete_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    door.run("roles", "delete", "--yes", fields["name"])


OPERATIONS = {
    "roles.create": Operation(_create_rest, _create_graphql, _create_cli),
    "roles.get": Operation(
        rest=lambda door, fields: door.call("GET", f"/v1/roles/{fields['name']}"),
        graphql=lambda door, fields: _shown(
            graphql_one(door, "role", "name", "String", fields["name"], _ROLE)
        ),
        cli=lambda door, fields: door.run("roles", "show", fields["name"]),
    ),
    "roles.list": Operation(
        rest=lambda door, _: door.call("GET", "/v1/roles")["items"],
        graphql=lambda door, _: [_shown(one) for one in door.call(f"{{ roles {{ {_ROLE} }} }}")],
        cli=lambda door, _: door.run("roles", "list")["items"],
    ),
    "roles.update": Operation(_update_rest, _update_graphql, _update_cli),
    "roles.delete": Operation(
        rest=lambda door, fields: door.call("DELETE", f"/v1/roles/{fields['name']}"),
        graphql=_delete_graphql,
        cli=_delete_cli,
    ),
}
