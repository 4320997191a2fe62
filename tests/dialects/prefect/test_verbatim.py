"""What the clients send, and what the documents show, sent as exactly that text."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from tests.dialects.prefect.world import wire

if TYPE_CHECKING:
    from tests.dialects.prefect.world import World


def text(query: str, variables: str = "null") -> bytes:
    """A body as Prefect's own client writes it: the variables are JSON within JSON."""
    inner = variables.replace('"', '\\"')
    return f'{{"query": "{query}", "variables": "{inner}"}}'.encode()


def answered(world: World, body: bytes, token: str | None = None, **headers: str) -> object:
    answer = world.post(body, token or world.admin.token, **headers)
    assert answer.status_code == 200
    found = answer.json()
    assert list(found) == ["data"]
    return found["data"]


def test_the_documents_on_api_keys(world: World) -> None:
    """A user's key is made, listed without its value, and revoked."""
    user = world.member.user_id
    literal = f'mutation {{ create_api_key(input: {{ user_id: \\"{user}\\", name: \\"my-api-key\\" }}) {{ token }} }}'
    made = answered(world, f'{{"query": "{literal}"}}'.encode())
    assert isinstance(made, dict)
    token = made["create_api_key"]["token"]
    assert world.works(token)
    listed = answered(world, b'{"query": "query { auth_api_key { id name expires_at } }"}')
    assert isinstance(listed, dict)
    assert token not in str(listed)
    (key_id,) = [one["id"] for one in listed["auth_api_key"] if one["name"] == "my-api-key"]
    revoke = f'mutation {{ delete_api_key(input: {{ key_id: \\"{key_id}\\" }}) {{ success }} }}'
    assert answered(world, f'{{"query": "{revoke}"}}'.encode()) == {"delete_api_key": {"success": True}}
    assert not world.works(token)


def test_a_service_account_with_a_key(world: World) -> None:
    query = "mutation($input: create_service_account_input!) { create_service_account(input: $input) { id } }"
    made = answered(world, text(query, f'{{"input": {{"tenant_id": "{world.here}", "name": "ci"}}}}'))
    assert isinstance(made, dict)
    account = made["create_service_account"]["id"]
    query = "mutation($input: create_api_key_input!) { create_api_key(input: $input) { key } }"
    wanted = f'{{"input": {{"name": "ci-key", "user_id": "{account}", "expires_at": "2099-01-01T10:00:00+00:00"}}}}'
    key = answered(world, text(query, wanted))
    assert isinstance(key, dict)
    token = key["create_api_key"]["key"]
    assert world.data("query { auth_info { user_id } }", token=token)["auth_info"]["user_id"] == account
    where = "query($user_id: uuid) { auth_api_key(where: {user_id: {_eq: $user_id}}) { name expires_at } }"
    assert answered(world, text(where, f'{{"user_id": "{account}"}}')) == {
        "auth_api_key": [{"name": "ci-key", "expires_at": "2099-01-01T10:00:00+00:00"}]
    }
    query = "mutation($input: delete_service_account_input!) { delete_service_account(input: $input) { success } }"
    gone = answered(world, text(query, f'{{"input": {{"user_id": "{account}"}}}}'))
    assert gone == {"delete_service_account": {"success": True}}
    assert not world.works(token)


def test_what_1_4_1_sends(world: World) -> None:
    here = world.here
    tenant = {"id": here, "slug": "here", "name": "here"}
    assert answered(world, text("query { auth_info { tenant_id } }")) == {"auth_info": {"tenant_id": here}}
    for fields in permutations(("id", "slug", "name")):
        query = f'query {{ tenant(where: {{ id: {{ _eq: \\"{here}\\" }} }}) {{ {" ".join(fields)} }} }}'
        assert answered(world, text(query), X_PREFECT_TENANT_ID=here) == {"tenant": [tenant]}
    query = "query { tenant(order_by: {slug: asc}) { id slug name } }"
    assert answered(world, text(query)) == {"tenant": [tenant]}
    query = "query($slug: String) { tenant(where: {slug: { _eq: $slug } }) { id } }"
    assert answered(world, text(query, '{"slug": "here"}')) == {"tenant": [{"id": here}]}
    assert answered(world, text(query, '{"slug": "there"}')) == {"tenant": []}
    assert answered(world, text("query { auth_info { user_id } }")) == {
        "auth_info": {"user_id": world.admin.user_id}
    }
    query = "mutation($input: delete_api_key_input!) { delete_api_key(input: $input) { success } }"
    nothing = '{"input": {"key_id": "00000000-0000-0000-0000-000000000000"}}'
    assert answered(world, text(query, nothing)) == {"delete_api_key": {"success": False}}


