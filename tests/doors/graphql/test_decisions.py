"""Who is asking, and what its holder may do with a token, over GraphQL."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors.graphql.conftest import VERIFY, Speaker

pytestmark = pytest.mark.anyio


async def test_the_viewer_is_the_holder_of_the_credential(root: Speaker, blog: Speaker) -> None:
    query = """{ viewer {
        identity { kind name } credential { kind id expiresAt apiKey { id name } } tenant { slug }
        roles { role variables { name values } }
    } }"""
    viewer = await blog.get(query)
    credential = viewer["credential"]
    assert (credential["kind"], credential["apiKey"]) == (
        "KEY",
        {"id": credential["id"], "name": "Administrator"},
    )
    assert viewer["tenant"] == {"slug": "blog"}
    assert (await root.get(query))["roles"] == [{"role": "super_admin", "variables": []}]
    login = {"login": "admin", "password": "a-password-of-the-graphql-tests"}
    session = (await root.client.post("/v1/sessions", json=login)).json()
    viewer = await root.as_(session["token"]).get(query)
    assert viewer["identity"] == {"kind": "USER", "name": "admin"}
    assert viewer["credential"]["kind"] == "SESSION"
    assert viewer["credential"]["expiresAt"] == session["expires_at"]
    assert viewer["credential"]["apiKey"] is None


async def test_a_verdict_with_all_that_can_be_asked(root: Speaker) -> None:
    made = await root.make(
        "Narrow", scope=[{"actions": ["article:read"]}], allowedCidrs=["10.0.0.0/8"], metadata={"a": 1}
    )
    query = """query ($input: VerifyInput!) { verify(input: $input) {
        valid code keyId name identity { name kind } tenant { slug } roles { role } scope { actions resources }
        expiresAt
        metadata explanation { check detail source policy { actions resources } }
    } }"""
    asked = {
        "token": made["token"],
        "ip": "10.1.1.1",
        "action": "article:read",
        "resource": "article:1",
        "tenant": "default",
    }
    verdict = await root.get(query, input={**asked, "explain": True})
    explanation = verdict.pop("explanation")
    assert verdict == {
        "valid": True,
        "code": "VALID",
        "keyId": made["apiKey"]["id"],
        "name": "Narrow",
        "identity": {"name": "root", "kind": "KEY"},
        "tenant": {"slug": "default"},
        "roles": [{"role": "super_admin"}],
        "scope": [{"actions": ["article:read"], "resources": None}],
        "expiresAt": None,
        "metadata": {"a": 1},
    }
    assert explanation["check"] == "permission"
    for change, code in (
        ({"action": "article:write"}, "INSUFFICIENT_PERMISSIONS"),
        ({"ip": "192.0.2.1"}, "IP_NOT_ALLOWED"),
        ({"tenant": "other"}, "TENANT_MISMATCH"),
    ):
        refused = await root.get(query, input={**asked, **change})
        assert refused.pop("keyId") == made["apiKey"]["id"]
        assert (refused.pop("valid"), refused.pop("code")) == (False, code)
        assert set(refused.values()) == {None}


async def test_a_verdict_is_asked_for_in_the_tenant_of_the_header(root: Speaker, blog: Speaker) -> None:
    token = (await blog.make("Theirs"))["token"]
    for slug, code in (("blog", "VALID"), ("default", "TENANT_MISMATCH")):
        verdict = await root.get(VERIFY, headers={"keywright_tenant": slug}, input={"token": token})
        assert verdict["code"] == code
    unknown = await root.refused(VERIFY, headers={"keywright_tenant": "nothing"}, input={"token": token})
    assert unknown == {"code": "not_found", "field": "tenant"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"code": "missing_field", "field": "token"}),
        ({"token": "x", "tokenHash": "0" * 64}, {"code": "invalid_value", "field": "tokenHash"}),
        ({"tokenHash": "A" * 64}, {"code": "invalid_token_hash", "field": "tokenHash"}),
        ({"token": "x", "resource": "a"}, {"code": "missing_field", "field": "action"}),
        ({"token": "x", "action": "a b"}, {"code": "invalid_value", "field": "action"}),
        ({"token": "x", "ip": "nowhere"}, {"code": "invalid_value", "field": "ip"}),
    ],
)
async def test_a_question_that_makes_no_sense(
    shared: Speaker, asked: dict[str, Any], expected: dict[str, str]
) -> None:
    assert await shared.refused(VERIFY, input=asked) == expected
