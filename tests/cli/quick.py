"""A running application behind the protocol of `keywright serve`, in the test's own process, and connections to it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from keywright.cli.protocol import QuickProtocol
from keywright.cli.server import Server
from tests.doors.rest.house import MovableClock, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keywright.api.rest.repeats import Repeats
    from tests.doors.rest.house import House

BLOG = {"keywright-tenant": "blog"}
REQUEST_ID = re.compile(rb"(x-request-id: )[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n")


@dataclass
class Served:
    """A running application behind the protocol, on a port; `calls` is how many requests the application has seen."""

    rest: House
    server: Server
    port: int
    clock: MovableClock
    calls: int = 0
    lines: list[Line] = field(default_factory=list)

    @property
    def repeats(self) -> Repeats:
        found = self.rest.app.repeats
        assert found is not None
        return found

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await self.rest.app(scope, receive, send)

    async def line(self, host: str = "127.0.0.1") -> Line:
        """A new connection from an address of this machine."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0))
        made = Line(self, reader, writer)
        self.lines.append(made)
        return made

    async def key(self, tenant: str = "blog", /, **fields: Any) -> tuple[str, str]:
        """The id and the token of a new key."""
        made = await self.rest.make(headers={"keywright-tenant": tenant}, **fields)
        return made["key"]["id"], made["token"]

    async def change(self, method: str, path: str, **body: Any) -> None:
        answer = await self.rest.ask(method, path, headers=BLOG, json=body or None)
        assert answer.status_code < 300, answer.text

    def protocol_of(self, line: Line) -> QuickProtocol:
        """The server's side of a connection."""
        port = line.writer.get_extra_info("sockname")[1]
        for one in self.server.server_state.connections:
            if isinstance(one, QuickProtocol) and one.client is not None and one.client[1] == port:
                return one
        raise AssertionError("The server has no such connection.")


class Counting(Protocol):
    """What a connection ends at: `calls` is how many requests its application has seen."""

    calls: int


@dataclass
class Line:
    """A connection."""

    served: Counting
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send parts so far from each other that the server sees them one by one."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            if len(parts) > 1:
                await asyncio.sleep(0.05)

    async def read(self, *, head: bool = False) -> bytes:
        """The next response."""
        async with asyncio.timeout(20):
            found = await self.reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(found)
            return found if head or length is None else found + await self.reader.readexactly(int(length[1]))

    async def ask(self, *parts: bytes) -> tuple[bytes, bool]:
        """The response without its id, and whether it came without the application."""
        before = self.served.calls
        await self.send(*parts)
        found, ids = REQUEST_ID.subn(rb"\1", await self.read())
        assert ids == 1
        return found, self.served.calls == before

    async def verdict(self, *parts: bytes) -> tuple[int, str, bool]:
        """The status, the code, and whether it came without the application."""
        found, quick = await self.ask(*parts)
        return int(found[9:12]), json.loads(found.partition(b"\r\n\r\n")[2])["code"], quick

    async def warm(self, request: bytes) -> bytes:
        """Ask until it is answered at once, which is the third time; gives that answer."""
        first, quick = await self.ask(request)
        assert not quick
        second, quick = await self.ask(request)
        assert not quick
        third, quick = await self.ask(request)
        assert quick
        assert first == second == third
        return third

    async def ended(self) -> bool:
        """Whether the server closes the connection, with nothing more to say."""
        async with asyncio.timeout(20):
            return await self.reader.read() == b""


def asking(
    caller: str, token: str, *more: str, start: str = "POST /v1/verify HTTP/1.1", **question: Any
) -> bytes:
    body = json.dumps({"token": token, **question}).encode()
    fields = (
        "Host: keywright.test",
        "Content-Type: application/json",
        f"Authorization: Bearer {caller}",
        f"Content-Length: {len(body)}",
        *more,
    )
    return "\r\n".join((start, *fields, "", "")).encode() + body


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Served]:
    clock = MovableClock()
    async with house(folder, clock=clock, **settings) as rest:
        assert (await rest.ask("POST", "/v1/tenants", json={"slug": "blog"})).status_code == 201
        opened = socket.create_server(("127.0.0.1", 0))
        server = Server(rest.app, [opened])
        server.config.load()
        await server.on_tick(0)
        served = Served(rest, server, opened.getsockname()[1], clock)
        server.config.loaded_app = served.application
        protocol: Any = server.config.http_protocol_class
        listening = await asyncio.get_running_loop().create_server(
            lambda: protocol(config=server.config, server_state=server.server_state, app_state={}),
            sock=opened,
        )
        try:
            yield served
        finally:
            listening.close()
            for line in served.lines:
                line.writer.close()
            while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells of no end
                await asyncio.sleep(0.01)
