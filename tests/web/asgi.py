"""A bare caller of ASGI applications, for what no HTTP client would send, and applications to be called."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from keywright.ops.metrics import Metrics
from keywright.web.edge import Edge
from keywright.web.errors import send_json
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from keywright.web.visit import Visit

    App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Answer:
    """What an application sent, as far as it came."""

    messages: list[Any] = field(default_factory=list)

    @property
    def status(self) -> int | None:
        return self.messages[0]["status"] if self.messages else None

    @property
    def headers(self) -> dict[str, str]:
        raw = self.messages[0]["headers"]
        found = {name.decode(): value.decode() for name, value in raw}
        assert len(found) == len(raw), "a header is there twice"
        return found

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


async def call(
    app: App,
    method: str = "GET",
    path: str = "/",
    *,
    headers: Sequence[tuple[str, str]] = (),
    parts: Sequence[bytes] = (b"",),
    ended: bool = True,
    client: tuple[str, int] | None = ("192.0.2.1", 4711),
    scope: dict[str, Any] | None = None,
    answer: Answer | None = None,
) -> Answer:
    """Send one request, its body in parts; where it is not `ended`, the client goes away after them."""
    found = Answer() if answer is None else answer
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if ended:
        waiting[-1]["more_body"] = False

    async def receive() -> Any:
        await asyncio.sleep(0)
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        found.messages.append(message)

    whole = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": client,
        **(scope or {}),
    }
    await app(whole, receive, send)
    return found


def edge(app: Any, metrics: Metrics | None = None, *, trusted: tuple[str, ...] = ()) -> Edge:
    """The edge around an application, which knows the paths `/known` and `/quiet`."""
    return Edge(
        app,
        metrics or Metrics(),
        [ip_network(one) for one in trusted],
        routes=frozenset({"/known", "/quiet"}),
        quiet=frozenset({"/quiet"}),
    )


class Seen:
    """An application that remembers what came and answers `{}`."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.visit: Visit | None = None
        self.body: list[bytes] = []
        self._headers = headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.visit = visit_of(scope)
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            self.body.append(message["body"])
        await send_json(send, 200, {}, self._headers)


def failing(error: Exception, *, after: int = 0) -> Any:
    """An application that fails, `after` so many messages of its answer."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        messages = (
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
            {"type": "http.response.body", "body": b"{", "more_body": True},
        )
        for message in messages[:after]:
            await send(message)
        raise error

    return app
