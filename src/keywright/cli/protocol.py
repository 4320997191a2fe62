"""The server's side of a connection, which answers a question that was asked before ahead of all parsing.

Reading a request, making a scope and messages of it and writing a response from those takes many times as long as the
decision itself. The same bytes from the same address come down to the same question; whether its answer is still true
is for `Repeats` to say, at the moment at which it is given.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from keywright.api.rest.repeats import PATH, QUESTION
from keywright.core.ids import uuid7

if TYPE_CHECKING:
    import asyncio

    from uvicorn import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

    from keywright.api.rest.repeats import Repeats
    from keywright.app import Application

MAX_BYTES: Final = 8_192
"""Requests that are longer are not worth remembering."""
_START: Final = f"POST {PATH} HTTP/1.1\r\n".encode()
_TICK: Final = 0.001


class QuickProtocol(HttpToolsProtocol):
    """Uvicorn's, which it is to all requests but one: a `/v1/verify` that comes whole, alone, and again.

    Such a one is answered at once, in the bytes that uvicorn would write, if the connection is between two requests
    and can be written to. The first time that a request is seen again its scope gets a `QUESTION`, under which the
    application may keep its answer.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        repeats = cast("Application", config.app).repeats
        assert repeats is not None  # noqa: S101 - else the server has uvicorn's own protocol
        self._repeats: Repeats = repeats
        self._asked: Any = None
        # How many requests the last bytes began, and whether one of them goes on in the next.
        self._begun = 0
        self._within = False
        self._defaults: list[tuple[bytes, bytes]] | None = None
        self._start: bytes | None = None
        self._last_answer = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        if self.client is not None:
            self._asked = self._repeats.asked_from(self.client[0])

    def data_received(self, data: bytes) -> None:
        """Answer a question that was asked before, or let uvicorn read the bytes."""
        if not data.startswith(_START) or len(data) > MAX_BYTES or not self._between():
            self._begun = 0
            super().data_received(data)
            return
        began = time.perf_counter()
        asked = self._asked.copy()
        asked.update(data)
        question = asked.digest()
        repeat = self._repeats.answer(question)
        if repeat is None:
            self._read(data, question)
            return
        self.transport.write(b"".join((self._start, repeat.head, uuid7().encode(), repeat.body)))  # type: ignore[arg-type] # `_between` has made it
        self.server_state.total_requests += 1
        self._last_answer = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)
        self._repeats.took(time.perf_counter() - began)

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
        """Close the connection, if it is as long as that since the last answer.

        Setting a timer back at each answer would cost more than looking once whether it was right.
        """
        left = self._last_answer + self.timeout_keep_alive - self.loop.time()
        if left > _TICK:
            self._close_after(left)
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

    def _read(self, data: bytes, question: bytes) -> None:
        """Let uvicorn read the bytes. If they are one request and it was asked before, have its answer kept."""
        met = self._repeats.met(question)
        self._begun = 0
        super().data_received(data)
        alone = self._begun == 1 and not self._within and not self.transport.is_closing()
        if met and alone and self.cycle.keep_alive:
            # Its task runs later.
            cast("dict[str, Any]", self.cycle.scope)[QUESTION] = question


def _start_of(defaults: list[tuple[bytes, bytes]]) -> bytes | None:
    """How each response begins, with the fields of all of them; None when connections are being closed."""
    fields = [(name.lower(), value) for name, value in defaults]
    if any(name == b"connection" for name, _ in fields):
        return None
    return STATUS_LINE[200] + b"".join(b"%b: %b\r\n" % field for field in fields)
