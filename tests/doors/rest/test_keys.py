"""Keys and tenants in the shapes of REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.tokens import Form, form_of

if TYPE_CHECKING:
    from httpx2 import Response

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

FULL = {
    "name": "Nightly export",
    "description": "Reads\nand writes.",
    "handle": "nightly_export",
    "scope": [
        {"actions": ["article:read"], "resources": ["article:cs:**"]},
        {"actions": ["a"], "resources": None},
    ],
    "not_before": "2097-06-01T02:00:00.5+02:00",
    "expires_at": "2098-01-01 00:00:00z",
    "allowed_cidrs": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"],
    "metadata": {"team": "search", "n": [1, 2.5, None, True, "ü", "\U0001f511"]},
    "prefix": "acme",
}


async def test_a_key_from_its_making_to_its_end(rest: House) -> None:
    answer = await rest.ask("POST", "/v1/keys", json=FULL)
    assert answer.status_code == 201
    created = answer.json()
    key, token = created["key"], created["token"]
    assert set(created) == {"key", "token", "replayed", "note"}
    assert form_of(token) is Form.CHECKED
    who = (await rest.ask("GET", "/v1/whoami")).json()["identity"]
    told: dict[str, Any] = {
        **FULL,
        "not_before": "2097-06-01T00:00:00.500000Z",
        "expires_at": "2098-01-01T00:00:00Z",
        "allowed_cidrs": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"],
        "tenant": "default",
        "identity_id": who["id"],
        "identity": who,
        "created_by": who["id"],
        "state": "not_yet_valid",
        "active": True,
        "hint": token[: len("acme_") + 4],
        "last_seven": token[-7:],
        "last_used_at": None,
        "last_used_ip": None,
    }
    uncounted = {"limits": None, "credits": None}
    assert {**told, **uncounted, "id": key["id"], "created_at": key["created_at"]} == key
    path = f"/v1/keys/{key['id']}"
    assert (await rest.ask("GET", path)).json() == key

    cleared = dict.fromkeys(("handle", "scope", "not_before", "expires_at", "allowed_cidrs", "metadata"))
    patched = await rest.ask("PATCH", path, json={**cleared, "name": "  Renamed ", "active": False})
    assert patched.status_code == 200
    after, receipt = without_receipt(patched)
    assert (receipt["complete"], receipt["effective_by"]) == (True, None)
    assert after == {
        **key,
        **cleared,
        "metadata": {},
        "name": "Renamed",
        "active": False,
        "state": "disabled",
    }
    assert without_receipt(await rest.ask("PATCH", path, json={}))[0] == after
    enabled = await rest.ask("PATCH", path, json={"active": True, "scope": [], "metadata": {"a": {}}})
    assert (enabled.json()["state"], enabled.json()["scope"], enabled.json()["metadata"]) == (
        "active",
        [],
        {"a": {}},
    )

    deleted = await rest.ask("DELETE", path)
    assert deleted.status_code == 200
    nothing, last = without_receipt(deleted)
    assert nothing == {}
    assert last["epoch"] > receipt["epoch"]
    for method in ("GET", "DELETE"):
        assert (await rest.ask(method, path)).json()["code"] == "not_found"
    assert (await rest.ask("PATCH", path, json={"name": "a"})).json()["code"] == "not_found"


def without_receipt(answer: Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """An answer, and its receipt."""
    found = answer.json()
    return found, found.pop("receipt")


@pytest.mark.parametrize("query", ["wait=maybe", "wait=", "wait=1", "wait=true&wait=false", "waits=true"])
async def test_whether_to_wait_is_true_or_false(rest: House, query: str) -> None:
    path = f"/v1/keys/{(await rest.make())['key']['id']}"
    refused = await rest.ask("DELETE", f"{path}?{query}")
    assert refused.json()["code"] in {"invalid_type", "invalid_value", "unknown_field"}
    assert (await rest.ask("GET", path)).status_code == 200
    assert (await rest.ask("GET", f"{path}?wait=false")).json()["code"] == "unknown_field"
    assert (await rest.ask("DELETE", f"{path}?wait=false")).json().keys() == {"receipt"}


async def test_a_hash_instead_of_a_token(rest: House) -> None:
    created = await rest.make(token_hash="cd" * 32)
    assert (created["token"], created["key"]["hint"], created["key"]["last_seven"]) == (None, None, None)
    assert "hash was given" in created["note"]


async def test_lists(rest: House) -> None:
    headers = {"Keywright-Tenant": "lists"}
    assert (await rest.ask("POST", "/v1/tenants", json={"slug": "lists"})).status_code == 201
    names = ["Émile", "beta", "Alpha", "gamma", "alpha 2"]
    for day, name in enumerate(names, 1):
        await rest.make(name=name, expires_at=f"2099-01-0{day}T00:00:00Z", tenant="lists")
    last = (await rest.ask("GET", "/v1/keys?limit=1", headers=headers)).json()["items"][0]["id"]
    await rest.ask("PATCH", f"/v1/keys/{last}", json={"active": False}, headers=headers)
    reader = (await rest.make(name="reader", handle="reader", tenant="lists"))["token"]

    async def names_of(query: str) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            page = (await rest.ask("GET", f"/v1/keys?{query}{cursor}", token=reader)).json()
            found += [item["name"] for item in page["items"]]
            if page["next_cursor"] is None:
                return found
            assert page["items"]
            cursor = f"&cursor={page['next_cursor']}"

    newest = ["reader", *reversed(names)]
    by_name = ["Alpha", "alpha 2", "beta", "gamma", "reader", "Émile"]
    for size in (1, 2, 6, 200):
        assert await names_of(f"limit={size}") == newest
        assert await names_of(f"limit={size}&order=asc") == newest[::-1]
        assert await names_of(f"limit={size}&sort=name") == by_name
        assert await names_of(f"limit={size}&sort=name&order=desc") == by_name[::-1]
        assert await names_of(f"limit={size}&sort=expires_at") == [*names, "reader"]
    assert await names_of("name_prefix=ALPHA&sort=name") == ["Alpha", "alpha 2"]
    assert await names_of("search=ALPHA&sort=name") == ["Alpha", "alpha 2"]
    assert await names_of("ends=false") == ["reader"]
    assert await names_of("state=disabled") == ["alpha 2"]
    assert await names_of("state=disabled&state=active&limit=2") == newest
    assert await names_of("handle=reader") == ["reader"]
    assert await names_of("expires_since=2099-01-02T00:00:00Z&expires_until=2099-01-04T00:00:00Z") == [
        "Alpha",
        "beta",
    ]
    assert await names_of("created_since=2099-01-01T00:00:00Z") == []
    assert await names_of("used=true&last_used_until=2099-01-01T00:00:00%2B02:00") == []
    assert await names_of("used=false&sort=last_used_at") == newest[::-1]


async def test_a_list_in_another_order_does_not_take_the_cursor(rest: House) -> None:
    for _ in range(2):
        await rest.make()
    cursor = (await rest.ask("GET", "/v1/keys?limit=1")).json()["next_cursor"]
    answer = await rest.ask("GET", f"/v1/keys?limit=1&sort=name&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize("identity_id", ["idn_" + "0" * 32, "nonsense", "%00", "%ED%A0%80", ""])
async def test_an_owner_that_is_not_there_has_no_keys(anywhere: House, identity_id: str) -> None:
    answer = await anywhere.ask("GET", f"/v1/keys?identity_id={identity_id}")
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


async def test_tenants(rest: House) -> None:
    made = await rest.ask("POST", "/v1/tenants", json={"slug": "my-blog", "name": "My blog"})
    assert made.status_code == 201
    tenant, _ = without_receipt(made)
    assert set(tenant) == {"id", "slug", "name", "active", "created_at", "settings"}
    assert (tenant["slug"], tenant["name"], tenant["active"]) == ("my-blog", "My blog", True)
    unnamed = await rest.ask("POST", "/v1/tenants", json={"slug": "unnamed"})
    assert unnamed.json()["name"] == "unnamed"
    assert (await rest.ask("GET", "/v1/tenants/my-blog")).json() == tenant
    first = (await rest.ask("GET", "/v1/tenants?limit=1")).json()
    assert len(first["items"]) == 1
    second = (await rest.ask("GET", f"/v1/tenants?cursor={first['next_cursor']}")).json()
    assert tenant in first["items"] + second["items"]
    assert second["next_cursor"] is None
    bound = (await rest.make(tenant="my-blog"))["token"]
    assert (await rest.ask("GET", "/v1/tenants", token=bound)).json() == {
        "items": [tenant],
        "next_cursor": None,
    }
