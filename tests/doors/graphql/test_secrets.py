"""A token is put wherever something can be sent, and looked for in every answer, log line and metric."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.tokens import find_tokens, mint, redact
from keywright.ops import logging as logs
from tests.doors.graphql.conftest import MAKE, RESPONSE, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

TOKEN = mint().reveal()
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
    '{ verify(input: {token: TOKEN}) { valid } }',
    '{ verify(token: "TOKEN") { valid } }',
    'mutation { createApiKey(input: {name: "TOKEN"}) { token } }',
    'mutation { createApiKey(input: {name: "x", metadata: "TOKEN"}) { token } }',
    'mutation { createApiKey(input: {name: "x", metadata: {a: "TOKEN"}}) { token } }',
    "mutation { createApiKey(input: {name: \"x\", metadata: TOKEN}) { token } }",
    'mutation { createTenant(input: {slug: "TOKEN"}) { tenant { id } } }',
    '{ viewer @TOKEN { __typename } }',
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
def log_lines(root: Speaker) -> Iterator[io.StringIO]:
    """What the process logs, at the finest level, without the redactor that would cover a leak up."""
    import logging as stdlib

    handlers, level = stdlib.root.handlers[:], stdlib.root.level
    stream = io.StringIO()
    logs.configure("debug", "json", lambda text: text, stream)
    yield stream
    stdlib.root.handlers[:] = handlers
    stdlib.root.setLevel(level)


def leaks(text: str) -> bool:
    return TOKEN in text or TOKEN[5:30] in text or bool(find_tokens(text))


@pytest.mark.parametrize("credential", ["none", "root"])
async def test_no_query_comes_back(root: Speaker, log_lines: io.StringIO, credential: str) -> None:
    speaker = root if credential == "root" else root.as_(None)
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
    assert not leaks(root.app.metrics.render()[0].decode())


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (LIST, {"filter": TOKEN}),
        (LIST, {"filter": {TOKEN: 1}}),
        (LIST, {"filter": {"states": [TOKEN]}}),
        (LIST, {"filter": {"states": {TOKEN: TOKEN}}}),
        (LIST, {"filter": {"used": TOKEN}}),
        (LIST, {"filter": {"handle": [TOKEN]}}),
        (LIST, {"filter": {"handle": TOKEN}}),
        (LIST, {"filter": {"created": {"since": TOKEN}}}),
        (LIST, {"filter": {"namePrefix": TOKEN * 20}}),
        (MAKE, {"input": {"name": [TOKEN]}}),
        (MAKE, {"input": {"name": TOKEN}}),
        (MAKE, {"input": {"name": {"a": TOKEN}}}),
        (MAKE, {"input": {"name": "x", TOKEN: "y"}}),
        (MAKE, {"input": {"name": "x", "token": TOKEN}}),
        (MAKE, {"input": {"name": "x", "tokenHash": TOKEN}}),
        (MAKE, {"input": {"name": "x", "handle": TOKEN}}),
        (MAKE, {"input": {"name": "x", "description": TOKEN}}),
        (MAKE, {"input": {"name": "x", "prefix": TOKEN}}),
        (MAKE, {"input": {"name": "x", "tenant": TOKEN}}),
        (MAKE, {"input": {"name": "x", "expiresAt": TOKEN}}),
        (MAKE, {"input": {"name": "x", "metadata": TOKEN}}),
        (MAKE, {"input": {"name": "x", "metadata": {"a": {TOKEN: TOKEN}}}}),
        (MAKE, {"input": {"name": "x", "allowedCidrs": [TOKEN]}}),
        (MAKE, {"input": {"name": "x", "scope": [{"actions": [TOKEN + " "]}]}}),
        (MAKE, {"input": {"name": "x", "scope": [{"actions": [{"a": TOKEN}]}]}}),
        (MAKE, {"input": {"name": "x", "idempotencyKey": TOKEN + " "}}),
        (UPDATE, {"input": {"id": TOKEN}}),
        (UPDATE, {"input": {"id": {"a": TOKEN}}}),
        (UPDATE, {"input": {"id": "x", "active": TOKEN}}),
        ("query ($input: VerifyInput!) { verify(input: $input) { valid } }", {"input": {"token": [TOKEN]}}),
        (
            "query ($input: VerifyInput!) { verify(input: $input) { valid } }",
            {"input": {"token": TOKEN, "ip": TOKEN}},
        ),
        (
            "query ($input: VerifyInput!) { verify(input: $input) { valid } }",
            {"input": {"token": TOKEN, TOKEN: 1}},
        ),
        ("query ($first: Int) { apiKeys(first: $first) { nodes { id } } }", {"first": TOKEN}),
        ("query ($after: String) { apiKeys(after: $after) { nodes { id } } }", {"after": TOKEN}),
        (f"query (${TOKEN}: Int!) {{ apiKeys(first: ${TOKEN}) {{ nodes {{ id }} }} }}", {TOKEN: TOKEN}),
        ('query ($m: JSON) { verify(input: {token: "x", ip: $m}) { valid } }', {"m": {"a": TOKEN}}),
    ],
)
async def test_no_variable_comes_back(
    root: Speaker, log_lines: io.StringIO, query: str, variables: dict[str, Any]
) -> None:
    answer = await root.post({"query": query, "variables": variables})
    assert answer.json()["errors"]
    assert not leaks(answer.text)
    assert not leaks(log_lines.getvalue())
    assert "unexpected_error" not in log_lines.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        TOKEN,
        f'"{TOKEN}"',
        f'{{"query": "{{ __typename }}", "{TOKEN}": 1}}',
        f'{{"query": ["{TOKEN}"]}}',
        f'{{"query": "{{ __typename }}", "variables": "{TOKEN}"}}',
        f'{{"query": "{{ __typename }}", "variables": {{"a": {TOKEN}}}}}',
        f'{{"query": "{{ __typename }}", "operationName": "{TOKEN}"}}',
        f'{{"query": "{{ __typename }}", "operationName": ["{TOKEN}"]}}',
        f'{{"query": "query {TOKEN} {{ __typename }} query B {{ __typename }}"}}',
    ],
)
async def test_no_body_comes_back(root: Speaker, log_lines: io.StringIO, body: str) -> None:
    answer = await root.post(body.encode())
    assert answer.json()["errors"]
    assert not leaks(answer.text)
    assert not leaks(log_lines.getvalue())


async def test_no_credential_comes_back(root: Speaker, log_lines: io.StringIO) -> None:
    body = {"query": "{ viewer { __typename } }"}
    for headers in (
        {"authorization": f"Bearer {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"x-api-key": TOKEN},
        {"authorization": f"Bearer {TOKEN}", "x-api-key": TOKEN},
        {"authorization": f"Bearer {root.token}", "keywright-tenant": TOKEN, "accept": TOKEN},
    ):
        answer = await root.client.post("/graphql", json=body, headers=headers)
        assert not leaks(answer.text)
    answer = await root.post({"query": MAKE, "variables": {"input": {"name": "x"}}}, keywright_tenant=TOKEN)
    assert not leaks(answer.text)
    assert not leaks(log_lines.getvalue())


async def test_a_token_is_in_the_answer_that_made_it_alone(root: Speaker, log_lines: io.StringIO) -> None:
    token = (await root.make("Once"))["token"]
    everything = "{ apiKeys { nodes { id name hint lastSeven prefix metadata description } } viewer { credential { id } } }"
    answer = await root.ask(everything)
    assert token not in json.dumps(answer)
    query = "query ($input: VerifyInput!) { verify(input: $input) { valid keyId name metadata } }"
    assert token not in json.dumps(await root.ask(query, {"input": {"token": token}}))
    assert token not in log_lines.getvalue()
    assert redact(log_lines.getvalue()) == log_lines.getvalue()
