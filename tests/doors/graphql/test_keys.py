"""Keys and tenants over GraphQL, from the request to the database and back."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.doors.graphql.conftest import MAKE, TENANT, VERIFY, Speaker

pytestmark = pytest.mark.anyio

UPDATE = """mutation ($input: UpdateApiKeyInput!) {
    updateApiKey(input: $input) { apiKey {
        id name description handle state active notBefore expiresAt allowedCidrs metadata scope { actions resources }
    } }
}"""
DELETE = "mutation ($ids: [ID!]!) { deleteApiKeys(input: {ids: $ids}) { deletedIds } }"
KEY = "query ($id: ID!) { apiKey(id: $id) { id name state } }"
LIST = """query ($first: Int, $after: String, $filter: ApiKeyFilter, $orderBy: ApiKeyOrder) {
    apiKeys(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
        edges { cursor node { name } } nodes { id name state owner { id name } tenant { slug } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}"""
FULL = {
    "description": "Two\nlines",
    "handle": "full_key",
    "scope": [{"actions": ["article:*"], "resources": ["article:cs:**"]}, {"actions": ["a:b"]}],
    "notBefore": "2090-01-01T00:00:00+01:00",
    "expiresAt": "2091-01-01T00:00:00.5Z",
    "allowedCidrs": ["10.0.0.0/8"],
    "metadata": {"team": "search", "nested": [{"a": None, "ž": 1.5}]},
    "prefix": "acme",
}


async def names(speaker: Speaker, **variables: Any) -> list[str]:
    return [node["name"] for node in (await speaker.get(LIST, **variables))["nodes"]]


async def test_a_key_from_its_creation_to_its_end(root: Speaker) -> None:
    made = await root.make("Export")
    token, key_id = made["token"], made["apiKey"]["id"]
    assert made["apiKey"] == {"id": key_id, "name": "Export", "state": "ACTIVE"}
    assert await root.get(KEY, id=key_id) == made["apiKey"]
    verdict = await root.get(VERIFY, input={"token": token})
    assert verdict == {"valid": True, "code": "VALID", "keyId": key_id, "name": "Export"}
    disabled = await root.get(UPDATE, input={"id": key_id, "active": False})
    assert disabled["apiKey"]["state"] == "DISABLED"
    verdict = await root.get(VERIFY, input={"token": token})
    assert verdict == {"valid": False, "code": "DISABLED", "keyId": key_id, "name": None}
    await root.get(UPDATE, input={"id": key_id, "active": True})
    assert await root.get(DELETE, ids=[key_id]) == {"deletedIds": [key_id]}
    assert await root.get(KEY, id=key_id) is None
    assert (await root.get(VERIFY, input={"token": token}))["code"] == "NOT_FOUND"
    assert await root.refused(DELETE, ids=[key_id]) == {"code": "not_found"}
    assert await root.refused(UPDATE, input={"id": key_id, "name": "Late"}) == {"code": "not_found"}


async def test_every_field_comes_back(root: Speaker) -> None:
    everything = """mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey {
        id name description handle prefix hint lastSeven state active owner { id kind name } tenant { id slug name }
        scope { actions resources } allowedCidrs notBefore expiresAt createdAt createdBy lastUsedAt lastUsedIp metadata
    } } }"""
    made = await root.get(everything, input={"name": "Full", **FULL})
    key, token = made["apiKey"], made["token"]
    assert token.startswith("acme_")
    viewer = await root.get("{ viewer { identity { id kind name } } }")
    assert key.pop("id").startswith("key_")
    assert key.pop("createdAt").endswith("Z")
    assert key.pop("tenant").keys() == {"id", "slug", "name"}
    assert key == {
        "name": "Full",
        "description": "Two\nlines",
        "handle": "full_key",
        "prefix": "acme",
        "hint": token[:9],
        "lastSeven": token[-7:],
        "state": "NOT_YET_VALID",
        "active": True,
        "owner": viewer["identity"],
        "scope": [FULL["scope"][0], {"actions": ["a:b"], "resources": None}],  # type: ignore[index]
        "allowedCidrs": ["10.0.0.0/8"],
        "notBefore": "2089-12-31T23:00:00Z",
        "expiresAt": "2091-01-01T00:00:00.500000Z",
        "createdBy": viewer["identity"]["id"],
        "lastUsedAt": None,
        "lastUsedIp": None,
        "metadata": FULL["metadata"],
    }


async def test_literals_do_as_well_as_variables(root: Speaker) -> None:
    made = await root.get(
        """mutation ($team: String, $left: String) { createApiKey(input: {
            name: "Literal", scope: {actions: "a:b"}, expiresAt: "2091-01-01T00:00:00Z",
            metadata: {team: $team, gone: $left, list: [1, 2.5, true, null, $left, {deep: "x", gone: $left}]}
        }) { apiKey { expiresAt metadata scope { actions } } } }""",
        team="search",
    )
    assert made["apiKey"] == {
        "expiresAt": "2091-01-01T00:00:00Z",
        "metadata": {"team": "search", "list": [1, 2.5, True, None, None, {"deep": "x"}]},
        "scope": [{"actions": ["a:b"]}],
    }


async def test_left_out_stays_and_null_clears(root: Speaker) -> None:
    made = await root.make("Full", **{**FULL, "notBefore": None})
    key_id = made["apiKey"]["id"]
    kept = (await root.get(UPDATE, input={"id": key_id, "name": "Renamed"}))["apiKey"]
    assert kept["name"] == "Renamed"
    assert (kept["handle"], kept["allowedCidrs"], kept["metadata"]) == (
        "full_key",
        ["10.0.0.0/8"],
        FULL["metadata"],
    )
    nulls = dict.fromkeys(("handle", "scope", "notBefore", "expiresAt", "allowedCidrs", "metadata"))
    cleared = (await root.get(UPDATE, input={"id": key_id, **nulls}))["apiKey"]
    assert {name: cleared[name] for name in nulls} == {**nulls, "metadata": {}}
    assert cleared["description"] == "Two\nlines"
    through = UPDATE.replace(
        "$input: UpdateApiKeyInput!", "$id: ID!, $name: String, $handle: String"
    ).replace("input: $input", "input: {id: $id, name: $name, handle: $handle}")
    kept = (await root.get(through, id=key_id, handle="again"))["apiKey"]
    assert (kept["name"], kept["handle"]) == ("Renamed", "again")
    for name in ("name", "description", "active"):
        assert await root.refused(UPDATE, input={"id": key_id, name: None}) == {
            "code": "invalid_type",
            "field": name,
        }


async def test_a_hash_instead_of_a_token(root: Speaker) -> None:
    digest = hashlib.sha256(b"legacy-token-1").hexdigest()
    made = await root.make("Legacy", tokenHash=digest)
    assert made["token"] is None
    for asked in ({"token": "legacy-token-1"}, {"tokenHash": digest}):
        assert (await root.get(VERIFY, input=asked))["keyId"] == made["apiKey"]["id"]
    assert await root.refused(MAKE, input={"name": "Again", "tokenHash": digest}) == {
        "code": "token_hash_taken",
        "field": "tokenHash",
    }


async def test_several_mutations_stand_each_for_itself(root: Speaker) -> None:
    answer = await root.ask(
        """mutation {
            first: createApiKey(input: {name: "First", handle: "same"}) { token apiKey { name } }
            second: createApiKey(input: {name: "Second", handle: "same"}) { token }
            third: createApiKey(input: {name: "Third", handle: "other"}) { token apiKey { name } }
        }"""
    )
    assert answer["data"]["first"]["token"]
    assert answer["data"]["second"] is None
    assert answer["data"]["third"]["apiKey"]["name"] == "Third"
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]) == (["second"], {"code": "handle_taken", "field": "handle"})
    assert await names(root) == ["Third", "First"]


async def test_mutations_run_in_order(root: Speaker) -> None:
    key_id = (await root.make("One"))["apiKey"]["id"]
    answer = await root.ask(
        """mutation ($id: ID!) {
            a: updateApiKey(input: {id: $id, name: "Two"}) { apiKey { name } }
            b: updateApiKey(input: {id: $id, name: "Three"}) { apiKey { name } }
            c: deleteApiKeys(input: {ids: [$id]}) { deletedIds }
            d: updateApiKey(input: {id: $id, name: "Four"}) { apiKey { name } }
        }""",
        {"id": key_id},
    )
    assert answer["data"] == {
        "a": {"apiKey": {"name": "Two"}},
        "b": {"apiKey": {"name": "Three"}},
        "c": {"deletedIds": [key_id]},
        "d": None,
    }
    assert answer["errors"][0]["extensions"] == {"code": "not_found"}


async def test_keys_are_deleted_all_or_none(root: Speaker) -> None:
    ids = [(await root.make(name))["apiKey"]["id"] for name in ("One", "Two")]
    refused = await root.refused(DELETE, ids=[ids[0], "key_nothing", ids[1]])
    assert refused == {"code": "not_found", "field": "ids.1"}
    assert await names(root) == ["Two", "One"]
    assert await root.get(DELETE, ids=[ids[1], ids[0], ids[1]]) == {"deletedIds": [ids[1], ids[0]]}
    assert await names(root) == []
    assert await root.refused(DELETE, ids=[]) == {"code": "invalid_value", "field": "ids"}


async def test_a_list_is_walked_page_by_page(root: Speaker) -> None:
    for name in ("b", "a", "C"):
        await root.make(name)
    assert await names(root) == ["C", "a", "b"]
    order = {"field": "NAME"}
    page = await root.get(LIST, first=2, orderBy=order)
    assert [edge["node"]["name"] for edge in page["edges"]] == ["a", "b"]
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": page["edges"][0]["cursor"],
        "endCursor": page["edges"][1]["cursor"],
    }
    last = await root.get(LIST, first=2, after=page["pageInfo"]["endCursor"], orderBy=order)
    assert [node["name"] for node in last["nodes"]] == ["C"]
    assert (last["pageInfo"]["hasNextPage"], last["pageInfo"]["hasPreviousPage"]) == (False, True)
    assert await names(root, orderBy={"field": "NAME", "direction": "DESC"}) == ["C", "b", "a"]
    wrong = await root.refused(LIST, after=page["pageInfo"]["endCursor"])
    assert wrong == {"code": "invalid_cursor", "field": "after"}
    for size in (0, -1, 201):
        assert await root.refused(LIST, first=size) == {"code": "invalid_value", "field": "first"}


async def test_a_list_is_filtered(root: Speaker) -> None:
    made = {name: await root.make(name, handle=name.lower()) for name in ("Alpha", "Beta", "Gamma")}
    await root.get(
        UPDATE,
        input={"id": made["Beta"]["apiKey"]["id"], "active": False, "expiresAt": "2090-01-01T00:00:00Z"},
    )
    await root.get(VERIFY, input={"token": made["Gamma"]["token"]})
    await root.app.upkeep.flush()
    owner = (await root.get(LIST))["nodes"][0]["owner"]["id"]
    for condition, expected in (
        ({"states": ["DISABLED"]}, ["Beta"]),
        ({"states": []}, ["Gamma", "Beta", "Alpha"]),
        ({"identityId": owner}, ["Gamma", "Beta", "Alpha"]),
        ({"identityId": "idn_\0"}, []),
        ({"handle": "alpha"}, ["Alpha"]),
        ({"namePrefix": "BE"}, ["Beta"]),
        ({"search": "alpha"}, ["Alpha"]),
        ({"ends": True}, ["Beta"]),
        ({"ends": False}, ["Gamma", "Alpha"]),
        ({"expires": {"since": "2089-12-31T23:59:59Z", "until": "2090-01-02T00:00:00Z"}}, ["Beta"]),
        ({"created": {"until": "2001-01-01T00:00:00Z"}}, []),
        ({"lastUsed": {"since": "2001-01-01T00:00:00Z"}}, ["Gamma"]),
        ({"used": False}, ["Beta", "Alpha"]),
        ({"used": True, "states": ["ACTIVE", "EXPIRED"]}, ["Gamma"]),
    ):
        assert await names(root, filter=condition) == expected, condition
    assert await root.refused(LIST, filter={"namePrefix": "x" * 300}) == {
        "code": "invalid_value",
        "field": "namePrefix",
    }


async def test_a_creation_is_repeated_without_a_second_key(root: Speaker) -> None:
    first = await root.make("Job", idempotencyKey="job-17")
    again = await root.make("Job", idempotencyKey="job-17")
    assert (again["apiKey"]["id"], again["token"], again["replayed"]) == (first["apiKey"]["id"], None, True)
    header = {"idempotency_key": "job-17"}
    by_header = await root.get(MAKE, headers=header, input={"name": "Job"})
    assert (by_header["apiKey"]["id"], by_header["replayed"]) == (first["apiKey"]["id"], True)
    reused = await root.refused(MAKE, input={"name": "Other", "idempotencyKey": "job-17"})
    assert reused == {"code": "idempotency_key_reused", "field": "idempotencyKey"}
    both = await root.refused(MAKE, headers=header, input={"name": "Job", "idempotencyKey": "job-18"})
    assert both == {"code": "invalid_value", "field": "idempotencyKey"}
    same = await root.get(MAKE, headers=header, input={"name": "Job", "idempotencyKey": "job-17"})
    assert same["replayed"] is True
    tenant = await root.get(TENANT, input={"slug": "once", "idempotencyKey": "t-1"})
    assert await root.get(TENANT, input={"slug": "once", "idempotencyKey": "t-1"}) == {
        **tenant,
        "replayed": True,
    }


async def test_tenants_are_made_and_found(root: Speaker) -> None:
    made = await root.get(TENANT, input={"slug": "blog", "name": "A blog"})
    assert made["tenant"] == {"id": made["tenant"]["id"], "slug": "blog", "name": "A blog", "active": True}
    assert await root.refused(TENANT, input={"slug": "blog"}) == {"code": "slug_taken", "field": "slug"}
    assert await root.refused(TENANT, input={"slug": "No Slug"}) == {"code": "invalid_value", "field": "slug"}
    query = "query ($slug: String!) { tenant(slug: $slug) { id name createdAt } }"
    assert (await root.get(query, slug="blog"))["id"] == made["tenant"]["id"]
    for slug in ("nothing", "No Slug", "\0"):
        assert await root.get(query, slug=slug) is None
    pages = """query ($after: String) {
        tenants(first: 1, after: $after) { nodes { slug } pageInfo { endCursor hasNextPage } }
    }"""
    page = await root.get(pages)
    assert ([node["slug"] for node in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (["blog"], True)
    page = await root.get(pages, after=page["pageInfo"]["endCursor"])
    assert ([node["slug"] for node in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (["default"], False)


async def test_the_tenant_is_named_by_header_or_input(root: Speaker, blog: Speaker) -> None:
    in_blog = {"keywright_tenant": "blog"}
    by_header = await root.get(MAKE, headers=in_blog, input={"name": "By header"})
    by_input = await root.make("By input", tenant="blog")
    assert await names(blog) == ["By input", "By header", "Administrator"]
    assert await names(root) == []
    assert await root.get(KEY, id=by_input["apiKey"]["id"]) is None
    assert (await root.get(KEY, headers=in_blog, id=by_header["apiKey"]["id"]))["name"] == "By header"
    no_such_tenant = {"code": "not_found", "field": "tenant"}
    assert await root.refused(KEY, headers={"keywright_tenant": "nothing"}, id="key_1") == no_such_tenant
    clash = await root.refused(MAKE, headers=in_blog, input={"name": "Both", "tenant": "default"})
    assert clash == {"code": "invalid_value", "field": "tenant"}


async def test_another_tenant_sees_nothing(root: Speaker, blog: Speaker) -> None:
    made = await root.make("Ours")
    key_id = made["apiKey"]["id"]
    assert await blog.get(KEY, id=key_id) is None
    assert await names(blog) == ["Administrator"]
    assert await blog.refused(UPDATE, input={"id": key_id, "name": "Theirs"}) == {"code": "not_found"}
    assert await blog.refused(DELETE, ids=[key_id]) == {"code": "not_found"}
    assert (await blog.get(VERIFY, input={"token": made["token"]}))["code"] == "NOT_FOUND"
    assert await blog.get('{ tenant(slug: "default") { id } }') is None
    assert [node["slug"] for node in (await blog.get("{ tenants { nodes { slug } } }"))["nodes"]] == ["blog"]
    foreign, unknown = [await blog.ask(LIST, keywright_tenant=slug) for slug in ("default", "no-such-tenant")]
    assert foreign == unknown
    assert foreign["errors"][0]["extensions"] == {"code": "not_found", "field": "tenant"}


async def test_denied_and_missing_are_the_same_bytes(root: Speaker, blog: Speaker) -> None:
    theirs = (await root.make("Theirs"))["apiKey"]["id"]
    gone = (await blog.make("Gone"))["apiKey"]["id"]
    await blog.get(DELETE, ids=[gone])
    for query in (
        "query ($id: ID!) { apiKey(id: $id) { id } }",
        'mutation ($id: ID!) { updateApiKey(input: {id: $id, name: "x"}) { apiKey { id } } }',
        "mutation ($id: ID!) { deleteApiKeys(input: {ids: [$id]}) { deletedIds } }",
    ):
        answers = {
            (await blog.post({"query": query, "variables": {"id": one}})).content
            for one in (theirs, gone, "x")
        }
        assert len(answers) == 1


async def test_nobody_does_more_than_it_may(root: Speaker) -> None:
    made = await root.make("Reader", scope=[{"actions": ["keys:read", "keys:create"]}])
    reader = root.as_(made["token"])
    key_id = made["apiKey"]["id"]
    assert (await reader.get(KEY, id=key_id))["name"] == "Reader"
    assert await reader.refused(UPDATE, input={"id": key_id, "name": "x"}) == {"code": "permission_denied"}
    assert await reader.refused(DELETE, ids=[key_id]) == {"code": "permission_denied"}
    assert await reader.refused(VERIFY, input={"token": "x"}) == {"code": "permission_denied"}
    assert await reader.refused(TENANT, input={"slug": "mine"}) == {"code": "permission_denied"}
    assert await reader.refused(MAKE, input={"name": "Free"}) == {
        "code": "beyond_own_rights",
        "field": "scope",
        "policy": {"actions": ["**"]},
    }
    assert (await reader.get("{ tenants { nodes { slug } } }"))["nodes"] == []
    writer = root.as_((await root.make("Writer"))["token"])
    own = (await writer.get("{ viewer { credential { id } } }"))["credential"]["id"]
    assert await writer.refused(UPDATE, input={"id": own, "name": "x"}) == {"code": "own_key"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": ""}, {"code": "invalid_value", "field": "name"}),
        ({"name": "x", "handle": "no spaces"}, {"code": "invalid_value", "field": "handle"}),
        ({"name": "x", "expiresAt": "2001-01-01T00:00:00Z"}, {"code": "expiry_in_past", "field": "expiresAt"}),
        ({"name": "x", "allowedCidrs": ["::1", "10.0.0.1/8"]}, {"code": "invalid_cidr", "field": "allowedCidrs.1"}),
        ({"name": "x", "tokenHash": "0"}, {"code": "invalid_token_hash", "field": "tokenHash"}),
        ({"name": "x", "scope": [{"actions": ["a", " "]}]}, {"code": "invalid_policy", "field": "scope.0.actions.1"}),
        ({"name": "x", "metadata": {"a": "x" * 17_000}}, {"code": "invalid_value", "field": "metadata"}),
        ({"name": "x", "tenant": "nothing"}, {"code": "not_found", "field": "tenant"}),
        ({"name": "x", "tenant": "\0"}, {"code": "not_found", "field": "tenant"}),
        ({"name": 5}, {"code": "invalid_type", "field": "name"}),
        ({}, {"code": "missing_field", "field": "name"}),
        ({"name": "x", "surprise": 1}, {"code": "unknown_field", "field": "input"}),
    ],
)  # fmt: skip
async def test_bad_input_writes_nothing(
    shared: Speaker, fields: dict[str, Any], expected: dict[str, str]
) -> None:
    assert await shared.refused(MAKE, input=fields) == expected
    assert await names(shared) == []
