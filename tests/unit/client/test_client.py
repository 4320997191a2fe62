"""The client: what it sends, what it tries again, and what it makes of answers."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from keywright.client import (
    ApiError,
    BadInput,
    Client,
    ClientError,
    Conflict,
    ConnectionFailed,
    NotFound,
    PermissionDenied,
    Token,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from tests.unit.client.scripted import TOKEN, Answer, problem, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {"key": {"id": "key_1"}, "token": "kw_made0123456789", "replayed": False, "note": None}
REPLAYED = {**KEY, "token": None, "replayed": True, "note": "It cannot be shown again."}


def test_what_every_request_carries() -> None:
    with scripted(Answer(body={"identity": {}})) as server, server.client(tenant="my-blog") as client:
        client.whoami()
    (sent,) = server.requests
    assert (sent.method, sent.path, sent.body) == ("GET", "/v1/whoami", None)
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["keywright-tenant"] == "my-blog"
    assert sent.headers["user-agent"] == f"keywright-client/{version('keywright')}"
    assert sent.headers["accept"] == "application/json"


def test_a_user_agent_of_ones_own() -> None:
    with scripted(Answer(body={"identity": {}})) as server, server.client(user_agent="me/1") as client:
        client.whoami()
    assert server.requests[0].headers["user-agent"] == "me/1"


def test_a_client_within_another_tenant() -> None:
    """It asks the same server with the same credential, and lives by itself."""
    answer = Answer(body={"identity": {}})
    with scripted(*[answer] * 3) as server:
        with server.client(tenant="first", user_agent="me/1") as client:
            with client.within("second") as inside:
                inside.whoami()
            client.whoami()
            assert inside.url == client.url
        with client.within("third") as after:
            after.whoami()
    tenants = [sent.headers["keywright-tenant"] for sent in server.requests]
    assert tenants == ["second", "first", "third"]
    assert {sent.headers["authorization"] for sent in server.requests} == {f"Bearer {TOKEN}"}
    assert {sent.headers["user-agent"] for sent in server.requests} == {"me/1"}


@pytest.mark.parametrize("tenant", ["a\nb", "é€", ""])
def test_a_client_is_within_no_tenant_that_can_be_none(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        Client("http://127.0.0.1:1").within(tenant)


def test_requests_that_need_no_credential_carry_none() -> None:
    session = {"id": "ses_1", "token": "kws_1", "identity": {}, "expires_at": "2030-01-01T00:00:00Z"}
    answers = [Answer(body={"status": "ready"}), Answer(body={"status": "ready"}), Answer(201, session)]
    with scripted(*answers) as server, server.client() as client:
        client.alive()
        assert client.ready().ready
        made = client.log_in("admin", "a password")
    assert made.token.reveal() == "kws_1"
    assert [request.path for request in server.requests] == ["/healthz", "/readyz", "/v1/sessions"]
    assert not any("authorization" in request.headers for request in server.requests)
    assert server.requests[2].body == {"login": "admin", "password": "a password"}


def test_creating_sends_an_idempotency_key_of_its_own_each_time() -> None:
    with scripted(Answer(201, KEY)) as server, server.client() as client:
        made = client.keys.create(
            "One", expires_at=datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
        )
        client.keys.create("Two", idempotency_key="mine")
        client.tenants.create("blog")
    assert made.token is not None
    assert made.token.reveal() == KEY["token"]
    assert made.key == {"id": "key_1"}
    one, two, three = server.requests
    assert one.body == {"name": "One", "expires_at": "2030-01-01T00:00:00Z"}
    assert (one.method, one.path, one.headers["content-type"]) == ("POST", "/v1/keys", "application/json")
    assert two.headers["idempotency-key"] == "mine"
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 3
    assert (three.path, three.body) == ("/v1/tenants", {"slug": "blog", "name": None})


def test_a_creation_whose_answer_was_lost_is_sent_again_under_the_same_key() -> None:
    with scripted(Answer(hang_up=True), Answer(201, REPLAYED)) as server, server.client() as client:
        made = client.keys.create("One")
    assert (made.token, made.replayed, made.note) == (None, True, "It cannot be shown again.")
    first, second = server.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


LISTS: list[Callable[[Client], object]] = [
    lambda client: client.whoami(),
    lambda client: client.keys.get("key_1"),
    lambda client: client.keys.page(),
    lambda client: client.verify("x"),
    lambda client: client.verify_batch([{"token": "x"}]),
    lambda client: client.keys.create("x"),
    lambda client: client.version(),
]
GOOD = Answer(
    body={
        "identity": {"id": "idn_1", "kind": "user", "name": "Ada"},
        "items": [],
        "next_cursor": None,
        "valid": True,
        "code": "VALID",
        "info": {"version": "1"},
        **KEY,
    }
)


@pytest.mark.parametrize("call", LISTS)
@pytest.mark.parametrize(
    "passing", [Answer(hang_up=True), problem(503, "unavailable"), Answer(502, "<html>")]
)
def test_safe_calls_are_tried_up_to_three_times(call: Callable[[Client], object], passing: Answer) -> None:
    with scripted(passing, passing, GOOD) as server, server.client() as client:
        call(client)
        assert len(server.requests) == 3
    with scripted(passing) as server, server.client() as client:
        with pytest.raises((ConnectionFailed, Unavailable)):
            call(client)
        assert len(server.requests) == 3


UNSAFE: list[Callable[[Client], object]] = [
    lambda client: client.keys.update("key_1", active=False),
    lambda client: client.keys.delete("key_1"),
    lambda client: client.log_in("a", "b"),
    lambda client: client.log_out(),
]


@pytest.mark.parametrize("call", UNSAFE)
@pytest.mark.parametrize("passing", [Answer(hang_up=True), problem(503, "unavailable")])
def test_calls_that_change_something_are_sent_once(call: Callable[[Client], object], passing: Answer) -> None:
    with (
        scripted(passing) as server,
        server.client() as client,
        pytest.raises((ConnectionFailed, Unavailable)),
    ):
        call(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadInput),
        (401, Unauthenticated),
        (403, PermissionDenied),
        (404, NotFound),
        (405, BadInput),
        (409, Conflict),
        (410, Conflict),
        (413, BadInput),
        (422, BadInput),
        (429, TooManyAttempts),
        (500, ApiError),
        (503, Unavailable),
    ],
)
def test_a_problem_is_an_error_of_its_class(status: int, kind: type[ApiError]) -> None:
    answer = problem(status, "some_code", field="scope.0.actions")
    answer.headers["Retry-After"] = "7"
    with scripted(answer) as server, server.client() as client, pytest.raises(ApiError) as refused:
        client.keys.update("key_1", name="x")
    error = refused.value
    assert type(error) is kind
    assert isinstance(error, ClientError)
    assert (error.code, error.status, error.field, error.request_id) == (
        "some_code",
        status,
        "scope.0.actions",
        "req",
    )
    assert (error.detail, str(error), error.retry_after) == ("Refused: some_code.", "Refused: some_code.", 7)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(200, "<html>"), "it answers with status 200, and not as Keywright does"),
        (Answer(404, "<html>", {"Content-Type": "text/html"}), "it answers with status 404"),
        (Answer(400, {"error": "x"}), "it answers with status 400"),
        (Answer(200, ["x"]), "it answers with status 200"),
        (Answer(200, {"x": 1}), "the answer has no part named identity"),
        (Answer(204), "the answer has no part named identity"),
        (Answer(200, '{"identity": ', {"Content-Encoding": "gzip"}), "DecodingError"),
        (
            Answer(302, None, {"Location": "https://else.example/v1?x=1"}),
            "it redirects to https://else.example",
        ),
        (Answer(308, None, {"Location": "/elsewhere"}), "it redirects to elsewhere"),
        (Answer(301, None, {"Location": "http://[bad"}), "it redirects to elsewhere"),
    ],
)
def test_what_is_not_keywright_is_told(answer: Answer, reason: str) -> None:
    with scripted(answer) as server, server.client() as client, pytest.raises(UnexpectedAnswer) as told:
        client.whoami()
    assert reason in str(told.value)
    assert str(told.value).startswith(f"What answers at {server.url} is not Keywright: ")


def test_a_token_is_not_sent_after_a_redirect() -> None:
    with scripted(Answer(body={"identity": {}})) as other:
        with (
            scripted(Answer(307, None, {"Location": f"{other.url}/v1/whoami"})) as server,
            server.client() as client,
            pytest.raises(UnexpectedAnswer),
        ):
            client.whoami()
        assert other.requests == []


def test_a_token_for_this_machine_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(Answer(body={"identity": {}})) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with scripted(Answer(body={"identity": {}})) as server, server.client() as client:
            client.whoami()
        assert (len(server.requests), proxy.requests) == (1, [])


def test_a_gateway_that_reaches_no_server_is_unavailable() -> None:
    answer = Answer(502, "<html>", {"Retry-After": "soon"})
    with scripted(answer) as server, server.client() as client, pytest.raises(Unavailable) as told:
        client.keys.delete("key_1")
    assert (told.value.code, told.value.status, told.value.retry_after) == ("unavailable", 502, None)


def test_a_verdict_that_nobody_knows_is_a_verdict() -> None:
    stale = Answer(503, {"valid": False, "code": "STALE"})
    with scripted(stale) as server, server.client() as client:
        verdict = client.verify("x")
        assert (verdict.code, bool(verdict)) == ("STALE", False)
        assert len(server.requests) == 3


def test_a_server_that_is_not_ready_says_why_and_is_asked_once() -> None:
    with scripted(Answer(503, {"status": "database unavailable"})) as server, server.client() as client:
        found = client.ready()
    assert (found.ready, found.status) == (False, "database unavailable")
    assert len(server.requests) == 1


def test_verify_sends_what_is_asked_and_nothing_else() -> None:
    with scripted(GOOD) as server, server.client() as client:
        client.verify(Token("kw_asked"), action="a:b", resource=None, explain=True)
        client.verify(token_hash="ab")
        client.verify_batch([{"token": Token("kw_one"), "action": "a"}, {"token": "kw_two"}])
    assert [request.body for request in server.requests] == [
        {"token": "kw_asked", "action": "a:b", "explain": True},
        {"token_hash": "ab"},
        {"items": [{"token": "kw_one", "action": "a"}, {"token": "kw_two"}]},
    ]


def test_a_list_goes_on_from_page_to_page_as_it_is_read() -> None:
    pages = [
        Answer(body={"items": [{"id": 1}, {"id": 2}], "next_cursor": "c d"}),
        Answer(body={"items": [{"id": 3}], "next_cursor": None}),
    ]
    with scripted(*pages) as server, server.client() as client:
        going = client.keys.list(state=["active", "disabled"], used=False, limit=2, handle=None)
        assert [next(going), next(going)] == [{"id": 1}, {"id": 2}]
        assert len(server.requests) == 1
        assert list(going) == [{"id": 3}]
    first, second = (request.path for request in server.requests)
    assert first == "/v1/keys?state=active&state=disabled&used=false&limit=2"
    assert second in {f"{first}&cursor=c+d", f"{first}&cursor=c%20d"}


def test_tenants_are_listed_alike() -> None:
    pages = [
        Answer(body={"items": [{"slug": "a"}], "next_cursor": "c"}),
        Answer(body={"items": [], "next_cursor": None}),
    ]
    with scripted(*pages) as server, server.client() as client:
        assert list(client.tenants.list(limit=1)) == [{"slug": "a"}]
    assert [request.path for request in server.requests] == [
        "/v1/tenants?limit=1",
        "/v1/tenants?limit=1&cursor=c",
    ]


@pytest.mark.parametrize("key_id", ["..", ".", "a/../b", "?x=1", "#x", "a b", "é", "%2e%2e"])
def test_an_id_stays_one_part_of_the_path(key_id: str) -> None:
    with scripted(Answer(body={"receipt": {}})) as server, server.client() as client:
        client.keys.delete(key_id)
    (sent,) = server.requests
    assert sent.path.startswith("/v1/keys/")
    assert sent.path.count("/") == 3
    assert unquote(sent.path.removeprefix("/v1/keys/")) == key_id


def test_nobody_there_is_a_connection_that_failed() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Client(url, TOKEN) as client, pytest.raises(ConnectionFailed) as failed:
        client.whoami()
    assert str(failed.value) == f"Cannot reach {url}: connection refused."
    assert failed.value.__cause__ is None


def test_no_answer_in_time_is_a_connection_that_failed_and_is_not_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = datetime.now(UTC)
        with Client(url, TOKEN, timeout=0.3) as client, pytest.raises(ConnectionFailed) as failed:
            client.whoami()
    assert str(failed.value) == f"Cannot reach {url}: no answer within 0.3 seconds."
    assert datetime.now(UTC) - began < timedelta(seconds=10)


def test_something_that_speaks_no_http_is_a_connection_that_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            for _ in range(3):
                peer, _address = listener.accept()
                with peer:
                    peer.sendall(b"SSH-2.0-OpenSSH\r\n")
                    peer.recv(65536)

        thread = threading.Thread(target=greet)
        thread.start()
        with (
            Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN) as client,
            pytest.raises(ConnectionFailed, match="the connection was closed before an answer came"),
        ):
            client.whoami()
        thread.join()


def test_what_is_no_json_is_refused_before_anything_is_sent() -> None:
    with scripted(GOOD) as server, server.client() as client:
        with pytest.raises(ValueError, match="JSON"):
            client.keys.create("x", metadata={"n": float("nan")})
        client.keys.create("\ud800")
    assert [request.body["name"] for request in server.requests] == ["\ud800"]
