"""How far long work is, for a person who waits for it."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Final, Self

import click

from keywright.cli.common import given, in_environment
from keywright.cli.output import cut

if TYPE_CHECKING:
    from types import TracebackType

_BAR: Final = 20
_ROOM_FOR_A_BAR: Final = 60
_SECONDS: Final = 0.1


class Progress:
    """A line at the foot of a terminal: a bar where it is known how much there is, and a text.

    It goes to standard error, and only to a terminal, and neither with --quiet nor with --json. While results are
    written to the same terminal they are the progress, so that `beside` them there is none. What is often short work
    is shown `after` so many seconds.
    """

    def __init__(self, total: int | None = None, *, beside: bool = False, after: float = 0.0) -> None:
        plain = given("json") or given("quiet") or in_environment("TERM") == "dumb"
        self._shown = sys.stderr.isatty() and not plain and not (beside and sys.stdout.isatty())
        self._total = total
        self._last = time.monotonic() + after - _SECONDS
        self._there = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, done: int, text: str) -> None:
        """Say how much is done; often said, it is shown as often as one can read it, and at the end."""
        now = time.monotonic()
        if not self._shown or ((done != self._total or now < self._last) and now - self._last < _SECONDS):
            return
        self._last = now
        self._there = True
        columns = shutil.get_terminal_size().columns
        click.echo(f"\r\x1b[K{cut(self._part(done, columns) + text, columns - 1)}", nl=False, err=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._there:
            self._there = False
            click.echo("\r\x1b[K", nl=False, err=True)

    def _part(self, done: int, columns: int) -> str:
        if not self._total:
            return ""
        part = min(done / self._total, 1.0)
        full = int(part * _BAR)
        bar = f"[{'#' * full}{'.' * (_BAR - full)}] " if columns >= _ROOM_FOR_A_BAR else ""
        return f"{bar}{int(100 * part):3} %  "
