"""What `keywright serve` runs: one server in this process, or several workers and what looks after them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from keywright.cli.sockets import listen
from keywright.core.tokens import redact
from keywright.ops.logging import configure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.settings import Settings


def run(settings: Settings, flags: Mapping[str, str | None]) -> None:
    """Serve until a signal ends it. Raises `Failed` when that cannot begin.

    The socket is opened before the database is touched, so that a start which fails for a port in use has made no
    user whose password nobody saw. `flags` are those that led to the settings: workers read them for themselves.
    """
    several = settings.workers > 1
    configure(settings.log_level, settings.log_format, redact, pid=os.getpid() if several else None)
    sockets = listen(settings.host, settings.port)
    # Where port 0 was asked for, the address by which browsers know the server has the one that was free.
    settings = replace(settings, port=sockets[0].getsockname()[1])
    try:
        if several:
            from keywright.cli.supervisor import supervise  # noqa: PLC0415 - it does without what a server loads

            supervise(settings, flags, sockets)
        else:
            from keywright.cli.server import serve  # noqa: PLC0415 - likewise

            serve(settings, sockets)
    finally:
        for one in sockets:
            one.close()
