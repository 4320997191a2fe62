"""A token is put wherever something can be sent, and looked for in every answer, log line and metric."""

from __future__ import annotations

import io
import json
import logging
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.tokens import find_tokens, mint, redact
from keywright.ops import logging as logs
from tests.doors.graphql.conftest import MAKE, RESPONSE, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

TOKEN = mint(random=Random(1).randrange).reveal()  # the same in every process that collects the tests
LIST = "query ($filter: ApiKeyFilter) { apiKeys(filter: $filter) { nodes { id } } }"
UPDATE = "mutation ($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { id } } }"

IN_QUERIES = (
    "{ TOKEN }",
    "{ viewer { TOKEN } }",
    "{ viewer { identity { id TOKEN { id } } } }",
    "{ TOKEN: viewr { id } }",
    "query TOKEN { nothing }",
    "query TOKEN { viewer }",
    "query TOKEN { __typename } query TOKEN { __typename }",
    "query ($TOKEN: Int) { __typename }",
    "query ($TOKEN: Int!) { apiKeys(first: $TOKEN) { nodes { id } } }",
    "query ($x: TOKEN) { apiKey(id: $x) { id } }",
    "{ apiKey(id: $TOKEN) { id } }",
    "query ($x: Int = TOKEN) { apiKeys(first: $x) { nodes { id } } }",
    'query ($x: Int = "TOKEN") { apiKeys(first: $x) { nodes { id } } }',
    "{ apiKey(id: TOKEN) { id } }",
    "{ apiKey(TOKEN: 1) { id } }",
    '{ apiKey(id: "TOKEN") { nothing } }',
    '{ apiKeys(first: "TOKEN") { nodes { id } } }',
    '{ apiKeys(first: """TOKEN""") { nodes { id } } }',
    '{ apiKeys(first: ["TOKEN"]) { nodes { id } } }',
    '{ apiKeys(first: {a: "TOKEN"}) { nodes { id } } }',
    "{ apiKeys(filter: {TOKEN: 1}) { nodes { id } } }",
    '{ apiKeys(filter: "TOKEN") { nodes { id } } }',
    '{ apiKeys(filter: {states: ["TOKEN"]}) { nodes { id } } }',
    "{ apiKeys(filter: {states: [TOKEN]}) { nodes { id } } }",
    "{ apiKeys(orderBy: {field: TOKEN}) { nodes { id } } }",
    '{ apiKeys(filter: {created: {since: "TOKEN"}}) { nodes { id } } }',
    '{ apiKeys(filter: {used: "TOKEN"}) { nodes { id } } }',
    '{ apiKeys(after: "TOKEN") { nodes { id } } }',
    '{ verify(input: {token: "TOKEN", action: "TOKEN x"}) { valid } }',
    '{ verify(input: {token: "TOKEN", tokn: "TOKEN"}) { valid } }',
    "{ verify(input: {token: TOKEN}) { valid } }",
    '{ verify(token: "TOKEN") { valid } }',
    'mutation { createApiKey(input: {name: "TOKEN"}) { token } }',
    'mutation { createApiKey(input: {name: "x", metadata: "TOKEN"}) { token } }',
    'mutation { createApiKey(input: {name: "x", metadata: {a: "TOKEN"}}) { token } }',
    'mutation { createApiKey(input: {name: "x", metadata: TOKEN}) { token } }',
    'mutation { createTenant(input: {slug: "TOKEN"}) { tenant { id } } }',
    "{ viewer @TOKEN { __typename } }",
    '{ viewer @skip(if: "TOKEN") { __typename } }',
    "{ viewer @skip(TOKEN: true) { __typename } }",
    "{ ...TOKEN }",
    "{ ...A } fragment A on TOKEN { id }",
    "{ __typename } fragment TOKEN on Query { __typename }",
    "{ ...TOKEN } fragment TOKEN on Query { ...TOKEN }",
    "fragment TOKEN on Identity { id } { viewer { ...TOKEN } }",
    "{ a: viewer { identity { a: id } } a: tenants { TOKEN } }",
    "{ TOKEN: viewer { __typename } TOKEN: tenants { __typename } }",
    "subscription TOKEN { TOKEN }",
    "type TOKEN { a: Int }",
    '"TOKEN"',
    "TOKEN",
    "{ viewer TOKEN",
    '{ apiKey(id: "TOKEN',
    "{ apiKey(id: TOKEN\\) }",
    '{ apiKey(id: "\\TOKEN") }',
    "# TOKEN\n{",
    "{ __type(name: TOKEN) { name } }",
)  # fmt: skip


