"""One of several workers: a process of its own, started and told what to do by `cli.supervisor`.

Run as `python -m keywright.cli.worker FD`. Over the socket FD it gets one line with its order, answers one line when it
takes requests or why it cannot, and hears words after that. Once the socket closes, nobody looks after it any
more, and it ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keywright.app import StartError, build
from keywright.cli.accepting import Acceptor, Loads
from keywright.cli.exits import Exit, Failed
from keywright.cli.orders import STOP, Order
from keywright.cli.server import Server
from keywright.cli.server_options import settings_from
from keywright.core.tokens import redact
from keywright.ops.logging import configure, get_logger
from keywright.ops.siblings import Siblings

if TYPE_CHECKING:
    from types import FrameType

    from keywright.app import Application

log = get_logger("keywright")


class WorkerServer(Server):
    """The server of a worker. Signals that reach all processes at once are for the supervisor to judge."""

    def __init__(self, order: Order, app: Application, line: socket.socket) -> None:
        self._shared = [socket.socket(fileno=fd) for fd in order.sockets]
        super().__init__(app, self._shared)
        self._line = line
        self._order = order
        self._folder = Path(order.folder)
        self._siblings = Siblings(app.metrics.figures, self._folder, order.name)
        app.health.figures = self._siblings.render
        self._acceptor: Acceptor | None = None
        self._alone = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen to the supervisor and to siblings, then start."""
        self._line.setblocking(False)  # noqa: FBT003 - the standard library's own
        asyncio.get_running_loop().add_reader(self._line, self._hear)
        await self._siblings.start()
        await super().startup([])  # this class takes connections by itself

    async def started_up(self) -> None:
        """Take connections, and tell the supervisor so, and whom the first start made if this was it."""
        loads = Loads(self._order.loads)
        connections = self.server_state.connections
        self._acceptor = Acceptor(
            self._shared, self._protocol, lambda: len(connections), loads, self._order.place
        )
        self._acceptor.start()
        self.app.metrics.database(up=True)  # it has just answered, and a check may reach another worker first
        first = self.app.first_start
        words = {} if first is None else {"login": first.login, "password": first.password}
        self._line.sendall(json.dumps(words).encode() + b"\n")
        log.info("worker_started")

    async def on_tick(self, counter: int) -> bool:
        """Tell the siblings now and then how busy this worker is."""
        if self._acceptor is not None:
            self._acceptor.publish()
        return await super().on_tick(counter)

    def stop_accepting(self) -> None:
        """Leave new connections to the siblings."""
        if self._acceptor is not None:
            self._acceptor.stop()
            self._acceptor = None

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg] # uvicorn's own way
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as any server does; the figures are written when nothing is counted any more."""
        await super().shutdown(sockets)
        await self._siblings.stop()
        if self._alone:
            shutil.rmtree(self._folder, ignore_errors=True)

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """Begin to stop at SIGTERM, however often it comes: a service manager sends it to every process."""
        if sig == signal.SIGTERM:
            self.should_exit = True

    def _hear(self) -> None:
        heard = self._line.recv(65_536)
        if heard != STOP:
            self._drain_seconds = 0
        if not heard:
            self._alone = True
            asyncio.get_running_loop().remove_reader(self._line)
        self.should_exit = True


def main() -> None:
    """Be a worker until told to end."""
    line = socket.socket(fileno=int(sys.argv[1]))
    order = Order.received(line)
    try:
        _serve(order, line)
    except (StartError, Failed) as error:
        line.setblocking(True)  # noqa: FBT003 - the standard library's own
        line.sendall(json.dumps({"failed": str(error)}).encode() + b"\n")
        sys.exit(Exit.NO_SERVER)


def _serve(order: Order, line: socket.socket) -> None:
    settings = replace(settings_from(order.flags), port=order.port)
    configure(settings.log_level, settings.log_format, redact, pid=os.getpid())
    WorkerServer(order, build(settings, shared=Path(order.folder)), line).run()


if __name__ == "__main__":
    main()
