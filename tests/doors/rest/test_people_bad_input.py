"""Bad requests about tenants, roles, memberships and service accounts: code, field, and nothing written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.rest.bad_values import MARK, TOKEN
from tests.doors.rest.house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

ROLE: dict[str, Any] = {"name": "new"}
NOBODY = "idn_" + "0" * 32
BAD: list[tuple[str, str, Any, str, str | None]] = [
    ("PATCH", "/tenants/default", [MARK], "invalid_type", None),
    ("PATCH", "/tenants/default", {MARK: 1}, "unknown_field", None),
    ("PATCH", "/tenants/default", {"slug": None}, "invalid_type", "slug"),
    ("PATCH", "/tenants/default", {"slug": f"{MARK} "}, "invalid_value", "slug"),
    ("PATCH", "/tenants/default", {"slug": "taken"}, "slug_taken", "slug"),
    ("PATCH", "/tenants/default", {"name": ""}, "invalid_value", "name"),
    ("PATCH", "/tenants/default", {"active": 1}, "invalid_type", "active"),
    ("PATCH", "/tenants/default", {"settings": None}, "invalid_type", "settings"),
    ("PATCH", "/tenants/default", {"settings": {MARK: 1}}, "unknown_field", "settings"),
    (
        "PATCH",
        "/tenants/default",
        {"settings": {"key_prefix": f"{MARK} "}},
        "invalid_value",
        "settings.key_prefix",
    ),
    (
        "PATCH",
        "/tenants/default",
        {"settings": {"max_key_lifetime_seconds": 59}},
        "invalid_value",
        "settings.max_key_lifetime_seconds",
    ),
    (
        "PATCH",
        "/tenants/default",
        {"settings": {"max_key_lifetime_seconds": 60.5}},
        "invalid_type",
        "settings.max_key_lifetime_seconds",
    ),
    (
        "PATCH",
        "/tenants/default",
        {"settings": {"max_key_lifetime_seconds": 10**400}},
        "invalid_type",
        "settings.max_key_lifetime_seconds",
    ),
    (
        "PATCH",
        "/tenants/default",
        {"settings": {"keys_must_expire": None}},
        "invalid_type",
        "settings.keys_must_expire",
    ),
    (
        "PATCH",
        "/tenants/default",
        {"settings": {"default_limits": [{"name": "a", "limit": 0, "window_seconds": 1}]}},
        "invalid_value",
        "settings.default_limits.0.limit",
    ),
    (
        "PATCH",
        "/tenants/default",
        {"settings": {"default_limits": [{"name": "a", "limit": True, "window_seconds": 1}]}},
        "invalid_type",
        "settings.default_limits.0.limit",
    ),
    ("DELETE", f"/tenants/default?force={MARK}", None, "invalid_type", "force"),
    ("DELETE", f"/tenants/default?{MARK}=1", None, "unknown_field", None),
    ("POST", "/roles", {}, "missing_field", "name"),
    ("POST", "/roles", {"name": f"{MARK} "}, "invalid_value", "name"),
    ("POST", "/roles", {"name": "admin"}, "role_taken", "name"),
    ("POST", "/roles", {**ROLE, "description": MARK + "x" * 2000}, "invalid_value", "description"),
    ("POST", "/roles", {**ROLE, "variables": [MARK]}, "invalid_type", "variables"),
    ("POST", "/roles", {**ROLE, "variables": {MARK: MARK}}, "invalid_type", "variables"),
    ("POST", "/roles", {**ROLE, "variables": {MARK: {MARK: 1}}}, "unknown_field", "variables"),
    ("POST", "/roles", {**ROLE, "variables": {f"{MARK} ": {}}}, "invalid_value", "variables.0.name"),
    (
        "POST",
        "/roles",
        {**ROLE, "variables": {"a": {}, "b": {"entity": f"{MARK} "}}},
        "invalid_value",
        "variables.1.entity",
    ),
    ("POST", "/roles", {**ROLE, "variables": {f"v{n}": {} for n in range(11)}}, "invalid_value", "variables"),
    ("POST", "/roles", {**ROLE, "policies": [{"actions": []}]}, "invalid_policy", "policies.0.actions"),
    (
        "POST",
        "/roles",
        {**ROLE, "policies": [{"actions": [f"{MARK} "]}]},
        "invalid_policy",
        "policies.0.actions.0",
    ),
    (
        "POST",
        "/roles",
        {**ROLE, "policies": [{"actions": ["a:${" + MARK + "}"]}]},
        "invalid_policy",
        "policies.0",
    ),
    ("POST", "/roles", {**ROLE, "policies": [{"actions": ["a"]}] * 101}, "invalid_policy", "policies"),
    ("PATCH", "/roles/nobody", {"description": "x"}, "not_found", None),
    ("PATCH", f"/roles/{MARK}%20", {"description": "x"}, "not_found", None),
    ("PATCH", "/roles/admin", {"description": "x"}, "not_found", None),
    ("PATCH", "/roles/nobody", {"name": "other"}, "unknown_field", None),
    ("DELETE", "/roles/admin", None, "not_found", None),
    ("POST", "/memberships", {"identity_id": NOBODY}, "missing_field", "role"),
    ("POST", "/memberships", {"identity_id": NOBODY, "role": "member"}, "not_found", "identity_id"),
    ("POST", "/memberships", {"identity_id": MARK, "role": "member"}, "not_found", "identity_id"),
    (
        "POST",
        "/memberships",
        {"identity_id": NOBODY, "role": "member", "variables": 1},
        "invalid_type",
        "variables",
    ),
    (
        "POST",
        "/memberships",
        {"identity_id": NOBODY, "role": "member", "variables": {MARK: MARK}},
        "invalid_type",
        "variables",
    ),
    ("PATCH", "/memberships/mem_1", {}, "missing_field", "variables"),
    ("PATCH", f"/memberships/{MARK}", {"variables": {}}, "not_found", None),
    ("GET", f"/memberships?cursor={MARK}", None, "invalid_cursor", "cursor"),
    ("GET", "/memberships?limit=201", None, "invalid_value", "limit"),
    ("POST", "/service-accounts", {"name": MARK + "x" * 255}, "invalid_value", "name"),
    (
        "POST",
        "/service-accounts",
        {"name": "a", "memberships": [{"role": MARK}]},
        "unknown_role",
        "memberships.0.role",
    ),
    (
        "POST",
        "/service-accounts",
        {"name": "a", "memberships": [{"role": "member", "variables": {MARK: [MARK]}}]},
        "unknown_variable",
        "memberships.0.variables",
    ),
    (
        "POST",
        "/service-accounts",
        {"name": "a", "memberships": [{"role": "member", "variables": {MARK: [1]}}]},
        "invalid_type",
        "memberships.0.variables",
    ),
    ("PATCH", f"/service-accounts/{MARK}", {"name": "a"}, "not_found", None),
    ("PATCH", "/service-accounts/x", {"name": None}, "invalid_type", "name"),
    ("GET", f"/service-accounts?{MARK}=1", None, "unknown_field", None),
    *(
        ("GET", f"/{people}?search={text}", None, code, "search")
        for people in ("users", "service-accounts")
        for text, code in (
            (f"{MARK}%00", "invalid_value"),
            (MARK + "x" * 256, "invalid_value"),
            (f"{MARK}+{TOKEN}", "secret_in_text"),
        )
    ),
    ("GET", f"/audit?since={MARK}", None, "invalid_value", "since"),
    ("GET", f"/audit?cursor={MARK}", None, "invalid_cursor", "cursor"),
    ("GET", "/audit?limit=0", None, "invalid_value", "limit"),
    ("GET", f"/usage?since={MARK}", None, "invalid_value", "since"),
    ("GET", f"/usage?by={MARK}", None, "invalid_value", "by"),
    ("GET", f"/usage?top={MARK}", None, "invalid_type", "top"),
    ("GET", "/usage?top=101", None, "invalid_value", "top"),
    ("GET", "/usage?top=-1", None, "invalid_type", "top"),
    ("GET", "/usage?until=1969-12-31T00:00:00Z", None, "invalid_value", "until"),
    ("GET", f"/usage?{MARK}=1", None, "unknown_field", None),
    ("GET", f"/keys/{MARK}/usage", None, "not_found", None),
    ("GET", "/keys/x/usage?top=1", None, "unknown_field", None),
    ("GET", "/keys/x/usage?by=week", None, "invalid_value", "by"),
    ("GET", "/keys/x/usage?since=2026-01-01T00:00:00", None, "invalid_value", "since"),
]


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Keywright with two tenants."""
    async with house(tmp_path_factory.mktemp("people")) as found:
        assert (await found.ask("POST", "/v1/tenants", json={"slug": "taken"})).status_code == 201
        yield found


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "field"),
    BAD,
    ids=[f"{one[0]} {one[1]} {ascii(one[2])[:40]}" for one in BAD],
)
async def test_it_is_told_without_repeating_it_and_nothing_is_written(
    rest: House, method: str, path: str, body: Any, code: str, field: str | None
) -> None:
    before = await rest.rows()
    content = None if body is None else json.dumps(body).encode()
    answer = await rest.ask(method, f"/v1{path}", content=content)
    told = answer.json()
    assert (told["code"], told.get("field")) == (code, field)
    assert MARK not in answer.text
    assert await rest.rows() == before


async def test_a_header_that_goes_against_the_path(rest: House) -> None:
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        answer = await rest.ask(
            method, "/v1/tenants/default", json=body, headers={"Keywright-Tenant": "taken"}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, "tenant")


async def test_creations_are_repeated_without_a_second_thing(rest: House) -> None:
    account = (await rest.ask("POST", "/v1/service-accounts", json={"name": "First"})).json()
    bodies: dict[str, dict[str, Any]] = {
        "/v1/roles": {"name": "repeated"},
        "/v1/service-accounts": {"name": "Repeated"},
        "/v1/memberships": {"identity_id": account["id"], "role": "member"},
    }
    for path, body in bodies.items():
        key = {"Idempotency-Key": f"job {path}".replace(" ", "-")}
        first = await rest.ask("POST", path, json=body, headers=key)
        again = await rest.ask("POST", path, json=body, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() | {"receipt": None} == first.json() | {
            "receipt": None
        }  # which tells how long it waited
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