@pytest.fixture
def log_lines(shared: Speaker) -> Iterator[io.StringIO]:
    """What the process logs, at the finest level, without the redactor that would cover a leak up."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    logs.configure("debug", "json", lambda text: text, stream)
    yield stream
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def with_token(text: str) -> bytes:
    """The token put in its places. It is not a parameter of tests itself, since those are named by theirs."""
    return text.replace("TOKEN", TOKEN).encode()


def leaks(text: str) -> bool:
    return TOKEN in text or TOKEN[5:30] in text or bool(find_tokens(text))


@pytest.mark.parametrize("credential", ["none", "root"])
async def test_no_query_comes_back(shared: Speaker, log_lines: io.StringIO, credential: str) -> None:
    speaker = shared if credential == "root" else shared.as_(None)
    for query in IN_QUERIES:
        for accept in ("*/*", RESPONSE):
            answer = await speaker.post({"query": query.replace("TOKEN", TOKEN)}, accept=accept)
            assert answer.json()["errors"], query
            assert answer.status_code < 500, query
            paths = [error.pop("path", None) for error in answer.json()["errors"]]
            assert paths, query
            assert not leaks(answer.text), query
    assert not leaks(log_lines.getvalue())
    assert "unexpected_error" not in log_lines.getvalue()
    assert not leaks(shared.app.metrics.render()[0].decode())


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (LIST, {"filter": "TOKEN"}),
        (LIST, {"filter": {"TOKEN": 1}}),
        (LIST, {"filter": {"states": ["TOKEN"]}}),
        (LIST, {"filter": {"states": {"TOKEN": "TOKEN"}}}),
        (LIST, {"filter": {"used": "TOKEN"}}),
        (LIST, {"filter": {"handle": ["TOKEN"]}}),
        (LIST, {"filter": {"handle": "TOKEN"}}),
        (LIST, {"filter": {"created": {"since": "TOKEN"}}}),
        (LIST, {"filter": {"namePrefix": "TOKEN" * 20}}),
        (MAKE, {"input": {"name": ["TOKEN"]}}),
        (MAKE, {"input": {"name": "TOKEN"}}),
        (MAKE, {"input": {"name": {"a": "TOKEN"}}}),
        (MAKE, {"input": {"name": "x", "TOKEN": "y"}}),
        (MAKE, {"input": {"name": "x", "token": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "tokenHash": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "handle": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "description": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "prefix": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "tenant": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "expiresAt": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "metadata": "TOKEN"}}),
        (MAKE, {"input": {"name": "x", "metadata": {"a": {"TOKEN": "TOKEN"}}}}),
        (MAKE, {"input": {"name": "x", "allowedCidrs": ["TOKEN"]}}),
        (MAKE, {"input": {"name": "x", "scope": [{"actions": ["TOKEN "]}]}}),
        (MAKE, {"input": {"name": "x", "scope": [{"actions": [{"a": "TOKEN"}]}]}}),
        (MAKE, {"input": {"name": "x", "idempotencyKey": "TOKEN "}}),
        (UPDATE, {"input": {"id": "TOKEN"}}),
        (UPDATE, {"input": {"id": {"a": "TOKEN"}}}),
        (UPDATE, {"input": {"id": "x", "active": "TOKEN"}}),
        ("query ($input: VerifyInput!) { verify(input: $input) { valid } }", {"input": {"token": ["TOKEN"]}}),
        (
            "query ($input: VerifyInput!) { verify(input: $input) { valid } }",
            {"input": {"token": "TOKEN", "ip": "TOKEN"}},
        ),
        (
            "query ($input: VerifyInput!) { verify(input: $input) { valid } }",
            {"input": {"token": "TOKEN", "TOKEN": 1}},
        ),
        ("query ($first: Int) { apiKeys(first: $first) { nodes { id } } }", {"first": "TOKEN"}),
        ("query ($after: String) { apiKeys(after: $after) { nodes { id } } }", {"after": "TOKEN"}),
        ("query ($TOKEN: Int!) { apiKeys(first: $TOKEN) { nodes { id } } }", {"TOKEN": "TOKEN"}),
        ('query ($m: JSON) { verify(input: {token: "x", ip: $m}) { valid } }', {"m": {"a": "TOKEN"}}),
    ],
)
async def test_no_variable_comes_back(
    shared: Speaker, log_lines: io.StringIO, query: str, variables: dict[str, Any]
) -> None:
    answer = await shared.post(with_token(json.dumps({"query": query, "variables": variables})))
    assert answer.json()["errors"]
    assert not leaks(answer.text)
    assert not leaks(log_lines.getvalue())
    assert "unexpected_error" not in log_lines.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        "TOKEN",
        '"TOKEN"',
        '{"query": "{ __typename }", "TOKEN": 1}',
        '{"query": ["TOKEN"]}',
        '{"query": "{ __typename }", "variables": "TOKEN"}',
        '{"query": "{ __typename }", "variables": {"a": TOKEN}}',
        '{"query": "{ __typename }", "operationName": "TOKEN"}',
        '{"query": "{ __typename }", "operationName": ["TOKEN"]}',
        '{"query": "query TOKEN { __typename } query B { __typename }"}',
    ],
)
async def test_no_body_comes_back(shared: Speaker, log_lines: io.StringIO, body: str) -> None:
    answer = await shared.post(with_token(body))
    assert answer.json()["errors"]
    assert not leaks(answer.text)
    assert not leaks(log_lines.getvalue())


async def test_no_credential_comes_back(shared: Speaker, log_lines: io.StringIO) -> None:
    body = {"query": "{ viewer { __typename } }"}
    for headers in (
        {"authorization": f"Bearer {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"x-api-key": TOKEN},
        {"authorization": f"Bearer {TOKEN}", "x-api-key": TOKEN},
        {"authorization": f"Bearer {shared.token}", "keywright-tenant": TOKEN, "accept": TOKEN},
    ):
        answer = await shared.client.post("/graphql", json=body, headers=headers)
        assert not leaks(answer.text)
    answer = await shared.post({"query": MAKE, "variables": {"input": {"name": "x"}}}, keywright_tenant=TOKEN)
    assert not leaks(answer.text)
    assert not leaks(log_lines.getvalue())


async def test_a_token_is_in_the_answer_that_made_it_alone(shared: Speaker, log_lines: io.StringIO) -> None:
    token = (await shared.make("Once"))["token"]
    everything = (
        "{ apiKeys { nodes { id name hint lastSeven metadata description } } viewer { credential { id } } }"
    )
    answer = await shared.ask(everything)
    assert token not in json.dumps(answer)
    query = "query ($input: VerifyInput!) { verify(input: $input) { valid keyId name metadata } }"
    assert token not in json.dumps(await shared.ask(query, {"input": {"token": token}}))
    assert token not in log_lines.getvalue()
    assert redact(log_lines.getvalue()) == log_lines.getvalue()
