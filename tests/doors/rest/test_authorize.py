"""`/v1/authorize`: what each gateway sends, what it is told, and what nobody talks it into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
import pytest

from tests.doors.rest.house import ROOT, house
from tests.web.asgi import Answer, call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

PROXY = ("10.1.2.3", 4711)
STRANGER = ("192.0.2.9", 4711)
ROUTES = [
    {"match": "GET|HEAD /articles/{lang}/{id}", "action": "article:read", "resource": "article:{lang}:{id}"},
    {"match": "PUT /articles/{lang}/{id}", "action": "article:write", "resource": "article:{lang}:{id}"},
    {"match": "* /status/**", "action": "status:read"},
]
CATALOG = {
    "roles": {
        "reader": {
            "variables": {"lang": {}},
            "policies": [
                {"actions": ["article:read"], "resources": ["article:${lang}:**"]},
                {"actions": ["status:read"]},
            ],
        }
    },
    "routes": ROUTES,
}
READER = [{"role": "reader", "variables": {"lang": ["cs"]}}]


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Tenant `blog` has routes, tenant `shop` has none."""
    async with house(tmp_path_factory.mktemp("authorize"), trusted_proxies="10.0.0.0/8") as found:
        for slug in ("blog", "shop"):
            assert (await found.ask("POST", "/v1/tenants", json={"slug": slug})).status_code == 201
        applied = await found.ask(
            "PUT", "/v1/catalog", json={"document": CATALOG}, headers={"Keywright-Tenant": "blog"}
        )
        assert applied.status_code == 200, applied.text
        yield found


@pytest.fixture(scope="module")
async def made(rest: House) -> dict[str, Any]:
    """A key of the blog that may read Czech articles."""
    found: dict[str, Any] = await rest.make(name="Noční, export\u00a0%", tenant="blog", memberships=READER)
    return found


async def ask(
    rest: House,
    token: str | None,
    query: str = "",
    *,
    method: str = "GET",
    path: str = "/v1/authorize",
    raw_path: str | None = None,
    client: tuple[str, int] | None = PROXY,
    **headers: str,
) -> Answer:
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if token is not None:
        sent.append(("authorization", f"Bearer {token}"))
    scope = {"query_string": query.encode(), "raw_path": (raw_path or path).encode("latin-1")}
    answer = await call(rest.app, method, unquote(path), headers=sent, client=client, scope=scope)
    assert not [value for value in answer.headers.values() if "\r" in value or "\n" in value]
    return answer


def told(answer: Answer) -> tuple[int | None, str]:
    assert "Bearer" in answer.headers.get("www-authenticate", "Bearer")
    limited = answer.headers["x-keywright-code"] == "RATE_LIMITED"
    assert ("www-authenticate" in answer.headers) is (answer.status in (401, 403) and not limited)
    if answer.status == 204:
        assert answer.body == b""
    else:
        body = msgspec.json.decode(answer.body)
        assert body == {"valid": False, "code": answer.headers["x-keywright-code"]}
        assert not [name for name in answer.headers if name.startswith("x-keywright-key")]
    return answer.status, answer.headers["x-keywright-code"]


async def test_who_it_is_stands_in_headers(rest: House, made: dict[str, Any]) -> None:
    answer = await ask(
        rest, made["token"], x_original_method="GET", x_original_uri="/articles/cs/%C3%A9?page=2"
    )
    assert told(answer) == (204, "VALID")
    found = {name: value for name, value in answer.headers.items() if name.startswith("x-keywright-")}
    key = made["key"]
    assert found == {
        "x-keywright-code": "VALID",
        "x-keywright-key-id": key["id"],
        "x-keywright-key-name": "No%C4%8Dn%C3%AD%2C%20export%C2%A0%25",
        "x-keywright-identity-id": key["identity"]["id"],
        "x-keywright-identity-kind": "key",
        "x-keywright-identity-name": "No%C4%8Dn%C3%AD%2C%20export%C2%A0%25",
        "x-keywright-tenant": "blog",
        "x-keywright-roles": "reader",
        "x-keywright-action": "article:read",
        "x-keywright-resource": "article:cs:%C3%A9",
    }
    assert answer.headers["cache-control"] == "no-store"


NGINX = ("x_original_method", "x_original_uri")
TRAEFIK = ("x_forwarded_method", "x_forwarded_uri")


