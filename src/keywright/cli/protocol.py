"""The server's side of a connection, which answers a question that was asked before ahead of all parsing.

Reading a request, making a scope and messages of it and writing a response from those takes many times as long as the
decision itself. The same bytes from the same address come down to the same question, whatever trace stands in them;
whether its answer is still true is for `Repeats` to say, at the moment at which it is given.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from keywright.api.rest.repeats import PATH, QUESTION, Known
from keywright.core.ids import uuid7

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from keywright.api.rest.repeats import Repeats

MAX_BYTES: Final = 8_192
"""Requests that are longer are not worth remembering."""
_START: Final = f"POST {PATH} HTTP/1.1\r\n".encode()
_END: Final = b"\r\n\r\n"
_TICK: Final = 0.001
# A field of W3C's Trace Context, which nobody here reads; no line that continues it may follow.
_trace = re.compile(
    rb"\r\n[Tt]raceparent: [0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?=\r\n[^ \t])"
).search


class Repeating(Protocol):
    """An application whose answers may be given again, which it says before the first connection is made."""

    repeats: Repeats | None


class QuickProtocol(HttpToolsProtocol):
    """Uvicorn's, which it is to all requests but one: a `/v1/verify` that comes alone, and again.

    Such a one is answered at once, in the bytes that uvicorn would write, if the connection is between two requests
    and can be written to. The first time that a request is seen again its scope gets a `QUESTION`, under which the
    application may keep its answer. Many clients send a body behind its head: a head that has begun such a request
    before is held until more comes, and then both are looked at together.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        repeats = cast("Repeating", config.app).repeats
        assert repeats is not None  # noqa: S101 - else the server has uvicorn's own protocol
        self._repeats: Repeats = repeats
        self._asked: Any = None
        # How many requests began since the connection was last between two, and whether one of them goes on.
        self._begun = 0
        self._within = False
        # A head that nobody has read yet, and one that uvicorn has read and that nothing has followed yet.
        self._held = b""
        self._head = b""
        self._defaults: list[tuple[bytes, bytes]] | None = None
        self._start: bytes | None = None
        self._last_answer = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self._asked = self._repeats.asked_from(None if self.client is None else self.client[0])

    def data_received(self, data: bytes) -> None:
        """Answer a question that was asked before, or let uvicorn read the bytes."""
        head, self._head = self._head, b""
        if self._held:
            data, self._held = self._held + data, b""
        if not data.startswith(_START) or len(data) > MAX_BYTES or not self._between():
            self._go_on(head, data)
            return
        began = time.perf_counter()
        question = self._digest(data)
        self._begun = 0
        if data.endswith(_END):
            if self._repeats.is_head(question):
                self._held = data
            else:
                self._head = data
                super().data_received(data)
            return
        repeat = self._repeats.answer(question)
        if repeat is None:
            self._read(data, data, question)
            return
        self.transport.write(b"".join((self._start, repeat.head, uuid7().encode(), repeat.body)))  # type: ignore[arg-type] # `_between` has made it
        self.server_state.total_requests += 1
        self._last_answer = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)
        self._repeats.took(time.perf_counter() - began)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._let_go()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """See uvicorn: a request that has begun may end."""
        self._let_go()
        super().shutdown()

    def on_message_begin(self) -> None:
        """See uvicorn."""
        self._begun += 1
        self._within = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """See uvicorn. After an upgrade that was asked for, nobody knows what follows."""
        self._within = self.parser.should_upgrade()
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, if it is as long as that since the last answer and no request has begun.

        Setting a timer back at each answer would cost more than looking once whether it was right.
        """
        left = self._last_answer + self.timeout_keep_alive - self.loop.time()
        if left > _TICK:
            self._close_after(left)
        elif self._held:
            self.timeout_keep_alive_task = None
        else:
            super().timeout_keep_alive_handler()

    def _close_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _between(self) -> bool:
        """Whether the next bytes begin a request, and an answer to it may be written at once and leaves it open.

        The cycle is that of the last request, which is answered after all that came before it.
        """
        cycle: RequestResponseCycle | None = self.cycle
        if (
            self._within
            or self._asked is None
            or (cycle is not None and not cycle.response_complete)
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            return False
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:
            self._defaults, self._start = defaults, _start_of(defaults)
        return self._start is not None

    def _digest(self, data: bytes) -> bytes:
        """What tells a question from others: its bytes but for the trace, if that stands in the head."""
        asked = self._asked.copy()
        if b"raceparent" in data:
            found = _trace(data, 0, data.find(_END) + 3)
            if found is not None:
                asked.update(data[: found.start()])
                data = data[found.end() :]
        asked.update(data)
        digest: bytes = asked.digest()
        return digest

    def _go_on(self, head: bytes, data: bytes) -> None:
        """Let uvicorn read what is no question by itself; it may be the rest of one that began with a head."""
        if head and self._within and len(head) + len(data) <= MAX_BYTES:
            self._read(data, head + data, self._digest(head + data))
        else:
            super().data_received(data)

    def _read(self, data: bytes, whole: bytes, question: bytes) -> None:
        """Let uvicorn read the bytes. If they complete one request that was asked before, have its answer kept."""
        met = self._repeats.met(question)
        super().data_received(data)
        alone = self._begun == 1 and not self._within and not self.transport.is_closing()
        if met and alone and self.cycle.keep_alive:
            # Its task runs later.
            head = self._digest(whole[: whole.find(_END) + len(_END)])
            cast("dict[str, Any]", self.cycle.scope)[QUESTION] = Known(question, head)

    def _let_go(self) -> None:
        """Have uvicorn read a head that is held, as it would have when it came."""
        held, self._held = self._held, b""
        if held:
            super().data_received(held)


def _start_of(defaults: list[tuple[bytes, bytes]]) -> bytes | None:
    """How each response begins, with the fields of all of them; None when connections are being closed."""
    fields = [(name.lower(), value) for name, value in defaults]
    if any(name == b"connection" for name, _ in fields):
        return None
    return STATUS_LINE[200] + b"".join(b"%b: %b\r\n" % field for field in fields)
