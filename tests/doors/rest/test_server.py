"""What only a real server shows: addresses, bodies that are still on their way, what is no HTTP."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.rest.house import ROOT
from tests.support.servers import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYWRIGHT = Path(sys.executable).with_name("keywright")
LIMIT = 1024 * 1024


@pytest.fixture(scope="module", params=["", "127.0.0.0/8"], ids=["no proxy", "trusted proxy"])
def trusted(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def port(trusted: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    found = free_port()
    env = {
        "KEYWRIGHT_DATA": str(tmp_path_factory.mktemp("server")),
        "KEYWRIGHT_PORT": str(found),
        "KEYWRIGHT_TRUSTED_PROXIES": trusted,
        "KEYWRIGHT_ROOT_TOKEN_HASH": hashlib.sha256(ROOT.encode()).hexdigest(),
    }
    with running([KEYWRIGHT, "serve"], env=env, ready_url=f"http://127.0.0.1:{found}/readyz"):
        yield found


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    found = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    yield found
    found.close()


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
    token: str = ROOT,
    **more: Any,
) -> tuple[int, dict[str, str], bytes]:
    connection.request(method, path, body, {"Authorization": f"Bearer {token}", **(headers or {})}, **more)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_only_a_trusted_proxy_says_where_a_request_comes_from(
    connection: http.client.HTTPConnection, trusted: str
) -> None:
    body = json.dumps({"name": "Bound", "allowed_cidrs": ["203.0.113.0/24"]})
    _, _, made = ask(connection, "POST", "/v1/keys", body)
    token = json.loads(made)["token"]
    for name in ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Client-Ip", "True-Client-Ip"):
        value = "for=203.0.113.9" if name == "Forwarded" else "203.0.113.9"
        status, _, _ = ask(connection, "GET", "/v1/whoami", headers={name: value}, token=token)
        assert status == (200 if trusted and name == "X-Forwarded-For" else 401), name
    spoofed = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
    assert ask(connection, "GET", "/v1/whoami", headers=spoofed, token=token)[0] == 401


def test_headers_of_the_server(connection: http.client.HTTPConnection) -> None:
    _, headers, _ = ask(connection, "GET", "/v1/whoami")
    assert "server" not in headers
    assert set(headers) == {
        "date",
        "content-type",
        "content-length",
        "cache-control",
        "x-content-type-options",
        "x-request-id",
    }


def test_the_connection_goes_on_after_a_refusal(connection: http.client.HTTPConnection) -> None:
    for body in (b"{", b" " * (LIMIT + 1)):
        assert ask(connection, "POST", "/v1/keys", body)[0] in {400, 413}
        local = connection.sock.getsockname()
        assert ask(connection, "GET", "/v1/whoami")[0] == 200
        assert connection.sock.getsockname() == local


def test_a_large_body_of_unknown_length_is_refused(connection: http.client.HTTPConnection) -> None:
    parts = (b" " * 65_536 for _ in range(40))
    status, _, answer = ask(connection, "POST", "/v1/keys", parts, encode_chunked=True)
    assert (status, json.loads(answer)["code"]) == (413, "body_too_large")


def raw(port: int, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
        one.sendall(text)
        found = one.recv(65_536)
        while more := one.recv(65_536):
            found += more
        return found


def test_a_refusal_does_not_wait_for_the_rest_of_a_body(port: int) -> None:
    head = f"POST /v1/keys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
        one.sendall(head.encode())
        assert one.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_head_request_has_no_body_in_its_answer(port: int) -> None:
    for path in ("/healthz", "/v1/keys", "/v1/verify", "/nope"):
        answer = raw(port, f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"content-length:" in head.lower()
        assert body == b""


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(port: int, text: bytes) -> None:
    assert raw(port, text).startswith(b"HTTP/1.1 400 ")


def test_a_web_socket_is_not_opened(port: int) -> None:
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    upgrade = f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{key}"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
        one.sendall(f"GET /v1/keys HTTP/1.1\r\nHost: x\r\n{upgrade}\r\n\r\n".encode())
        assert one.recv(65_536).startswith(b"HTTP/1.1 401 ")
