"""Which credentials are taken, for which tenant, and how the others are refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.prefect.world import AUTH_INFO, CREATE_KEY, wire

if TYPE_CHECKING:
    from tests.dialects.prefect.world import World

UNAUTHENTICATED = "UNAUTHENTICATED"


def refused(world: World, **headers: str) -> Any:
    """The error of a request with these headers, which has the form that clients know."""
    answer = world.post({"query": AUTH_INFO, "variables": "null"}, **headers)
    assert answer.status_code == 200
    found = answer.json()
    assert found["data"] == {"auth_info": None}
    (error,) = found["errors"]
    assert error["path"] == ["auth_info"]
    assert error["extensions"]["code"] == UNAUTHENTICATED
    return error


def test_without_a_credential(world: World) -> None:
    assert refused(world)["message"] == "Unauthenticated"


@pytest.mark.parametrize("value", ["Bearer", "", "Basic YTpi", "token"])
def test_a_header_that_cannot_be_read(world: World, value: str) -> None:
    assert refused(world, Authorization=value)["message"] == "Malformed Authorization header"


def test_two_headers(world: World) -> None:
    headers = [("Authorization", f"Bearer {world.admin.token}"), ("Authorization", "Bearer other")]
    answer = world.keywright.http.post(
        world.keywright.at("prefect"), json={"query": AUTH_INFO}, headers=headers
    )
    (error,) = answer.json()["errors"]
    assert error["message"] == "Malformed Authorization header"


@pytest.mark.parametrize("token", ["unknown", "kw_short", "x" * 600], ids=range(3))
def test_what_nobody_made(world: World, token: str) -> None:
    error = refused(world, Authorization=f"Bearer {token}")
    assert error["message"] == "Unauthenticated"
    assert token not in str(error)


def test_disabled_and_deleted_keys(world: World) -> None:
    made = world.made("to-be-stopped")
    path = f"/v1/keys/key_{made['id'].replace('-', '')}"
    world.keywright.rest("PATCH", path, {"active": False}, tenant="here")
    error = refused(world, Authorization=f"Bearer {made['key']}")
    assert error["message"] == "Unauthenticated"
    world.keywright.rest("PATCH", path, {"active": True}, tenant="here")
    assert world.works(made["key"])
    world.keywright.rest("DELETE", path, tenant="here")
    refused(world, Authorization=f"Bearer {made['key']}")


def test_a_key_ends_at_its_expiry(world: World) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    made = world.made("short", expires_at=end.isoformat())
    assert world.works(made["key"])
    listed = world.data('{ auth_api_key(where: {name: {_eq: "short"}}) { expires_at } }')["auth_api_key"]
    assert datetime.fromisoformat(listed[0]["expires_at"]) == end
    while datetime.now(UTC) < end:
        time.sleep(0.02)
    refused(world, Authorization=f"Bearer {made['key']}")


def test_an_expiry_is_read_as_utc_unless_it_says_otherwise(world: World) -> None:
    for given, stored in (
        ("2099-01-01T12:00:00+02:00", "2099-01-01T10:00:00+00:00"),
        ("2099-01-01T10:00:00Z", "2099-01-01T10:00:00+00:00"),
        ("2099-01-01T10:00:00.25", "2099-01-01T10:00:00.250000+00:00"),
        ("2099-01-01", "2099-01-01T00:00:00+00:00"),
    ):
        key = world.made("dated", expires_at=given)
        query = "query($id: uuid) { auth_api_key(where: {id: {_eq: $id}}) { expires_at } }"
        assert world.data(query, {"id": key["id"]})["auth_api_key"] == [{"expires_at": stored}]


@pytest.mark.parametrize("name", ["there", "nobody", "text", "empty"])
def test_a_key_is_good_for_its_tenant_alone(world: World, name: str) -> None:
    tenant = {
        "there": world.there,
        "nobody": "00000000-0000-0000-0000-000000000000",
        "text": "here",
        "empty": "",
    }
    error = refused(world, Authorization=f"Bearer {world.admin.token}", X_PREFECT_TENANT_ID=tenant[name])
    assert error["message"] == "Unauthenticated"
    create = {"input": {"user_id": world.admin.user_id, "name": "a"}}
    assert world.code(CREATE_KEY, create, X_PREFECT_TENANT_ID=tenant[name]) == UNAUTHENTICATED


def test_the_tenants_id_in_any_letters(world: World) -> None:
    for spelled in (world.here, world.here.upper(), world.here.replace("-", "")):
        found = world.data(AUTH_INFO, X_PREFECT_TENANT_ID=spelled)
        assert found == {"auth_info": {"tenant_id": world.here}}


def test_the_tenants_header_twice(world: World) -> None:
    headers = [("Authorization", f"Bearer {world.admin.token}")] + [("X-PREFECT-TENANT-ID", world.here)] * 2
    answer = world.keywright.http.post(
        world.keywright.at("prefect"), json={"query": AUTH_INFO}, headers=headers
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_session_names_its_tenant(world: World) -> None:
    """A person who is logged in belongs to no tenant, and may name any in which they hold a role."""
    session = world.keywright.session("ada")
    assert world.data("{ auth_info { tenant_id } tenant { slug } }", token=session) == {
        "auth_info": {"tenant_id": None},
        "tenant": [{"slug": "here"}],
    }
    query = "{ auth_info { tenant_id user_id } }"
    found = world.data(query, token=session, X_PREFECT_TENANT_ID=world.here)
    assert found["auth_info"] == {"tenant_id": world.here, "user_id": world.admin.user_id}
    assert world.code(query, None, session, X_PREFECT_TENANT_ID=world.there) == UNAUTHENTICATED
    create = {"input": {"user_id": world.admin.user_id, "name": "by-session"}}
    made = world.data(CREATE_KEY, create, session, X_PREFECT_TENANT_ID=world.here)["create_api_key"]
    assert world.works(made["key"])
    create["input"]["default_tenant_id"] = world.here
    assert world.works(world.data(CREATE_KEY, create, session)["create_api_key"]["key"])
    create["input"]["default_tenant_id"] = world.there
    assert world.code(CREATE_KEY, create, session) == "FORBIDDEN"


def test_a_key_of_the_installation_names_its_tenant(world: World) -> None:
    root = world.keywright.key(None, "super_admin")["token"]
    found = world.data("{ auth_info { tenant_id } tenant(order_by: {slug: desc}) { slug } }", token=root)
    assert found["auth_info"] == {"tenant_id": None}
    slugs = [one["slug"] for one in found["tenant"]]
    assert slugs == sorted(slugs, reverse=True)
    assert {"here", "there"} <= set(slugs)
    query = "{ user_view_same_tenant { username } }"
    people = world.data(query, token=root, X_PREFECT_TENANT_ID=world.there)["user_view_same_tenant"]
    assert people == [{"username": "eve"}]
    switch = "mutation($input: switch_tenant_input!) { switch_tenant(input: $input) { access_token } }"
    assert world.code(switch, {"input": {"tenant_id": world.here}}, root) == UNAUTHENTICATED


def test_a_caller_of_several_tenants_is_asked_for_one(world: World) -> None:
    keywright = world.keywright
    person = keywright.person("two", "here")
    given = {"identity_id": person["id"], "role": "member"}
    other = wire(keywright.tenant("second")["id"])
    keywright.rest("POST", "/v1/memberships", given, tenant="second")
    session = keywright.session("two")
    answer = world.ask("{ auth_api_key { id } }", None, session)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "X-PREFECT-TENANT-ID" in answer["errors"][0]["message"]
    query = "{ user { default_membership { tenant { slug } } memberships { tenant { slug } role_detail { name } } } }"
    (user,) = world.data(query, None, session)["user"]
    assert user["default_membership"] == {"tenant": {"slug": "here"}}
    assert user["memberships"] == [
        {"tenant": {"slug": "here"}, "role_detail": {"name": "TENANT_ADMIN"}},
        {"tenant": {"slug": "second"}, "role_detail": {"name": "USER"}},
    ]
    for tenant, slug in ((world.here, "here"), (other, "second")):
        assert world.data("{ auth_api_key { id } }", None, session, X_PREFECT_TENANT_ID=tenant) is not None
        (user,) = world.data(query, None, session, X_PREFECT_TENANT_ID=tenant)["user"]
        assert user["default_membership"] == {"tenant": {"slug": slug}}


def test_the_keys_of_a_disabled_tenant_and_a_disabled_person(world: World) -> None:
    keywright = world.keywright
    keywright.tenant("closing")
    person = keywright.person("cleo", "closing", "member", password=None)
    token = keywright.key("closing", identity_id=person["id"])["token"]
    assert world.works(token)
    for path, tenant in (("/v1/tenants/closing", None), (f"/v1/users/{person['id']}", "*")):
        keywright.rest("PATCH", path, {"active": False}, tenant=tenant)
        refused(world, Authorization=f"Bearer {token}")
        keywright.rest("PATCH", path, {"active": True}, tenant=tenant)
        assert world.works(token)


def test_the_token_for_a_tenant_ends_with_the_key(world: World) -> None:
    query = (
        "mutation($input: switch_tenant_input!) { switch_tenant(input: $input) { access_token expires_at } }"
    )
    made = world.made("ending", expires_at="2098-01-01T00:00:00+00:00")
    wanted = {"input": {"tenant_id": world.here}}
    assert world.data(query, wanted, made["key"])["switch_tenant"] == {
        "access_token": made["key"],
        "expires_at": "2098-01-01T00:00:00+00:00",
    }
    wanted = {"input": {"tenant_id": world.there}}
    assert world.code(query, wanted, made["key"]) == UNAUTHENTICATED
    session = world.keywright.session("ada")
    query = "mutation { refresh_token(input: {}) { access_token expires_at } }"
    found = world.data(query, None, session)["refresh_token"]
    assert found["access_token"] == session
    assert datetime.fromisoformat(found["expires_at"]) < datetime.now(UTC) + timedelta(days=400)