@pytest.mark.parametrize("names", [NGINX, TRAEFIK], ids=["nginx", "traefik and caddy"])
@pytest.mark.parametrize(
    ("method", "uri", "expected"),
    [
        ("GET", "/articles/cs/1", (204, "VALID")),
        ("HEAD", "/articles/cs/1?a=b", (204, "VALID")),
        ("POST", "/status/x/", (204, "VALID")),
        ("GET", "/articles/en/1", (403, "INSUFFICIENT_PERMISSIONS")),
        ("PUT", "/articles/cs/1", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "/elsewhere", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "/articles/cs/..", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "/articles/en%2F..%2Fcs/1", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "/articles/cs:x/1", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "/articles/*/1", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "/status/../articles/en/1", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "//status", (403, "INSUFFICIENT_PERMISSIONS")),
        ("GET", "/status\xe9", (403, "INSUFFICIENT_PERMISSIONS")),
    ],
)
async def test_the_routes_tell_what_a_request_asks_for(
    rest: House,
    made: dict[str, Any],
    names: tuple[str, str],
    method: str,
    uri: str,
    expected: tuple[int, str],
) -> None:
    headers: dict[str, Any] = {names[0]: method, names[1]: uri}
    assert told(await ask(rest, made["token"], **headers)) == expected
    assert told(await ask(rest, made["token"], "tenant=blog", **headers)) == expected


@pytest.mark.parametrize(
    ("method", "below", "status"),
    [
        ("GET", "/articles/cs/1", 200),
        ("HEAD", "/articles/cs/%C3%A9", 200),
        ("POST", "/status", 200),
        ("PUT", "/articles/cs/1", 403),
        ("GET", "/articles/en/1", 403),
        ("GET", "/articles/cs%2F1", 403),
        ("GET", "/status/..", 403),
        ("GET", "/", 403),
    ],
)
async def test_envoy_puts_the_path_below_ours(
    rest: House, made: dict[str, Any], method: str, below: str, status: int
) -> None:
    """To Envoy a key may do this with 200 and with nothing else, and needs to know that no body follows."""
    path = f"/v1/authorize{below}"
    for query in ("", "action=status:read", "tenant=shop&x=%ff"):
        answer = await ask(rest, made["token"], query, method=method, path=path, raw_path=path)
        assert answer.status == status, below
        assert status != 200 or answer.headers["content-length"] == "0"
    fixed = await ask(rest, made["token"], method=method, path=path, raw_path=path, keywright_tenant="shop")
    assert told(fixed) == (403, "TENANT_MISMATCH")
    stranger = await ask(rest, made["token"], method=method, path=path, raw_path=path, client=STRANGER)
    assert told(stranger) == (403, "INSUFFICIENT_PERMISSIONS")


async def test_a_path_that_only_decodes_to_ours_names_no_request(rest: House, made: dict[str, Any]) -> None:
    for raw in ("/v1/authorize%2Fstatus", "/v1%2Fauthorize/status"):
        answer = await ask(rest, made["token"], path="/v1/authorize/status", raw_path=raw)
        assert told(answer) == (403, "INSUFFICIENT_PERMISSIONS")


@pytest.mark.parametrize(
    "headers",
    [
        {"x_original_method": "GET", "x_original_uri": "/articles/en/1", "x_forwarded_uri": "/status"},
        {"x_original_method": "PUT", "x_original_uri": "/status", "x_forwarded_method": "GET"},
        {
            "x_forwarded_method": "GET",
            "x_forwarded_uri": "/articles/en/1",
            "x_original_method": "GET",
            "x_original_uri": "/status",
        },
        {"x_original_uri": "/status"},
        {"x_forwarded_method": "GET"},
        {"x_original_method": "", "x_original_uri": "/status"},
        {},
    ],
)
async def test_a_request_that_is_told_in_two_ways_or_half_fits_nothing(
    rest: House, made: dict[str, Any], headers: dict[str, Any]
) -> None:
    assert told(await ask(rest, made["token"], **headers)) == (403, "INSUFFICIENT_PERMISSIONS")


async def test_told_twice_in_the_same_words_is_told_once(rest: House, made: dict[str, Any]) -> None:
    both: dict[str, Any] = {
        "x_forwarded_method": "GET",
        "x_forwarded_uri": "/status",
        "x_original_method": "GET",
        "x_original_uri": "/status",
    }
    assert (await ask(rest, made["token"], **both)).status == 204
    path = "/v1/authorize/status"
    assert (await ask(rest, made["token"], path=path, **both)).status == 200
    below = await ask(rest, made["token"], path=f"{path}/x", **both)
    assert told(below) == (403, "INSUFFICIENT_PERMISSIONS")


