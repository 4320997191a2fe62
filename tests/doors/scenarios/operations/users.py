"""People and their invitations on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.doors.scenarios.cli_door import CliDoor, changed_limits, limit_options
from tests.doors.scenarios.cli_door import given_role as as_option
from tests.doors.scenarios.door import Operation
from tests.doors.scenarios.graphql_door import LIMITS, camel, given_role, snake, with_uses
from tests.doors.scenarios.paging import cli_list, graphql_list, graphql_one, rest_list

if TYPE_CHECKING:
    from tests.doors.scenarios.graphql_door import GraphqlDoor
    from tests.doors.scenarios.rest_door import RestDoor

_GIVEN = "memberships { id role variables { name values } }"
_HELD = "memberships { role variables { name values } }"
_USER = f"id login email name active twoFactor passwordChangeDue createdAt {_GIVEN} {LIMITS}"
_INVITATION = f"""id tenant {{ slug }} state identityId endsFactors login email name {_HELD} createdAt
createdBy {{ id kind name }} expiresAt acceptedAt acceptedBy revokedAt"""
_INVITED = f"invitation {{ {_INVITATION} }} token link mailed mailProblem replayed"
_ACCEPTED = f"identity {{ id kind name }} login tenant {{ slug }} {_HELD} alreadyHeld skipped"


def _values(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**one, "variables": {two["name"]: two["values"] for two in one["variables"]}}
        for one in found["memberships"]
    ]


def _identity(found: dict[str, Any] | None) -> dict[str, Any] | None:
    return found and {**found, "kind": found["kind"].lower()}


def _user(found: dict[str, Any]) -> dict[str, Any]:
    limits = [snake(one) for one in found["limits"]]
    return {**snake(found), "memberships": _values(found), "limits": limits}


def _invitation(found: dict[str, Any]) -> dict[str, Any]:
    it = snake(found)
    return {
        **it,
        "tenant": it["tenant"] and it["tenant"]["slug"],
        "state": it["state"].lower(),
        "memberships": _values(found),
        "created_by": _identity(it["created_by"]),
    }


def _invited(found: dict[str, Any]) -> dict[str, Any]:
    it = snake(found)
    problem = it["mail_problem"]
    return {
        **it,
        "invitation": _invitation(found["invitation"]),
        "mail_problem": problem and problem.lower(),
    }


def _accepted(found: dict[str, Any]) -> dict[str, Any]:
    it = snake(found)
    return {
        **it,
        "identity": _identity(it["identity"]),
        "tenant": it["tenant"] and it["tenant"]["slug"],
        "memberships": _values(found),
    }


def _again(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """The fields without the idempotency key, and that as a header and as an option."""
    given = dict(fields)
    key = given.pop("idempotency_key", None)
    return (
        given,
        {} if key is None else {"Idempotency-Key": key},
        [] if key is None else [f"--idempotency-key={key}"],
    )


def _mutate(door: GraphqlDoor, name: str, kind: str, shape: str, given: Any, headers: Any = None) -> Any:
    document = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ {shape} }} }}"
    return door.call(document, headers, input=given)


def _create_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    given, headers, _ = _again(fields)
    return door.call("POST", "/v1/users", json=given, headers=headers)


def _create_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    given, headers, _ = _again(fields)
    shape = f"user {{ {_USER} }} replayed"
    made = _mutate(door, "createUser", "CreateUser", shape, with_uses(given), headers)
    return _user(made["user"])


def _create_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    given, _, again = _again(fields)
    options = [f"--email={given['email']}"] if "email" in given else []
    options += limit_options(given.get("limits", ()))
    typed = given.get("password")
    if typed is not None:
        options.append("--password=-")
    return door.run("users", "create", *again, *options, "--", given["login"], given["name"], typed=typed)


def _update_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    changes = dict(fields)
    return door.call("PATCH", f"/v1/users/{changes.pop('id')}", json=changes)


def _update_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    changed = _mutate(door, "updateUser", "UpdateUser", f"user {{ {_USER} }}", with_uses(fields))
    return _user(changed["user"])


def _update_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    changes = dict(fields)
    user_id = changes.pop("id")
    options = changed_limits(changes.pop("limits", None))
    if "active" in changes:
        options.append("--enable" if changes.pop("active") else "--disable")
    options += [f"--{name}={'' if value is None else value}" for name, value in changes.items()]
    return door.run("users", "update", *options, user_id)


def _delete_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    assert _mutate(door, "deleteUser", "DeleteUser", "deletedId", fields)["deletedId"] == fields["id"]


def _delete_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    door.run("users", "delete", "--yes", fields["id"])


def _remove_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    assert _mutate(door, "removeUser", "RemoveUser", "removedId", fields)["removedId"] == fields["id"]


def _remove_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    door.run("users", "remove", "--yes", fields["id"])


def _reset_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    given, headers, _ = _again(fields)
    return door.call("POST", f"/v1/users/{given.pop('id')}/reset", json=given, headers=headers)


def _reset_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    given, headers, _ = _again(fields)
    return _invited(_mutate(door, "resetUser", "ResetUser", _INVITED, camel(given), headers))


def _reset_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    given, _, again = _again(fields)
    options = ["--factors"] if given.get("factors") else []
    if "expires_in_days" in given:
        options.append(f"--days={given['expires_in_days']}")
    return door.run("users", "reset", *again, *options, given["id"])


def _invite_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    given, headers, _ = _again(fields)
    return door.call("POST", "/v1/invitations", json=given, headers=headers)


def _invite_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    given, headers, _ = _again(fields)
    sent = camel(given) | {"memberships": [given_role(one) for one in given.get("memberships", [])]}
    return _invited(_mutate(door, "inviteUser", "InviteUser", _INVITED, sent, headers))


def _invite_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    given, _, options = _again(fields)
    options += [f"--role={as_option(one)}" for one in given.get("memberships", [])]
    options += [f"--{name}={given[name]}" for name in ("login", "email") if name in given]
    if "expires_in_days" in given:
        options.append(f"--days={given['expires_in_days']}")
    return door.run("users", "invite", *options, "--", given["name"])


def _revoke_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    revoked = _mutate(door, "revokeInvitation", "RevokeInvitation", "revokedId", fields)
    assert revoked["revokedId"] == fields["id"]


def _revoke_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    door.run("invitations", "revoke", "--yes", fields["id"])


def _as_whom(fields: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The fields, and whether who is logged in accepts."""
    given = dict(fields)
    return given, bool(given.pop("join", False))


