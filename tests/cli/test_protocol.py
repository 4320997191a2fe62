"""The protocol of the server over real connections: a question asked again gets the bytes of the door behind."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest

from keywright.cli import reading
from keywright.cli import server as server_module
from keywright.cli.protocol import QuickProtocol
from tests.cli.quick import REQUEST_ID, asking, serving
from tests.doors.rest.house import house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.cli.quick import Served

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving(tmp_path_factory.mktemp("protocol")) as found:
        yield found


@pytest.fixture(scope="module")
async def caller(served: Served) -> str:
    return (await served.key(name="Caller"))[1]


async def test_a_question_asked_again_is_answered_in_the_same_bytes(served: Served, caller: str) -> None:
    scope = [{"actions": ["article:*"], "resources": ["article:cs:**"]}]
    _, token = await served.key(scope=scope, metadata={"team": "search"}, allowed_cidrs=["192.0.2.0/24"])
    line = await served.line()
    found = [
        await line.warm(asking(caller, token, **question))
        for question in (
            {"ip": "192.0.2.7"},
            {"ip": "198.51.100.1"},
            {},
            {"action": "article:read", "resource": "article:cs:17", "ip": "192.0.2.7"},
            {"action": "article:read", "resource": "article:en:17", "ip": "192.0.2.7", "cost": 3},
        )
    ]
    codes = [json.loads(one.partition(b"\r\n\r\n")[2])["code"] for one in found]
    assert codes == ["VALID", "IP_NOT_ALLOWED", "IP_NOT_ALLOWED", "VALID", "INSUFFICIENT_PERMISSIONS"]
    head = found[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"HTTP/1.1 200 OK"
    assert [one.partition(b":")[0] for one in head[1:]] == [
        *(b"date", b"content-type", b"content-length", b"cache-control", b"x-content-type-options"),
        b"x-request-id",
    ]


async def test_each_answer_has_an_id_and_the_date_of_its_moment(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller)
    await line.warm(request)
    ids = set()
    for day in ("Mon, 30 Nov 2026 00:00:00 GMT", "Tue, 01 Dec 2026 00:00:00 GMT"):
        served.server.server_state.default_headers = [(b"Date", day.encode())]
        before = served.calls
        await line.send(request)
        found = await line.read()
        assert served.calls == before
        assert b"\r\ndate: " + day.encode() + b"\r\n" in found
        ids.add(REQUEST_ID.search(found)[0])  # type: ignore[index] # each has one
    assert len(ids) == 2
    await served.server.on_tick(0)


async def test_a_request_in_pieces_is_read_by_uvicorn(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller, action="keys:read")
    expected = await line.warm(request)
    for cut in (len(request) - 1, len(b"POST /v1/verify HTTP/1.1\r\n") + 5, 10):
        for _ in range(3):
            assert await line.ask(request[:cut], request[cut:]) == (expected, False)
    # What looks like a request of its own is the body of another.
    outer = f"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: {len(request)}\r\n\r\n".encode()
    for _ in range(3):
        assert await line.verdict(outer, request) == (401, "unauthenticated", False)
    assert await line.ask(request) == (expected, True)


async def test_several_requests_at_once_are_answered_in_their_order(served: Served, caller: str) -> None:
    line = await served.line()
    one, other = asking(caller, caller), asking(caller, caller, action="nothing:known", resource="none")
    answers = [await line.ask(request) for request in (one, other) for _ in range(3)]
    for _ in range(3):
        before = served.calls
        await line.send(one + other + one + other)
        found = [REQUEST_ID.sub(rb"\1", await line.read()) for _ in range(4)]
        assert found == [answers[0][0], answers[3][0]] * 2
        assert served.calls == before + 4
    before = served.calls
    # The second comes while the first, which nobody remembers, is on its way.
    first = asking(caller, caller, "Accept: text/first")
    protocol = served.protocol_of(line)
    protocol.data_received(first)
    protocol.data_received(one)
    assert [REQUEST_ID.sub(rb"\1", await line.read()) for _ in range(2)] == [answers[0][0]] * 2
    assert served.calls == before + 2
    assert await line.ask(one + b"\r\n") == (answers[0][0], False)
    assert await line.ask(one) == (answers[0][0], True)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        ("POST /v1/verify?a=b HTTP/1.1", ()),
        ("PUT /v1/verify HTTP/1.1", ()),
        ("POST /v1/verify HTTP/1.1", ("X-Request-Id: 0192f0a1b2c37d4e8f90a1b2c3d4e5f6",)),
        ("POST /v1/verify HTTP/1.1", ("Keywright-Tenant: nowhere",)),
        ("POST /v1/verify HTTP/1.1", ("X-Forwarded-For: 192.0.2.7",)),
        ("POST /v1/verify HTTP/1.1", ("Connection: upgrade", "Upgrade: websocket")),
        ("POST /v1/verify HTTP/1.1", ("Accept: " + "x" * 8_192,)),
    ],
    ids=["query", "method", "id", "tenant", "forwarded", "upgrade", "long"],
)
async def test_what_is_unusual_goes_to_the_application_each_time(
    served: Served, caller: str, start: str, more: tuple[str, ...]
) -> None:
    line = await served.line()
    kept = len(served.repeats)
    request = asking(caller, caller, *more, start=start)
    for _ in range(4):
        assert not (await line.ask(request))[1]
        if "Connection: upgrade" in more:
            line = await served.line()
    assert len(served.repeats) == kept


async def test_after_an_upgrade_was_asked_for_nothing_is_answered_ahead(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller)
    expected = [await line.ask(request) for _ in range(3)][2][0]
    await line.ask(asking(caller, caller, "Connection: upgrade", "Upgrade: h2c"))
    assert await line.ask(request) == (expected, False)


async def test_a_body_in_chunks_and_one_that_waits_to_be_asked_for(served: Served, caller: str) -> None:
    line = await served.line()
    head, _, body = asking(caller, caller).partition(b"\r\n\r\n")
    bare = re.sub(rb"Content-Length: [0-9]+", b"Transfer-Encoding: chunked", head)
    chunked = bare + b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    for _ in range(4):
        assert (await line.verdict(chunked)) == (200, "VALID", False)
    for _ in range(4):
        await line.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert await line.read(head=True) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await line.verdict(body))[:2] == (200, "VALID")
    for _ in range(4):
        before = served.calls
        await line.send(head + b"\r\nExpect: 100-continue\r\n\r\n" + body)
        assert (await line.read(head=True)).startswith((b"HTTP/1.1 100 ", b"HTTP/1.1 200 "))
        assert served.calls == before + 1
        line = await served.line()


@pytest.mark.parametrize(
    ("start", "more"),
    [("POST /v1/verify HTTP/1.1", ("Connection: close",)), ("POST /v1/verify HTTP/1.0", ())],
    ids=["close", "1.0"],
)
async def test_a_connection_that_is_to_end_ends(
    served: Served, caller: str, start: str, more: tuple[str, ...]
) -> None:
    request = asking(caller, caller, *more, start=start)
    for _ in range(4):
        line = await served.line()
        found, quick = await line.ask(request)
        assert not quick
        assert b"\r\nconnection: close\r\n" in found
        assert await line.ended()


async def test_other_methods_and_nonsense_between(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller)
    for _ in range(3):
        await line.ask(request)
    for method, status in (("GET", 405), ("HEAD", 405), ("GET", 405)):
        await line.send(f"{method} /v1/verify HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        found = await line.read(head=method == "HEAD")
        assert int(found[9:12]) == status
        assert (await line.ask(request))[1]
    await line.send(request + b"\0\r\n\r\n")
    assert (await line.reader.read()).startswith(b"HTTP/1.1 400")
    for _ in range(4):
        # Neither is the good part of it remembered together with the bad one.
        line = await served.line()
        await line.send(request + b"\0\r\n\r\n")
        assert (await line.reader.read()).startswith(b"HTTP/1.1 400")


async def test_a_client_that_does_not_read_is_waited_for(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller)
    expected = [await line.ask(request) for _ in range(3)][2]
    assert expected[1]
    protocol = served.protocol_of(line)
    protocol.pause_writing()
    before = served.calls
    await line.send(request, request)
    assert served.calls == before + 1  # the second waits for the first
    assert not protocol.flow._is_writable_event.is_set()
    protocol.resume_writing()
    assert [REQUEST_ID.sub(rb"\1", await line.read()) for _ in range(2)] == [expected[0]] * 2
    assert await line.ask(request) == expected


async def test_a_flood_to_a_client_that_reads_late_is_answered_in_full(served: Served, caller: str) -> None:
    line = await served.line()
    request = asking(caller, caller)
    expected = [await line.ask(request) for _ in range(3)][2][0]
    rounds = 4_000

    async def flood() -> None:
        for _ in range(rounds):
            line.writer.write(request)
            await line.writer.drain()
            await asyncio.sleep(0)

    flooding = asyncio.create_task(flood())
    await asyncio.sleep(0.3)
    for _ in range(rounds):
        assert REQUEST_ID.sub(rb"\1", await line.read()) == expected
    await flooding


async def test_an_idle_connection_is_closed_after_the_last_answer(
    served: Served, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.server.config, "timeout_keep_alive", 1.0)
    request = asking(caller, caller)
    loop = asyncio.get_running_loop()
    line = await served.line()
    for _ in range(3):
        await line.ask(request)
    began = loop.time()
    while loop.time() < began + 2.2:
        assert (await line.ask(request))[1]
        await asyncio.sleep(0.1)
    idle_from = loop.time()
    assert await line.ended()
    assert 0.8 < loop.time() - idle_from < 10
    # The first answer of a connection may be a quick one.
    line = await served.line()
    assert (await line.ask(request))[1]
    assert await line.ended()


async def test_at_the_end_connections_are_closed(served: Served, caller: str) -> None:
    line, idle = await served.line(), await served.line()
    request = asking(caller, caller)
    for _ in range(3):
        await line.ask(request)
    assert (await idle.ask(request))[1]
    state = served.server.server_state
    before = state.default_headers
    try:
        state.default_headers = [*before, (b"connection", b"close")]
        found, quick = await line.ask(request)
        assert not quick
        assert b"\r\nconnection: close\r\n" in found
        assert await line.ended()
    finally:
        state.default_headers = before
    served.protocol_of(idle).shutdown()
    assert await idle.ended()


async def test_requests_are_counted_as_uvicorn_does(served: Served, caller: str) -> None:
    line = await served.line()
    before = served.server.server_state.total_requests
    for _ in range(6):
        await line.ask(asking(caller, caller))
    assert served.server.server_state.total_requests == before + 6


async def test_whoever_wants_every_line_in_the_log_has_uvicorns_own_protocol(tmp_path: Path) -> None:
    async with house(tmp_path, log_level="debug") as rest:
        assert rest.app.repeats is None
        assert server_module._protocol(rest.app) == "auto"


async def test_without_httptools_it_is_uvicorns_own_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server_module._protocol(served.rest.app) is QuickProtocol
    monkeypatch.setattr(reading, "find_spec", lambda _name: None)
    assert server_module._protocol(served.rest.app) == "auto"
