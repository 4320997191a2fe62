"""One's own logins and second factors on every door."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import camel, deep_snake, snake
from tests.doors.scenarios.paging import cli_list, graphql_list, rest_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.doors.scenarios.cli_door import CliDoor
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_SESSION = "id current createdAt createdIp seenAt idleAt expiresAt provedAt proofs"
_PASSKEY = "id name createdAt lastUsedAt transports"
_FACTORS = f"totpSince recoveryCodesLeft passkeys {{ {_PASSKEY} }}"


def _mutation(
    field: str, shape: str, kind: str | None = None
) -> Callable[[GraphqlDoor, dict[str, Any]], Any]:
    """A mutation, with an input of this type or without one."""

    def do(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
        if kind is None:
            return door.call(f"mutation {{ {field} {{ {shape} }} }}")
        return door.call(
            f"mutation ($input: {kind}!) {{ {field}(input: $input) {{ {shape} }} }}", input=camel(fields)
        )

    return do


def _confirm_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    code = fields.get("code") or fields.get("recovery_code")
    options = [] if code is None else [f"--code={code}"]
    return door.run("sessions", "confirm", "--password", "-", *options, typed=fields["password"])


def _change_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    typed = f"{fields['old_password']}\n{fields['new_password']}\n"
    return door.run("password", "change", "--password", "-", typed=typed)


def _begin_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    return snake(_mutation("beginTotp", "secret uri qrCode")(door, fields))


def _codes_graphql(field: str, kind: str | None = None) -> Callable[[GraphqlDoor, dict[str, Any]], Any]:
    return lambda door, fields: snake(_mutation(field, "recoveryCodes", kind)(door, fields))


def _options_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    found = _mutation("beginPasskey", "options expiresAt")(door, fields)
    return {"options": found["options"], "expires_at": found["expiresAt"]}


def _passkey_graphql(field: str, kind: str) -> Callable[[GraphqlDoor, dict[str, Any]], Any]:
    return lambda door, fields: snake(
        _mutation(field, f"passkey {{ {_PASSKEY} }}", kind)(door, fields)["passkey"]
    )


def _sent(door: RestDoor, method: str, path: str, fields: dict[str, Any]) -> Any:
    return door.call(method, path, json=fields)


def _rename_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    return door.call("PATCH", f"/v1/factors/passkeys/{fields['id']}", json={"name": fields["name"]})


OPERATIONS = {
    "sessions.list": Operation(
        rest=lambda door, fields: rest_list(door, "/v1/sessions", **fields),
        graphql=lambda door, fields: [
            snake(one) for one in graphql_list(door, "sessions", _SESSION, **fields)
        ],
        cli=lambda door, fields: cli_list(door, "sessions", "list", **fields),
    ),
    "sessions.end_one": Operation(
        rest=lambda door, fields: door.call("DELETE", f"/v1/sessions/{fields['id']}"),
        graphql=_mutation("endOneSession", "endedId", "EndOneSessionInput"),
        cli=lambda door, fields: door.run("sessions", "end", fields["id"]),
    ),
    "sessions.end_others": Operation(
        rest=lambda door, _: door.call("POST", "/v1/sessions/end-others"),
        graphql=_mutation("endOtherSessions", "ended"),
        cli=lambda door, _: door.run("sessions", "end-others"),
    ),
    "sessions.confirm": Operation(
        rest=lambda door, fields: _sent(door, "POST", "/v1/sessions/current/confirm", fields),
        graphql=lambda door, fields: snake(
            _mutation("confirmSession", f"session {{ {_SESSION} }}", "ConfirmSessionInput")(door, fields)[
                "session"
            ]
        ),
        cli=_confirm_cli,
    ),
    "sessions.change_password": Operation(
        rest=lambda door, fields: _sent(door, "PUT", "/v1/password", fields),
        graphql=_mutation("changePassword", "ended", "ChangePasswordInput"),
        cli=_change_cli,
    ),
    "factors.list": Operation(
        rest=lambda door, _: door.call("GET", "/v1/factors"),
        graphql=lambda door, _: deep_snake(door.call(f"{{ factors {{ {_FACTORS} }} }}")),
        cli=lambda door, _: door.run("factors", "list"),
    ),
    "factors.totp.begin": Operation(
        rest=lambda door, _: door.call("POST", "/v1/factors/totp"),
        graphql=_begin_graphql,
        cli=lambda door, _: door.run("factors", "totp", "begin"),
    ),
    "factors.totp.confirm": Operation(
        rest=lambda door, fields: _sent(door, "POST", "/v1/factors/totp/confirm", fields),
        graphql=_codes_graphql("confirmTotp", "ConfirmTotpInput"),
        cli=lambda door, fields: door.run("factors", "totp", "confirm", fields["code"]),
    ),
    "factors.totp.remove": Operation(
        rest=lambda door, _: door.call("DELETE", "/v1/factors/totp"),
        graphql=_mutation("removeTotp", "removed"),
        cli=lambda door, _: door.run("factors", "totp", "remove", "--yes"),
    ),
    "factors.recovery_codes.renew": Operation(
        rest=lambda door, _: door.call("POST", "/v1/factors/recovery-codes"),
        graphql=_codes_graphql("renewRecoveryCodes"),
        cli=lambda door, _: door.run("factors", "recovery-codes", "renew", "--yes"),
    ),
    "factors.passkeys.begin": Operation(
        rest=lambda door, _: door.call("POST", "/v1/factors/passkeys/options"),
        graphql=_options_graphql,
        cli=lambda door, _: door.run("factors", "passkeys", "options"),
    ),
    "factors.passkeys.add": Operation(
        rest=lambda door, fields: _sent(door, "POST", "/v1/factors/passkeys", fields),
        graphql=_passkey_graphql("addPasskey", "AddPasskeyInput"),
        cli=lambda door, fields: door.run(
            "factors", "passkeys", "add", fields["name"], json.dumps(fields["credential"])
        ),
    ),
    "factors.passkeys.rename": Operation(
        rest=_rename_rest,
        graphql=_passkey_graphql("renamePasskey", "RenamePasskeyInput"),
        cli=lambda door, fields: door.run("factors", "passkeys", "rename", fields["id"], fields["name"]),
    ),
    "factors.passkeys.remove": Operation(
        rest=lambda door, fields: door.call("DELETE", f"/v1/factors/passkeys/{fields['id']}"),
        graphql=_mutation("removePasskey", "removedId", "RemovePasskeyInput"),
        cli=lambda door, fields: door.run("factors", "passkeys", "remove", "--yes", fields["id"]),
    ),
}
