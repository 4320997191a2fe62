"""Running the server: the socket first, then the application, then requests until a signal comes."""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NoReturn

import uvicorn

from keywright.app import StartError, build
from keywright.cli.common import DEFAULT_URL
from keywright.cli.exits import Exit, Failed
from keywright.core.tokens import redact
from keywright.ops.logging import configure, get_logger

if TYPE_CHECKING:
    from types import FrameType

    from keywright.app import Application
    from keywright.settings import Settings

BACKLOG: Final = 2048
_NOT_HERE: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}

log = get_logger("keywright")


def run(settings: Settings) -> None:
    """Serve until a signal ends it. Raises `Failed` when that cannot begin.

    The socket is opened before the database is touched, so that a start which fails for a port in use has
    made no user whose password nobody saw.
    """
    configure(settings.log_level, settings.log_format, redact)
    sockets = listen(settings.host, settings.port)
    try:
        # Where port 0 was asked for, the address by which browsers know the server has the one that was free.
        app = build(replace(settings, port=sockets[0].getsockname()[1]))
        Server(app, sockets).run(sockets)
    except StartError as error:
        raise Failed(str(error), Exit.NO_SERVER) from None
    finally:
        for one in sockets:
            one.close()


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on all addresses of a host, and for port 0 on one free port for all; raises `Failed`."""
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            taken = sockets[0].getsockname()[1] if sockets else port
            try:
                sockets.append(_listening(family, (address[0], taken, *address[2:])))
            except OSError as error:
                # A host name may have an address of a family that this machine has switched off.
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
        if missing is not None and not sockets:
            raise missing
    except OSError as error:
        for one in sockets:
            one.close()
        raise Failed(f"Cannot listen on {host}, port {port}: {_problem(error)}", Exit.NO_SERVER) from None
    return sockets


def _listening(family: socket.AddressFamily, address: tuple[object, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        one.listen(BACKLOG)
        one.setblocking(False)  # noqa: FBT003 - the standard library's own
    except BaseException:
        one.close()
        raise
    return one


def _problem(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "this machine has no such address. Choose another with --host."
    if error.errno == errno.EADDRINUSE:
        return "the port is in use. Stop what listens there, or choose another with --port."
    if error.errno == errno.EACCES:
        return "the port is not open to this user. Choose one above 1023 with --port."
    if error.errno in _NOT_HERE:
        return "this machine has no such address. Choose another with --host."
    return f"{error.strerror}."


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
        self._app = app
        self._address = sockets[0].getsockname()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then take requests, then say so."""
        try:
            await self._app.start()
            await super().startup(sockets)
        except BaseException:
            await self._app.stop()
            raise
        self._welcome()
        log.info("listening", host=self._address[0], port=self._address[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let running requests finish, then stop the application."""
        log.info("stopping", running=len(self.server_state.tasks))
        await super().shutdown(sockets)
        await self._app.stop()
        log.info("stopped")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal ends the process at once, with the status that shells give it."""
        if self.should_exit:
            _leave(sig)
        self.should_exit = True

    def _welcome(self) -> None:
        """After the first start, and only then, print the address and how to log in."""
        first = self._app.first_start
        if first is None:
            return
        url = replace(self._app.settings, port=self._address[1]).effective_public_url
        lines = [f"Keywright is ready at {url}", "", f"  user      {first.login}"]
        if first.password is not None:
            lines += [
                f"  password  {first.password}",
                "",
                "This password is shown this once. Log in with it:",
            ]
        else:
            lines += ["", "Log in with the password that you set:"]
        where = "" if url == DEFAULT_URL else f" --url {url}"
        lines += ["", f"  keywright login{where}", ""]
        try:
            # Past the buffer, which would keep the text, and try it again at the end, where nobody could take it.
            os.write(sys.stdout.fileno(), "\n".join(lines).encode())
        except OSError as error:
            log.error("first_start_not_shown", reason=error.strerror)  # noqa: TRY400 - a traceback would say no more


def _leave(sig: int) -> NoReturn:
    """End the process without waiting for anything; as process 1 of a container no signal of its own would."""
    os._exit(128 + sig)
