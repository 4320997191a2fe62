"""Who may do what: administrators everything, members with keys of their own, readers nothing but look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.dialects.prefect.requests import MAX_LOOKED_UP
from tests.dialects.prefect.world import (
    CREATE_ACCOUNT,
    CREATE_KEY,
    DELETE_ACCOUNT,
    DELETE_KEY,
    QUEUE,
    REGISTER,
)

if TYPE_CHECKING:
    from tests.dialects.prefect.world import World

CREATE_TOKEN = "mutation($input: create_api_token_input!) { create_api_token(input: $input) { token } }"
DELETE_TOKEN = "mutation($input: delete_api_token_input!) { delete_api_token(input: $input) { success } }"
FORBIDDEN = "FORBIDDEN"
NO_KEY = {"success": False, "error": "No such API key."}


def mutations(world: World) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every mutation that changes anything, with an input that would do for an administrator."""
    reader = world.reader
    return {
        "create_api_key": (CREATE_KEY, {"user_id": reader.user_id, "name": "a"}),
        "delete_api_key": (DELETE_KEY, {"key_id": world.member.key_id}),
        "create_api_token": (CREATE_TOKEN, {"name": "a", "scope": "RUNNER"}),
        "delete_api_token": (DELETE_TOKEN, {"token_id": world.member.key_id}),
        "create_service_account": (CREATE_ACCOUNT, {"tenant_id": world.here, "name": "a"}),
        "delete_service_account": (DELETE_ACCOUNT, {"user_id": reader.user_id}),
        "register_agent": (REGISTER, {"type": "LocalAgent", "name": "a", "tenant_id": world.here}),
        "get_runs_in_queue": (QUEUE, {"tenant_id": world.here}),
    }


@pytest.mark.parametrize(
    "name",
    [
        "create_api_key",
        "delete_api_key",
        "create_api_token",
        "delete_api_token",
        "create_service_account",
        "delete_service_account",
        "register_agent",
        "get_runs_in_queue",
    ],
)
def test_a_reader_changes_nothing(world: World, name: str) -> None:
    query, wanted = mutations(world)[name]
    found = world.ask(query, {"input": wanted}, world.reader.token)
    assert found["data"] == {name: None}
    (error,) = found["errors"]
    assert error["path"] == [name]
    assert error["message"] == "Unauthorized"
    assert error["extensions"]["code"] == FORBIDDEN
    assert world.works(world.member.token)


def test_a_reader_sees_what_there_is(world: World) -> None:
    world.data(REGISTER, {"input": {"type": "LocalAgent"}})
    query = (
        "{ auth_info { tenant_id api_token_scope permissions } tenant { slug } user { username } auth_api_key { id } "
        "user_view_same_tenant { id } membership { id } auth_role { id } agent { id } audit_log { message } }"
    )
    found = world.data(query, token=world.reader.token)
    assert found["auth_info"]["api_token_scope"] == "USER"
    assert found["auth_info"]["permissions"] == [
        "read:api-key",
        "read:service-account-api-key",
        "read:service-account",
        "read:role",
        "read:tenant",
        "read:agent",
        "read:audit-log",
    ]
    assert {world.admin.key_id, world.reader.key_id} <= {one["id"] for one in found["auth_api_key"]}
    assert all(found.values())


def test_a_member_has_keys_of_its_own_alone(world: World) -> None:
    token = world.member.token
    made = world.made("of-mel", token)
    rows = world.data("{ auth_api_key { id user_id created_by { username } } }", token=token)["auth_api_key"]
    assert {one["user_id"] for one in rows} == {world.member.user_id}
    assert made["id"] in {one["id"] for one in rows}
    wanted = {"input": {"user_id": world.admin.user_id, "name": "not-mine"}}
    assert world.code(CREATE_KEY, wanted, token) == FORBIDDEN
    deleted = world.data(DELETE_KEY, {"input": {"key_id": world.admin.key_id}}, token)
    assert deleted["delete_api_key"] == NO_KEY
    deleted = world.data(DELETE_KEY, {"input": {"key_id": made["id"]}}, token)
    assert deleted["delete_api_key"] == {"success": True, "error": None}
    assert not world.works(made["key"])
    assert world.works(world.admin.token)