def test_what_an_agent_of_1_4_1_sends(world: World) -> None:
    query = "mutation($input: register_agent_input!) { register_agent(input: $input) { id } }"
    about = '"type": "LocalAgent", "name": "agent", "labels": ["a-host"]'
    wanted = f'{{"input": {{{about}, "tenant_id": "{world.here}", "agent_config_id": null}}}}'
    made = answered(world, text(query, wanted), X_PREFECT_CORE_VERSION="1.4.1")
    assert isinstance(made, dict)
    agent_id = made["register_agent"]["id"]
    assert answered(world, text("query { hello }")) == {"hello": "👋"}
    query = "mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }"
    asked = (
        f'{{"input": {{"before": "2026-01-01T00:00:10.5+00:00", "labels": [], "tenant_id": "{world.here}"}}}}'
    )
    for _ in range(2):
        assert answered(world, text(query, asked), X_PREFECT_AGENT_ID=agent_id) == {
            "get_runs_in_queue": {"flow_run_ids": []}
        }
    query = f'query {{ agent_config(where: {{ id: {{ _eq: \\"{world.here}\\" }} }}) {{ settings }} }}'
    assert answered(world, text(query)) == {"agent_config": []}
    fields = "id type name labels core_version tenant_id user_id api_key_id api_key { id name }"
    query = f"query($id: uuid) {{ agent(where: {{id: {{_eq: $id}}}}) {{ {fields} }} }}"
    (agent,) = world.data(query, {"id": agent_id})["agent"]
    assert agent == {
        "id": agent_id,
        "type": "LocalAgent",
        "name": "agent",
        "labels": ["a-host"],
        "core_version": "1.4.1",
        "tenant_id": world.here,
        "user_id": world.admin.user_id,
        "api_key_id": world.admin.key_id,
        "api_key": {"id": world.admin.key_id, "name": "A key"},
    }


def test_what_0_15_13_sends(world: World) -> None:
    """One of two conditions is null, and then it is none."""
    query = (
        "query($slug: String, $id: uuid) { tenant(where: {slug: { _eq: $slug }, id: { _eq: $id } }) { id } }"
    )
    here = {"tenant": [{"id": world.here}]}
    assert answered(world, text(query, f'{{"slug": null, "id": "{world.here}"}}')) == here
    assert answered(world, text(query, '{"slug": "here", "id": null}')) == here
    assert answered(world, text(query, '{"slug": "here"}')) == here
    assert answered(world, text(query, f'{{"slug": "other", "id": "{world.here}"}}')) == {"tenant": []}


def test_what_0_14_17_sends(world: World) -> None:
    """It logs in to a tenant before every command, and is told that its key may run agents."""
    token = world.admin.token
    body = text("query { user { default_membership { tenant_id } } }")
    assert answered(world, body) == {"user": [{"default_membership": {"tenant_id": world.here}}]}
    query = (
        "mutation($input: switch_tenant_input!) { switch_tenant(input: $input) "
        "{ access_token expires_at refresh_token } }"
    )
    switched = {"access_token": token, "refresh_token": token, "expires_at": "2099-01-01T00:00:00+00:00"}
    wanted = f'{{"input":{{"tenant_id":"{world.here}"}}}}'
    assert answered(world, text(query, wanted)) == {"switch_tenant": switched}
    query = (
        "mutation($input: refresh_token_input!) { refresh_token(input: $input) "
        "{ access_token expires_at refresh_token } }"
    )
    wanted = f'{{"input": {{"access_token": "{token}"}}}}'
    assert answered(world, text(query, wanted)) == {"refresh_token": switched}
    assert answered(world, text("query { auth_info { api_token_scope } }")) == {
        "auth_info": {"api_token_scope": "RUNNER"}
    }
    query = "mutation($input: register_agent_input!) { register_agent(input: $input) { id } }"
    about = '"type": "LocalAgent", "name": "old", "labels": [], "tenant_id": null, "agent_config_id": null'
    assert answered(world, text(query, f'{{"input": {{{about}}}}}'))
    query = "mutation($input: get_runs_in_queue_input!) { get_runs_in_queue(input: $input) { flow_run_ids } }"
    asked = '{"input": {"before": "2026-01-01T00:00:10+00:00", "labels": [], "tenant_id": null}}'
    assert answered(world, text(query, asked)) == {"get_runs_in_queue": {"flow_run_ids": []}}


