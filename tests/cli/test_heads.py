"""Requests in the forms that clients send them: a body behind its head, and a trace that is another each time."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.commands import KEYWRIGHT, ROOT_TOKEN
from tests.cli.quick import REQUEST_ID, asking, serving
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.cli.quick import Served
    from tests.support.servers import Process

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving(tmp_path_factory.mktemp("protocol")) as found:
        yield found


@pytest.fixture(scope="module")
async def caller(served: Served) -> str:
    return (await served.key(name="Caller"))[1]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what it waits for happens elsewhere
            await asyncio.sleep(0.01)


async def test_a_body_may_come_behind_its_head(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller, action="keys:create")
    cut = request.index(b"\r\n\r\n") + 4
    pieces = request[:cut], request[cut:]
    found = [await line.ask(*pieces) for _ in range(4)]
    assert [quick for _, quick in found] == [False, False, True, True]
    assert len({answer for answer, _ in found}) == 1
    # It is the same question in one piece, in three, and with another one right behind.
    assert await line.ask(request) == found[3]
    assert await line.ask(request[:cut], request[cut:-3], request[-3:]) == (found[3][0], False)
    before = served.calls
    await line.send(pieces[0], pieces[1] + request)
    assert [REQUEST_ID.sub(rb"\1", await line.read()) for _ in range(2)] == [found[3][0]] * 2
    assert served.calls == before + 2
    assert await line.ask(*pieces) == found[3]
    # Another body behind the same head is another question.
    other = pieces[1].replace(b"keys:create", b"keys:delete")
    assert [(await line.verdict(pieces[0], other)) for _ in range(3)] == [
        (200, "VALID", False),
        (200, "VALID", False),
        (200, "VALID", True),
    ]


async def test_a_head_without_a_body_is_answered_at_once(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller, action="keys:list")
    expected = await line.warm(request)
    bare = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller}\r\n\r\n".encode()
    for _ in range(4):
        assert await line.verdict(bare) == (400, "malformed_request", False)
    # Nor does it belong to what comes later.
    for _ in range(3):
        assert (await line.ask(request[:40], request[40:]))[0] == expected


async def test_a_client_that_goes_after_a_head_counts_as_gone(served: Served, caller: str) -> None:
    request = asking(caller, caller, action="keys:update")
    cut = request.index(b"\r\n\r\n") + 4
    line = await served.line()
    for _ in range(3):
        await line.ask(request)
    gone = 'keywright_http_requests_total{method="POST",route="/v1/verify",status="499"}'
    for times in (1, 2):
        line = await served.line()
        await line.ask(request)
        await line.send(request[:cut])
        protocol = served.protocol_of(line)
        await until(lambda: protocol._held)  # noqa: B023 - waited for here
        line.writer.close()
        await until(lambda: f"{gone} {times}.0" in served.rest.app.metrics.render()[0].decode())  # noqa: B023 - as above


async def test_a_request_whose_head_is_held_may_end_before_the_server_does(
    served: Served, caller: str
) -> None:
    line = await served.line()
    request = asking(caller, caller, action="keys:own:read")
    cut = request.index(b"\r\n\r\n") + 4
    expected = await line.warm(request)
    protocol = served.protocol_of(line)
    for _ in range(2):
        # However long it takes, the connection is not idle meanwhile.
        await line.send(request[:cut])
        await until(lambda: protocol._held)
        protocol._last_answer = float("-inf")
        protocol.timeout_keep_alive_handler()
        assert await line.ask(request[cut:]) == (expected, True)
    await line.send(request[:cut])
    await until(lambda: protocol._held)
    protocol.shutdown()
    found, quick = await line.ask(request[cut:])
    assert not quick
    assert found == expected.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    assert await line.ended()


def traced(number: int, name: str = "traceparent") -> str:
    return f"{name}: 00-{number:032x}-{number:016x}-01"


async def test_a_trace_makes_no_other_question(served: Served, caller: str) -> None:
    line = await served.line()
    _, token = await served.key()
    found = [await line.ask(asking(caller, token, traced(number))) for number in range(4)]
    assert [quick for _, quick in found] == [False, False, True, True]
    assert await line.ask(asking(caller, token, traced(9, "Traceparent"), "Accept: */*")) != found[3]
    assert await line.ask(asking(caller, token)) == found[3]
    request = asking(caller, token, traced(10))
    cut = request.index(b"\r\n\r\n") + 4
    assert await line.ask(request[:cut], request[cut:]) == found[3]
    # Those that are not of the form, or go on in the next line, are no such fields.
    for more in (
        ("traceparent: 00-x-y-01",),
        (traced(1), traced(2)),
        ("X-" + traced(1),),
    ):
        assert not (await line.ask(asking(caller, token, *more)))[1]
    await line.send(asking(caller, token, traced(1), " of more"))
    assert (await line.reader.read()).startswith(b"HTTP/1.1 400")
    line = await served.line()
    # What stands in a body is part of the question.
    body = json.dumps({"token": token, "action": "raceparent"}).encode()
    request = asking(caller, token, action="raceparent")
    assert body in request
    for _ in range(3):
        assert (await line.verdict(request))[1] == "VALID"
    assert (await line.verdict(request.replace(b"raceparent", b"racepareNt")))[2] is False


def test_a_server_in_a_process_of_its_own_loses_no_count_when_it_stops(home: Path) -> None:
    """On the event loop that it really has, asked by a client that sends a body behind its head."""
    port = free_port()
    env = {"KEYWRIGHT_PORT": str(port), "KEYWRIGHT_USAGE_FLUSH_SECONDS": "3600"}
    env["KEYWRIGHT_ROOT_TOKEN_HASH"] = hashlib.sha256(ROOT_TOKEN.encode()).hexdigest()

    def ask(method: str, path: str, body: object = None, token: str = ROOT_TOKEN) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in {200, 201}, content
        return json.loads(content) if content.startswith(b"{") else content.decode()

    def started() -> AbstractContextManager[Process]:
        return running([KEYWRIGHT, "serve"], env=env, cwd=home, ready_url=f"http://127.0.0.1:{port}/readyz")

    with started() as process:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        caller = ask("POST", "/v1/keys", {"name": "caller", "scope": [{"actions": ["keys:verify"]}]})["token"]
        made = ask("POST", "/v1/keys", {"name": "asked about"})
        question = {"token": made["token"], "action": "article:read"}
        answers = [ask("POST", "/v1/verify", question, caller) for _ in range(200)]
        assert {answer["code"] for answer in answers} == {"VALID"}
        shown = ask("GET", "/metrics")
        assert 'keywright_decisions_total{code="VALID",door="rest"} 200.0' in shown
        assert 'keywright_http_requests_total{method="POST",route="/v1/verify",status="200"} 200.0' in shown
        connection.close()
        assert process.stop() == 0
    with started():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        usage = ask("GET", f"/v1/keys/{made['key']['id']}/usage")
        assert usage["totals"] == {"VALID": 200}
        assert [(one["action"], one["count"]) for one in usage["exercised"]] == [("article:read", 200)]
        connection.close()
