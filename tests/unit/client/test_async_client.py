"""The client that is awaited has the calls of the one that waits, and does in each what that one does."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

import keywright.client
from keywright.client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    NotFound,
    Token,
    Unavailable,
    UnexpectedAnswer,
)
from keywright.client.calls import _Method
from tests.unit.client.scripted import TOKEN, Answer, problem, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio
KEY = {"key": {"id": "key_1"}, "token": "kw_made0123456789", "replayed": False, "note": None}
VALID = {"valid": True, "code": "VALID", "key_id": "key_1"}
CALLS: list[tuple[str, Callable[[Any], Any], Any]] = [
    ("get", lambda one: one.keys.get("a/b"), {"id": "a/b"}),
    ("create", lambda one: one.keys.create("One", idempotency_key="mine"), KEY),
    ("update", lambda one: one.keys.update("key_1", wait=False, active=False), {"receipt": {}}),
    ("delete", lambda one: one.keys.delete("key_1"), {"receipt": {"epoch": 1}}),
    ("verify", lambda one: one.verify(Token("kw_x"), action="a"), VALID),
    ("verify_batch", lambda one: one.verify_batch([{"token": "x"}]), {"items": [VALID]}),
    (
        "log_in",
        lambda one: one.log_in("a", "b"),
        {"id": "s", "token": "kws", "identity": {}, "expires_at": "x"},
    ),
    ("log_out", lambda one: one.log_out(), None),
    ("ready", lambda one: one.ready(), {"status": "ready"}),
    ("version", lambda one: one.version(), {"info": {"version": "1"}}),
]


def plain(value: Any) -> Any:
    """Something that can be compared: tokens cannot."""
    if isinstance(value, Token):
        return value.reveal()
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


@pytest.mark.parametrize(("call", "body"), [one[1:] for one in CALLS], ids=[one[0] for one in CALLS])
async def test_both_clients_send_and_read_the_same(call: Callable[[Any], Any], body: Any) -> None:
    with scripted(Answer(200 if body else 204, body)) as server:
        with server.client(tenant="my-blog") as waiting:
            first = await asyncio.to_thread(call, waiting)
        async with AsyncClient(server.url, TOKEN, "my-blog") as awaited:
            second = await call(awaited)
    assert plain(first) == plain(second)
    one, two = server.requests
    for request in (one, two):
        request.headers.pop("connection", None)
    assert one == two


def described(kind: type) -> set[str]:
    return {name for base in kind.__mro__ for name, value in vars(base).items() if isinstance(value, _Method)}


async def test_every_call_of_one_client_is_a_call_of_the_other() -> None:
    waiting, awaited = Client("http://127.0.0.1:1"), AsyncClient("http://127.0.0.1:1")
    assert {name for name in dir(waiting) if name[0] != "_"} == {
        name for name in dir(awaited) if name[0] != "_"
    }
    resources = [name for name, value in vars(waiting).items() if described(type(value)) and name[0] != "_"]
    assert len(resources) == 15
    for name in resources:
        assert type(getattr(waiting, name)) is type(getattr(awaited, name))
        for method in described(type(getattr(waiting, name))):
            assert getattr(getattr(awaited, name), method).__doc__, f"{name}.{method}"


async def test_lists_and_streams_go_on_as_they_are_read() -> None:
    pages = [
        Answer(body={"items": [{"id": 1}, {"id": 2}], "next_cursor": "c d"}),
        Answer(body={"items": [{"id": 3}], "next_cursor": None}),
    ]
    with scripted(*pages) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            assert [item["id"] async for item in client.keys.list(limit=2)] == [1, 2, 3]
    first, second = (request.path for request in server.requests)
    assert (first, second.replace("%20", "+")) == ("/v1/keys?limit=2", "/v1/keys?limit=2&cursor=c+d")
    with scripted(problem(503, "unavailable"), Answer(body='{"n": 1}\n{"n": 2}\n')) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            assert [line["n"] async for line in client.audit.export()] == [1, 2]
    ends = Answer(body='{"n": 1}\n{"code": "unavailable", "status": 503, "detail": "Away."}\n')
    with scripted(ends) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            with pytest.raises(Unavailable):
                _ = [line async for line in client.audit.export()]
    with scripted(problem(404, "not_found")) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            with pytest.raises(NotFound):
                _ = [line async for line in client.audit.export()]
    with scripted(Answer(hang_up=True)) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            with pytest.raises(ConnectionFailed):
                _ = [line async for line in client.audit.export()]
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "passing", [Answer(hang_up=True), problem(503, "unavailable")], ids=["hangs-up", "unavailable"]
)
async def test_safe_calls_are_tried_again_and_others_are_not(passing: Answer) -> None:
    with scripted(passing, passing, Answer(body=VALID)) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            assert await client.verify("x")
        assert len(server.requests) == 3
    for call in (lambda client: client.verify("x"), lambda client: client.keys.get("x")):
        with scripted(passing) as server:
            async with AsyncClient(server.url, TOKEN, tries=2) as client:
                with pytest.raises((ConnectionFailed, Unavailable)):
                    await call(client)
            assert len(server.requests) == 2
    with scripted(passing) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            with pytest.raises((ConnectionFailed, Unavailable)):
                await client.keys.delete("x")
        assert len(server.requests) == 1


async def test_connections_are_kept_and_not_mixed_up() -> None:
    with scripted(Answer(body=VALID)) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            verdicts = await asyncio.gather(*(client.verify("x") for _ in range(20)))
            assert all(verdicts)
            for _ in range(20):
                await client.verify("x")
        assert 1 <= len(server.connections) <= 20
        before = len(server.connections)
        async with AsyncClient(server.url, TOKEN) as client:
            for _ in range(20):
                await client.verify("x")
        assert len(server.connections) == before + 1


async def test_an_asking_that_was_cancelled_leaves_no_answer_to_another() -> None:
    slow = Answer(body={**VALID, "key_id": "first"}, seconds=0.2)
    with scripted(slow, Answer(body={**VALID, "key_id": "second"})) as server:
        async with AsyncClient(server.url, TOKEN) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.verify("x")
            assert (await client.verify("x")).key_id == "second"


async def test_nobody_there_and_no_answer_in_time_are_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    for call in (lambda client: client.verify("x"), lambda client: client.whoami()):
        async with AsyncClient(url, TOKEN, tries=1) as client:
            with pytest.raises(ConnectionFailed) as failed:
                await call(client)
    assert "127.0.0.1" in str(failed.value)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for call in (lambda client: client.verify("x"), lambda client: client.whoami()):
            async with AsyncClient(url, TOKEN, timeout=0.1) as client:
                with pytest.raises(ConnectionFailed, match=r"no answer within 0\.1 seconds"):
                    await call(client)


def test_it_is_good_for_one_loop_after_another() -> None:
    with scripted(Answer(body=VALID)) as server:
        client = AsyncClient(server.url, TOKEN)

        async def ask() -> bool:
            verdict = await client.verify("x")
            await client.close()
            return bool(verdict)

        assert [asyncio.run(ask()), asyncio.run(ask())] == [True, True]
    assert len(server.connections) == 2


async def test_what_answers_may_be_somebody_else() -> None:
    for body in ({"valid": True}, {"code": "VALID"}, {**VALID, "identity": 5}, {**VALID, "roles": [1]}):
        with scripted(Answer(body=body)) as server:
            async with AsyncClient(server.url, TOKEN) as client:
                with pytest.raises(UnexpectedAnswer, match="no verdict"):
                    await client.verify("x")


async def test_a_client_within_another_tenant() -> None:
    with scripted(Answer(body=VALID)) as server:
        async with (
            AsyncClient(server.url, TOKEN, "first", tries=1) as client,
            client.within("second") as inside,
        ):
            await inside.verify("x")
            assert inside.url == client.url
    assert [sent.headers["keywright-tenant"] for sent in server.requests] == ["second"]


def test_the_module_has_what_it_names() -> None:
    for name in keywright.client.__all__:
        assert getattr(keywright.client, name)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = keywright.client.Nothing  # type: ignore[attr-defined] # that is the point
