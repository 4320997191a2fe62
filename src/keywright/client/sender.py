"""What sends the calls of a client: the ways to the server, opened when they are needed, and trying again."""

from __future__ import annotations

import os
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keywright.client import quick
from keywright.client.http1 import Reply
from keywright.client.wire import Failure, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keywright.client.calls import Call, Listing, Stream
    from keywright.client.quick import Quick
    from keywright.client.transport import Transport
    from keywright.client.values import Json

T = TypeVar("T")
_UNKNOWN: Final = object()


class Sender:
    """For clients that wait. After a fork it opens connections of its own, since two processes cannot share one."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._opening = Lock()
        self._process = os.getpid()
        self._opened: Transport | None = None
        self._quick: Quick | object | None = _UNKNOWN

    def send(self, call: Call[T]) -> T:
        """The answer to a call; raises a `ClientError`."""
        way = self._way(call)
        tried = 1
        outcome = way.once(call)
        while (pause := self.wire.pause(tried, call, outcome)) is not None:
            time.sleep(pause)
            tried += 1
            outcome = way.once(call)
        return call.read(self.wire.answer(outcome))

    def each(self, listing: Listing) -> Iterator[Json]:
        """The items of a whole list; further pages are asked for as they are needed."""
        page = self.send(listing.page(None))
        yield from page.items
        while page.next_cursor is not None:
            page = self.send(listing.page(page.next_cursor))
            yield from page.items

    def lines(self, stream: Stream) -> Iterator[Json]:
        """The objects of a stream, as they come."""
        transport = self._transport()
        tried = 1
        opened = transport.open(stream)
        while (pause := self.wire.pause(tried, stream, head_of(opened))) is not None:
            if not isinstance(opened, Failure):
                opened.close()
            time.sleep(pause)
            tried += 1
            opened = transport.open(stream)
        if isinstance(opened, Failure):
            raise opened.error
        yield from transport.read(opened)

    def close(self) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            self._opened.close()
        if isinstance(self._quick, quick.Quick):
            self._quick.close()

    def _way(self, call: Call[Any]) -> Transport | Quick:
        if not call.quick:
            return self._transport()
        with self._opening:
            self._begin()
            if self._quick is _UNKNOWN:
                way = quick.direct(self.wire)
                self._quick = None if way is None else quick.Quick(self.wire, way)
            found = self._quick
        return found if isinstance(found, quick.Quick) else self._transport()

    def _transport(self) -> Transport:
        """The way for calls of all kinds. It is opened late, because its library takes long to load."""
        with self._opening:
            self._begin()
            if self._opened is None:
                from keywright.client.transport import Transport  # noqa: PLC0415 - see above

                self._opened = Transport(self.wire)
            return self._opened

    def _begin(self) -> None:
        if self._process != os.getpid():
            self._process, self._opened, self._quick = os.getpid(), None, _UNKNOWN


def head_of(opened: Any) -> Reply | Failure:  # noqa: ANN401 - the library's response, which is loaded late
    """What is known of a stream before it is read."""
    if isinstance(opened, Failure):
        return opened
    headers = {name.lower(): value for name, value in opened.headers.items()}
    return Reply(opened.status_code, headers, b"")
