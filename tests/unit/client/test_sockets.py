"""A client that asks at a socket in the file system, as an agent may have one."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from keywright.client import AsyncClient, Client, ConnectionFailed, NotFound, normal_url
from tests.unit.client.scripted import TOKEN, Answer, problem, scripted

if TYPE_CHECKING:
    from pathlib import Path

VALID = {"valid": True, "code": "VALID", "key_id": "key_1"}
READY = {"status": "ready"}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("unix:/run/keywright/agent.sock", "unix:/run/keywright/agent.sock"),
        ("unix:///run/keywright/agent.sock", "unix:/run/keywright/agent.sock"),
        (" UNIX:/run/a socket ", "unix:/run/a socket"),
        ("unix:/rück/100%25", "unix:/rück/100%25"),
    ],
)
def test_its_address_is_written_in_one_way(given: str, url: str) -> None:
    assert Client(given).url == url
    assert Client(url).within("blog").url == url
    assert AsyncClient(given).url == url


@pytest.mark.parametrize("url", ["unix:", "unix:agent.sock", "unix://host/run/a", "unix:/a\0b", "unix:/a\nb"])
def test_what_is_no_path_is_refused(url: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match="absolute path"):
            kind(url)


def test_where_a_server_must_be_it_is_no_address() -> None:
    with pytest.raises(ValueError, match="http://"):
        normal_url("unix:/run/keywright/agent.sock")


def test_every_call_goes_to_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No proxy stands between.
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answers = [Answer(body=VALID), Answer(body=READY)] * 2 + [problem(404, "not_found")]
    with scripted(*answers, path=tmp_path / "a ü.sock") as server:
        with Client(server.url) as client:
            assert client.verify("x").key_id == "key_1"
            assert client.ready().ready
            assert client.verify("x")
            client.alive()
            with pytest.raises(NotFound):
                client.keys.get("key_1")
        assert len(server.connections) == 2
    verified = server.requests[0]
    assert (verified.method, verified.path, verified.body) == ("POST", "/v1/verify", {"token": "x"})
    assert verified.headers["host"] == "localhost"
    assert "authorization" not in verified.headers


def test_every_call_goes_to_the_socket_when_it_is_awaited(tmp_path: Path) -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url, TOKEN) as client:
            assert (await client.verify("x")).key_id == "key_1"
            assert (await client.ready()).ready
            assert await client.verify("x")
            await client.alive()
            with pytest.raises(NotFound):
                await client.keys.get("key_1")

    answers = [Answer(body=VALID), Answer(body=READY)] * 2 + [problem(404, "not_found")]
    with scripted(*answers, path=tmp_path / "a.sock") as server:
        asyncio.run(ask(server.url))
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert [one.headers["host"] for one in server.requests] == ["localhost"] * 5
    assert len(server.connections) == 2


# httpcore2 leaves a socket of this kind that it cannot connect for the collector to close.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("there", [False, True], ids=["no file", "nobody listens"])
def test_a_socket_that_nobody_listens_on_is_a_connection_that_failed(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "agent.sock"
    if there:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
    reason = "connection refused" if there else "no such file or directory"

    async def ask() -> None:
        async with AsyncClient(f"unix:{path}", tries=1) as client:
            for asked in (client.verify("x"), client.ready()):
                with pytest.raises(ConnectionFailed) as failed:
                    await asked
                assert failed.value.url == f"unix:{path}"
                reasons.append(failed.value.reason)

    reasons: list[str] = []
    asyncio.run(ask())
    with Client(f"unix:{path}", tries=1) as client:
        calls: list[Any] = [lambda: client.verify("x"), client.ready]
        for call in calls:
            with pytest.raises(ConnectionFailed) as failed:
                call()
            reasons.append(failed.value.reason)
    assert reasons == [reason] * 4
    gc.collect()  # here, where it is known


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with Client(f"unix:{tmp_path}/{'x' * 200}", tries=1) as client, pytest.raises(ConnectionFailed) as failed:
        client.verify("x")
    assert "too long" in failed.value.reason


def test_an_agent_that_starts_anew_is_asked_again(tmp_path: Path) -> None:
    """The connection that was kept is gone, and the socket is another."""
    path = tmp_path / "agent.sock"
    with Client(f"unix:{path}") as client:
        for _ in range(2):
            with scripted(Answer(body=VALID), path=path):
                assert client.verify("x")
            path.unlink()


def test_threads_have_connections_of_their_own(tmp_path: Path) -> None:
    slow = Answer(body=VALID, seconds=0.05)
    with scripted(slow, path=tmp_path / "a.sock") as server, server.client() as client:
        threads = [threading.Thread(target=client.verify, args=("x",)) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(server.requests) == 4
    assert len(server.connections) == 4