def test_only_administrators_make_service_accounts(world: World) -> None:
    wanted = {"input": {"tenant_id": world.here, "name": "robot"}}
    assert world.code(CREATE_ACCOUNT, wanted, world.member.token) == FORBIDDEN
    account = world.data(CREATE_ACCOUNT, wanted)["create_service_account"]["id"]
    of_it = {"input": {"user_id": account, "name": "of-robot"}}
    assert world.code(CREATE_KEY, of_it, world.member.token) == FORBIDDEN
    token = world.data(CREATE_KEY, of_it)["create_api_key"]["key"]
    assert world.code(DELETE_ACCOUNT, {"input": {"user_id": account}}, world.member.token) == FORBIDDEN
    info = world.data("{ auth_info { user_id role_id } auth_role { id name } }", token=token)
    names = {one["id"]: one["name"] for one in info["auth_role"]}
    assert info["auth_info"]["user_id"] == account
    assert names[info["auth_info"]["role_id"]] == "TENANT_ADMIN"
    # Its key may do what an administrator may, and not end itself.
    again = world.data(CREATE_ACCOUNT, wanted, token)["create_service_account"]["id"]
    gone = world.data(DELETE_ACCOUNT, {"input": {"user_id": again}}, token)["delete_service_account"]
    assert gone == {"success": True, "error": None}
    assert world.code(DELETE_ACCOUNT, {"input": {"user_id": account}}, token) == FORBIDDEN
    gone = world.data(DELETE_ACCOUNT, {"input": {"user_id": again}})["delete_service_account"]
    assert gone == {"success": False, "error": "No such service account."}


def test_a_key_does_not_revoke_itself(world: World) -> None:
    assert world.code(DELETE_KEY, {"input": {"key_id": world.admin.key_id}}) == FORBIDDEN
    assert world.works(world.admin.token)


def test_why_something_is_refused_stands_beside_the_word(world: World) -> None:
    wanted = {"input": {"tenant_id": world.here, "name": "robot"}}
    (error,) = world.ask(CREATE_ACCOUNT, wanted, world.member.token)["errors"]
    assert error["extensions"] == {
        "code": FORBIDDEN,
        "detail": "This needs the permission identities:create.",
    }


def test_the_tenants_do_not_meet(world: World) -> None:
    """Whatever names a thing of the other tenant finds nothing, and changes nothing."""
    eve = world.stranger.token
    for query in (
        "query($id: uuid) { found: auth_api_key(where: {id: {_eq: $id}}) { id } }",
        "query($id: uuid) { found: api_token(where: {id: {_eq: $id}}) { id } }",
        "query($id: uuid) { found: agent(where: {api_key_id: {_eq: $id}}) { id } }",
    ):
        assert world.data(query, {"id": world.member.key_id}, eve)["found"] == []
    for query in (
        "query($id: uuid) { found: auth_api_key(where: {user_id: {_eq: $id}}) { id } }",
        "query($id: uuid) { found: user_view_same_tenant(where: {id: {_eq: $id}}) { id } }",
    ):
        assert world.data(query, {"id": world.member.user_id}, eve)["found"] == []
    memberships = world.data("{ membership { id user_id } }")["membership"]
    query = "query($id: uuid) { membership(where: {id: {_eq: $id}}) { id } }"
    assert world.data(query, {"id": memberships[0]["id"]}, eve)["membership"] == []
    assert world.data("{ membership { user_id } }", token=eve)["membership"] == [
        {"user_id": world.stranger.user_id}
    ]
    wanted = {"input": {"key_id": world.member.key_id}}
    assert world.data(DELETE_KEY, wanted, eve)["delete_api_key"] == NO_KEY
    wanted = {"input": {"token_id": world.member.key_id}}
    assert world.data(DELETE_TOKEN, wanted, eve)["delete_api_token"] == {"success": False}
    wanted = {"input": {"user_id": world.member.user_id, "name": "a"}}
    assert world.code(CREATE_KEY, wanted, eve) == FORBIDDEN
    wanted = {"input": {"tenant_id": world.here, "name": "a"}}
    assert world.code(CREATE_ACCOUNT, wanted, eve) == FORBIDDEN
    account = world.data(CREATE_ACCOUNT, wanted)["create_service_account"]["id"]
    gone = world.data(DELETE_ACCOUNT, {"input": {"user_id": account}}, eve)["delete_service_account"]
    assert gone == {"success": False, "error": "No such service account."}
    wanted = {"input": {"type": "LocalAgent", "tenant_id": world.here}}
    assert world.code(REGISTER, wanted, eve) == FORBIDDEN
    assert world.code(QUEUE, {"input": {"tenant_id": world.here}}, eve) == FORBIDDEN
    assert world.works(world.member.token)


def test_what_is_elsewhere_and_what_is_nowhere_look_the_same(world: World) -> None:
    """Byte for byte, for a key, a user and a service account."""
    nowhere = "00000000-0000-7000-8000-000000000000"
    there = world.stranger
    for query, field, foreign in (
        (DELETE_KEY, "key_id", there.key_id),
        (DELETE_ACCOUNT, "user_id", there.user_id),
        (CREATE_KEY, "user_id", there.user_id),
    ):
        answers = [
            world.post(
                {
                    "query": query,
                    "variables": {"input": {field: given} | ({"name": "a"} if query is CREATE_KEY else {})},
                },
                world.admin.token,
            ).content
            for given in (foreign, nowhere, "text")
        ]
        assert len(set(answers)) == 1


