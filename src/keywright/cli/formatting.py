"""Help that fits the terminal, however narrow it is."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

import click
from click.formatting import wrap_text

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARGIN: Final = 2
_LEAST_WIDTH: Final = 20
_LEAST_COLUMN: Final = 24
"""Where less than this is left beside the terms of a list, each text stands below its term."""


class Formatter(click.HelpFormatter):
    """Writes help no wider than the terminal; click itself takes 50 columns at the least."""

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        if width is None:
            columns = min(shutil.get_terminal_size().columns, 80 if max_width is None else max_width)
            width = max(columns - _MARGIN, _LEAST_WIDTH)
        super().__init__(indent_increment, width, max_width)

    def write_heading(self, heading: str) -> None:
        """Write a heading, on several lines where it is wider than the terminal."""
        indent = " " * self.current_indent
        lines = wrap_text(heading, self.width - 1, indent, indent)
        self.write(f"{lines}:\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how a command is called; its name may take several lines."""
        start = "Usage: " if prefix is None else prefix
        if len(start) + len(prog) + 1 < self.width:
            super().write_usage(prog, args, prefix)
            return
        below = " " * (self.current_indent + len(start))
        self.write(f"{wrap_text(f'{start}{prog} {args}', self.width, subsequent_indent=below)}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and texts, side by side where both have room; what is wider than a line is broken."""
        listed = list(rows)
        room = self.width - self.current_indent
        column = min(max((len(term) for term, _ in listed), default=0), col_max)
        beside = room - column - col_spacing >= _LEAST_COLUMN
        at, below = " " * self.current_indent, " " * (self.current_indent + 2 * col_spacing)
        for term, text in listed:
            if beside and len(term) <= room:
                super().write_dl([(term.ljust(column), text)], col_max, col_spacing)
                continue
            for number, part in enumerate(_broken(term, room - 2 * col_spacing)):
                self.write(f"{below if number else at}{part}\n")
            if text:
                self.write(f"{wrap_text(text, self.width, below, below)}\n")


def _broken(term: str, width: int) -> list[str]:
    """A term on as many lines as it needs; a new one begins behind a space, a bar or a comma."""
    lines = [""]
    for part in re.split(r"(?<=[ |,])", term):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines]


class Context(click.Context):
    """A context whose help is written so."""

    formatter_class = Formatter
