"""A server that answers as it is told, in ways that Keywright itself cannot be made to."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from keywright.client import Client

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "kw_token0123456789"


@dataclass(frozen=True)
class Answer:
    """What a server says; with `hang_up`, it closes the connection instead, after it has read the request."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    seconds: float = 0.0
    """How long it takes over it."""


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Scripted:
    """A server that gives its answers in turn, the last one again and again, and keeps what it was sent."""

    url: str
    requests: list[Request]
    connections: list[object]

    def client(self, token: str | None = TOKEN, **more: Any) -> Client:
        return Client(self.url, token, **more)


def problem(status: int, code: str, **more: Any) -> Answer:
    body = {"code": code, "status": status, "detail": f"Refused: {code}.", "request_id": "req", **more}
    return Answer(status, body, {"Content-Type": "application/problem+json"})


class _AtASocket(ThreadingHTTPServer):
    """A server at a socket in the file system."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        # The one for HTTP takes its address apart, for names that nobody here reads.
        TCPServer.server_bind(self)


@contextmanager
def scripted(
    *answers: Answer, tls: ssl.SSLContext | None = None, path: Path | None = None
) -> Iterator[Scripted]:
    """Run one on a free port of this machine, or at a socket in the file system."""
    requests: list[Request] = []
    connections: list[object] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(self)
            super().setup()

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            requests.append(Request(self.command, self.path, headers, json.loads(body) if body else None))
            answer = left.pop(0) if len(left) > 1 else left[0]
            time.sleep(answer.seconds)
            if answer.hang_up:
                self.close_connection = True
                return
            raw = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
            raw = b"" if answer.body is None else raw
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_args: object) -> None:
            pass

    server = (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) if path is None else _AtASocket(str(path), Handler)  # type: ignore[arg-type] # so are the addresses of such sockets
    )
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        place = "http://127.0.0.1" if tls is None else "https://localhost"
        url = f"{place}:{server.server_port}" if path is None else f"unix:{path}"
        yield Scripted(url, requests, connections)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
