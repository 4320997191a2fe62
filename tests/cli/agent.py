"""An agent behind the protocol of `keywright agent start`, in the test's own process, and connections to it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keywright.app.agent import Agent, AgentSettings
from keywright.cli.agent.running import _Server
from tests.cli.quick import Line
from tests.support.agents import URL, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keywright.services.relay.sidecar import Sidecar
    from tests.doors.rest.house import House


@dataclass
class ServedAgent:
    """A running agent behind the protocol, on a port and a socket; `calls` is how many requests it has seen itself."""

    agent: Agent
    wire: Wire
    path: Path
    port: int = 0
    calls: int = 0
    lines: list[Line] = field(default_factory=list)

    @property
    def sidecar(self) -> Sidecar:
        return self.agent._started()

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await self.agent(scope, receive, send)

    async def line(self, way: str = "tcp") -> Line:
        """A new connection by TCP, or by the socket in the file system."""
        if way == "tcp":
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        else:
            reader, writer = await asyncio.open_unix_connection(str(self.path))
        made = Line(self, reader, writer)
        self.lines.append(made)
        return made

    def metrics(self) -> str:
        return self.agent.metrics.render()[0].decode()


@asynccontextmanager
async def serving_agent(home: House, token: str, folder: Path) -> AsyncIterator[ServedAgent]:
    """Run an agent with a key beside a Keywright."""
    wire = Wire(home.app)
    agent = Agent(AgentSettings(url=URL, token=token, name="one"), wire)
    server = _Server(agent)
    await agent.start()
    server.config.load()
    await server.on_tick(0)
    served = ServedAgent(agent, wire, folder / "agent.sock")
    server.config.loaded_app = served.application
    protocol: Any = server.config.http_protocol_class

    def reading() -> Any:
        return protocol(config=server.config, server_state=server.server_state, app_state={})

    loop = asyncio.get_running_loop()
    opened = socket.create_server(("127.0.0.1", 0))
    served.port = opened.getsockname()[1]
    listening = [
        await loop.create_server(reading, sock=opened),
        await loop.create_unix_server(reading, str(served.path)),
    ]
    try:
        yield served
    finally:
        for one in listening:
            one.close()
        for line in served.lines:
            line.writer.close()
        while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells of no end
            await asyncio.sleep(0.01)
        await agent.stop()
