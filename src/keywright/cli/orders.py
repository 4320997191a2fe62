"""What passes between the supervisor and a worker: an order first, and a word when it is over."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from keywright.cli.exits import Exit

if TYPE_CHECKING:
    import socket

STOP: Final = b"stop\n"
"""The server stops: others may notice before no more requests are taken."""
LEAVE: Final = b"leave\n"
"""This worker ends, and others go on: it takes no more requests from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is told: the flags of the command, the port that was found, and what all workers share."""

    flags: dict[str, str | None]
    port: int
    sockets: list[int]
    folder: str
    name: str
    loads: int
    place: int

    def line(self) -> bytes:
        """The order as it is sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def received(cls, line: socket.socket) -> Order:
        """The order that comes over a socket."""
        data = b""
        while not data.endswith(b"\n"):
            more = line.recv(65_536)
            if not more:
                sys.exit(Exit.NO_SERVER)
            data += more
        return cls(**json.loads(data))