def test_tokens_of_0_15_and_older(world: World) -> None:
    """A token for agents can run them and nothing else; it is revoked as a token, as any API key is."""
    query = "mutation($input: create_api_token_input!) { create_api_token(input: $input) { token } }"
    made = answered(world, text(query, '{"input":{"name":"old-runner","scope":"RUNNER"}}'))
    assert isinstance(made, dict)
    token = made["create_api_token"]["token"]
    assert world.data("{ auth_info { api_token_scope permissions } }", token=token)["auth_info"] == {
        "api_token_scope": "RUNNER",
        "permissions": ["create:agent"],
    }
    assert world.code("{ auth_api_key { id } }", token=token) == "FORBIDDEN"
    listed = answered(world, text("query { api_token { id name } }"))
    assert isinstance(listed, dict)
    (token_id,) = [one["id"] for one in listed["api_token"] if one["name"] == "old-runner"]
    query = "mutation($input: delete_api_token_input!) { delete_api_token(input: $input) { success } }"
    wanted = f'{{"input": {{"token_id": "{token_id}"}}}}'
    assert answered(world, text(query, wanted)) == {"delete_api_token": {"success": True}}
    assert answered(world, text(query, wanted)) == {"delete_api_token": {"success": False}}
    assert not world.works(token)
    key = world.made("a-key")
    wanted = f'{{"input": {{"token_id": "{key["id"]}"}}}}'
    assert answered(world, text(query, wanted)) == {"delete_api_token": {"success": True}}


@pytest.mark.parametrize("scope", ["RUNNER", "USER"])
def test_tokens_are_told_apart_by_their_scope(world: World, scope: str) -> None:
    query = "mutation($input: create_api_token_input!) { create_api_token(input: $input) { id token } }"
    made = world.data(query, {"input": {"name": f"of-{scope}", "scope": scope}})["create_api_token"]
    query = "query($in: [String!]) { api_token(where: {scope: {_in: $in}}) { id scope created last_used } }"
    found = {one["id"]: one["scope"] for one in world.data(query, {"in": [scope]})["api_token"]}
    assert found[made["id"]] == scope
    assert set(found.values()) == {scope}


def test_the_page_of_keys_and_the_terraform_provider(world: World) -> None:
    """Object variables, and the first queries of each."""
    made = world.made("on-the-page")
    query = (
        "query Keys { auth_api_key(order_by: { created: desc }) "
        "{ id name created expires_at default_tenant_id user_id updated created_by { id username } } }"
    )
    answer = world.post(
        {"operationName": "Keys", "query": query, "variables": {}}, world.admin.token, "/graphql"
    )
    rows = answer.json()["data"]["auth_api_key"]
    assert [one["created"] for one in rows] == sorted((one["created"] for one in rows), reverse=True)
    (own,) = [one for one in rows if one["id"] == made["id"]]
    assert own["user_id"] == world.admin.user_id
    assert own["created_by"] == {"id": world.admin.user_id, "username": "ada"}
    assert own["default_tenant_id"] == world.here
    assert own["created"].endswith("+00:00")
    query = (
        "{ user { id username email first_name last_name settings account_type default_membership_id "
        "default_membership { id tenant_id tenant { id name } } "
        "memberships { id tenant { id name slug } role_detail { id name } } } auth_role { name id } }"
    )
    found = world.data(query)
    (user,) = found["user"]
    (held,) = user["memberships"]
    roles = {one["name"]: one["id"] for one in found["auth_role"]}
    assert user["username"] == "ada"
    assert user["email"] == "ada@example.com"
    assert user["account_type"] == "USER"
    assert user["default_membership_id"] == held["id"] == user["default_membership"]["id"]
    assert held["tenant"] == {"id": world.here, "name": "here", "slug": "here"}
    assert held["role_detail"] == {"id": roles["TENANT_ADMIN"], "name": "TENANT_ADMIN"}
    assert {"TENANT_ADMIN", "USER", "READ_ONLY_USER"} <= set(roles)


