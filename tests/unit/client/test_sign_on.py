"""Logging in through an identity provider with the client."""

from __future__ import annotations

import pytest

from keywright.client import ApiError, Token, UnexpectedAnswer
from tests.unit.client.scripted import Answer, problem, scripted

BEGUN = {
    "authorization_url": "https://id.example.com/authorize?state=of-this-test",
    "flow": "kwf_of_this_test",
    "expires_at": "2030-01-01T00:10:00Z",
}
SESSION = {"id": "ses_1", "token": "kws_1", "identity": {"id": "idn_1"}, "expires_at": "2030-01-01T12:00:00Z"}


def test_from_beginning_to_end() -> None:
    with scripted(Answer(body=BEGUN), Answer(201, SESSION)) as server, server.client() as client:
        begun = client.sign_on.start("http://127.0.0.1:5123/callback")
        made = client.sign_on.finish(begun.flow, "a state", "a code")
    assert begun.authorization_url == BEGUN["authorization_url"]
    assert begun.expires_at == BEGUN["expires_at"]
    assert begun.flow.reveal() == "kwf_of_this_test"
    for secret in ("kwf_of", "of-this-test"):
        assert secret not in repr(begun)
    assert (made.id, made.token.reveal(), made.identity) == ("ses_1", "kws_1", {"id": "idn_1"})
    assert made.expires_at == SESSION["expires_at"]
    assert [(one.method, one.path, one.body) for one in server.requests] == [
        ("POST", "/v1/sign-on/start", {"redirect_uri": "http://127.0.0.1:5123/callback"}),
        ("POST", "/v1/sign-on/finish", {"flow": "kwf_of_this_test", "state": "a state", "code": "a code"}),
    ]
    assert not any("authorization" in one.headers for one in server.requests)


def test_where_to_come_back_to_may_be_left_out() -> None:
    with scripted(Answer(body=BEGUN)) as server, server.client() as client:
        client.sign_on.start()
    assert server.requests[0].body == {}


def test_a_provider_that_is_away_is_not_asked_again() -> None:
    answer = problem(503, "sign_on_unavailable")
    with scripted(answer) as server, server.client() as client, pytest.raises(ApiError) as caught:
        client.sign_on.start()
    assert caught.value.code == "sign_on_unavailable"
    assert len(server.requests) == 1


def test_an_answer_without_its_parts_is_not_keywright() -> None:
    with scripted(Answer(body={})) as server, server.client() as client:
        with pytest.raises(UnexpectedAnswer):
            client.sign_on.start()
        with pytest.raises(UnexpectedAnswer):
            client.sign_on.finish(Token("kwf_of_this_test"), "a state", "a code")
