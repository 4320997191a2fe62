"""What stands in a request, and which media type its answer has."""

from __future__ import annotations

import pytest

from keywright.api.graphql.requests import GRAPHQL_RESPONSE, JSON, from_browser, media_type, read
from keywright.core.errors import KeywrightError


def test_a_request_is_read() -> None:
    found = read(b'{"query": "{a}", "variables": {"x": 1}, "operationName": "A", "extensions": {"y": 2}}')
    assert (found.query, found.variables, found.operation_name) == ("{a}", {"x": 1}, "A")
    bare = read(b'{"query": "{a}", "variables": null, "operationName": null}')
    assert (bare.variables, bare.operation_name) == (None, None)
    assert "a" not in repr(bare).removeprefix("GraphQLRequest")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"", "malformed_request", None),
        (b"{", "malformed_request", None),
        (b"\xff\xfe", "malformed_request", None),
        (b'{"query": "\\ud800 {a}"}', "malformed_request", None),
        (b'{"query": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "invalid_type", "query"),
        (
            b'{"query": "{a}", "variables": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
            "malformed_request",
            None,
        ),
        (b"[]", "invalid_type", None),
        (b'[{"query": "{a}"}]', "invalid_type", None),
        (b'"{a}"', "invalid_type", None),
        (b"{}", "missing_field", "query"),
        (b'{"variables": {}}', "missing_field", "query"),
        (b'{"query": null}', "invalid_type", "query"),
        (b'{"query": 5}', "invalid_type", "query"),
        (b'{"query": "{a}", "variables": [1]}', "invalid_type", "variables"),
        (b'{"query": "{a}", "operationName": 1}', "invalid_type", "operationName"),
        (b'{"query": "{a}", "extensions": "x"}', "invalid_type", "extensions"),
        (b'{"query": "{a}", "kw_secret": 1}', "unknown_field", None),
    ],
)
def test_what_is_no_request_is_refused_without_repeating_it(
    body: bytes, code: str, field: str | None
) -> None:
    with pytest.raises(KeywrightError) as caught:
        read(body)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert "kw_secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/plain", JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE),
        ("Application/GraphQL-Response+JSON; charset=utf-8", GRAPHQL_RESPONSE),
        ("application/graphql-response+json, application/json", GRAPHQL_RESPONSE),
        ("application/json, application/graphql-response+json", GRAPHQL_RESPONSE),
        (
            "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
            GRAPHQL_RESPONSE,
        ),
        ("application/json, application/graphql-response+json;q=0.9", JSON),
        ("application/json;q=0.9, application/graphql-response+json;q=0.95", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.9, */*", JSON),
        ("application/graphql-response+json;q=0.9, application/json;q=0.1, */*", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0", JSON),
        ("application/graphql-response+json;q=nonsense", JSON),
        ("application/graphql-response+json;q=1e9", JSON),
    ],
)
def test_the_media_type_is_the_one_that_is_preferred(accept: str | None, expected: str) -> None:
    assert media_type(accept) == expected


@pytest.mark.parametrize(
    ("accept", "browser"),
    [
        (None, False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("text/html;q=0", False),
    ],
)
def test_a_browser_is_known_by_wanting_a_page(accept: str | None, browser: bool) -> None:
    assert from_browser(accept) is browser
