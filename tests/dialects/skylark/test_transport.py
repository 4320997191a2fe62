"""One URL that programs and pages from elsewhere post to, and the form of what goes wrong on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import get_introspection_query

from tests.dialects.skylark.speaker import USER
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from tests.dialects.skylark.speaker import Speaker

ENTRY = {"path", "data", "errorType", "errorInfo", "locations", "message"}
# What Skylark's own pages send beside a query.
HEADERS = [
    *("authorization", "content-type", "x-bypass-cache", "x-draft", "x-ignore-availability", "x-ignore-time"),
    *("x-time-travel", "x-language", "x-override-dimensions", "x-sl-dimension-device-types"),
]
NOT_AUTHORIZED = "You are not authorized to make this call."


def failed(answer: Any, status: int, error_type: str) -> str:
    """The message of an answer in Skylark's form of an error."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    found = answer.json()
    (error,) = found["errors"]
    assert found.keys() == {"data", "errors"}
    assert error.keys() == ENTRY
    assert (found["data"], error["errorType"]) == (None, error_type)
    message: str = error["message"]
    return message


def send(speaker: Speaker, method: str = "POST", path: str = "/graphql", **request: Any) -> Any:
    headers = {"Authorization": speaker.token} | request.pop("headers", {})
    url = f"{speaker.keywright.at('skylark')}{path}"
    return speaker.keywright.http.request(method, url, headers=headers, **request)


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
def test_the_address_is_good_with_a_slash_and_without(here: Speaker, path: str) -> None:
    answer = send(here, path=path, json={"query": USER})
    assert answer.json()["data"]["getUser"]["account"] == here.tenant


@pytest.mark.parametrize("path", ["", "/", "/graphql//", "/graphiql", "/graphql/x", "/%00", "/../graphql"])
def test_no_other_address(here: Speaker, path: str) -> None:
    for method in ("POST", "GET", "DELETE", "OPTIONS"):
        answer = send(here, method, path)
        if path != "/../graphql":  # what this is depends on the client
            failed(answer, 404, "NotFound")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_no_other_method(here: Speaker, method: str) -> None:
    answer = send(here, method)
    failed(answer, 405, "MethodNotAllowedException")
    assert answer.headers["allow"] == "POST, OPTIONS"


