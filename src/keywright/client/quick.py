"""The quick way: one question and its answer on a connection that is kept open, without a library for HTTP.

A verification is asked for at each request of an application, and a general library takes longer over it than the
server does. Where only such a library knows the way, as through a proxy, there is no quick one.
"""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from keywright.client.http1 import Malformed, Reading, Reply
from keywright.client.wire import CONNECT_SECONDS, Failure, Wire, encoded

if TYPE_CHECKING:
    import ssl

    from keywright.client.calls import Call

KEPT: Final = 64
"""Connections that are kept open while nobody uses them."""
_AT_ONCE = 262_144


class Way:
    """How to reach a server: where it listens, whether by TLS, and the first part of each request."""

    def __init__(self, wire: Wire) -> None:
        parts = urlsplit(wire.http_url)
        self.socket_path = wire.socket_path
        self.host = wire.host
        self.secure = parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 80)
        self._wire = wire
        self._path = parts.path
        same = {"Host": parts.netloc, "User-Agent": wire.user_agent, "Accept": "application/json"}
        self._same = "".join(f"{name}: {value}\r\n" for name, value in same.items())
        self._asker: str | None = None

    def request(self, call: Call[Any]) -> bytes:
        """A request, as it is sent."""
        body = encoded(call.body) or b""
        if self._asker is None:
            headers = self._wire.headers(call)
            self._asker = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {self._path}{call.path} HTTP/1.1\r\n{self._same}{self._asker}Content-Length: {len(body)}\r\n\r\n"
        return head.encode("ascii") + body

    def context(self) -> ssl.SSLContext | None:
        """What certificates are held against: the same ones as for all other calls."""
        if not self.secure:
            return None
        import httpx2  # noqa: PLC0415 - it takes long to load, and a plain address never meets a certificate

        return httpx2.create_ssl_context(trust_env=not self._wire.is_local)


def direct(wire: Wire) -> Way | None:
    """The way to a server, or None where the library must find it: through a proxy, or to a name that is not ASCII."""
    if not (wire.http_url.isascii() and wire.user_agent.isascii() and wire.user_agent.isprintable()):
        return None
    if not wire.is_local:
        from urllib.request import getproxies  # noqa: PLC0415 - it takes long to load, and is not needed locally

        if getproxies():
            return None
    return Way(wire)


class Quick:
    """Asks and waits; for use from many threads."""

    def __init__(self, wire: Wire, way: Way) -> None:
        self._wire = wire
        self._way = way
        self._idle: list[socket.socket] = []
        self._context: ssl.SSLContext | None = None

    def close(self) -> None:
        """Let go of the connections that nobody uses now."""
        while self._idle:
            self._idle.pop().close()

    def once(self, call: Call[Any]) -> Reply | Failure:
        """Send a request once, and give what comes of it."""
        request = self._way.request(call)
        ends = time.monotonic() + self._wire.timeout
        connection = reply = None
        try:
            connection = self._kept() or self._connected()
            connection.settimeout(self._wire.timeout)
            connection.sendall(request)
            reply = _read(connection, ends)
        except TimeoutError:
            return self._wire.late()
        except Malformed:
            return self._wire.closed()
        except OSError as error:
            return self._wire.broken(error)
        finally:
            if connection is not None:
                self._let_go(connection, reply)
        return reply

    def _let_go(self, connection: socket.socket, reply: Reply | None) -> None:
        """Keep a connection whose answer is whole, and close any other: its next answer could belong to anybody."""
        if reply is not None and reply.reusable and len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def _kept(self) -> socket.socket | None:
        """A connection that is open still: one that has something to say without being asked was closed."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _has_news(connection):
                return connection
            connection.close()

    def _connected(self) -> socket.socket:
        way, seconds = self._way, min(self._wire.timeout, CONNECT_SECONDS)
        if way.socket_path is not None:
            return _connected_to(way.socket_path, seconds)
        connection = socket.create_connection((way.host, way.port), seconds)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not way.secure:
                return connection
            if self._context is None:
                self._context = way.context()
            assert self._context is not None  # noqa: S101 - the address says that there is one
            return self._context.wrap_socket(connection, server_hostname=way.host)
        except BaseException:
            connection.close()
            raise


def _connected_to(path: str, seconds: float) -> socket.socket:
    """A connection to a socket in the file system."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _has_news(connection: socket.socket) -> bool:
    try:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError):
        return True


def _read(connection: socket.socket, ends: float) -> Reply:
    """Read one answer. Raises `TimeoutError` at a moment of the monotonic clock, `Malformed` and `OSError`."""
    reading = Reading()
    while True:
        data = connection.recv(_AT_ONCE)
        if not data:
            return reading.end()
        reply = reading.feed(data)
        if reply is not None:
            return reply
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
