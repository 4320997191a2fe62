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
    ("POST", "/keys/{id}/transfer"): [
        {"identity_id": new_id("idn")},
        {"identity_id": "idn", "confirm": True},
    ],
    ("POST", "/keys/{id}/explain"): [
        {},
        {"action": "a:b", "resource": "c"},
        {"resource": "c"},
        {"action": "*"},
        {"tenant": "theirs"},
    ],
    ("PATCH", "/tenants/{slug}"): [
        {},
        {"name": "New"},
        {"slug": "theirs"},
        {"active": False},
        {"settings": {"max_key_lifetime_seconds": 1}},
    ],
    ("PATCH", "/service-accounts/{id}"): [{}, {"name": "New"}, {"name": ""}, {"active": False}],
    ("PATCH", "/roles/{name}"): [{}, {"description": "New"}, {"policies": [{"actions": ["a b"]}]}],
    ("PATCH", "/memberships/{id}"): [{"variables": {}}, {"variables": {"language": ["cs"]}}],
    ("PATCH", "/users/{id}"): [{}, {"name": "New"}, {"active": False}],
    ("POST", "/users/{id}/reset"): [{}],
    ("POST", "/users/{id}/sessions"): [{}, {"idle_seconds": 0}],
    ("PATCH", "/factors/passkeys/{id}"): [{"name": "New"}],
}
OF_A_TENANT = {Reach.TENANT, Reach.EITHER}
CREATIONS: dict[str, dict[str, Any]] = {
    "/keys": {"name": "New"},
    "/keys/import": {"items": [{"name": "New", "token_hash": "0" * 64}]},
    "/service-accounts": {"name": "New", "memberships": [{"role": "editor"}]},
    "/roles": {"name": "editor"},
    "/memberships": {"identity_id": new_id("idn"), "role": "editor"},
    "/invitations": {"name": "New"},
    "/agents": {"kind": "LocalAgent", "name": "New"},
    "/catalog": {"document": {}},
    "/catalog/diff": {"document": {}},
}
QUERIES = {
    "/keys": ["", "?limit=0", "?cursor=x", "?handle=theirs"],
    "/memberships": ["", "?limit=0", "?cursor=x", "?role=editor"],
    "/service-accounts": ["", "?limit=0", "?cursor=x"],
    "/users": ["", "?limit=0", "?cursor=x", "?login=theirs"],
    "/invitations": ["", "?limit=0", "?cursor=x"],
    "/agents": ["", "?limit=0", "?cursor=x", "?key_id=x"],
    "/audit": ["", "?limit=0", "?cursor=x", "?action=key.*"],
    "/audit/export": ["", "?action=key.*"],
    "/usage": ["", "?by=hour", "?top=101"],
}
PREFIXES = {
    "keys": "key",
    "service-accounts": "idn",
    "memberships": "mem",
    "users": "idn",
    "invitations": "inv",
    "agents": "agt",
}


@dataclass(frozen=True)
class Strangers:
    """Two tenants, `theirs` and `ours`: the ids and slugs of the one and the callers of the other."""

    house: House
    key_id: str
    token: str
    deleted_id: str
    callers: dict[str, str]
    other_id: str
    member: str
    things: dict[str, str]
    """Things of `theirs` by the noun of their path."""

    def names(self, path: str) -> tuple[dict[str, str], dict[str, str]]:
        """What stands in a path: something of `theirs`, and something that is nowhere."""
        noun = path.split("/")[1]
        thing, nothing = self.things.get(noun, self.key_id), new_id(PREFIXES.get(noun, "key"))
        return (
            {"id": thing, "slug": "theirs", "name": "editor"},
            {"id": nothing, "slug": "nowhere", "name": "nobody"},
        )


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
        assert gone.status_code == 200
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
        other, member = await found.make(tenant="ours"), await a_member(found)
        yield Strangers(
            found,
            theirs["key"]["id"],
            theirs["token"],
            deleted["key"]["id"],
            callers,
            other["key"]["id"],
            member,
            {"keys": theirs["key"]["id"], **await some_things(found)},
        )


async def some_things(found: House) -> dict[str, str]:
    """A role, a service account that holds it, and the membership, all of `theirs`."""
    theirs = {"Keywright-Tenant": "theirs"}
    role = {"name": "editor", "policies": [{"actions": ["article:*"]}]}
    assert (await found.ask("POST", "/v1/roles", headers=theirs, json=role)).status_code == 201
    account = {"name": "Editor", "memberships": [{"role": "editor"}]}
    made = (await found.ask("POST", "/v1/service-accounts", headers=theirs, json=account)).json()
    invitations = []
    for login in ("theirs", "theirs-too"):
        new = {"name": "Their", "login": login, "memberships": [{"role": "editor"}]}
        invitations.append((await found.ask("POST", "/v1/invitations", headers=theirs, json=new)).json())
    acceptance = {"token": invitations[0]["token"], "password": "a long way to Tipperary"}
    accepted = await found.ask("POST", "/v1/invitations/accept", token=None, json=acceptance)
    runs = {"kind": "LocalAgent", "name": "Their agent"}
    agent = (await found.ask("POST", "/v1/agents", headers=theirs, json=runs)).json()
    return {
        "agents": agent["id"],
        "service-accounts": made["id"],
        "memberships": made["memberships"][0]["id"],
        "users": accepted.json()["identity"]["id"],
        "invitations": invitations[1]["invitation"]["id"],
    }


