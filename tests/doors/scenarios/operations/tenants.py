"""What is done with tenants once they are made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.cli_door import changed_limits, limit_options
from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import camel, deep_snake, with_uses

if TYPE_CHECKING:
    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_TENANT = """id slug name active createdAt settings {
    keyPrefix maxKeyLifetimeSeconds keysMustExpire twoFactorRequired defaultLimits { name limit windowSeconds }
    limits { name limit windowSeconds }
}"""
_FLAGS = {
    "active": ("--enable", "--disable"),
    "keys_must_expire": ("--keys-must-expire", "--keys-may-stay"),
    "two_factor_required": ("--two-factor", "--no-two-factor"),
}
_OPTIONS = {"key_prefix": "key-prefix", "max_key_lifetime_seconds": "max-key-lifetime"}


def _update_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    changes = dict(fields)
    return door.call("PATCH", f"/v1/tenants/{changes.pop('tenant')}", json=changes)


def _update_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    given = dict(fields)
    if "settings" in given:
        given["settings"] = with_uses(camel(given["settings"]))
    document = f"""mutation ($input: UpdateTenantInput!) {{
        updateTenant(input: $input) {{ tenant {{ {_TENANT} }} }}
    }}"""
    return deep_snake(door.call(document, input=given)["tenant"])


def _update_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    options: list[str] = []
    given = {**fields, **fields.get("settings", {})}
    for name, value in given.items():
        if name in _FLAGS:
            options.append(_FLAGS[name][0 if value else 1])
        elif name == "default_limits" and not value:
            options.append("--clear=default-limit")
        elif name == "default_limits":
            options += limit_options(value, "--default-limit")
        elif name == "limits":
            options += changed_limits(value)
        elif name in _OPTIONS and value is None:
            options.append(f"--clear={_OPTIONS[name]}")
        elif name not in {"tenant", "settings"}:
            options.append(f"--{_OPTIONS.get(name, name)}={value}")
    return door.run("tenants", "update", *options, "--", fields["tenant"])


def _delete_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    force = {"force": json.dumps(fields["force"])} if "force" in fields else {}
    return door.call("DELETE", f"/v1/tenants/{fields['tenant']}", params=force)


def _delete_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    document = "mutation ($input: DeleteTenantInput!) { deleteTenant(input: $input) { deletedSlug } }"
    assert door.call(document, input=fields)["deletedSlug"] == fields["tenant"]


def _delete_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    force = ["--force"] if fields.get("force") else []
    door.run("tenants", "delete", "--yes", *force, fields["tenant"])


OPERATIONS = {
    "tenants.update": Operation(_update_rest, _update_graphql, _update_cli),
    "tenants.delete": Operation(_delete_rest, _delete_graphql, _delete_cli),
}
