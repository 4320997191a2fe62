"""A token stands in the answer that made it, and in nothing else that anybody can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.dialects.prefect.requests import operations
from tests.dialects.prefect.world import CREATE_KEY, DELETE_KEY

if TYPE_CHECKING:
    from tests.dialects.prefect.world import World

EVERYTHING = """query {
  auth_info { tenant_id user_id role_id permissions license api_token_scope }
  tenant { id slug name created }
  auth_api_key { id name user_id user { ...who } default_tenant_id expires_at created updated created_by_user_id
    created_by { ...who } }
  api_token { id name scope tenant_id user_id expires_at created last_used created_by { ...who } }
  user { ...who }
  user_view_same_tenant { ...who }
  membership { id tenant_id tenant { name } user_id role_detail { id name permissions } }
  auth_role { id name permissions tenant_id created updated }
  agent { id tenant_id type name labels core_version agent_config_id created last_queried api_key_id
    api_key { id name } user_id }
  audit_log { object_id object_table timestamp message }
}
fragment who on user { id username email first_name last_name account_type settings default_membership_id
  default_membership { id } memberships { id } }"""


def test_a_token_is_told_once(world: World) -> None:
    made = world.made("told-once")
    token = made["key"]
    assert made["token"] == token
    told = [world.post({"query": EVERYTHING}, one).text for one in (world.admin.token, token)]
    told += [world.post({"query": query}, token).text for query in ("{", "{ nothing }", "{ tenant }")]
    told.append(world.post({"query": DELETE_KEY, "variables": {"input": {"key_id": token}}}, token).text)
    told.append(world.post({"query": CREATE_KEY, "variables": {"input": {"name": token}}}, token).text)
    told.append(world.post({"query": "{ auth_info { user_id } }", "variables": token}, token).text)
    told.append(world.post({"query": "{ hello }", "operationName": token}, token).text)
    told.append(world.post(b"{", token).text)
    told.append(world.keywright.http.get(f"{world.keywright.url}/metrics").text)
    world.data(DELETE_KEY, {"input": {"key_id": made["id"]}})
    told.append(world.post({"query": EVERYTHING}, token).text)
    told.append(world.keywright.process.errors() + world.keywright.process.output())
    for text in told:
        assert token not in text


def test_no_field_is_made_of_a_token(world: World) -> None:
    """Neither its hash nor its end, which tell somebody that has one."""
    shown = world.post({"query": EVERYTHING}, world.admin.token).text
    assert world.admin.token[-7:] not in shown
    assert "hash" not in shown


def test_what_was_sent_does_not_show_itself() -> None:
    (one,), _ = operations(b'{"query": "{ hello }", "variables": {"a": "a-secret"}}')
    assert "a-secret" not in repr(one)
    assert "hello" not in repr(one)