def test_a_page_from_elsewhere_may_ask(here: Speaker) -> None:
    asked = {
        "Origin": "https://ui.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ",".join(HEADERS),
    }
    answer = here.keywright.http.options(here.url, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"].split(",") == HEADERS
    assert "access-control-allow-credentials" not in answer.headers


def test_further_headers_and_any_content_type_do_no_harm(here: Speaker) -> None:
    for kind in ("application/json; charset=utf-8", "text/plain", "application/graphql"):
        headers = {
            "Content-Type": kind,
            "Origin": "https://ui.example.com",
            **dict.fromkeys(HEADERS[2:], "1"),
        }
        answer = send(here, content=json.dumps({"query": USER, "extensions": {}, "more": 1}), headers=headers)
        assert answer.json()["data"]["getUser"]["role"] == "ADMIN"


def test_the_codegen_header_is_of_no_use_and_does_no_harm(here: Speaker) -> None:
    """Tools that read the schema send the key a second time."""
    assert send(here, json={"query": USER}, headers={"x-api-key": here.token}).status_code == 200
    alone = here.keywright.http.post(here.url, json={"query": USER}, headers={"x-api-key": here.token})
    failed(alone, 401, "UnauthorizedException")


def test_the_whole_schema_is_read_by_introspection(here: Speaker) -> None:
    found = here.get(get_introspection_query())
    kinds = {one["name"]: one["kind"] for one in found["types"]}
    assert kinds["Metadata"] == "INTERFACE"
    assert kinds["SkylarkAPIPermission"] == "ENUM"
    assert kinds["AWSDateTime"] == "SCALAR"


def test_a_bad_credential_is_refused_whatever_is_asked(here: Speaker) -> None:
    mistyped = here.token[:-1] + ("a" if here.token[-1] != "a" else "b")
    session = here.keywright.session()
    wrong = ["", "xyzzy", mistyped, f"Bearer {here.token}", f"{here.token} {here.token}", ROOT, session]
    for token in wrong:
        for query in (USER, "{ __typename }", "{ nothing }", "{"):
            answer = here.post({"query": query}, token)
            assert failed(answer, 401, "UnauthorizedException") == NOT_AUTHORIZED
            assert not token or token not in answer.text
    missing = here.keywright.http.post(here.url, json={"query": USER})
    assert failed(missing, 401, "UnauthorizedException") == NOT_AUTHORIZED


def test_a_disabled_a_deleted_and_a_foreign_address_look_the_same(here: Speaker) -> None:
    keywright = here.keywright
    disabled = keywright.key(here.tenant, "admin")
    path = f"/v1/keys/{disabled['key']['id']}"
    keywright.rest("PATCH", path, {"active": False}, tenant=here.tenant)
    deleted = keywright.key(here.tenant, "admin")
    keywright.rest("DELETE", f"/v1/keys/{deleted['key']['id']}", tenant=here.tenant)
    elsewhere = keywright.key(here.tenant, "admin", allowed_cidrs=["192.0.2.0/24"])
    later = keywright.key(here.tenant, "admin", not_before="2090-01-01T00:00:00Z")
    answers = [here.post({"query": USER}, made["token"]) for made in (disabled, deleted, elsewhere, later)]
    for answer in answers:
        failed(answer, 401, "UnauthorizedException")
    assert len({answer.text for answer in answers}) == 1


def test_a_header_that_is_there_twice_is_a_guess(here: Speaker) -> None:
    headers = [("Authorization", here.token), ("Authorization", here.token)]
    answer = here.keywright.http.post(here.url, json={"query": USER}, headers=headers)
    failed(answer, 400, "MalformedHttpRequestException")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\0", b"{", b"[]", b"null", b'"{ getUser { account } }"', b"\xff\xfe", b"[" * 100_000),
        *(b"{}", b'{"query": null}', b'{"query": 1}', b'{"query": "{a}", "variables": []}'),
        *(b'{"query": "{a}", "operationName": 1}', b'{"query": "\\ud800"}', b'[{"query": "{ __typename }"}]'),
    ],
    ids=range(15),
)
def test_a_body_that_is_none(here: Speaker, body: bytes) -> None:
    failed(send(here, content=body), 400, "MalformedHttpRequestException")


def test_a_body_that_is_too_large_or_packed(here: Speaker) -> None:
    failed(send(here, content=b"x" * (1024 * 1024 + 1)), 413, "MalformedHttpRequestException")
    packed = send(here, content=b"x", headers={"Content-Encoding": "gzip"})
    failed(packed, 400, "MalformedHttpRequestException")


@pytest.mark.parametrize(
    ("query", "begins"),
    [
        ("{", "Syntax Error: "),
        ("", "Syntax Error: "),
        ("{ listApiKeys { nothing } }", 'Cannot query field "nothing" on type "APIKey".'),
        ("{ listApiKeys(first: 1) { name } }", 'Unknown argument "first"'),
        ("{ listApiKeys }", 'Field "listApiKeys" of type "[APIKey]" must have a selection'),
        (
            'mutation { createApiKey(api_key: {name: "a"}) { name } }',
            'Expected value of type "APIKeyInput" to include',
        ),
        (
            'mutation { createApiKey(api_key: {name: "a", permissions: [ALL]}) { name } }',
            'Value "ALL" does not exist in "SkylarkAPIPermission" enum.',
        ),
        ("subscription { x }", ""),
        ("query A { __typename } query B { __typename }", "Must provide operation name"),
    ],
)
def test_a_query_that_does_not_fit_the_schema(here: Speaker, query: str, begins: str) -> None:
    answer = send(here, json={"query": query})
    message = failed(answer, 200, "ValidationError")
    assert message.startswith(begins)


def test_one_of_several_operations_is_run(here: Speaker) -> None:
    query = "query A { getUser { account } } query B { getAccount { account_id } }"
    answer = send(here, json={"query": query, "operationName": "B"}).json()
    assert answer == {"data": {"getAccount": {"account_id": here.tenant}}}


def test_who_asks_is_answered_from_memory(here: Speaker) -> None:
    """No use case is run for it, and so no transaction begun."""

    def run() -> list[str]:
        text = here.keywright.http.get(f"{here.keywright.url}/metrics").text
        return [line for line in text.splitlines() if line.startswith("keywright_use_cases_total")]

    before = run()
    assert before
    here.get("{ getUser { account role permissions } }")
    here.get("{ getAccount { account_id } }")
    assert run() == before
    here.get("{ listApiKeys { name } }")
    assert run() != before


def test_metrics_name_the_route_and_nothing_that_was_sent(here: Speaker) -> None:
    send(here, path="/graphql", json={"query": USER})
    send(here, path="/something-secret")
    metrics = here.keywright.http.get(f"{here.keywright.url}/metrics").text
    assert 'route="/dialects/skylark/graphql"' in metrics
    assert "something-secret" not in metrics + here.keywright.process.errors()