async def test_who_is_no_trusted_proxy_names_no_request(rest: House, made: dict[str, Any]) -> None:
    headers: dict[str, Any] = {"x_original_method": "GET", "x_original_uri": "/articles/cs/1"}
    for client in (STRANGER, None):
        answer = await ask(rest, made["token"], client=client, **headers)
        assert told(answer) == (403, "INSUFFICIENT_PERMISSIONS")
        named = await ask(rest, made["token"], "action=status:read", client=client, **headers)
        assert told(named) == (204, "VALID")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("action=article:read&resource=article:cs:1", (204, "VALID")),
        ("action=article%3Aread&resource=article%3Acs%3A1&tenant=blog", (204, "VALID")),
        ("action=article:read&resource=article:en:1", (403, "INSUFFICIENT_PERMISSIONS")),
        ("action=article:read", (403, "INSUFFICIENT_PERMISSIONS")),
        ("action=status:read&tenant=shop", (403, "TENANT_MISMATCH")),
    ],
)
async def test_an_action_that_is_named_stands_before_the_routes(
    rest: House, made: dict[str, Any], query: str, expected: tuple[int, str]
) -> None:
    for uri in ("/status", "/nowhere"):
        answer = await ask(rest, made["token"], query, x_original_method="GET", x_original_uri=uri)
        assert told(answer) == expected
        # The gateway knows what it asked for, and hears no word of the query again.
        assert answer.headers.get("x-keywright-action", "") == ""
        assert answer.headers.get("x-keywright-resource", "") == ""


async def test_without_any_routes_a_key_has_to_be_valid_alone(rest: House) -> None:
    made = await rest.make(tenant="shop", memberships=[])
    answer = await ask(rest, made["token"], x_original_method="GET", x_original_uri="/anything/../x")
    assert told(answer) == (204, "VALID")
    assert answer.headers["x-keywright-action"] == answer.headers["x-keywright-roles"] == ""
    assert told(await ask(rest, made["token"], "tenant=blog")) == (403, "TENANT_MISMATCH")


async def test_a_global_key_has_no_routes_and_needs_an_action(rest: House) -> None:
    original: dict[str, Any] = {"x_original_method": "GET", "x_original_uri": "/status"}
    assert told(await ask(rest, ROOT, **original)) == (403, "INSUFFICIENT_PERMISSIONS")
    named = await ask(rest, ROOT, "tenant=blog&action=keys:read", **original)
    assert told(named) == (204, "VALID")
    assert named.headers["x-keywright-tenant"] == "blog"
    everywhere = await ask(rest, ROOT, "action=keys:read", **original)
    assert everywhere.headers["x-keywright-tenant"] == ""


async def test_the_credential_that_is_judged(rest: House, made: dict[str, Any]) -> None:
    token = made["token"]
    assert (await ask(rest, None, "action=status:read", x_api_key=token)).status == 204
    assert (await ask(rest, None, "action=status:read", authorization=f"bearer  {token}")).status == 204
    nobodys: tuple[dict[str, Any], ...] = (
        {},
        {"authorization": "Basic YTpi"},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {token}", "x_api_key": token},
    )
    for headers in nobodys:
        answer = await ask(rest, None, "action=status:read", **headers)
        assert told(answer) == (401, "NOT_FOUND")
        assert answer.headers["www-authenticate"] == 'Bearer realm="keywright"'
    for wrong in (token[:-1] + "_", "unknown-token-of-nobody", "", await rest.log_in()):
        answer = await ask(rest, None, "action=status:read", x_api_key=wrong)
        assert told(answer) == (401, "NOT_FOUND")
        assert answer.headers["www-authenticate"] == 'Bearer realm="keywright", error="invalid_token"'
        assert wrong not in repr(answer.messages) or not wrong


async def test_states_of_a_key(rest: House) -> None:
    made = await rest.make(tenant="shop", memberships=[])
    key = f"/v1/keys/{made['key']['id']}"
    there = {"Keywright-Tenant": "shop"}
    assert (await rest.ask("PATCH", key, json={"active": False}, headers=there)).status_code == 200
    assert told(await ask(rest, made["token"])) == (401, "DISABLED")
    assert (await rest.ask("PATCH", key, json={"active": True}, headers=there)).status_code == 200
    assert told(await ask(rest, made["token"])) == (204, "VALID")
    assert (await rest.ask("DELETE", key, headers=there)).status_code in (200, 204)
    assert told(await ask(rest, made["token"])) == (401, "NOT_FOUND")


