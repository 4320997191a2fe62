"""What a caller may not know of looks, byte for byte, like what does not exist."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from keywright.api.rest.door import RestDoor
from keywright.core.ids import new_id
from keywright.core.tokens import mint
from keywright.services.work import Reach
from tests.doors.rest.house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

DECLARED = RestDoor(cast("Any", None), "0").declared
BODIES: dict[tuple[str, str], list[dict[str, Any] | None]] = {
    ("PATCH", "/keys/{id}"): [
        {},
        {"name": "New"},
        {"name": ""},
        {"handle": "theirs"},
        {"active": False},
        {"scope": [{"actions": ["**"]}]},
        {"expires_at": "2000-01-01T00:00:00Z"},
    ],
}
CREATIONS = {"/keys": {"name": "New"}}
QUERIES = {"/keys": ["", "?limit=0", "?cursor=x", "?handle=theirs"]}


@dataclass(frozen=True)
class Strangers:
    """Two tenants, `theirs` and `ours`: the ids and slugs of the one and the callers of the other."""

    house: House
    key_id: str
    token: str
    deleted_id: str
    callers: dict[str, str]


@pytest.fixture(scope="module")
async def strangers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Strangers]:
    async with house(tmp_path_factory.mktemp("strangers")) as found:
        for slug in ("theirs", "ours"):
            assert (await found.ask("POST", "/v1/tenants", json={"slug": slug})).status_code == 201
        theirs = await found.make(tenant="theirs", handle="theirs")
        deleted = await found.make(tenant="ours")
        gone = await found.ask(
            "DELETE", f"/v1/keys/{deleted['key']['id']}", headers={"Keywright-Tenant": "ours"}
        )
        assert gone.status_code == 204
        scopes: dict[str, list[dict[str, Any]] | None] = {
            "everything": None,
            "nothing": [],
            "reading": [{"actions": ["keys:read", "tenants:read"]}],
            "own keys": [{"actions": ["keys:*"], "resources": [f"key:{deleted['key']['id']}"]}],
            "verifying": [{"actions": ["keys:verify"]}],
        }
        callers = {
            name: (await found.make(tenant="ours", scope=scope))["token"] for name, scope in scopes.items()
        }
        yield Strangers(found, theirs["key"]["id"], theirs["token"], deleted["key"]["id"], callers)


CALLERS = ("everything", "nothing", "reading", "own keys", "verifying")


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer but the request's id, which no two answers share."""
    request_id = answer.headers["x-request-id"]
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "x-request-id"]
    return answer.status_code, headers, answer.content.replace(request_id.encode(), b"")


def paths_with_something() -> list[tuple[str, str]]:
    return [(method, path) for method, path in DECLARED if "{" in path]


def paths_of_a_tenant() -> list[tuple[str, str]]:
    found = [(method, path) for (method, path), use in DECLARED.items() if use.reach is Reach.TENANT]
    return [*found, ("POST", "/verify"), ("POST", "/verify/batch")]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("method", "path"), paths_with_something())
async def test_the_things_of_another_tenant(
    strangers: Strangers, method: str, path: str, caller: str
) -> None:
    token = strangers.callers[caller]
    theirs, nowhere = {"id": strangers.key_id, "slug": "theirs"}, {"id": new_id("key"), "slug": "nowhere"}
    for body in BODIES.get((method, path), [None]):
        for headers in ({}, {"Keywright-Tenant": "ours"}):
            answers = [
                await strangers.house.ask(
                    method, "/v1" + path.format(**names), token=token, headers=headers, json=body
                )
                for names in (theirs, nowhere)
            ]
            assert seen(answers[0]) == seen(answers[1])
            assert answers[0].status_code in {403, 404}
    assert (
        await strangers.house.ask("GET", f"/v1/keys/{strangers.key_id}", token=strangers.token)
    ).status_code == 200


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("method", "path"), paths_of_a_tenant())
async def test_another_tenant_in_the_header(
    strangers: Strangers, method: str, path: str, caller: str
) -> None:
    token = strangers.callers[caller]
    bodies: dict[str, dict[str, Any]] = {
        "/verify": {"token": strangers.token},
        "/verify/batch": {"items": [{"token": strangers.token}]},
        **CREATIONS,
    }
    body = bodies.get(path, {}) if method in {"POST", "PATCH"} else None
    target = "/v1" + path.format(id=strangers.key_id)
    for query in QUERIES.get(path, [""]) if method == "GET" else [""]:
        answers = [
            await strangers.house.ask(
                method, target + query, token=token, headers={"Keywright-Tenant": slug}, json=body
            )
            for slug in ("theirs", "nowhere", "Nowhere", "ü")
        ]
        assert len({str(seen(answer)) for answer in answers}) == 1
        assert answers[0].status_code == 404
        assert answers[0].json()["code"] == "not_found"


