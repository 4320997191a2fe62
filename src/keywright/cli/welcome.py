"""What a server says to whoever has started it for the first time, and how it goes when it is told to go at once."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from keywright.cli.common import DEFAULT_URL
from keywright.ops.logging import get_logger

if TYPE_CHECKING:
    from keywright.settings import Settings

log = get_logger("keywright")


def welcome(login: str, password: str | None, settings: Settings) -> None:
    """Print the address to open and how to log in; `password` is one that was generated, and is shown this once."""
    url = settings.effective_public_url
    lines = [f"Keywright is ready. Open {url} and log in:", "", f"  user      {login}"]
    if password is not None:
        lines += [
            f"  password  {password}",
            "",
            "It is shown this once, and the first login has you choose your own.",
        ]
    else:
        lines += ["  password  the one that you set", ""]
    where = "" if url == DEFAULT_URL else f" --url {url}"
    lines += ["On the command line:", "", f"  keywright login{where}", ""]
    try:
        # Past the buffer, which would keep the text, and try it again at the end, where nobody could take it.
        os.write(sys.stdout.fileno(), "\n".join(lines).encode())
    except OSError as error:
        log.error("first_start_not_shown", reason=error.strerror)  # noqa: TRY400 - a traceback would say no more


def leave(sig: int) -> NoReturn:
    """End the process without waiting for anything; as process 1 of a container no signal of its own would."""
    os._exit(128 + sig)
