"""Help that fits the terminal, however narrow it is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        lines = click.formatting.wrap_text(heading, self.width - 1, indent, indent)
        self.write(f"{lines}:\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and texts, side by side where both have room."""
        widest = min(max((len(term) for term, _ in rows), default=0), col_max)
        if self.width - self.current_indent - widest - col_spacing >= _LEAST_COLUMN:
            super().write_dl(rows, col_max, col_spacing)
            return
        at, below = " " * self.current_indent, " " * (self.current_indent + 2 * col_spacing)
        for term, text in rows:
            self.write(f"{click.formatting.wrap_text(term, self.width, at, below)}\n")
            if text:
                self.write(f"{click.formatting.wrap_text(text, self.width, below, below)}\n")


class Context(click.Context):
    """A context whose help is written so."""

    formatter_class = Formatter
