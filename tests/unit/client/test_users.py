"""People and invitations through the client: what it sends, and what it makes of the answers."""

from __future__ import annotations

import pytest

from keywright.client import Conflict, Token, UnexpectedAnswer
from tests.unit.client.scripted import TOKEN, Answer, problem, scripted

INVITED = {
    "invitation": {"id": "inv_1"},
    "token": "kwi_1",
    "link": "https://keys.example.com/invitations/accept#kwi_1",
    "mailed": False,
    "mail_problem": "not_set_up",
    "replayed": False,
}


def test_inviting_sends_what_was_given_and_hides_the_link() -> None:
    again = {**INVITED, "token": None, "link": None, "replayed": True}
    with scripted(Answer(201, INVITED), Answer(201, again)) as server, server.client() as client:
        made = client.users.invite("Ada", login="ada", memberships=[{"role": "member"}], expires_in_days=3)
        replayed = client.users.reset("idn/1", factors=True, idempotency_key="mine")
    assert made.token is not None
    assert (made.token.reveal(), made.link) == ("kwi_1", INVITED["link"])
    assert "kwi_1" not in repr(made)
    assert (made.mailed, made.mail_problem, made.replayed) == (False, "not_set_up", False)
    assert (replayed.token, replayed.link, replayed.replayed) == (None, None, True)
    first, second = server.requests
    assert (first.method, first.path) == ("POST", "/v1/invitations")
    assert first.body == {
        "name": "Ada",
        "login": "ada",
        "memberships": [{"role": "member"}],
        "expires_in_days": 3,
    }
    assert first.headers["idempotency-key"]
    assert (second.method, second.path) == ("POST", "/v1/users/idn%2F1/reset")
    assert second.body == {"factors": True, "expires_in_days": 7}
    assert second.headers["idempotency-key"] == "mine"


def test_accepting_needs_no_credential_and_joining_sends_it() -> None:
    with scripted(Answer(body={"login": "ada"})) as server, server.client() as client:
        assert client.invitations.accept(Token("kwi_1"), "a password", login="ada") == {"login": "ada"}
        client.invitations.join(Token("kwi_1"))
    accepted, joined = server.requests
    assert accepted.path == joined.path == "/v1/invitations/accept"
    assert accepted.body["token"] == "kwi_1"
    assert (accepted.body["password"], accepted.body["login"]) == ("a password", "ada")
    assert "authorization" not in accepted.headers
    assert joined.body == {"token": "kwi_1"}
    assert joined.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_used_invitation_is_a_conflict() -> None:
    with scripted(problem(410, "invitation_used")) as server, server.client() as client:
        with pytest.raises(Conflict) as caught:
            client.invitations.accept(Token("kwi_1"), "a password")
        assert caught.value.code == "invitation_used"
    assert len(server.requests) == 1


def test_people_are_listed_changed_and_taken_away() -> None:
    pages = [
        Answer(body={"items": [{"id": "idn_1"}], "next_cursor": "c"}),
        Answer(body={"items": [{"id": "idn_2"}], "next_cursor": None}),
    ]
    with scripted(*pages) as server, server.client() as client:
        assert [one["id"] for one in client.users.list(limit=1)] == ["idn_1", "idn_2"]
    assert [request.path for request in server.requests] == [
        "/v1/users?limit=1",
        "/v1/users?limit=1&cursor=c",
    ]
    with scripted(*pages) as server, server.client() as client:
        assert [one["id"] for one in client.invitations.list()] == ["idn_1", "idn_2"]
    with scripted(Answer(body={"id": "idn_1"})) as server, server.client() as client:
        assert client.users.get("idn_1") == {"id": "idn_1"}
        client.users.update("idn_1", email=None)
        client.users.create("ada", "Ada", email="ada@example.com")
    assert [(one.method, one.path, one.body) for one in server.requests] == [
        ("GET", "/v1/users/idn_1", None),
        ("PATCH", "/v1/users/idn_1", {"email": None}),
        (
            "POST",
            "/v1/users",
            {"login": "ada", "name": "Ada", "email": "ada@example.com", "password": None, "limits": []},
        ),
    ]
    with scripted(Answer(body={"receipt": {"epoch": 1}})) as server, server.client() as client:
        assert client.users.remove("idn_1") == {"epoch": 1}
        assert client.users.delete("idn_1") == {"epoch": 1}
        client.invitations.revoke("inv_1")
    assert [(one.method, one.path) for one in server.requests] == [
        ("POST", "/v1/users/idn_1/remove"),
        ("DELETE", "/v1/users/idn_1"),
        ("DELETE", "/v1/invitations/inv_1"),
    ]


def test_an_answer_without_an_invitation_is_none_of_ours() -> None:
    with (
        scripted(Answer(201, {"mailed": True})) as server,
        server.client() as client,
        pytest.raises(UnexpectedAnswer),
    ):
        client.users.invite("Ada")


def test_somebody_is_logged_in_for_as_long_as_was_said() -> None:
    made = {"id": "ses_1", "token": TOKEN, "identity": {"id": "idn_1"}, "expires_at": "2026-01-01T00:00:00Z"}
    with scripted(Answer(body=made)) as server, server.client() as client:
        usual = client.users.log_in("idn/1")
        client.users.log_in("idn_1", idle_seconds=60, longest_seconds=None)
    assert (usual.id, usual.token.reveal(), usual.expires_at) == ("ses_1", TOKEN, made["expires_at"])
    assert TOKEN not in repr(usual)
    assert [(one.method, one.path, one.body) for one in server.requests] == [
        ("POST", "/v1/users/idn%2F1/sessions", {}),
        ("POST", "/v1/users/idn_1/sessions", {"idle_seconds": 60, "longest_seconds": None}),
    ]