def test_a_service_account_is_a_user_with_one_membership(world: World) -> None:
    (role,) = world.data('{ auth_role(where: {name: {_eq: "USER"}}) { id } }')["auth_role"]
    query = "mutation($input: create_service_account_input!) { create_service_account(input: $input) { id } }"
    wanted = {"tenant_id": world.here, "name": "a robot", "role_id": role["id"]}
    account = world.data(query, {"input": wanted})["create_service_account"]["id"]
    fields = "id first_name account_type memberships { id role_detail { name permissions } }"
    query = f"query($id: uuid) {{ user_view_same_tenant(where: {{id: {{_eq: $id}}}}) {{ {fields} }} }}"
    (found,) = world.data(query, {"id": account})["user_view_same_tenant"]
    assert found["first_name"] == "a robot"
    assert found["account_type"] == "SERVICE"
    (held,) = found["memberships"]
    assert held["role_detail"]["name"] == "USER"
    assert "create:service-account" not in held["role_detail"]["permissions"]
    query = (
        "query($id: uuid) { membership(where: {id: {_eq: $id}}) { user_id tenant_id role_detail { id } } }"
    )
    (again,) = world.data(query, {"id": held["id"]})["membership"]
    assert again == {"user_id": account, "tenant_id": world.here, "role_detail": {"id": role["id"]}}
    query = "query($like: String) { user_view_same_tenant(where: {username: {_similar: $like}}) { id } }"
    assert world.data(query, {"like": "a ro%"})["user_view_same_tenant"] == [{"id": account}]
    listed = world.data("{ user_view_same_tenant(order_by: {username: asc}) { username } membership { id } }")
    names = [one["username"] for one in listed["user_view_same_tenant"]]
    assert names == sorted(names)
    assert {"ada", "mel", "rea", "a robot"} <= set(names)
    assert "eve" not in names
    assert held["id"] in {one["id"] for one in listed["membership"]}


def test_a_role_of_the_tenants_own(world: World) -> None:
    """It can be given to a service account, whose key is told its id."""
    wanted = {
        "name": "night-watch",
        "policies": [{"actions": ["audit:read", "roles:read", "identities:read"]}],
    }
    defined = world.keywright.rest("POST", "/v1/roles", wanted, tenant="here")
    (role,) = world.data('{ auth_role(where: {name: {_eq: "night-watch"}}) { id permissions tenant_id } }')[
        "auth_role"
    ]
    assert role["permissions"] == ["read:service-account", "read:role", "read:audit-log"]
    assert role["tenant_id"] == world.here
    query = "mutation($input: create_service_account_input!) { create_service_account(input: $input) { id } }"
    given = {"tenant_id": world.here, "name": "watch", "role_id": role["id"]}
    account = world.data(query, {"input": given})["create_service_account"]["id"]
    token = world.made("watch", user_id=account)["key"]
    found = world.data(
        "{ auth_info { role_id } user { memberships { role_detail { id name } } } }", token=token
    )
    assert found["auth_info"]["role_id"] == role["id"]
    (held,) = found["user"][0]["memberships"]
    assert held["role_detail"] == {"id": role["id"], "name": "night-watch"}
    assert defined["name"] == "night-watch"


def test_the_audit_trail(world: World) -> None:
    key = world.made("audited")
    query = (
        "{ audit_log(order_by: {timestamp: desc}, limit: 1) { object_id object_table timestamp message } }"
    )
    (entry,) = world.data(query)["audit_log"]
    assert entry["object_id"] == key["id"]
    assert (entry["object_table"], entry["message"]) == ("auth_api_key", "key.create")
    assert world.code("{ audit_log(limit: 0) { message } }") == "BAD_USER_INPUT"


def test_tenant_by_pk(world: World) -> None:
    query = "query($id: uuid!) { tenant_by_pk(id: $id) { slug } }"
    assert world.data(query, {"id": world.here.upper()})["tenant_by_pk"] == {"slug": "here"}
    assert world.data(query, {"id": world.there})["tenant_by_pk"] is None
    assert world.data(query, {"id": "no uuid"})["tenant_by_pk"] is None
    assert wire(f"ten_{world.here.replace('-', '')}") == world.here
