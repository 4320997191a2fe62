"""Keys that are taken away by their token, and keys that come from elsewhere: what the client sends and reads."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from keywright.client import AsyncClient, BadInput, Token, Unavailable, UnexpectedAnswer
from tests.unit.client.scripted import TOKEN, Answer, problem, scripted

if TYPE_CHECKING:
    from tests.unit.client.scripted import Request

FORM = "application/x-www-form-urlencoded"
REFUSAL = {"code": "invalid_value", "detail": "Not so.", "field": "name"}
IMPORTED = {
    "items": [
        {"outcome": "created", "id": "key_1", "refusal": None},
        {"outcome": "refused", "id": None, "refusal": REFUSAL},
    ],
    "created": 1,
    "present": 0,
    "refused": 1,
    "dry_run": False,
}


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the scripted server take a form as it comes: it is no JSON."""
    monkeypatch.setattr("tests.unit.client.scripted.json.loads", lambda body: body)


def check_revocation(sent: Request) -> None:
    assert (sent.method, sent.path) == ("POST", "/v1/revoke")
    assert sent.headers["content-type"] == FORM
    assert sent.body == b"token=kw_a%2Bb%26c%3D1"
    # Holding the token is all that it takes, so that nobody else is named.
    assert "authorization" not in sent.headers
    assert "keywright-tenant" not in sent.headers


@pytest.mark.usefixtures("raw")
@pytest.mark.parametrize("token", [Token("kw_a+b&c=1"), "kw_a+b&c=1"], ids=["token", "text"])
def test_a_key_is_revoked_by_its_token_alone(token: Token | str) -> None:
    with scripted(Answer()) as server, server.client(tenant="blog") as client:
        client.keys.revoke(token)
    (sent,) = server.requests
    check_revocation(sent)


@pytest.mark.usefixtures("raw")
def test_it_is_when_it_is_awaited() -> None:
    async def revoke(url: str) -> None:
        async with AsyncClient(url, TOKEN, "blog") as client:
            await client.keys.revoke("kw_a+b&c=1")

    with scripted(Answer()) as server:
        asyncio.run(revoke(server.url))
    check_revocation(server.requests[0])


@pytest.mark.usefixtures("raw")
def test_a_revocation_is_tried_again_until_it_is_true() -> None:
    away = problem(503, "unavailable")
    with scripted(away, Answer(hang_up=True), Answer()) as server, server.client() as client:
        client.keys.revoke("kw_x")
    assert len(server.requests) == 3
    with scripted(away) as server, server.client(tries=2) as client, pytest.raises(Unavailable) as failed:
        client.keys.revoke("kw_secret0123456789")
    assert len(server.requests) == 2
    assert "kw_secret" not in repr(failed.value)


def test_keys_are_imported_by_their_hashes() -> None:
    ends = datetime(2027, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    items = [
        {"name": "One", "token_hash": "0" * 64, "expires_at": ends},
        {"name": "Two", "token_hash": "1" * 64, "scope": [{"actions": ["article:read"]}]},
    ]
    with scripted(Answer(body=IMPORTED)) as server, server.client(tenant="blog") as client:
        assert client.keys.import_keys(items) == IMPORTED
        assert client.keys.import_keys((), dry_run=True) == IMPORTED
    first, second = server.requests
    assert (first.method, first.path) == ("POST", "/v1/keys/import")
    assert first.body == {
        "items": [{**items[0], "expires_at": "2027-01-01T12:00:00Z"}, items[1]],
        "dry_run": False,
    }
    assert (first.headers["authorization"], first.headers["keywright-tenant"]) == (f"Bearer {TOKEN}", "blog")
    # The same again changes nothing, so that it needs no word to say that it is the same.
    assert "idempotency-key" not in first.headers
    assert second.body == {"items": [], "dry_run": True}
    assert items[0]["expires_at"] is ends


def test_an_import_is_tried_again_and_its_refusals_are_errors() -> None:
    with scripted(Answer(hang_up=True), Answer(body=IMPORTED)) as server, server.client() as client:
        client.keys.import_keys([{"name": "One", "token_hash": "0" * 64}])
    assert len(server.requests) == 2
    wrong = problem(422, "invalid_value", field="items")
    with scripted(wrong) as server, server.client() as client, pytest.raises(BadInput) as caught:
        client.keys.import_keys([])
    assert (caught.value.field, len(server.requests)) == ("items", 1)
    with scripted(Answer(body={})) as server, server.client() as client, pytest.raises(UnexpectedAnswer):
        client.keys.import_keys([])
