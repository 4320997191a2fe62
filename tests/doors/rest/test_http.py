"""What holds for every path: methods, sizes, idempotency keys, headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.rest.test_openapi import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

LIMIT = 1024 * 1024
OTHER_ROUTES = ("unmatched", "/assets/{path:path}", "/openapi.json", "/metrics", "/healthz", "/readyz")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "BREW")
# One takes every method, and the others answer in OAuth's own form; tests of their own are about them.
OF_THEIR_OWN = {"/v1/authorize", "/v1/introspect", "/v1/revoke"}
WRONG = [
    (method, path, {known.upper() for known in methods})
    for path, methods in DOCUMENT["paths"].items()
    for method in METHODS
    if method.lower() not in methods and path not in OF_THEIR_OWN
]


@pytest.mark.parametrize(("method", "path", "allowed"), WRONG)
async def test_another_method_is_refused_with_those_there_are(
    rest: House, method: str, path: str, allowed: set[str]
) -> None:
    answer = await rest.ask(method, path.format(id="x", slug="x", name="x"), token=None)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.headers["content-type"] == "application/problem+json"
    if method != "HEAD":  # whose answer has no body
        problem = answer.json()
        assert problem["code"] == "method_not_allowed"
        assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "/v1/nope", "/v1/keys/", "/v1/keys/a/b", "/v2/keys", "/V1/keys", "//v1/keys", "/nope"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
async def test_an_unknown_path(rest: House, method: str, path: str) -> None:
    answer = await rest.ask(method, f"http://keywright.test{path}", token=None)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_path")
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "code", "detail", "request_id"}


async def chunks(spaces: int, end: bytes = b"") -> AsyncIterator[bytes]:
    """A body whose length is not told beforehand."""
    for _ in range(spaces // 65_536):
        yield b" " * 65_536
    yield b" " * (spaces % 65_536)
    yield end


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/keys"),
        ("PATCH", "/v1/keys/x"),
        ("DELETE", "/v1/keys/x"),
        ("POST", "/v1/verify"),
        ("POST", "/v1/verify/batch"),
        ("POST", "/v1/sessions"),
        ("POST", "/nope"),
    ],
)
async def test_a_body_over_a_mebibyte(rest: House, method: str, path: str) -> None:
    before = await rest.rows()
    for content in (b" " * (LIMIT + 1), chunks(LIMIT + 1)):
        answer = await rest.ask(method, path, content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.headers["content-type"] == "application/problem+json"
    lie = {"Content-Length": "999999999999999999999999"}
    assert (await rest.ask(method, path, content=b"{}", headers=lie)).status_code == 413
    assert await rest.rows() == before


@pytest.mark.parametrize("whole", [True, False])
async def test_a_body_of_exactly_a_mebibyte(rest: House, whole: bool) -> None:
    body = b'{"name": "A key"}'
    content: Any = body.rjust(LIMIT) if whole else chunks(LIMIT - len(body), body)
    assert (await rest.ask("POST", "/v1/keys", content=content)).status_code == 201


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain", "application/xml; x=ü"])
async def test_the_content_type_of_a_body_does_not_matter(rest: House, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await rest.ask("POST", "/v1/keys", content=b'{"name": "\xc3\xbc"}', headers=headers)
    assert answer.status_code == 201
    assert answer.json()["key"]["name"] == "ü"


async def test_identity_is_no_encoding(rest: House) -> None:
    headers = {"Content-Encoding": " Identity "}
    assert (await rest.ask("POST", "/v1/keys", content=b'{"name": "a"}', headers=headers)).status_code == 201


async def test_answers_are_not_kept_or_guessed_at(rest: House) -> None:
    for method, path in (
        ("GET", "/v1/keys"),
        ("GET", "/nope"),
        ("POST", "/v1/verify"),
        ("GET", "/openapi.json"),
    ):
        answer = await rest.ask(method, path, token=None)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_creation_under_an_idempotency_key_is_made_once(rest: House) -> None:
    body = {"name": "Once", "metadata": {"b": [1, {"c": None}], "a": 1.5}, "scope": [{"actions": ["a"]}]}
    headers = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
    first = await rest.ask("POST", "/v1/keys", json=body, headers=headers)
    before = await rest.rows()
    again = await rest.ask("POST", "/v1/keys", json=dict(reversed(body.items())), headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json()["key"] == again.json()["key"]
    assert first.json()["token"].startswith("kw_")
    assert (first.json()["replayed"], first.json()["note"]) == (False, None)
    assert (again.json()["replayed"], again.json()["token"]) == (True, None)
    assert "cannot be shown again" in again.json()["note"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await rest.rows() == before


async def test_another_request_under_the_same_idempotency_key(rest: House) -> None:
    headers = {"Idempotency-Key": "same"}
    assert (await rest.ask("POST", "/v1/keys", json={"name": "One"}, headers=headers)).status_code == 201
    before = await rest.rows()
    for path, body in (("/v1/keys", {"name": "Two"}), ("/v1/keys", {"name": "One", "metadata": {"a": 1}})):
        answer = await rest.ask("POST", path, json=body, headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, "idempotency_key_reused")
        assert problem["field"] == "Idempotency-Key"
    assert await rest.rows() == before


async def test_a_refused_creation_does_not_use_up_its_idempotency_key(rest: House) -> None:
    headers = {"Idempotency-Key": "refused"}
    assert (await rest.ask("POST", "/v1/keys", json={"name": ""}, headers=headers)).status_code == 422
    answer = await rest.ask("POST", "/v1/keys", json={"name": "Better"}, headers=headers)
    assert (answer.status_code, answer.json()["replayed"]) == (201, False)


async def test_tenants_are_made_once_too(rest: House) -> None:
    headers = {"Idempotency-Key": "tenant"}
    first, again = [
        await rest.ask("POST", "/v1/tenants", json={"slug": "once"}, headers=headers) for _ in range(2)
    ]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert [answer.headers.get("idempotency-replayed") for answer in (first, again)] == [None, "true"]


async def test_an_idempotency_key_matters_to_creations_alone(rest: House) -> None:
    key_id = (await rest.make())["key"]["id"]
    headers = {"Idempotency-Key": "not looked at: ü"}
    answer = await rest.ask("PATCH", f"/v1/keys/{key_id}", json={"name": "New"}, headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "New")


async def test_a_defect_says_nothing_and_is_logged_once(
    rest: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a detail of the inside")

    monkeypatch.setattr(rest.app.services, "run", broken)
    answer = await rest.ask("GET", "/v1/keys")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "a detail" not in answer.text
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["keywright.http"]


async def test_metrics_name_templates_and_no_paths(rest: House) -> None:
    for path in (
        "/v1/keys/a-secret",
        "/v1/tenants/a-secret",
        "/a-secret",
        "/assets/a-secret",
        "/v1/a-secret/b",
    ):
        for method in ("GET", "POST", "BREW"):
            await rest.ask(method, path)
    text = (await rest.ask("GET", "/metrics", token=None)).text
    routes = set(re.findall(r'route="([^"]*)"', text))
    assert {"/v1/keys/{id}", "/v1/tenants/{slug}", "unmatched"} < routes
    assert routes <= {*DOCUMENT["paths"], *OTHER_ROUTES}
    assert "a-secret" not in text
