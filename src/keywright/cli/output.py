"""What a command prints: facts and tables for people, JSON for programs, or the bare result.

On a terminal a table fits its width and states have a colour. Elsewhere nothing is cut and nothing is
coloured. All text is made printable first; only tokens that were asked for are printed as they are.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from keywright.cli.common import given, in_environment
from keywright.cli.text import pretty_json, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_GAP: Final = "  "
_LEAST: Final = 8  # characters of a cut text that still say something
_LEAST_WRAPPED: Final = 20
_COLORS: Final = {
    "active": "green",
    "VALID": "green",
    "ok": "green",
    "serving": "green",
    "late": "yellow",
    "gone": "red",
    "disabled": "yellow",
    "not_yet_valid": "yellow",
    "expired": "red",
    "fails": "red",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Where space is short, columns are left out in the order of `goes`, lowest first.

    A column that may `shrink` is cut to so many characters before any is left out, and further only when all
    others have gone. A column with neither is there, and complete, while the terminal has room for it beside those
    on its left.
    The last column may `wrap`: it is never cut, and takes as many lines as it needs.
    """

    title: str
    goes: int | None = None
    shrink: int | None = None
    wrap: bool = False


class Output:
    """Where a command's results go, in the form that its options ask for."""

    def __init__(self) -> None:
        self.as_json = bool(given("json"))
        self.quiet = bool(given("quiet"))
        self.terminal = sys.stdout.isatty()
        plain = bool(given("no_color")) or in_environment("NO_COLOR") or in_environment("TERM") == "dumb"
        self.color = self.terminal and not plain

    def json(self, value: object) -> None:
        """Print JSON."""
        click.echo(pretty_json(value))

    def line(self, text: str) -> None:
        """Print a line of text from anywhere."""
        click.echo(printable(text))

    def note(self, text: str) -> None:
        """Tell a person something beside the result: on standard error, and not with --quiet."""
        if not self.quiet:
            click.echo(text, err=True)

    def facts(self, facts: Iterable[tuple[str, str | None]]) -> None:
        """Print names and values below each other; what is None is left out."""
        rows = [(name, value) for name, value in facts if value is not None]
        wide = max(len(name) for name, _ in rows)
        for name, value in rows:
            click.echo(f"{name:<{wide}}{_GAP}{self._colored(printable(value))}", color=self.color)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Print a table. On a terminal, columns are left out and shortened until it fits the width."""
        cells = [[column.title for column in columns], *([printable(cell) for cell in row] for row in rows)]
        widths = [max(_width(row[index]) for row in cells) for index in range(len(columns))]
        if self.terminal:
            widths = fitted(columns, widths, shutil.get_terminal_size().columns)
        shown = [index for index, width in enumerate(widths) if width]
        for number, row in enumerate(_lines(columns, cells, widths)):
            parts = [cut(row[index], widths[index]) for index in shown]
            padded = [part + " " * (widths[at] - _width(part)) for part, at in zip(parts, shown, strict=True)]
            if number == 0:
                click.echo(click.style(_GAP.join(padded).rstrip(), bold=True), color=self.color)
            else:
                line = _GAP.join([*map(self._colored, padded[:-1]), self._colored(parts[-1])])
                click.echo(line.rstrip(), color=self.color)

    def _colored(self, text: str) -> str:
        color = _COLORS.get(text.strip()) if self.color else None
        return text if color is None else click.style(text, fg=color)


def fitted(columns: Sequence[Column], widths: Sequence[int], available: int) -> list[int]:
    """The widths of columns that fit together; 0 for one that is left out."""
    enough = [_LEAST_WRAPPED if column.wrap else column.shrink for column in columns]
    fitting = [min(wide, short or wide) for wide, short in zip(widths, enough, strict=True)]
    leaving = [(column.goes, index) for index, column in enumerate(columns) if column.goes is not None]
    for _, index in sorted(leaving):
        if _total(fitting) > available:
            fitting[index] = 0
    for index, column in enumerate(columns):
        if column.shrink is not None or column.wrap:
            room = fitting[index] + available - _total(fitting)
            fitting[index] = 0 if room < min(_LEAST, widths[index]) else min(widths[index], room)
    # What is still too wide goes from the right; what is left alone stays whole, since an id is of no use in part.
    for index in reversed(range(len(columns))):
        over = _total(fitting) - available
        if over > 0 and 0 < fitting[index] < sum(fitting):
            left = fitting[index] - over
            fitting[index] = left if left >= _LEAST else 0
    return fitting


def _lines(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> Iterator[Sequence[str]]:
    """The rows, each with further ones below it for what its last column has too much for its width."""
    for row in rows:
        if not columns[-1].wrap or _width(row[-1]) <= widths[-1] or not widths[-1]:
            yield row
            continue
        first, *more = _wrapped(row[-1], widths[-1])
        yield [*row[:-1], first]
        for part in more:
            yield [*[""] * (len(columns) - 1), part]


def _wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most so many places, broken at spaces where that can be."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        rest = word
        while _width(rest) > width:
            taken = next(at for at in range(len(rest), 0, -1) if at == 1 or _width(rest[:at]) <= width)
            lines[-1:] = [rest[:taken], ""]
            rest = rest[taken:]
        lines[-1] = rest
    return lines


def _total(widths: Sequence[int]) -> int:
    shown = [width for width in widths if width]
    return sum(shown) + len(_GAP) * (len(shown) - 1)


def _width(text: str) -> int:
    """How many places of a terminal a text takes. Only text beyond ASCII needs the library that knows."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - it takes long to load

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """The text in at most so many places, with an ellipsis where something was cut off."""
    if _width(text) <= width:
        return text
    from rich.cells import set_cell_size  # noqa: PLC0415 - it takes long to load

    return set_cell_size(text, width - 1).rstrip() + "…"