async def test_the_address_is_the_client_s_or_none(rest: House) -> None:
    made = await rest.make(tenant="shop", memberships=[], allowed_cidrs=["192.0.2.0/24", "10.0.0.0/8"])
    token = made["token"]
    forwarded = await ask(rest, token, x_forwarded_for="203.0.113.1, 192.0.2.7")
    assert told(forwarded) == (204, "VALID")
    assert told(await ask(rest, token, x_forwarded_for="192.0.2.7, 203.0.113.1")) == (403, "IP_NOT_ALLOWED")
    # The proxy's own address is in a range of the key, and says nothing of the client's.
    assert told(await ask(rest, token)) == (403, "IP_NOT_ALLOWED")
    assert told(await ask(rest, token, client=STRANGER)) == (204, "VALID")
    assert told(await ask(rest, token, client=("203.0.113.1", 1), x_forwarded_for="192.0.2.7"))[0] == 403


async def test_limits_refuse_with_a_status_of_the_gateway_s_choice(rest: House) -> None:
    limits = [{"name": "hour", "limit": 2, "window_seconds": 3600}]
    made = await rest.make(tenant="shop", memberships=[], limits=limits)
    first = await ask(rest, made["token"], "cost=2")
    assert told(first) == (204, "VALID")
    assert first.headers["ratelimit"].startswith('"key:hour";r=0')
    second = await ask(rest, made["token"])
    assert told(second) == (429, "RATE_LIMITED")
    assert int(second.headers["retry-after"]) > 0
    assert told(await ask(rest, made["token"], "limit_status=403")) == (403, "RATE_LIMITED")
    assert told(await ask(rest, made["token"], "limit_status=429&cost=0"))[0] in (204, 429)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("actoin=x", 422, "unknown_field"),
        ("action=a&action=b", 422, "invalid_value"),
        ("action=a:*", 422, "invalid_value"),
        ("action=a&resource=b%20c", 422, "invalid_value"),
        ("resource=a", 422, "missing_field"),
        ("cost=x", 422, "invalid_type"),
        ("cost=-1", 422, "invalid_type"),
        ("cost=9999999", 422, "invalid_value"),
        ("limit_status=200", 422, "invalid_value"),
        ("action=%ff", 400, "malformed_request"),
        ("action=\xff", 400, "malformed_request"),
        ("&".join(f"a{index}=" for index in range(9)), 400, "malformed_request"),
    ],
)
async def test_a_gateway_that_asks_wrongly_is_refused(
    rest: House, made: dict[str, Any], query: str, status: int, code: str
) -> None:
    answer = await ask(rest, made["token"], query)
    body = msgspec.json.decode(answer.body)
    assert (answer.status, body["code"]) == (status, code)


async def test_no_token_is_stored_as_an_action(rest: House, made: dict[str, Any]) -> None:
    answer = await ask(rest, made["token"], f"action={made['token']}")
    assert (answer.status, msgspec.json.decode(answer.body)["code"]) == (422, "secret_in_text")
    assert made["token"].encode() not in answer.body


async def test_a_header_that_is_there_twice_is_refused(rest: House, made: dict[str, Any]) -> None:
    headers = [
        ("authorization", f"Bearer {made['token']}"),
        ("x-original-uri", "/status"),
        ("x-original-uri", "/articles/en/1"),
        ("x-original-method", "GET"),
    ]
    answer = await call(rest.app, "GET", "/v1/authorize", headers=headers, client=PROXY)
    assert (answer.status, msgspec.json.decode(answer.body)["code"]) == (400, "malformed_request")


async def test_a_database_that_is_away_is_stale(rest: House) -> None:
    made = await rest.make(tenant="shop", memberships=[])
    await rest.app.deciding.node.leave()
    lookup = rest.app.database.lookup
    path = lookup._path  # type: ignore[union-attr]
    lookup._path = path.with_name("nowhere.db")  # type: ignore[union-attr]
    try:
        answer = await ask(rest, made["token"])
        assert told(answer) == (503, "STALE")
        assert answer.headers["retry-after"] == "1"
    finally:
        lookup._path = path  # type: ignore[union-attr]
        await rest.app.deciding.node.register()
    assert told(await ask(rest, made["token"])) == (204, "VALID")


async def test_decisions_are_counted_by_the_door(rest: House, made: dict[str, Any]) -> None:
    await ask(rest, made["token"], "action=status:read")
    await ask(rest, None)
    metrics = (await rest.ask("GET", "/metrics", token=None)).text
    assert 'code="VALID",door="authorize"' in metrics
    assert 'code="NOT_FOUND",door="authorize"' in metrics
    await ask(rest, made["token"], path="/v1/authorize/some/where")
    assert 'route="/v1/authorize"' in (await rest.ask("GET", "/metrics", token=None)).text
    assert "some/where" not in metrics
