"""A terminal for scripts that ask, and what documents say that it shows."""

from __future__ import annotations

import os
import pty
import re
import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60


def at_a_terminal(script: str, answers: dict[str, str], env: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Run a script in bash at a terminal, answering its prompts; gives the exit status and all that was shown."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child becomes bash
        os.chdir(cwd)
        os.execvpe("bash", ["bash", "-euo", "pipefail", "-c", script], env)
    shown = ""
    waiting = dict(answers)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            read = os.read(terminal, 65536)
        except OSError:  # how Linux tells that the other side of a terminal is closed
            break
        if not read:
            break
        shown += read.decode()
        for prompt, answer in list(waiting.items()):
            if prompt in shown:
                os.write(terminal, f"{answer}\n".encode())
                del waiting[prompt]
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.replace("\r\n", "\n")


def shows(shown: str, sample: str) -> bool:
    """Whether a sample of a document was shown; `…` in it stands for anything."""
    return re.search(".*?".join(re.escape(part) for part in sample.strip().split("…")), shown) is not None
