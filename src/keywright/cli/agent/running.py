"""The server around the agent, for as long as its key is good."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from keywright.app.agent import Agent
from keywright.cli.exits import Exit, Failed
from keywright.cli.reading import quick_protocol
from keywright.cli.sockets import BACKLOG, listen
from keywright.core.errors import (
    IllegalTransition,
    KeywrightError,
    PermissionDenied,
    Unauthenticated,
)
from keywright.core.tokens import redact
from keywright.ops.backoff import Backoff
from keywright.ops.logging import configure, get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from keywright.app.agent import AgentSettings

_UNIX: Final = "unix:"
_NEW_KEY: Final = "Start it with a new key: keywright agent start --key-file PATH"
_EXITS: Final = {
    Unauthenticated: Exit.NOT_AUTHENTICATED,
    PermissionDenied: Exit.DENIED,
    IllegalTransition: Exit.CONFLICT,
}

log = get_logger("keywright")


def serve(settings: AgentSettings, where: str, log_format: str) -> None:
    """Serve at an address until a signal comes. Raises `Failed` where it cannot start, and when its key has ended."""
    configure("info", log_format, redact)
    sockets = _sockets(where)
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            reason = runner.run(_served(settings, sockets, where))
    finally:
        for one in sockets:
            one.close()
        if where.startswith(_UNIX):
            Path(where.removeprefix(_UNIX)).unlink(missing_ok=True)
    if isinstance(reason, IllegalTransition):
        raise Failed(f"The agent has stopped. {reason.detail}", Exit.CONFLICT)
    if reason is not None:
        raise Failed(f"The agent has stopped. {reason.detail}", Exit.NOT_AUTHENTICATED, _NEW_KEY)


async def _served(settings: AgentSettings, sockets: list[socket.socket], where: str) -> KeywrightError | None:
    agent = Agent(settings)
    server = _Server(agent)
    with server.capture_signals():
        await _started(agent, lambda: server.should_exit)
        if server.should_exit:
            await agent.stop()
            return None
        ended = agent.ended
        ended.add_done_callback(server.told)
        shown = (
            where if where.startswith(_UNIX) else f"http://{':'.join(map(str, sockets[0].getsockname()[:2]))}"
        )
        log.info("agent_listening", at=shown, server=settings.url)
        await server.serve(sockets)
        await agent.stop()
    return ended.result() if ended.done() else None


async def _started(agent: Agent, stopped: Callable[[], bool]) -> None:
    """Start the agent, as often as it takes until the server is there. Raises `Failed` where that is of no use."""
    backoff = Backoff(0.2, 5.0)
    while not stopped():
        try:
            await agent.start()
        except (Unauthenticated, PermissionDenied, IllegalTransition) as error:
            hint = _NEW_KEY if isinstance(error, Unauthenticated) else None
            raise Failed(error.detail, _EXITS[type(error)], hint) from None
        except KeywrightError as away:
            log.warning("server_away", server=agent.settings.url, reason=away.detail)
            ends = time.monotonic() + backoff.pause()
            while time.monotonic() < ends and not stopped():  # noqa: ASYNC110 - a signal tells of nothing else
                await asyncio.sleep(0.05)
        else:
            return


class _Server(uvicorn.Server):
    """Uvicorn around the agent, which ends with the agent's key."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(
            uvicorn.Config(
                agent,
                interface="asgi3",
                lifespan="off",
                http=quick_protocol(),
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=5,
            )
        )

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """Stop at a signal: let running requests finish, and exit with 0."""
        self.should_exit = True

    def told(self, _reason: asyncio.Future[KeywrightError]) -> None:
        """Stop: the agent decides nothing any more."""
        self.should_exit = True


def _loop() -> asyncio.AbstractEventLoop:
    """The quickest loop there is."""
    try:
        import uvloop  # noqa: PLC0415 - not everywhere to be had
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _sockets(where: str) -> list[socket.socket]:
    """What to listen on. Raises `Failed`."""
    if where.startswith(_UNIX):
        return [_unix(where.removeprefix(_UNIX))]
    host, colon, port = where.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise Failed(f"--listen: {where} is neither HOST:PORT nor unix:PATH.", Exit.USAGE)
    return listen(host.strip("[]"), int(port))


def _unix(path: str) -> socket.socket:
    """A socket in the file system, for its owner and group alone from the first moment on.

    A file that an agent left which is gone is replaced; one that somebody listens on is not.
    """
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o117)
    try:
        if _is_left_over(path):
            Path(path).unlink()
        one.bind(path)
        one.listen(BACKLOG)
        one.setblocking(False)  # noqa: FBT003 - the standard library's own
    except OSError as error:
        one.close()
        raise Failed(f"Cannot listen on {path}: {error.strerror or error}.", Exit.NO_SERVER) from None
    finally:
        os.umask(mask)
    return one


def _is_left_over(path: str) -> bool:
    if not Path(path).is_socket():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) != 0
