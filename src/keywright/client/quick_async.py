"""The quick way, for clients that are awaited."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, cast

from keywright.client.http1 import Malformed, Reading, Reply
from keywright.client.quick import KEPT, Way
from keywright.client.wire import CONNECT_SECONDS, Failure, Wire

if TYPE_CHECKING:
    import ssl

    from keywright.client.calls import Call


class AsyncQuick:
    """Asks, and is awaited; its connections belong to one event loop, and are made anew in another."""

    def __init__(self, wire: Wire, way: Way) -> None:
        self._wire = wire
        self._way = way
        self._idle: list[_Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context: ssl.SSLContext | None = None

    async def close(self) -> None:
        """Let go of the connections that nobody uses now."""
        while (connection := self._kept()) is not None:
            connection.close()

    async def once(self, call: Call[Any]) -> Reply | Failure:
        """Send a request once, and give what comes of it."""
        request = self._way.request(call)
        connection = reply = None
        try:
            async with asyncio.timeout(self._wire.timeout):
                connection = self._kept() or await self._connected()
                reply = await connection.ask(request)
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

    def _let_go(self, connection: _Connection, reply: Reply | None) -> None:
        """Keep a connection whose answer is whole, and close any other, also where the asking was cancelled."""
        if reply is not None and reply.reusable and len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def _kept(self) -> _Connection | None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._idle.clear()
            self._loop = loop
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _connected(self) -> _Connection:
        way = self._way
        if way.secure and self._context is None:
            self._context = way.context()
        try:
            async with asyncio.timeout(min(self._wire.timeout, CONNECT_SECONDS)):
                loop = asyncio.get_running_loop()
                if way.socket_path is not None:
                    _, connection = await loop.create_unix_connection(_Connection, way.socket_path)
                else:
                    _, connection = await loop.create_connection(
                        _Connection, way.host, way.port, ssl=self._context
                    )
        except OSError as error:
            # asyncio tells where it connected to; the operating system's own words are enough.
            raise OSError(str(error) if error.errno is None else os.strerror(error.errno)) from None
        return connection


class _Connection(asyncio.Protocol):
    """One connection, on which one answer is awaited at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reading = Reading()
        self._answer: asyncio.Future[Reply] | None = None

    @property
    def is_open(self) -> bool:
        """Whether another question can be asked."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Reply:
        """Send a request and give its answer. Raises `Malformed` and `OSError`."""
        assert self._transport is not None  # noqa: S101 - it is connected before anybody has it
        self._reading = Reading()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        reply = await self._answer
        self._answer = None
        return reply

    def close(self) -> None:
        """Hang up."""
        self._answer = None
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio calls this."""
        # TCP and TLS give no other; that of uvloop is one by what it does alone.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what came; asyncio calls this."""
        answer = self._answer
        if answer is None or answer.done():
            self.close()  # something came that nobody asked for
            return
        try:
            reply = self._reading.feed(data)
        except Malformed as error:
            answer.set_exception(error)
        else:
            if reply is not None:
                answer.set_result(reply)

    def connection_lost(self, error: Exception | None) -> None:
        """End what waits; asyncio calls this."""
        self._transport = None
        answer = self._answer
        if answer is None or answer.done():
            return
        if error is not None:
            answer.set_exception(error)
            return
        try:
            answer.set_result(self._reading.end())
        except Malformed as found:
            answer.set_exception(found)
