"""What sends the calls of a client that is awaited; see `sender` for the one that waits."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keywright.client.quick import direct
from keywright.client.quick_async import AsyncQuick
from keywright.client.sender import head_of
from keywright.client.wire import Failure, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keywright.client.calls import Call, Listing, Stream
    from keywright.client.transport import AsyncTransport
    from keywright.client.values import Json

T = TypeVar("T")
_UNKNOWN: Final = object()


class AsyncSender:
    """For clients that are awaited, in one event loop."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._process = os.getpid()
        self._opened: AsyncTransport | None = None
        self._quick: AsyncQuick | object | None = _UNKNOWN

    async def send(self, call: Call[T]) -> T:
        """The answer to a call; raises a `ClientError`."""
        way = self._way(call)
        tried = 1
        outcome = await way.once(call)
        while (pause := self.wire.pause(tried, call, outcome)) is not None:
            await asyncio.sleep(pause)
            tried += 1
            outcome = await way.once(call)
        return call.read(self.wire.answer(outcome))

    async def each(self, listing: Listing) -> AsyncIterator[Json]:
        """The items of a whole list; further pages are asked for as they are needed."""
        cursor = None
        while True:
            page = await self.send(listing.page(cursor))
            for item in page.items:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def lines(self, stream: Stream) -> AsyncIterator[Json]:
        """The objects of a stream, as they come."""
        transport = self._transport()
        tried = 1
        opened = await transport.open(stream)
        while (pause := self.wire.pause(tried, stream, head_of(opened))) is not None:
            if not isinstance(opened, Failure):
                await opened.aclose()
            await asyncio.sleep(pause)
            tried += 1
            opened = await transport.open(stream)
        if isinstance(opened, Failure):
            raise opened.error
        async for line in transport.read(opened):
            yield line

    async def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            await self._opened.close()
        if isinstance(self._quick, AsyncQuick):
            await self._quick.close()

    def _way(self, call: Call[Any]) -> AsyncTransport | AsyncQuick:
        if not call.quick:
            return self._transport()
        self._begin()
        if self._quick is _UNKNOWN:
            way = direct(self.wire)
            self._quick = None if way is None else AsyncQuick(self.wire, way)
        return self._quick if isinstance(self._quick, AsyncQuick) else self._transport()

    def _transport(self) -> AsyncTransport:
        """The way for calls of all kinds. It is opened late, because its library takes long to load."""
        self._begin()
        if self._opened is None:
            from keywright.client.transport import AsyncTransport  # noqa: PLC0415 - see above

            self._opened = AsyncTransport(self.wire)
        return self._opened

    def _begin(self) -> None:
        if self._process != os.getpid():
            self._process, self._opened, self._quick = os.getpid(), None, _UNKNOWN
