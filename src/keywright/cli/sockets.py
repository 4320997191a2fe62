"""The sockets that a server listens on, and one sentence for each way in which they cannot be had."""

from __future__ import annotations

import errno
import socket
from typing import Final

from keywright.cli.exits import Exit, Failed

BACKLOG: Final = 2048
_NOT_HERE: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


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
