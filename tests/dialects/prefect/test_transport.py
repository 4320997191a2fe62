"""How a request is written and answered: what breaks clients where it is otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.prefect.world import AUTH_INFO

if TYPE_CHECKING:
    from tests.dialects.prefect.world import World

HERE = "query($slug: String) { tenant(where: {slug: {_eq: $slug}}) { slug } }"


@pytest.mark.parametrize("path", ["", "/", "/graphql", "/graphql/"])
def test_every_path_is_answered_where_it_is(world: World, path: str) -> None:
    answer = world.post({"query": AUTH_INFO}, world.admin.token, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {"data": {"auth_info": {"tenant_id": world.here}}}


@pytest.mark.parametrize("path", ["/graphql/x", "/api", "//", "/graphqlx"])
def test_other_paths_are_none(world: World, path: str) -> None:
    answer = world.post({"query": AUTH_INFO}, world.admin.token, path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["errors"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(world: World, method: str) -> None:
    url = f"{world.keywright.at('prefect')}/graphql"
    answer = world.keywright.http.request(method, url, params={"query": AUTH_INFO})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert list(answer.json()) == ["errors"]


def test_a_page_from_elsewhere_may_ask(world: World) -> None:
    asked = {"Origin": "https://ui.example.com", "Access-Control-Request-Headers": "authorization"}
    answer = world.keywright.http.request("OPTIONS", world.keywright.at("prefect"), headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "authorization"


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ('"{\\"slug\\": \\"here\\"}"', ["here"]),
        ('{"slug": "here"}', ["here"]),
        ('"{\\"slug\\": \\"elsewhere\\"}"', []),
        ('"null"', ["here"]),
        ('""', ["here"]),
        ("null", ["here"]),
        ("{}", ["here"]),
        ('"{}"', ["here"]),
        (None, ["here"]),
    ],
)
def test_variables_are_a_text_an_object_or_nothing(
    world: World, variables: str | None, found: list[str]
) -> None:
    rest = "" if variables is None else f', "variables": {variables}'
    answer = world.post(f'{{"query": {json.dumps(HERE)}{rest}}}'.encode(), world.admin.token)
    assert answer.json() == {"data": {"tenant": [{"slug": slug} for slug in found]}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b'"text"',
        b"[1]",
        b"[[]]",
        b"{}",
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": "{ hello }", "variables": "{"}',
        b'{"query": "{ hello }", "variables": "[]"}',
        b'{"query": "{ hello }", "variables": "1"}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": 1}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "\xff"}',
        b'{"query": "{ hello }", "variables": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"[" + b'{"query": "{ hello }"},' * 50 + b'{"query": "{ hello }"}]',
    ],
    ids=range(20),
)
def test_what_cannot_be_read_is_a_bad_request(world: World, body: bytes) -> None:
    answer = world.post(body, world.admin.token)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ project { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ tenant }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { hello }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { create_api_key(input: {}) { key } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: uuid!) { tenant_by_pk(id: $id) { id } }", "BAD_USER_INPUT"),
        ("query A { hello } query B { hello }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ auth_api_key { key_hash } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ auth_api_key { key } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello " * 20 + "}" * 20, "GRAPHQL_VALIDATION_FAILED"),
        ("{ " + "hello " * 60 + "}", "GRAPHQL_VALIDATION_FAILED"),
    ],
    ids=range(12),
)
def test_an_operation_that_is_not_valid_is_a_bad_request(world: World, query: str, code: str) -> None:
    answer = world.post({"query": query, "variables": "null"}, world.admin.token)
    assert answer.status_code == 400
    found = answer.json()
    assert list(found) == ["errors"]
    assert {error["extensions"]["code"] for error in found["errors"]} == {code}


def test_operations_by_their_names(world: World) -> None:
    query = "query A { a: hello } query B { b: hello }"
    assert world.post({"query": query, "operationName": "B"}).json() == {"data": {"b": "👋"}}
    assert world.post({"query": "query A { hello }", "operationName": ""}).status_code == 200
    assert world.post({"query": query, "operationName": "C"}).status_code == 400


def test_an_array_is_answered_one_by_one(world: World) -> None:
    """What is wrong in one takes nothing from the others, and each mutation stands by itself."""
    create = "mutation($input: create_api_key_input!) { create_api_key(input: $input) { id } }"
    wanted = {"input": {"user_id": world.admin.user_id, "name": "in-an-array"}}
    body: Any = [
        {"query": create, "variables": wanted},
        {"query": "{ nonsense }"},
        {"query": "query { auth_api_key { name } }", "variables": "null"},
        {"query": create, "variables": {"input": {**wanted["input"], "name": ""}}},
        {"query": "{ hello }"},
    ]
    answer = world.post(body, world.admin.token)
    assert answer.status_code == 200
    made, nonsense, listed, refused, hello = answer.json()
    assert made["data"]["create_api_key"]["id"]
    assert list(nonsense) == ["errors"]
    assert {"name": "in-an-array"} in listed["data"]["auth_api_key"]
    assert refused["data"] == {"create_api_key": None}
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert hello == {"data": {"hello": "👋"}}
    assert world.post([{"query": "{ hello }"}]).json() == [{"data": {"hello": "👋"}}]


def test_a_body_that_is_too_large(world: World) -> None:
    answer = world.post(b'{"query": "' + b" " * (1024 * 1024) + b'"}', world.admin.token)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_hello_and_the_schema_need_no_key(world: World) -> None:
    """Agents ask the one before anything is known of their key; the other is public."""
    assert world.post({"query": "query { hello }"}).json() == {"data": {"hello": "👋"}}
    answer = world.post({"query": "{ __schema { queryType { name } } __typename }"})
    assert answer.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}, "__typename": "Query"}}


def test_the_key_and_the_tenant_are_known_from_memory(world: World) -> None:
    """What commands and agents ask most says all that it says without the database."""
    query = (
        "{ auth_info { tenant_id user_id permissions api_token_scope } tenant { id slug name } "
        "user { id default_membership { tenant_id tenant { slug } } } }"
    )
    world.data("{ agent { id } }")  # by now the key is known, and use cases are counted
    before = _reads(world)
    assert world.data(query)["tenant"] == [{"id": world.here, "slug": "here", "name": "here"}]
    assert _reads(world) == before


def _reads(world: World) -> list[str]:
    """What is counted of use cases, and of keys read for a decision."""
    text = world.keywright.http.get(f"{world.keywright.url}/metrics").text
    counted = ("keywright_use_cases_total{", "keywright_lookups_total ")
    found = [line for line in text.splitlines() if line.startswith(counted)]
    assert len(found) > 1
    return found