def _accept_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    given, join = _as_whom(fields)
    return door.call("POST", "/v1/invitations/accept", json=given, anonymous=not join)


def _accept_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    given, join = _as_whom(fields)
    document = f"""mutation ($input: AcceptInvitationInput!) {{
        acceptInvitation(input: $input) {{ {_ACCEPTED} }}
    }}"""
    return _accepted(door.call(document, anonymous=not join, input=given))


def _accept_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    given, join = _as_whom(fields)
    options = (
        ["--join"] if join else [f"--{name}={given[name]}" for name in ("login", "name") if name in given]
    )
    typed = "\n".join([given["token"], *([] if join else [given["password"]])])
    return CliDoor(door.url, door.token).run("invitations", "accept", "--stdin", *options, typed=typed)


def _log_in_rest(door: RestDoor, fields: dict[str, Any]) -> Any:
    given = dict(fields)
    return door.call("POST", f"/v1/users/{given.pop('id')}/sessions", json=given)


def _log_in_graphql(door: GraphqlDoor, fields: dict[str, Any]) -> Any:
    given = camel({**fields, "user_id": fields["id"]})
    del given["id"]
    shape = "token sessionId identity { id kind name } expiresAt"
    found = snake(_mutate(door, "createSessionFor", "CreateSessionFor", shape, given))
    return {**found, "id": found.pop("session_id"), "identity": _identity(found["identity"])}


def _log_in_cli(door: CliDoor, fields: dict[str, Any]) -> Any:
    given = dict(fields)
    user_id = given.pop("id")
    options = [
        f"--{name.removesuffix('_seconds')}={'never' if value is None else value}"
        for name, value in given.items()
    ]
    return door.run("users", "log-in", *options, user_id)


OPERATIONS = {
    "sessions.create_for": Operation(_log_in_rest, _log_in_graphql, _log_in_cli),
    "users.create": Operation(_create_rest, _create_graphql, _create_cli),
    "users.get": Operation(
        rest=lambda door, fields: door.call("GET", f"/v1/users/{fields['id']}"),
        graphql=lambda door, fields: _user(graphql_one(door, "user", "id", "ID", fields["id"], _USER)),
        cli=lambda door, fields: door.run("users", "show", fields["id"]),
    ),
    "users.list": Operation(
        rest=lambda door, fields: rest_list(door, "/v1/users", **fields),
        graphql=lambda door, fields: [
            _user(one) for one in graphql_list(door, "users", _USER, "UserFilter", **fields)
        ],
        cli=lambda door, fields: cli_list(door, "users", "list", **fields),
    ),
    "users.update": Operation(_update_rest, _update_graphql, _update_cli),
    "users.delete": Operation(
        rest=lambda door, fields: door.call("DELETE", f"/v1/users/{fields['id']}"),
        graphql=_delete_graphql,
        cli=_delete_cli,
    ),
    "users.remove": Operation(
        rest=lambda door, fields: door.call("POST", f"/v1/users/{fields['id']}/remove"),
        graphql=_remove_graphql,
        cli=_remove_cli,
    ),
    "users.reset": Operation(_reset_rest, _reset_graphql, _reset_cli),
    "users.invite": Operation(_invite_rest, _invite_graphql, _invite_cli),
    "invitations.list": Operation(
        rest=lambda door, fields: rest_list(door, "/v1/invitations", **fields),
        graphql=lambda door, fields: [
            _invitation(one) for one in graphql_list(door, "invitations", _INVITATION, **fields)
        ],
        cli=lambda door, fields: cli_list(door, "invitations", "list", **fields),
    ),
    "invitations.revoke": Operation(
        rest=lambda door, fields: door.call("DELETE", f"/v1/invitations/{fields['id']}"),
        graphql=_revoke_graphql,
        cli=_revoke_cli,
    ),
    "invitations.accept": Operation(_accept_rest, _accept_graphql, _accept_cli),
}
