"""The edge: what every request meets first and every answer passes last."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import NotFound, Unauthenticated
from keywright.ops.metrics import Metrics
from keywright.web.edge import MAX_BODY
from keywright.web.errors import send_json
from keywright.web.visit import visit_of
from tests.web.asgi import Seen, call, edge, failing

if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = Callable[[], list[dict[str, Any]]]

pytestmark = pytest.mark.anyio

UUID_HEX = re.compile(r"[0-9a-f]{32}").fullmatch
SECRET = "a-secret-that-nobody-may-see"


# --- request ids ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", ["0193A0B1-C2D3-7E4F-8A9B-0C1D2E3F4A5B", "0193a0b1c2d37e4f8a9b0c1d2e3f4a5b", "0" * 32]
)
async def test_a_request_id_in_the_form_of_a_uuid_is_taken_over(lines: Lines, given: str) -> None:
    app = Seen()
    answer = await call(edge(app), headers=[("X-Request-Id", given)])
    assert answer.headers["x-request-id"] == given.lower()
    assert app.visit is not None
    assert app.visit.request_id == given.lower()
    assert [line["request_id"] for line in lines()] == [given.lower()]


@pytest.mark.parametrize(
    "given",
    [
        SECRET,
        "",
        "0193a0b1c2d37e4f8a9b0c1d2e3f4a5",
        "g" * 32,
        "0" * 33,
        "0" * 31 + "\n",
        "0" * 32 + "\n",
        "²" * 32,
    ],
)
async def test_any_other_request_id_is_replaced(lines: Lines, given: str) -> None:
    answer = await call(edge(Seen()), headers=[("X-Request-Id", given)])
    made = answer.headers["x-request-id"]
    assert UUID_HEX(made)
    assert made != given
    assert SECRET not in json.dumps(lines())


async def test_two_request_ids_are_none(lines: Lines) -> None:
    answer = await call(edge(Seen()), headers=[("X-Request-Id", "0" * 32)] * 2)
    assert answer.headers["x-request-id"] != "0" * 32


async def test_each_request_has_an_id_of_its_own_on_its_lines_alone(lines: Lines) -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.sleep(0.01)
        await send_json(send, 200, visit_of(scope).request_id)

    served = edge(app)
    answers = await asyncio.gather(*(call(served) for _ in range(20)))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == 20
    assert [json.loads(answer.body) for answer in answers] == ids
    assert sorted(line["request_id"] for line in lines()) == sorted(ids)


# --- headers --------------------------------------------------------------------------------------


async def test_every_answer_has_the_headers_that_guard_it() -> None:
    headers = (await call(edge(Seen()))).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_door_may_say_how_long_its_answer_keeps() -> None:
    headers = (
        await call(edge(Seen({"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"})))
    ).headers
    assert headers["cache-control"] == "no-cache"


async def test_an_answer_without_headers_gets_them() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    answer = await call(edge(app))
    assert answer.status == 204
    assert set(answer.headers) == {"cache-control", "x-content-type-options", "x-request-id"}


# --- bodies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("parts", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"", b"abc", b""]])
async def test_the_body_is_read_once_and_handed_on(method: str, parts: list[bytes]) -> None:
    app = Seen()
    await call(edge(app), method, parts=parts)
    assert app.visit is not None
    assert app.visit.body == b"".join(parts)
    assert app.body == [b"".join(parts)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "BREW"])
async def test_the_body_of_a_request_that_should_have_none_is_left_alone(method: str) -> None:
    app = Seen()
    await call(edge(app), method, parts=[b"a", b"b"])
    assert app.visit is not None
    assert app.visit.body == b""
    assert app.body == [b"a", b"b"]


async def test_as_much_as_is_allowed() -> None:
    app = Seen()
    parts = [b"x" * (MAX_BODY - 1), b"y"]
    answer = await call(edge(app), "POST", parts=parts, headers=[("Content-Length", str(MAX_BODY))])
    assert answer.status == 200
    assert app.body == [b"".join(parts)]


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    app = Seen()
    for length in (str(MAX_BODY + 1), "9" * 5_000):
        answer = await call(edge(app), "POST", headers=[("Content-Length", length)], ended=False)
        assert answer.status == 413
        assert json.loads(answer.body)["code"] == "body_too_large"
    assert app.visit is None


async def test_a_body_that_turns_out_too_large_is_read_no_further() -> None:
    app = Seen()
    for headers in ([], [("Content-Length", "1")], [("Content-Length", "²")], [("Content-Length", "-1")]):
        answer = await call(edge(app), "POST", parts=[b"x" * MAX_BODY, b"x"], headers=headers, ended=False)
        assert answer.status == 413
    assert app.visit is None


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "x"])
async def test_an_encoded_body_is_refused(coding: str) -> None:
    answer = await call(edge(Seen()), "POST", headers=[("Content-Encoding", coding)])
    problem = json.loads(answer.body)
    assert (answer.status, problem["code"], problem["field"]) == (
        400,
        "malformed_request",
        "Content-Encoding",
    )


async def test_a_client_that_goes_away_is_not_answered(lines: Lines) -> None:
    app, metrics = Seen(), Metrics()
    answer = await call(edge(app, metrics), "POST", "/known", parts=[b"a"], ended=False)
    assert answer.messages == []
    assert app.visit is None
    assert [line["event"] for line in lines()] == ["client_gone", "request"]
    assert lines()[1]["status"] == 499
    assert 'status="499"' in metrics.render()[0].decode()


# --- errors ---------------------------------------------------------------------------------------


async def test_a_refusal_is_a_problem(lines: Lines) -> None:
    answer = await call(edge(failing(NotFound("No such key.", field="id"))))
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body) == {
        "type": "urn:keywright:problem:not_found",
        "title": "Not found",
        "status": 404,
        "code": "not_found",
        "detail": "No such key.",
        "request_id": answer.headers["x-request-id"],
        "field": "id",
    }
    assert [line["event"] for line in lines()] == ["request"]


async def test_a_refusal_brings_its_headers() -> None:
    answer = await call(edge(failing(Unauthenticated("Who are you?"))))
    assert answer.headers["www-authenticate"] == 'Bearer realm="keywright"'


async def test_a_defect_says_nothing_and_is_logged_once(lines: Lines) -> None:
    answer = await call(edge(failing(RuntimeError(SECRET))))
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["code"] == "internal_error"
    assert set(problem) == {"type", "title", "status", "code", "detail", "request_id"}
    assert SECRET not in str(answer.messages)
    assert "RuntimeError" not in str(answer.messages)
    defects = [line for line in lines() if line["level"] == "error"]
    assert [line["event"] for line in defects] == ["unexpected_error"]
    assert defects[0]["request_id"] == problem["request_id"]
    assert "RuntimeError" in defects[0]["exception"]


@pytest.mark.parametrize("error", [RuntimeError("x"), NotFound("x")])
@pytest.mark.parametrize("after", [1, 2])
async def test_an_error_after_the_answer_began_ends_it(lines: Lines, error: Exception, after: int) -> None:
    metrics = Metrics()
    answer = await call(edge(failing(error, after=after), metrics), path="/known")
    # The server sees that the answer has no end, and closes the connection.
    assert len(answer.messages) == after
    assert not any(message.get("more_body") is False for message in answer.messages)
    assert [line["event"] for line in lines()] == ["unexpected_error", "request"]
    assert 'route="/known",status="200"' in metrics.render()[0].decode()


async def test_a_cancelled_request_is_counted_and_stays_cancelled(lines: Lines) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(call(edge(app)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(line["event"], line["status"]) for line in lines()] == [("request", 499)]


async def test_a_web_socket_is_refused() -> None:
    reached = Seen()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await edge(reached)({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close"}]
    assert reached.visit is None


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "headers", "address"),
    [
        (("192.0.2.1", 1), [], "192.0.2.1"),
        (("192.0.2.1", 1), [("X-Forwarded-For", "203.0.113.9")], "192.0.2.1"),
        (("10.0.0.1", 1), [("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
        # A proxy that adds a line of its own, below the one that the client made up:
        (
            ("10.0.0.1", 1),
            [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9")],
            "203.0.113.9",
        ),
        (("10.0.0.1", 1), [("Forwarded", "for=203.0.113.9"), ("X-Real-Ip", "203.0.113.9")], "10.0.0.1"),
        (None, [("X-Forwarded-For", "203.0.113.9")], None),
    ],
)
async def test_where_a_request_comes_from(
    client: tuple[str, int] | None, headers: list[tuple[str, str]], address: str | None
) -> None:
    app = Seen()
    await call(edge(app, trusted=("10.0.0.0/8",)), headers=headers, client=client)
    assert app.visit is not None
    assert app.visit.ip_text == address
