"""HTTP with as little between the caller and the socket as there can be: one request at a time on a kept connection."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_END = b"\r\n\r\n"


class Broken(Exception):
    """The connection could not be made, or ended before the answer was there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what came with it."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def request_bytes(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as it stands on the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: keywright", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _END + body


class Connection(asyncio.Protocol):
    """A connection to a server; asks one thing after the other."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._read = b""
        self._answer: asyncio.Future[Answer] | None = None
        self.lost = False
        """Whether it has ended, and is of no use any more."""

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to a port of 127.0.0.1. Raises `Broken`."""
        try:
            _, made = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        except OSError as error:
            raise Broken(str(error)) from error
        return made

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer. Raises `Broken`; after that, or a cancellation, it is of no use."""
        if self.lost or self._transport is None:
            raise Broken("The connection is closed.")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection."""
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Broken(f"The connection ended: {exc}"))

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._read += data
        head, end, body = self._read.partition(_END)
        if not end:
            return
        status = int(head[9:12])
        length = _length(head) if status != 204 else 0
        if len(body) < length:
            return
        self._read = body[length:]
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(status, body[:length]))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("The answer has no length.")