def test_nobody_hands_out_more_than_they_hold(world: World) -> None:
    """A key with a scope makes no administrator, though its owner is one."""
    keywright = world.keywright
    scope = [{"actions": ["identities:*", "keys:*", "roles:read"]}]
    identity = f"idn_{world.admin.user_id.replace('-', '')}"
    token = keywright.key("here", identity_id=identity, scope=scope)["token"]
    wanted = {"input": {"tenant_id": world.here, "name": "grown"}}
    (error,) = world.ask(CREATE_ACCOUNT, wanted, token)["errors"]
    assert error["extensions"]["code"] == FORBIDDEN
    accounts = world.data('{ user_view_same_tenant(where: {username: {_eq: "grown"}}) { id } }')
    assert accounts["user_view_same_tenant"] == []
    wanted = {"input": {"user_id": world.admin.user_id, "name": "grown"}}
    assert world.code(CREATE_KEY, wanted, token) == FORBIDDEN


def test_an_agent_is_told_by_its_key(world: World) -> None:
    """The list says what a revocation stops; another's agent is not seen again by a stranger's poll."""
    made = world.made("for-an-agent", world.member.token)
    wanted = {"type": "LocalAgent", "name": "worker", "labels": ["b", "a"], "tenant_id": world.here}
    register = {"input": wanted}
    agent = world.data(REGISTER, register, made["key"], X_PREFECT_CORE_VERSION="1.4.1")["register_agent"]
    assert (
        world.data(REGISTER, register, made["key"], X_PREFECT_CORE_VERSION="1.4.1")["register_agent"] == agent
    )
    query = (
        "query($id: uuid) { agent(where: {api_key_id: {_eq: $id}}, order_by: {created: asc}) "
        "{ id name labels last_queried user_id api_key { id name expires_at user { username } } } }"
    )
    asked = {"id": made["id"]}
    (found,) = world.data(query, asked)["agent"]
    assert found["id"] == agent["id"]
    assert found["labels"] == ["b", "a"]
    assert found["user_id"] == world.member.user_id
    assert found["api_key"] == {
        "id": made["id"],
        "name": "for-an-agent",
        "expires_at": None,
        "user": {"username": "mel"},
    }
    assert world.data(query, asked, world.member.token)["agent"] == [found]
    assert world.data("{ agent { id } }", token=world.stranger.token)["agent"] == []
    queue = {"input": {"tenant_id": world.here, "labels": []}}
    for token in (made["key"], world.admin.token):
        found = world.data(QUEUE, queue, token, X_PREFECT_AGENT_ID=agent["id"])
        assert found["get_runs_in_queue"] == {"flow_run_ids": []}
    assert world.data(DELETE_KEY, {"input": {"key_id": made["id"]}})["delete_api_key"]["success"]
    assert world.code(QUEUE, queue, made["key"], X_PREFECT_AGENT_ID=agent["id"]) == "UNAUTHENTICATED"
    (left,) = [
        one
        for one in world.data("{ agent { id api_key_id api_key { id } } }")["agent"]
        if one["id"] == agent["id"]
    ]
    assert left == {"id": agent["id"], "api_key_id": made["id"], "api_key": None}


def test_whose_many_keys_are(world: World) -> None:
    """However many people stand in an answer, each is told."""
    names = [f"robot-{number:02}" for number in range(MAX_LOOKED_UP + 5)]
    for name in names:
        wanted = {"input": {"tenant_id": world.here, "name": name}}
        account = world.data(CREATE_ACCOUNT, wanted)["create_service_account"]["id"]
        world.made(f"of-{name}", user_id=account)
    query = "{ auth_api_key { name user { first_name memberships { role_detail { name } } } created_by { username } } }"
    rows = {one["name"]: one for one in world.data(query)["auth_api_key"]}
    for name in names:
        found = rows[f"of-{name}"]
        assert found["user"] == {
            "first_name": name,
            "memberships": [{"role_detail": {"name": "TENANT_ADMIN"}}],
        }
        assert found["created_by"] == {"username": "ada"}


def test_an_identity_of_a_key_alone_is_its_own_user(world: World) -> None:
    token = world.keywright.key("here", "admin")["token"]
    query = "{ user { id first_name account_type email } auth_info { user_id } }"
    found = world.data(query, token=token)
    assert found["user"] == [
        {
            "id": found["auth_info"]["user_id"],
            "first_name": "A key",
            "account_type": "SERVICE",
            "email": None,
        }
    ]
    query = "query($id: uuid) { user_view_same_tenant(where: {id: {_eq: $id}}) { id } }"
    assert world.data(query, {"id": found["auth_info"]["user_id"]})["user_view_same_tenant"] == []
