"""Service accounts on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.cli_door import changed_limits, limit_options
from tests.doors.scenarios.cli_door import given_role as as_option
from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import LIMITS, given_role, snake, with_uses
from tests.doors.scenarios.paging import cli_list, graphql_list, graphql_one, rest_list

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_ACCOUNT = (
    f"id name description active createdAt memberships {{ id role variables {{ name values }} }} {LIMITS}"
)


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    it = snake(found)
    memberships = [
        {**one, "variables": {two["name"]: two["values"] for two in one["variables"]}}
        for one in it["memberships"]
    ]
    return {**it, "memberships": memberships, "limits": [snake(one) for one in it["limits"]]}


def _create_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"""mutation ($input: CreateServiceAccountInput!) {{
        createServiceAccount(input: $input) {{ serviceAccount {{ {_ACCOUNT} }} replayed }}
    }}"""
    given = {**with_uses(fields), "memberships": [given_role(one) for one in fields.get("memberships", [])]}
    return _shown(door.call(document, input=given)["serviceAccount"])


def _create_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    options = [f"--role={as_option(one)}" for one in fields.get("memberships", [])]
    options += limit_options(fields.get("limits", ()))
    if "description" in fields:
        options.append(f"--description={fields['description']}")
    return door.run("service-accounts", "create", *options, "--", fields["name"])


def _update_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    changes = dict(fields)
    return door.call("PATCH", f"/v1/service-accounts/{changes.pop('id')}", json=changes)


def _update_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = f"""mutation ($input: UpdateServiceAccountInput!) {{
        updateServiceAccount(input: $input) {{ serviceAccount {{ {_ACCOUNT} }} }}
    }}"""
    return _shown(door.call(document, input=with_uses(fields))["serviceAccount"])


def _update_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    options = [
        f"--{name}={value}" for name, value in fields.items() if name not in {"id", "active", "limits"}
    ]
    options += changed_limits(fields.get("limits"))
    if "active" in fields:
        options.append("--enable" if fields["active"] else "--disable")
    return door.run("service-accounts", "update", *options, fields["id"])


def _delete_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = """mutation ($input: DeleteServiceAccountInput!) {
        deleteServiceAccount(input: $input) { deletedId }
    }"""
    assert door.call(document, input=fields)["deletedId"] == fields["id"]


def _delete_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    door.run("service-accounts", "delete", "--yes", fields["id"])


OPERATIONS = {
    "service_accounts.create": Operation(
        rest=lambda door, fields: door.call("POST", "/v1/service-accounts", json=fields),
        graphql=_create_graphql,
        cli=_create_cli,
    ),
    "service_accounts.get": Operation(
        rest=lambda door, fields: door.call("GET", f"/v1/service-accounts/{fields['id']}"),
        graphql=lambda door, fields: _shown(
            graphql_one(door, "serviceAccount", "id", "ID", fields["id"], _ACCOUNT)
        ),
        cli=lambda door, fields: door.run("service-accounts", "show", fields["id"]),
    ),
    "service_accounts.list": Operation(
        rest=lambda door, fields: rest_list(door, "/v1/service-accounts", **fields),
        graphql=lambda door, fields: [
            _shown(one)
            for one in graphql_list(door, "serviceAccounts", _ACCOUNT, "ServiceAccountFilter", **fields)
        ],
        cli=lambda door, fields: cli_list(door, "service-accounts", "list", **fields),
    ),
    "service_accounts.update": Operation(_update_rest, _update_graphql, _update_cli),
    "service_accounts.delete": Operation(
        rest=lambda door, fields: door.call("DELETE", f"/v1/service-accounts/{fields['id']}"),
        graphql=_delete_graphql,
        cli=_delete_cli,
    ),
}
