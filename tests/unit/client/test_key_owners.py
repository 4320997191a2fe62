"""A change of owner, a question about a key, and what else a refusal says, as the client sends and reads them."""

from __future__ import annotations

import pytest

from keywright.client import NotFound, PermissionDenied, Unavailable, UnexpectedAnswer
from tests.unit.client.scripted import Answer, problem, scripted

MOVED = {"key": {"id": "key_1"}, "confirmed": False, "gained": [], "lost": []}
VERDICT = {"valid": True, "code": "VALID", "explanation": {"check": "state"}}


def test_a_change_of_owner_is_looked_at_unless_it_is_confirmed() -> None:
    with scripted(Answer(body=MOVED)) as server, server.client(tenant="*") as client:
        assert client.keys.transfer("key_1", "idn_1") == MOVED
        client.keys.transfer("key_1", "idn_1", confirm=True)
    looked, done = server.requests
    assert (looked.method, looked.path) == ("POST", "/v1/keys/key_1/transfer")
    assert looked.body == {"identity_id": "idn_1", "confirm": False}
    assert done.body == {"identity_id": "idn_1", "confirm": True}
    assert looked.headers["keywright-tenant"] == "*"


def test_only_what_changes_nothing_is_sent_again() -> None:
    with scripted(problem(503, "unavailable"), Answer(body=MOVED)) as server, server.client() as client:
        client.keys.transfer("key_1", "idn_1")
    assert len(server.requests) == 2
    away = problem(503, "unavailable")
    with scripted(away) as server, server.client() as client, pytest.raises(Unavailable):
        client.keys.transfer("key_1", "idn_1", confirm=True)
    assert len(server.requests) == 1


def test_a_question_about_a_key() -> None:
    with scripted(Answer(body=VERDICT)) as server, server.client() as client:
        assert client.keys.explain("key/1", action="a", resource="r", ip="::1", tenant="blog") == VERDICT
        client.keys.explain("key_1")
    asked, bare = server.requests
    assert (asked.method, asked.path) == ("POST", "/v1/keys/key%2F1/explain")
    assert asked.body == {"action": "a", "resource": "r", "ip": "::1", "tenant": "blog"}
    assert bare.body == {}


def test_answers_of_something_else_are_noticed() -> None:
    with scripted(Answer(body={})) as server, server.client() as client:
        with pytest.raises(UnexpectedAnswer):
            client.keys.transfer("key_1", "idn_1")
        with pytest.raises(UnexpectedAnswer):
            client.keys.explain("key_1")


def test_what_else_a_refusal_says_is_kept() -> None:
    policy = {"actions": ["a:b"]}
    beyond = problem(403, "beyond_own_rights", policy=policy)
    with scripted(beyond) as server, server.client() as client, pytest.raises(PermissionDenied) as caught:
        client.keys.transfer("key_1", "idn_1")
    assert caught.value.extras == {"policy": policy}
    nobody = problem(404, "not_found", field="identity_id")
    with scripted(nobody) as server, server.client() as client, pytest.raises(NotFound) as missing:
        client.keys.transfer("key_1", "idn_1")
    assert missing.value.extras == {}
