"""A pseudo-terminal with a command in it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.cli.commands import KEYWRIGHT, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 30.0
# The command is made the terminal's own, so that it can be asked for passwords and gets its Ctrl+C.
_OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """What stands on the screen so far is `text`; `expect` waits for more, and `send` types."""

    def __init__(self, popen: subprocess.Popen[bytes], screen: int) -> None:
        self._popen = popen
        self._screen = screen
        self.text = ""

    @property
    def pid(self) -> int:
        """The process of the command."""
        return self._popen.pid

    def expect(self, wanted: str) -> None:
        """Wait until a text stands on the screen."""
        deadline = time.monotonic() + _SECONDS
        while wanted not in self.text:
            assert time.monotonic() < deadline, f"no {wanted!r} in:\n{self.text}"
            if not self.look():
                raise AssertionError(f"ended without {wanted!r}:\n{self.text}")

    def send(self, text: str) -> None:
        """Type a text."""
        os.write(self._screen, text.encode())

    def interrupt(self) -> int:
        """Press Ctrl+C until the command ends, and give its exit code.

        Once is not enough: one that comes just before Python begins to wait for input is noticed after it.
        """
        deadline = time.monotonic() + _SECONDS
        while self._popen.poll() is None:
            assert time.monotonic() < deadline, self.text
            self.send("\x03")
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(3)
        return self.end()

    def end(self) -> int:
        """Wait for the end of the command and give its exit code."""
        deadline = time.monotonic() + _SECONDS
        while self.look():
            assert time.monotonic() < deadline, self.text
        return self._popen.wait(_SECONDS)

    def look(self) -> bool:
        """Take what was written, waiting a little; False at the end."""
        ready, _, _ = select.select([self._screen], [], [], 0.2)
        if not ready:
            return True
        try:
            some = os.read(self._screen, 65536)
        except OSError:  # how Linux says that nobody has the other end open
            return False
        self.text += some.decode().replace("\r\n", "\n")
        return bool(some)


@contextmanager
def terminal(
    shell: Shell, *args: str, columns: int = 120, program: Path | str = KEYWRIGHT
) -> Iterator[Terminal]:
    """Run `keywright`, or another program, in a terminal of so many columns for as long as the block."""
    screen, line = pty.openpty()
    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    popen = subprocess.Popen(
        [sys.executable, "-c", _OWN_TERMINAL, program, *args],
        stdin=line,
        stdout=line,
        stderr=line,
        env={"TERM": "xterm-256color", **shell.environment},
        cwd=shell.folder or shell.home,
        start_new_session=True,
    )
    os.close(line)
    try:
        with popen:
            try:
                yield Terminal(popen, screen)
            finally:
                popen.kill()
    finally:
        os.close(screen)
