"""A bare caller of ASGI applications, for what no HTTP client would send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

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
