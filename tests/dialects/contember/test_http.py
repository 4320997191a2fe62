"""HTTP: routes, credentials, bodies, statuses and headers."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_introspection_query

from tests.dialects.contember.asking import DISABLE, Tenant, as_ours, forbidden

if TYPE_CHECKING:
    import httpx2

    from tests.support.keywright import Keywright

ME = "{ me { id } }"
FAILURE = "Authorization failure: "


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """The status and message of a refusal before GraphQL, whose form is the same everywhere."""
    (error,) = answer.json()["errors"]
    assert answer.text == json.dumps(
        {"errors": [{"code": error["code"], "message": error["message"]}]}, separators=(",", ":")
    )
    assert error["code"] == answer.status_code
    assert_common(answer)
    return answer.status_code, error["message"]


def assert_common(answer: httpx2.Response) -> None:
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-powered-by"] == "Contember 2"
    assert answer.headers["cache-control"] == "no-store"


def with_header(root: Tenant, value: str | None) -> httpx2.Response:
    headers = {} if value is None else {"Authorization": value}
    return root.keywright.http.post(root.url, json={"query": ME}, headers=headers)


# Credentials


def test_every_request_has_a_credential(root: Tenant) -> None:
    assert problem(with_header(root, None)) == (401, "Authentication required")
    assert problem(root.keywright.http.get(root.url)) == (401, "Authentication required")
    assert problem(Tenant(root.keywright, None).send("{ nope }")) == (401, "Authentication required")


@pytest.mark.parametrize(
    "value", ["", "Basic YTpi", "Bearer", "Bearer ab-c", "Bearer a b", "abc", "Bearer  é"]
)
def test_a_header_in_another_form_is_said_to_be_one(root: Tenant, value: str) -> None:
    answer = root.keywright.http.post(
        root.url, json={"query": ME}, headers=[(b"Authorization", value.encode())]
    )
    assert problem(answer) == (401, f"{FAILURE}invalid Authorization header format")


def test_two_headers_are_none(root: Tenant) -> None:
    twice = [("Authorization", f"Bearer {root.token}")] * 2
    answer = root.keywright.http.post(root.url, json={"query": ME}, headers=twice)
    assert problem(answer) == (401, f"{FAILURE}invalid Authorization header format")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  ", "bearer\t"])
def test_the_scheme_may_be_written_in_any_case(root: Tenant, scheme: str) -> None:
    assert with_header(root, f"{scheme} {root.token}").status_code == 200


@pytest.mark.parametrize("token", ["x", "a" * 40, "a" * 600, "kw_x", "kws_x", "_"])
def test_a_token_of_nobody_was_not_found(root: Tenant, token: str) -> None:
    assert problem(with_header(root, f"Bearer {token}")) == (401, f"{FAILURE}API key was not found")


def test_our_own_header_is_none_here(root: Tenant) -> None:
    headers = {"X-Api-Key": root.token or ""}
    assert root.keywright.http.post(root.url, json={"query": ME}, headers=headers).status_code == 401


def test_a_credential_that_is_over_is_told_why(keywright: Keywright, root: Tenant, blog: str) -> None:
    made = root.key(blog, "viewer")
    path = f"/v1/keys/{as_ours('key', made['id'])}"
    caller = Tenant(keywright, made["token"])
    keywright.rest("PATCH", path, {"not_before": "2099-01-01T00:00:00Z"}, tenant=blog)
    assert problem(caller.send(ME)) == (401, f"{FAILURE}API key is not valid yet")
    keywright.rest("PATCH", path, {"not_before": None, "allowed_cidrs": ["192.0.2.0/24"]}, tenant=blog)
    assert problem(caller.send(ME)) == (401, f"{FAILURE}API key may not be used from this address")
    keywright.rest("DELETE", path, tenant=blog)
    assert problem(caller.send(ME)) == (401, f"{FAILURE}API key was not found")
    keywright.tenant("closing")
    inside = Tenant(keywright, keywright.key("closing", "admin")["token"])
    keywright.rest("PATCH", "/v1/tenants/closing", {"active": False}, tenant="closing")
    assert problem(inside.send(ME)) == (401, f"{FAILURE}project of the API key is disabled")
    account = keywright.rest("POST", "/v1/service-accounts", {"name": "Bot"}, tenant=blog)
    bot = Tenant(keywright, keywright.key(blog, identity_id=account["id"])["token"])
    keywright.rest("PATCH", f"/v1/service-accounts/{account['id']}", {"active": False}, tenant=blog)
    assert problem(bot.send(ME)) == (401, f"{FAILURE}identity of the API key is disabled")


def test_a_bad_token_is_refused_before_a_bad_query(root: Tenant) -> None:
    for body in ("{", '{"query": "{ nope }"}', ""):
        answer = root.keywright.http.post(
            root.url,
            content=body,
            headers={"Authorization": "Bearer nobody", "Content-Type": "application/json"},
        )
        assert answer.status_code == 401


# Routes


def test_the_root_and_the_health_need_no_credential(root: Tenant) -> None:
    base = root.keywright.at("contember")
    for path in ("", "/"):
        answer = root.keywright.http.get(base + path)
        assert (answer.status_code, answer.text) == (200, "App is running")
        assert answer.headers["content-type"].startswith("text/plain")
        assert_common(answer)
    assert root.keywright.http.head(f"{base}/health").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/system/my-blog", "/content/my-blog/live", "/import", "/tenant/x", "/tenantx", "//tenant"],
)
def test_there_is_nothing_at_another_path(root: Tenant, path: str) -> None:
    answer = root.keywright.http.post(
        root.keywright.at("contember") + path, headers={"Authorization": f"Bearer {root.token}"}
    )
    assert problem(answer) == (404, "Route not found")


def test_a_trailing_slash_does_not_matter(root: Tenant) -> None:
    headers = {"Authorization": f"Bearer {root.token}"}
    assert root.keywright.http.post(f"{root.url}/", json={"query": ME}, headers=headers).status_code == 200


# CORS


def test_a_preflight_needs_no_credential(root: Tenant) -> None:
    headers = {
        "Origin": "http://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-foot",
    }
    answer = root.keywright.http.options(root.url, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET,HEAD,PUT,POST,DELETE,PATCH"
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type,x-foot"
    assert "access-control-allow-credentials" not in answer.headers


def test_every_answer_may_be_read_by_any_page(root: Tenant) -> None:
    for answer in (root.send(ME), root.send("{ nope }"), root.send(ME, Origin="http://app.example.com")):
        assert_common(answer)
        assert answer.headers["content-type"] == "application/json"


# Bodies


def post(root: Tenant, content: bytes | str, kind: str | None = "application/json") -> httpx2.Response:
    headers = {"Authorization": f"Bearer {root.token}"} | ({} if kind is None else {"Content-Type": kind})
    return root.keywright.http.post(root.url, content=content, headers=headers)


MISSING = '{"errors":[{"message":"Missing request query"}]}'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("{}", "application/json"),
        ("", "application/json"),
        ('{"query": ""}', "application/json"),
        ('{"query": null}', "application/json"),
        ('{"query": 1}', "application/json"),
        ('[{"query": "{ me { id } }"}]', "application/json"),
        ('{"query": "{ me { id } }"}', "text/plain"),
        ('{"query": "{ me { id } }"}', None),
        ("{ me { id } }", "application/graphql"),
        ("variables={}", "application/x-www-form-urlencoded"),
    ],
)
def test_a_request_without_a_query_lacks_one(root: Tenant, content: str, kind: str | None) -> None:
    answer = post(root, content, kind)
    assert (answer.status_code, answer.text) == (400, MISSING)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_lack_one_too(root: Tenant, method: str) -> None:
    headers = {"Authorization": f"Bearer {root.token}"}
    answer = root.keywright.http.request(method, root.url, json={"query": ME}, headers=headers)
    assert (answer.status_code, answer.text) == (400, MISSING)


@pytest.mark.parametrize(
    "content",
    ["{", "null x", '"text"', "1", "true", "[1", b'{"query": "\xff"}', "[" * 100_000, '{"query": NaN}'],
    ids=range(9),
)
def test_a_body_that_is_no_json_is_a_bad_request(root: Tenant, content: str) -> None:
    answer = post(root, content)
    assert (answer.status_code, answer.text) == (400, "Bad Request")
    assert answer.headers["content-type"].startswith("text/plain")
    assert_common(answer)


def test_a_body_that_is_too_large_is_said_to_be(root: Tenant) -> None:
    answer = post(root, json.dumps({"query": "x" * 1_100_000}))
    assert (answer.status_code, answer.text) == (413, "request entity too large")
    assert_common(answer)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/graphql+json"]
)
def test_json_is_told_by_its_media_type(root: Tenant, kind: str) -> None:
    assert post(root, json.dumps({"query": ME}), kind).status_code == 200


def test_forms_and_addresses_hold_a_query_too(root: Tenant, blog: str) -> None:
    http, headers = root.keywright.http, {"Authorization": f"Bearer {root.token}"}
    assert http.post(root.url, data={"query": ME}, headers=headers).json()["data"]["me"]
    query = {
        "query": "query ($s: String!) { projectBySlug(slug: $s) { slug } }",
        "variables": '{"s":"my-blog"}',
    }
    for answer in (
        http.get(root.url, params=query, headers=headers),
        http.post(root.url, data=query, headers=headers),
    ):
        assert answer.json() == {"data": {"projectBySlug": {"slug": blog}}}
    key = root.key(blog, "viewer")
    mutation = {"query": DISABLE, "variables": json.dumps({"id": key["id"]})}
    assert http.get(root.url, params=mutation, headers=headers).json()["data"]["disableApiKey"]["ok"]
    head = http.head(root.url, params={"query": ME}, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    assert http.get(root.url, headers=headers).text == MISSING
    broken = http.post(
        root.url,
        content=b"query=%ff",
        headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (broken.status_code, broken.text) == (400, "Bad Request")


@pytest.mark.parametrize("variables", ["[]", "1", '"x"', '"[1]"', "true"])
def test_variables_are_an_object(root: Tenant, variables: str) -> None:
    answer = post(root, f'{{"query": "{ME}", "variables": {variables}}}')
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("Variables ")
    for fine in ("null", "{}", '""', '"{}"'):
        assert post(root, f'{{"query": "{ME}", "variables": {fine}}}').status_code == 200


# GraphQL over HTTP


def failed(answer: httpx2.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 400
    assert list(answer.json()) == ["errors"]
    return list(answer.json()["errors"])


def test_what_is_wrong_with_a_query_is_said_as_graphql_js_does(root: Tenant) -> None:
    (syntax,) = failed(root.send("{ me {"))
    assert syntax == {
        "message": "Syntax Error: Expected Name, found <EOF>.",
        "locations": [{"line": 1, "column": 7}],
    }
    (unknown,) = failed(root.send("{ nope }"))
    assert unknown == {
        "message": 'Cannot query field "nope" on type "Query".',
        "locations": [{"line": 1, "column": 3}],
    }
    (lacking,) = failed(root.send(DISABLE))
    assert lacking["message"] == 'Variable "$id" of required type "String!" was not provided.'
    assert list(lacking) == ["message", "locations"]
    assert failed(root.send(DISABLE, {"id": 7}))[0]["message"].startswith('Variable "$id" got invalid value')


def test_which_operation_is_meant_is_said(root: Tenant) -> None:
    two = "query a { me { id } } query b { me { roles } }"
    several = "Must provide operation name if query contains multiple operations."
    assert failed(root.send(two)) == [{"message": several}]
    for name, expected in (("b", 200), ("c", 400), (None, 400), ("", 400)):
        body = json.dumps({"query": two, "operationName": name})
        assert post(root, body).status_code == expected
    for name in ("c", ["b"], 1):
        body = json.dumps({"query": two, "operationName": name})
        assert failed(post(root, body)) == [{"message": "Must provide an operation."}]


def test_introspection_is_on(root: Tenant) -> None:
    found = root.ask(get_introspection_query())["__schema"]
    assert found["mutationType"]["name"] == "Mutation"
    assert root.ask("{ __typename }") == {"__typename": "Query"}


def test_fields_of_one_mutation_run_in_order_and_commit_apart(
    keywright: Keywright, root: Tenant, blog: str
) -> None:
    query = """mutation ($m: [MembershipInput!]!) {
      first: createApiKey(projectSlug: "my-blog", memberships: $m, description: "one") { result { apiKey { id } } }
      second: createApiKey(projectSlug: "my-blog", memberships: $m, description: "two", tokenHash: "x") { ok }
      third: createApiKey(projectSlug: "my-blog", memberships: $m, description: "three") { result { apiKey { id } } }
    }"""
    answer = root.send(query, {"m": []})
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["errors", "data"]
    assert list(body["data"]) == ["first", "second", "third"]
    assert body["data"]["second"] is None
    assert [one["path"] for one in body["errors"]] == [["second"]]
    assert body["errors"][0]["locations"] == [{"line": 3, "column": 7}]
    ids = [body["data"][name]["result"]["apiKey"]["id"] for name in ("first", "third")]
    assert ids == sorted(ids)
    for one in ids:
        assert keywright.rest("GET", f"/v1/keys/{as_ours('key', one)}", tenant=blog)["state"] == "active"


def test_a_key_that_disables_itself_still_runs_what_follows(
    keywright: Keywright, root: Tenant, blog: str
) -> None:
    made = root.key(blog, "viewer")
    own = Tenant(keywright, made["token"])
    query = "mutation ($id: String!) { first: disableApiKey(id: $id) { ok } second: disableApiKey(id: $id) { ok } }"
    answer = own.send(query, {"id": made["id"]})
    assert answer.json() == {"data": {"first": {"ok": True}, "second": {"ok": True}}}
    assert problem(own.send(ME))[1].startswith(f"{FAILURE}API key was disabled at 20")


def test_an_error_of_a_field_that_may_not_be_null_leaves_no_data(root: Tenant, blog: str) -> None:
    query = "{ projects { members(input: {}, memberType: PERSON) { memberships { role } } } }"
    answer = root.send(query)
    assert answer.status_code == 400
    assert answer.json()["data"] is None
    assert answer.json()["errors"][0]["extensions"] == {"code": "UserInputError"}


def test_a_refusal_has_its_place_and_its_code(reader: Tenant, blog: str) -> None:
    error = reader.error(DISABLE, id="11111111-2222-4333-8444-555555555555")
    assert list(error) == ["message", "locations", "path", "extensions"]
    assert error["path"] == ["disableApiKey"]
    assert forbidden(error, "You are not allowed to disable an API key")


# Extras


@pytest.mark.parametrize("value", ["1", "true", "on", "yes", "YES"])
def test_a_client_may_ask_for_200(root: Tenant, value: str) -> None:
    nobody = Tenant(root.keywright, "nobody")
    wish = {"X-Contember-Force-Ok": value}
    for caller, query, status in ((nobody, ME, 401), (root, "{ nope }", 400)):
        plain, forced = caller.send(query), caller.send(query, **wish)
        assert (plain.status_code, forced.status_code) == (status, 200)
        assert forced.headers["x-contember-original-status"] == str(status)
        assert "x-contember-original-status" not in plain.headers
        assert forced.text == plain.text
    fine = root.send(ME, **wish)
    assert fine.status_code == 200
    assert "x-contember-original-status" not in fine.headers
    large = root.keywright.http.post(root.url, content=b"x" * 1_100_000, headers=wish)
    assert (large.status_code, large.headers["x-contember-original-status"]) == (200, "413")


@pytest.mark.parametrize("value", ["0", "false", "", "maybe"])
def test_a_client_may_also_not_ask_for_it(root: Tenant, value: str) -> None:
    assert root.send("{ nope }", **{"X-Contember-Force-Ok": value}).status_code == 400


def test_long_answers_are_compressed_where_that_is_asked_for(root: Tenant) -> None:
    headers = {"Authorization": f"Bearer {root.token}"}
    for query, asked, expected in (
        (get_introspection_query(), "gzip, br", True),
        (get_introspection_query(), "br, gzip;q=0", False),
        (get_introspection_query(), "identity", False),
        (ME, "gzip", False),
    ):
        with root.keywright.http.stream(
            "POST", root.url, json={"query": query}, headers={**headers, "Accept-Encoding": asked}
        ) as answer:
            raw = b"".join(answer.iter_raw())
        assert (answer.headers.get("content-encoding") == "gzip") is expected
        assert json.loads(gzip.decompress(raw) if expected else raw)["data"]
