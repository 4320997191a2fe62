"""`POST /v1/verify`: the verdict, and who may ask for which."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from keywright.api.rest.verify import VerifyIn
from keywright.core.tokens import mint
from keywright.storage.schema import identity, tenant
from tests.doors.rest.house import ROOT, MovableClock, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

EMPTY = {
    "key_id": None,
    "name": None,
    "identity": None,
    "tenant": None,
    "roles": None,
    "scope": None,
    "expires_at": None,
    "metadata": None,
}
NOT_FOUND = {"valid": False, "code": "NOT_FOUND", **EMPTY}


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory, clock: MovableClock) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("verify"), clock=clock) as found:
        for slug in ("blog", "shop"):
            assert (await found.ask("POST", "/v1/tenants", json={"slug": slug})).status_code == 201
        yield found


async def verify(rest: House, body: dict[str, Any], token: str = ROOT, **headers: str) -> dict[str, Any]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await rest.ask("POST", "/v1/verify", token=token, json=body, headers=sent)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


async def refused(
    rest: House, body: dict[str, Any], token: str = ROOT, **headers: str
) -> tuple[int, str, str | None]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await rest.ask("POST", "/v1/verify", token=token, json=body, headers=sent)
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("field")


@asynccontextmanager
async def switched_off(rest: House, table: Any, row_id: str) -> AsyncIterator[None]:
    await rest.execute(update(table).where(table.c.id == row_id).values(active=False))
    yield
    await rest.execute(update(table).where(table.c.id == row_id).values(active=True))


async def test_a_valid_token_and_all_that_is_told_of_it(rest: House) -> None:
    scope = [{"actions": ["article:*"], "resources": ["article:cs:**"]}]
    made = await rest.make(
        tenant="blog",
        name="Nightly",
        scope=scope,
        expires_at="2099-01-01T01:00:00+01:00",
        metadata={"team": "search", "n": 1.5, "ünï": [None, True]},
    )
    who = (await rest.ask("GET", "/v1/whoami")).json()["identity"]
    asked = {"token": made["token"], "action": "article:read", "resource": "article:cs:1"}
    assert await verify(rest, asked) == {
        "valid": True,
        "code": "VALID",
        "key_id": made["key"]["id"],
        "name": "Nightly",
        "identity": who,
        "tenant": "blog",
        "roles": [{"role": "super_admin", "variables": {}}],
        "scope": scope,
        "expires_at": "2099-01-01T00:00:00Z",
        "metadata": {"team": "search", "n": 1.5, "ünï": [None, True]},
    }


async def test_a_key_without_limits_says_so(rest: House) -> None:
    made = await rest.make()
    found = await verify(rest, {"token": made["token"]})
    assert (found["valid"], found["scope"], found["expires_at"], found["metadata"]) == (True, None, None, {})


@pytest.mark.parametrize("name", ["token", "token_hash"])
async def test_a_hash_does_as_well_as_the_token(rest: House, name: str) -> None:
    made = await rest.make()
    given = made["token"] if name == "token" else hashlib.sha256(made["token"].encode()).hexdigest()
    assert (await verify(rest, {name: given}))["key_id"] == made["key"]["id"]
    assert (await verify(rest, {name: given, "ip": None, "action": None, "tenant": None}))["valid"]


async def test_a_token_made_elsewhere(rest: House) -> None:
    token = "sk_live_" + "0123456789abcdef" * 2
    made = await rest.make(token_hash=hashlib.sha256(token.encode()).hexdigest())
    assert made["token"] is None
    assert (await verify(rest, {"token": token}))["key_id"] == made["key"]["id"]


async def test_unknown_malformed_mistyped_and_deleted_tokens_are_the_same(rest: House) -> None:
    deleted = await rest.make()
    assert (await rest.ask("DELETE", f"/v1/keys/{deleted['key']['id']}")).status_code == 200
    token = (await rest.make())["token"]
    mistyped = token[:-1] + ("0" if token[-1] != "0" else "1")
    session = await rest.log_in()
    unknown = mint().reveal()
    for given in (deleted["token"], mistyped, session, unknown, "", "kw_", "x" * 5_000, "ü", "a b", "a\0b"):
        assert await verify(rest, {"token": given}) == NOT_FOUND
    assert await verify(rest, {"token_hash": "ab" * 32}) == NOT_FOUND


async def test_what_follows_from_the_state_and_the_clock(rest: House, clock: MovableClock) -> None:
    now = clock.now()
    made = await rest.make(
        not_before=(now + timedelta(hours=1)).isoformat(), expires_at=(now + timedelta(hours=2)).isoformat()
    )
    key_id, asked = made["key"]["id"], {"token": made["token"]}
    try:
        assert await verify(rest, asked) == {
            "valid": False,
            "code": "NOT_YET_VALID",
            **EMPTY,
            "key_id": key_id,
        }
        clock.ahead = timedelta(minutes=61)
        assert (await verify(rest, asked))["code"] == "VALID"
        clock.ahead = timedelta(minutes=121)
        assert await verify(rest, asked) == {"valid": False, "code": "EXPIRED", **EMPTY, "key_id": key_id}
    finally:
        clock.ahead = timedelta(0)
    for active, code in ((False, "DISABLED"), (True, "NOT_YET_VALID")):
        await rest.ask("PATCH", f"/v1/keys/{key_id}", json={"active": active})
        assert await verify(rest, asked) == {"valid": False, "code": code, **EMPTY, "key_id": key_id}


async def test_a_switched_off_owner_or_tenant(rest: House) -> None:
    session = await rest.log_in()
    made = await rest.make(session, tenant="blog")
    key_id, asked = made["key"]["id"], {"token": made["token"]}
    async with switched_off(rest, identity, made["key"]["identity_id"]):
        assert await verify(rest, asked) == {
            "valid": False,
            "code": "IDENTITY_DISABLED",
            **EMPTY,
            "key_id": key_id,
        }
    tenant_id = (await rest.ask("GET", "/v1/tenants/blog")).json()["id"]
    async with switched_off(rest, tenant, tenant_id):
        assert await verify(rest, asked) == {
            "valid": False,
            "code": "TENANT_DISABLED",
            **EMPTY,
            "key_id": key_id,
        }
        status, code, _ = await refused(rest, asked, made["token"])
        assert (status, code) == (401, "unauthenticated")
    assert (await verify(rest, asked))["valid"]


@pytest.mark.parametrize(
    ("ip", "code"),
    [
        ("10.1.2.3", "VALID"),
        ("::ffff:10.1.2.3", "VALID"),
        ("2001:db8::7", "VALID"),
        ("2001:db8::7%eth0", "VALID"),
        ("11.0.0.1", "IP_NOT_ALLOWED"),
        ("::1", "IP_NOT_ALLOWED"),
        (None, "IP_NOT_ALLOWED"),
    ],
)
async def test_addresses(rest: House, ip: str | None, code: str) -> None:
    made = await rest.make(allowed_cidrs=["10.0.0.0/8", "2001:db8::/32"])
    found = await verify(rest, {"token": made["token"], "ip": ip}, X_Forwarded_For="10.1.2.3")
    assert found["code"] == code
    assert found["key_id"] == made["key"]["id"]


async def test_permissions(rest: House) -> None:
    made = await rest.make(scope=[{"actions": ["a:read"], "resources": ["a:1"]}, {"actions": ["b:*"]}])
    token = made["token"]
    for action, resource, valid in (
        ("a:read", "a:1", True),
        ("a:read", "a:2", False),
        ("a:read", None, False),
        ("a:write", "a:1", False),
        ("b:anything", None, True),
        ("b:anything", "c:1", True),
        ("b", None, False),
    ):
        found = await verify(rest, {"token": token, "action": action, "resource": resource})
        assert found["valid"] is valid, (action, resource)
        assert found["code"] == ("VALID" if valid else "INSUFFICIENT_PERMISSIONS")
        assert found["key_id"] == made["key"]["id"]


async def test_an_explanation_of_each_kind(rest: House) -> None:
    made = await rest.make(scope=[{"actions": ["a:read"]}])
    allowed = await verify(rest, {"token": made["token"], "action": "a:read", "explain": True})
    assert allowed["explanation"] == {
        "check": "permission",
        "detail": "Role super_admin allows this, and the key's scope keeps it.",
        "policy": {"actions": ["**"], "resources": None},
        "source": "role:super_admin",
    }
    denied = await verify(rest, {"token": made["token"], "action": "a:write", "explain": True})
    assert denied["explanation"] == {
        "check": "scope",
        "detail": "The identity may do this, and the key's scope leaves it out.",
        "policy": {"actions": ["a:read"], "resources": None},
        "source": "scope",
    }
    unknown = await verify(rest, {"token": "x", "action": "a:write", "explain": True})
    assert unknown["explanation"] == {
        "check": "token",
        "detail": "No key has this token.",
        "policy": None,
        "source": None,
    }
    assert "explanation" not in await verify(rest, {"token": "x", "action": "a:write"})


async def test_an_explanation_needs_keys_read(rest: House) -> None:
    asker = await rest.make(scope=[{"actions": ["keys:verify"]}])
    assert (await verify(rest, {"token": asker["token"]}, asker["token"]))["valid"]
    body = {"token": asker["token"], "explain": True}
    assert await refused(rest, body, asker["token"]) == (403, "permission_denied", "explain")
    reader = await rest.make(scope=[{"actions": ["keys:verify", "keys:read"]}])
    assert "explanation" in await verify(rest, body, reader["token"])


async def test_a_caller_needs_keys_verify(rest: House) -> None:
    asker = await rest.make(scope=[{"actions": ["keys:read", "article:**"]}])
    assert await refused(rest, {"token": asker["token"]}, asker["token"]) == (403, "permission_denied", None)
    # Before anything is said of the question itself:
    assert await refused(rest, {"token": 7}, asker["token"]) == (403, "permission_denied", None)


async def test_a_caller_is_known_before_its_question_is_read(rest: House) -> None:
    answer = await rest.ask("POST", "/v1/verify", token="unknown", content=b"nonsense")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="keywright"'


async def test_the_callers_key_is_held_to_its_own_limits(rest: House) -> None:
    asker = await rest.make(allowed_cidrs=["10.0.0.0/8"])
    assert (await refused(rest, {"token": "x"}, asker["token"]))[:2] == (401, "unauthenticated")
    asker = await rest.make()
    await rest.ask("PATCH", f"/v1/keys/{asker['key']['id']}", json={"active": False})
    assert (await refused(rest, {"token": "x"}, asker["token"]))[:2] == (401, "unauthenticated")


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/verify/batch"])
async def test_either_header_takes_a_key_or_a_session(rest: House, path: str) -> None:
    made, session = await rest.make(), await rest.log_in()
    body: dict[str, Any] = {"token": made["token"]}
    if path.endswith("batch"):
        body = {"items": [body]}
    for token in (made["token"], session):
        for headers in ({"Authorization": f"bearer  {token}"}, {"X-Api-Key": token}):
            answer = await rest.ask("POST", path, token=None, headers=headers, json=body)
            assert answer.status_code == 200
            assert '"valid":true' in answer.text


async def test_a_caller_confined_to_a_tenant_does_not_find_the_keys_of_another(rest: House) -> None:
    asker = (await rest.make(tenant="blog"))["token"]
    foreign = await rest.make(tenant="shop")
    headers = {"Authorization": f"Bearer {asker}"}
    for extra in (
        {},
        {"action": "a:b"},
        {"explain": True},
        {"tenant": "shop"},
        {"tenant": "blog"},
        {"ip": "::1"},
    ):
        answers = [
            await rest.ask("POST", "/v1/verify", token=None, headers=headers, json={"token": token, **extra})
            for token in (foreign["token"], mint().reveal())
        ]
        assert answers[0].content == answers[1].content
        assert answers[0].status_code == answers[1].status_code == 200
        assert answers[0].json()["code"] == "NOT_FOUND"
    digest = hashlib.sha256(foreign["token"].encode()).hexdigest()
    assert await verify(rest, {"token_hash": digest}, asker) == NOT_FOUND
    await rest.ask("PATCH", f"/v1/keys/{foreign['key']['id']}", json={"active": False})
    assert await verify(rest, {"token": foreign["token"]}, asker) == NOT_FOUND


async def test_a_key_asked_about_in_another_tenant(rest: House) -> None:
    made = await rest.make(tenant="blog")
    token = made["token"]
    mismatch = {"valid": False, "code": "TENANT_MISMATCH", **EMPTY, "key_id": made["key"]["id"]}
    for asker in (ROOT, token):
        # A tenant that is not there and one that the asker may not see give the same.
        for elsewhere in ("shop", "nowhere"):
            assert await verify(rest, {"token": token, "tenant": elsewhere}, asker) == mismatch
        assert (await verify(rest, {"token": token, "tenant": "blog"}, asker))["valid"]
        assert (await verify(rest, {"token": token}, asker))["valid"]


async def test_a_caller_that_names_its_tenant_asks_in_it(rest: House) -> None:
    made = await rest.make(tenant="blog")
    body = {"token": made["token"]}
    assert (await verify(rest, body, Keywright_Tenant="shop"))["code"] == "TENANT_MISMATCH"
    assert (await verify(rest, body, Keywright_Tenant="blog"))["valid"]
    both = {**body, "tenant": "blog"}
    assert (await verify(rest, both, Keywright_Tenant="blog"))["valid"]
    assert await refused(rest, both, Keywright_Tenant="shop") == (422, "invalid_value", "tenant")
    assert (await verify(rest, body, made["token"], Keywright_Tenant="blog"))["valid"]
    for hidden in ("shop", "nowhere"):
        answer = await refused(rest, body, made["token"], Keywright_Tenant=hidden)
        assert answer == (404, "not_found", "tenant")


async def test_a_global_key_is_used_where_it_is_asked_about(rest: House) -> None:
    asker = (await rest.make(tenant="blog"))["token"]
    anywhere = await verify(rest, {"token": ROOT})
    assert (anywhere["valid"], anywhere["tenant"]) == (True, None)
    for found in (
        await verify(rest, {"token": ROOT, "tenant": "blog"}),
        await verify(rest, {"token": ROOT}, asker),
    ):
        assert (found["valid"], found["tenant"], found["name"]) == (True, "blog", "Root")
    assert (await verify(rest, {"token": ROOT, "tenant": "nowhere"}))["code"] == "TENANT_MISMATCH"


async def test_a_valid_use_is_remembered_with_the_address_that_was_told(rest: House) -> None:
    made = await rest.make()
    await verify(rest, {"token": made["token"], "ip": "::ffff:192.0.2.7"})
    await rest.app.upkeep.flush()
    key = (await rest.ask("GET", f"/v1/keys/{made['key']['id']}")).json()
    assert key["last_used_ip"] == "192.0.2.7"
    assert key["last_used_at"] >= key["created_at"]


def test_a_question_does_not_show_its_token() -> None:
    assert repr(VerifyIn(token="a-token")) == "VerifyIn(…)"