@pytest.mark.parametrize("caller", CALLERS)
async def test_another_tenant_in_the_body(strangers: Strangers, caller: str) -> None:
    bodies = [json.dumps({"name": "New", "tenant": slug}) for slug in ("theirs", "nowhere", "\0", "\ud800")]
    answers = [
        await strangers.house.ask("POST", "/v1/keys", token=strangers.callers[caller], content=body.encode())
        for body in bodies
    ]
    assert len({str(seen(answer)) for answer in answers}) == 1
    assert answers[0].status_code == 404


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    "asked",
    [{}, {"action": "a:b"}, {"tenant": "theirs"}, {"tenant": "ours"}, {"tenant": "nowhere"}, {"ip": "::1"}],
)
async def test_the_tokens_of_another_tenant(strangers: Strangers, asked: dict[str, str], caller: str) -> None:
    answers = [
        await strangers.house.ask(
            "POST", "/v1/verify", token=strangers.callers[caller], json={"token": token, **asked}
        )
        for token in (strangers.token, mint().reveal(), "kw_nonsense")
    ]
    assert len({str(seen(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_what_was_deleted(strangers: Strangers, method: str, caller: str) -> None:
    body = {"name": "New"} if method == "PATCH" else None
    deleted, never = [
        await strangers.house.ask(method, f"/v1/keys/{key_id}", token=strangers.callers[caller], json=body)
        for key_id in (strangers.deleted_id, new_id("key"))
    ]
    if (
        caller == "own keys"
    ):  # it names this very id, so that the other is refused to it, and not for being missing
        assert (deleted.status_code, never.status_code) == (404, 403)
    else:
        assert seen(deleted) == seen(never)


async def test_the_handle_of_another_tenant_is_free(strangers: Strangers) -> None:
    token = strangers.callers["everything"]
    made = await strangers.house.ask(
        "POST", "/v1/keys", token=token, json={"name": "New", "handle": "theirs"}
    )
    assert made.status_code == 201


async def test_lists_hold_nothing_of_another_tenant(strangers: Strangers) -> None:
    token = strangers.callers["reading"]
    keys = (await strangers.house.ask("GET", "/v1/keys", token=token)).json()["items"]
    assert {key["tenant"] for key in keys} == {"ours"}
    tenants = (await strangers.house.ask("GET", "/v1/tenants", token=token)).json()["items"]
    assert [tenant["slug"] for tenant in tenants] == ["ours"]
    who = (await strangers.house.ask("GET", "/v1/whoami", token=token)).json()
    owned = await strangers.house.ask("GET", f"/v1/keys?identity_id={who['identity']['id']}", token=token)
    assert {key["tenant"] for key in owned.json()["items"]} == {"ours"}


GRAPHQL = {
    "apiKey": ("query ($id: ID!) { apiKey(id: $id) { id } }", "id"),
    "tenant": ("query ($slug: String!) { tenant(slug: $slug) { id } }", "slug"),
    "updateApiKey": (
        'mutation ($id: ID!) { updateApiKey(input: {id: $id, name: "New"}) { apiKey { id } } }',
        "id",
    ),
    "deleteApiKeys": ("mutation ($id: ID!) { deleteApiKeys(input: {ids: [$id]}) { deletedIds } }", "id"),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("field", GRAPHQL)
async def test_the_things_of_another_tenant_over_graphql(
    strangers: Strangers, field: str, caller: str
) -> None:
    document, name = GRAPHQL[field]
    theirs, nowhere = {"id": strangers.key_id, "slug": "theirs"}, {"id": new_id("key"), "slug": "nowhere"}
    answers = [
        await strangers.house.ask(
            "POST",
            "/graphql",
            token=strangers.callers[caller],
            json={"query": document, "variables": {name: names[name]}},
        )
        for names in (theirs, nowhere)
    ]
    assert seen(answers[0]) == seen(answers[1])
    assert field in answers[0].json()["data"]


@pytest.mark.parametrize("caller", CALLERS)
async def test_another_tenant_in_the_header_over_graphql(strangers: Strangers, caller: str) -> None:
    answers = [
        await strangers.house.ask(
            "POST",
            "/graphql",
            token=strangers.callers[caller],
            headers={"Keywright-Tenant": slug},
            json={"query": "{ apiKeys { nodes { id } } }"},
        )
        for slug in ("theirs", "nowhere")
    ]
    assert seen(answers[0]) == seen(answers[1])
    assert answers[0].json()["errors"][0]["extensions"]["code"] == "not_found"
