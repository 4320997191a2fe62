"""The quick way of a verification: connections that are kept, and what happens when they break."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from keywright.client import AsyncClient, Client, ConnectionFailed
from keywright.client.quick import Quick, direct
from keywright.client.values import Token
from keywright.client.wire import Wire
from tests.unit.client.scripted import TOKEN, Answer, scripted

if TYPE_CHECKING:
    from pathlib import Path

VALID = {"valid": True, "code": "VALID", "key_id": "key_1"}


def test_one_connection_is_enough_for_one_thread() -> None:
    with scripted(Answer(body=VALID)) as server, server.client() as client:
        for _ in range(5):
            assert client.verify("x").key_id == "key_1"
    assert len(server.connections) == 1


def test_threads_have_connections_of_their_own() -> None:
    with scripted(Answer(body=VALID, seconds=0.02)) as server, server.client() as client:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda _: client.verify("x"), range(40)))
        assert 2 <= len(server.connections) <= 4


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    closing = Answer(body=VALID, headers={"Connection": "close"})
    with scripted(closing) as server, server.client() as client:
        assert all(client.verify("x") for _ in range(3))
        assert (len(server.requests), len(server.connections)) == (3, 3)


def test_a_connection_that_was_closed_meanwhile_is_noticed_before_it_is_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked: list[bytes] = []
        closed = threading.Event()

        def answer_once_each() -> None:
            for _ in range(2):
                peer, _address = listener.accept()
                with peer:
                    asked.append(peer.recv(65536))
                    peer.sendall(
                        b'HTTP/1.1 200 OK\r\nContent-Length: 31\r\n\r\n{"valid":true,"code":"VALID" } '
                    )
                closed.set()

        thread = threading.Thread(target=answer_once_each)
        thread.start()
        with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN, tries=1) as client:
            assert client.verify("x")
            closed.wait()
            assert client.verify("x")
        thread.join()
    assert len(asked) == 2
    assert asked[0].startswith(b"POST /v1/verify HTTP/1.1\r\nHost: 127.0.0.1:")


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def break_off() -> None:
            for _ in range(2):
                peer, _address = listener.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"valid":true')

        thread = threading.Thread(target=break_off)
        thread.start()
        with (
            Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN, tries=2) as client,
            pytest.raises(ConnectionFailed, match="closed before an answer came"),
        ):
            client.verify("x")
        thread.join()


def test_an_answer_that_comes_too_slowly_is_late() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def drip() -> None:
            peer, _address = listener.accept()
            with peer:
                peer.recv(65536)
                while not done.wait(0.02):
                    try:
                        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with (
                Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN, timeout=0.2) as client,
                pytest.raises(ConnectionFailed, match="no answer within"),
            ):
                client.verify("x")
        finally:
            done.set()
            thread.join()


def test_through_a_proxy_there_is_no_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire("https://keys.example.com", Token(TOKEN), None, 1.0, "me/1")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert direct(wire) is not None
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert direct(wire) is None
    assert direct(Wire("http://127.0.0.1:8300", None, None, 1.0, "me/1")) is not None
    assert (
        direct(Wire("http://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", None, None, 1.0, "me/1"))
        is None
    )
    assert direct(Wire("http://127.0.0.1:8300", None, None, 1.0, "me\r\nX: y")) is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8300/keys", "http://[::1]:8300", "http://keys.example.com"]
)
def test_a_request_names_host_and_path(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Client(url, TOKEN, "my-blog") as client:
        way = direct(client._wire)
        assert way is not None
        from keywright.client.both import verification  # noqa: PLC0415 - what a client sends is not offered by name

        head, _, body = way.request(verification(client, "kw_x", {"action": "a"})).partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    host = url.removeprefix("http://").partition("/")[0]
    path = url.removeprefix(f"http://{host}")
    assert first == f"POST {path}/v1/verify HTTP/1.1"
    assert {f"Host: {host}", f"Authorization: Bearer {TOKEN}", "Keywright-Tenant: my-blog"} <= set(fields)
    assert f"Content-Length: {len(body)}" in fields
    assert b'"token": "kw_x"' in body


def test_a_fork_opens_connections_of_its_own() -> None:
    with scripted(Answer(body=VALID)) as server, server.client() as client:
        assert client.verify("x")
        script = (
            "import os, sys\n"
            "from keywright.client import Client\n"
            f"client = Client({server.url!r}, {TOKEN!r})\n"
            "assert client.verify('x')\n"
            "if os.fork() == 0:\n"
            "    os._exit(0 if client.verify('x') else 1)\n"
            "assert os.waitstatus_to_exitcode(os.wait()[1]) == 0\n"
            "assert client.verify('x')\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    assert len(server.connections) == 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed, with its key in the same file."""
    from tests.unit.client.certificates import self_signed  # noqa: PLC0415 - it takes long to load

    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.mark.anyio
async def test_tls_is_spoken_to_whom_the_certificate_is_for(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with scripted(Answer(body=VALID), tls=context) as server:
        assert server.url.startswith("https://localhost:")
        with (
            Client(server.url, TOKEN, tries=1) as client,
            pytest.raises(ConnectionFailed, match="certificate"),
        ):
            client.verify("x")
        async with AsyncClient(server.url, TOKEN, tries=1) as client:
            with pytest.raises(ConnectionFailed):
                await client.verify("x")
        assert server.requests == []
        trusting = ssl.create_default_context(cafile=certificate)
        monkeypatch.setattr("keywright.client.quick.Way.context", lambda _way: trusting)
        with Client(server.url, TOKEN, tries=1) as client:
            assert client.verify("x")
            assert isinstance(client._sending._quick, Quick)
        async with AsyncClient(server.url, TOKEN, tries=1) as client:
            assert await client.verify("x")


def test_importing_the_client_loads_no_loop_and_no_library_for_http() -> None:
    script = "import sys, keywright.client; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"asyncio", "httpx2", "ssl", "msgspec"} & set(done.stdout.split())


def test_a_verification_loads_no_library_for_http() -> None:
    with scripted(Answer(body=VALID)) as server:
        script = (
            "import sys; from keywright.client import Client; "
            f"assert Client({server.url!r}, {TOKEN!r}).verify('x'); print(*sorted(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ}
        )
    assert not {"asyncio", "httpx2"} & set(done.stdout.split())