async def a_member(found: House) -> str:
    """The token of a member's key in `ours`."""
    ours = {"Keywright-Tenant": "ours"}
    account = {"name": "Member", "memberships": [{"role": "member"}]}
    made = await found.ask("POST", "/v1/service-accounts", headers=ours, json=account)
    assert made.status_code == 201, made.text
    key = await found.make(tenant="ours", identity_id=made.json()["id"])
    return str(key["token"])


CALLERS = ("everything", "nothing", "reading", "own keys", "verifying")


def seen(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer but the request's id, which no two answers share."""
    request_id = answer.headers["x-request-id"]
    headers = [(name, value) for name, value in answer.headers.multi_items() if name != "x-request-id"]
    return answer.status_code, headers, answer.content.replace(request_id.encode(), b"")


def paths_with_something() -> list[tuple[str, str]]:
    return [(method, path) for method, path in DECLARED if "{" in path]


def paths_of_a_tenant() -> list[tuple[str, str]]:
    """All but those that name their tenant themselves, for which a header can say nothing else."""
    found = [
        (method, path)
        for (method, path), use in DECLARED.items()
        if use.reach in OF_A_TENANT and "{slug}" not in path
    ]
    return [*found, ("POST", "/verify"), ("POST", "/verify/batch")]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(("method", "path"), paths_with_something())
async def test_the_things_of_another_tenant(
    strangers: Strangers, method: str, path: str, caller: str
) -> None:
    token = strangers.callers[caller]
    for body in BODIES.get((method, path), [None]):
        for headers in ({}, {"Keywright-Tenant": "ours"}):
            answers = [
                await strangers.house.ask(
                    method, "/v1" + path.format(**names), token=token, headers=headers, json=body
                )
                for names in strangers.names(path)
            ]
            assert seen(answers[0]) == seen(answers[1])
            # A path that names its tenant, to be changed, goes against the header.
            clashes = bool(headers) and "{slug}" in path and method != "GET"
            assert answers[0].status_code in ({422} if clashes else {403, 404})
    for noun, thing in strangers.things.items():
        # Some are shown in the list alone.
        one = "" if noun in {"invitations", "agents"} else f"/{thing}"
        found = await strangers.house.ask("GET", f"/v1/{noun}{one}", token=strangers.token)
        assert found.status_code == 200
        assert thing in found.text


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
    some = bodies.get(path) or BODIES.get((method, path), [{}])[0]
    body = some if method in {"POST", "PATCH", "PUT"} else None
    target = "/v1" + path.format(**strangers.names(path)[0])
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


@pytest.mark.parametrize(
    ("method", "path"), [one for one in paths_with_something() if one[1].startswith("/keys/")]
)
async def test_the_keys_of_others_to_a_member(strangers: Strangers, method: str, path: str) -> None:
    for body in BODIES.get((method, path), [None]):
        answers = [
            await strangers.house.ask(
                method, "/v1" + path.format(id=key_id), token=strangers.member, json=body
            )
            for key_id in (strangers.other_id, strangers.deleted_id, strangers.key_id, new_id("key"), "x")
        ]
        assert len({str(seen(answer)) for answer in answers}) == 1
        assert answers[0].status_code == (403 if path.endswith("/transfer") else 404)


@pytest.mark.parametrize(
    "field", ["apiKey", "updateApiKey", "transferApiKey", "explainApiKey", "deleteApiKeys"]
)
async def test_the_keys_of_others_to_a_member_over_graphql(strangers: Strangers, field: str) -> None:
    document, name = GRAPHQL[field]
    answers = [
        await strangers.house.ask(
            "POST",
            "/graphql",
            token=strangers.member,
            json={"query": document, "variables": {name: key_id}},
        )
        for key_id in (strangers.other_id, strangers.deleted_id, strangers.key_id, new_id("key"), "x")
    ]
    assert len({str(seen(answer)) for answer in answers}) == 1


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
    everything = strangers.callers["everything"]
    for path in ("/v1/audit", "/v1/memberships"):
        listed = (await strangers.house.ask("GET", path, token=everything)).json()["items"]
        assert {one["tenant"] for one in listed} == {"ours"}
    exported = await strangers.house.ask("GET", "/v1/audit/export", token=everything)
    assert {json.loads(line)["tenant"] for line in exported.text.splitlines()} == {"ours"}
    agents = await strangers.house.ask("GET", "/v1/agents", token=everything)
    assert agents.json()["items"] == []
    accounts = (await strangers.house.ask("GET", "/v1/service-accounts", token=everything)).json()["items"]
    assert [one["name"] for one in accounts] == ["Member"]
    roles = (await strangers.house.ask("GET", "/v1/roles", token=everything)).json()["items"]
    assert all(one["built_in"] for one in roles)
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
    "transferApiKey": (
        'mutation ($id: ID!) { transferApiKey(input: {id: $id, identityId: "idn", confirm: true}) { confirmed } }',
        "id",
    ),
    "explainApiKey": (
        'query ($id: ID!) { explainApiKey(input: {id: $id, action: "*"}) { code } }',
        "id",
    ),
    "deleteApiKeys": ("mutation ($id: ID!) { deleteApiKeys(input: {ids: [$id]}) { deletedIds } }", "id"),
    "updateTenant": (
        'mutation ($slug: String!) { updateTenant(input: {tenant: $slug, name: "New"}) { tenant { id } } }',
        "slug",
    ),
    "deleteTenant": (
        "mutation ($slug: String!) { deleteTenant(input: {tenant: $slug, force: true}) { deletedSlug } }",
        "slug",
    ),
    "role": ("query ($name: String!) { role(name: $name) { name } }", "name"),
    "updateRole": (
        'mutation ($name: String!) { updateRole(input: {name: $name, description: "New"}) { role { name } } }',
        "name",
    ),
    "deleteRole": (
        "mutation ($name: String!) { deleteRole(input: {name: $name}) { deletedName } }",
        "name",
    ),
    "serviceAccount": (
        "query ($account: ID!) { serviceAccount(id: $account) { id } }",
        "account",
    ),
    "updateServiceAccount": (
        """mutation ($account: ID!) { updateServiceAccount(input: {id: $account, name: "New"}) {
            serviceAccount { id }
        } }""",
        "account",
    ),
    "deleteServiceAccount": (
        "mutation ($account: ID!) { deleteServiceAccount(input: {id: $account}) { deletedId } }",
        "account",
    ),
    "user": ("query ($user: ID!) { user(id: $user) { id } }", "user"),
    "removeUser": ("mutation ($user: ID!) { removeUser(input: {id: $user}) { removedId } }", "user"),
    "createSessionFor": (
        "mutation ($user: ID!) { createSessionFor(input: {userId: $user}) { sessionId } }",
        "user",
    ),
    "resetUser": ("mutation ($user: ID!) { resetUser(input: {id: $user}) { link } }", "user"),
    "updateUser": ("mutation ($user: ID!) { updateUser(input: {id: $user}) { user { id } } }", "user"),
    "deleteUser": ("mutation ($user: ID!) { deleteUser(input: {id: $user}) { deletedId } }", "user"),
    "revokeInvitation": (
        "mutation ($invitation: ID!) { revokeInvitation(input: {id: $invitation}) { revokedId } }",
        "invitation",
    ),
    "seeAgent": ("mutation ($agent: ID!) { seeAgent(input: {id: $agent}) { seenId } }", "agent"),
    "membership": ("query ($membership: ID!) { membership(id: $membership) { id } }", "membership"),
    "updateMembership": (
        """mutation ($membership: ID!) { updateMembership(input: {id: $membership, variables: []}) {
            membership { id }
        } }""",
        "membership",
    ),
    "deleteMembership": (
        "mutation ($membership: ID!) { deleteMembership(input: {id: $membership}) { deletedId } }",
        "membership",
    ),
    "createMembership": (
        'mutation ($account: ID!) { createMembership(input: {identityId: $account, role: "member"}) { replayed } }',
        "account",
    ),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("field", GRAPHQL)
async def test_the_things_of_another_tenant_over_graphql(
    strangers: Strangers, field: str, caller: str
) -> None:
    document, name = GRAPHQL[field]
    things = strangers.things
    theirs = {"id": strangers.key_id, "slug": "theirs", "name": "editor"}
    theirs |= {"account": things["service-accounts"], "membership": things["memberships"]}
    theirs |= {"user": things["users"], "invitation": things["invitations"], "agent": things["agents"]}
    nowhere = {"id": new_id("key"), "slug": "nowhere", "name": "nobody"}
    nowhere |= {"account": new_id("idn"), "membership": new_id("mem")}
    nowhere |= {"user": new_id("idn"), "invitation": new_id("inv"), "agent": new_id("agt")}
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


@pytest.mark.parametrize(
    "query",
    [
        "apiKeys { nodes { id } }",
        "roles { name }",
        "serviceAccounts { nodes { id } }",
        "memberships { nodes { id } }",
        "users { nodes { id } }",
        "invitations { nodes { id } }",
        "agents { nodes { id } }",
        "audit { nodes { id } }",
        "tenantUsage { counts { total } keys { id } }",
    ],
)
@pytest.mark.parametrize("caller", CALLERS)
async def test_another_tenant_in_the_header_over_graphql(
    strangers: Strangers, caller: str, query: str
) -> None:
    answers = [
        await strangers.house.ask(
            "POST",
            "/graphql",
            token=strangers.callers[caller],
            headers={"Keywright-Tenant": slug},
            json={"query": f"{{ {query} }}"},
        )
        for slug in ("theirs", "nowhere")
    ]
    assert seen(answers[0]) == seen(answers[1])
    assert answers[0].json()["errors"][0]["extensions"]["code"] == "not_found"
