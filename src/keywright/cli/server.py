"""The server around the application: it starts it, takes requests until a signal comes, and stops it."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

import uvicorn

from keywright.app import StartError, build
from keywright.cli.exits import Exit, Failed
from keywright.cli.reading import quick_protocol
from keywright.cli.sockets import BACKLOG
from keywright.cli.welcome import leave, welcome
from keywright.ops.logging import get_logger

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from keywright.app import Application
    from keywright.settings import Settings

LINGER_SECONDS: Final = 1.0
"""For so long a connection that sends nothing stays open at the end: a request may be on its way, or just behind."""

log = get_logger("keywright")


def serve(settings: Settings, sockets: list[socket.socket]) -> None:
    """Be the one server of these sockets until a signal comes. Raises `Failed` when it cannot start."""
    try:
        Server(build(settings), sockets).run(sockets)
    except StartError as error:
        raise Failed(str(error), Exit.NO_SERVER) from None


class Server(uvicorn.Server):
    """Uvicorn around the application, which it starts and stops itself.

    So what stops a start comes out as an exception, and not as lines in a log.
    """

    def __init__(self, app: Application, sockets: list[socket.socket]) -> None:
        settings = app.settings
        verbose = settings.log_level == "debug"
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                lifespan="off",
                http=_protocol(app),
                ws="none",
                log_config=None,
                # At their level of information these lines say what ours say too.
                log_level=None if verbose or settings.log_level == "error" else "warning",
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                workers=1,
                backlog=BACKLOG,
                timeout_graceful_shutdown=settings.shutdown_seconds,
            )
        )
        self.app = app
        self._address = sockets[0].getsockname()
        self._drain_seconds = settings.drain_seconds
        self._told_to_stop = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then take requests, then say so."""
        try:
            await self.app.start()
            _settle_memory()
            await super().startup(sockets)
        except BaseException:
            await self.app.stop()
            raise
        await self.started_up()

    async def started_up(self) -> None:
        """Say that requests are taken."""
        if self.app.first_start is not None:
            first = self.app.first_start
            welcome(first.login, first.password, replace(self.app.settings, port=self._address[1]))
        log.info("listening", host=self._address[0], port=self._address[1])

    async def main_loop(self) -> None:
        """Take requests until told to stop, and then for the time in which others can notice that it will stop."""
        await super().main_loop()
        self.app.health.serving = False
        if self._drain_seconds:
            log.info("draining", seconds=self._drain_seconds)
            self.should_exit = False
            asyncio.get_running_loop().call_later(self._drain_seconds, self._drained)
            await super().main_loop()

    def _drained(self) -> None:
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, let running requests finish, then stop the application."""
        log.info("stopping", running=len(self.server_state.tasks))
        self.stop_accepting()
        await self._last_requests()
        await super().shutdown(sockets)
        await self.app.stop()
        log.info("stopped")

    def stop_accepting(self) -> None:
        """Take no more connections."""
        for server in self.servers:
            server.close()

    async def _last_requests(self) -> None:
        """Let those that are connected send what is on its way; each connection ends with its next answer."""
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        loop = asyncio.get_running_loop()
        until = loop.time() + min(LINGER_SECONDS, self.app.settings.shutdown_seconds)
        while self.server_state.connections and loop.time() < until:  # noqa: ASYNC110 - uvicorn tells of no end
            await asyncio.sleep(0.01)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal ends the process at once, with the status that shells give it."""
        if self._told_to_stop:
            leave(sig)
        self._told_to_stop = self.should_exit = True


def _protocol(app: Application) -> type[asyncio.Protocol] | Literal["auto"]:
    """What reads the connections: ours, where the application lets answers be given again."""
    return "auto" if app.repeats is None else quick_protocol()


def _settle_memory() -> None:
    """Leave what was made at the start to itself: code and schemas stay until the end.

    A full collection looks at all that there is, and no request is answered meanwhile; with half a million objects
    of the start in it that takes a quarter of a second, again and again under load.
    """
    gc.collect()
    gc.freeze()
