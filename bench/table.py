"""Tables in Markdown, aligned so that they read in a terminal too."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from bench.figures import Row, Table, quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.figures import Target


def markdown(table: Table) -> str:
    """A table; the first column to the left, figures to the right, Keywright's own rows in bold."""
    lines = [tuple(map(_escaped, table.heading))]
    for row in table.rows:
        cells = tuple(map(_escaped, (row.label, *row.cells)))
        lines.append(tuple(f"**{cell}**" if cell else "" for cell in cells) if row.ours else cells)
    widths = [max(3, *(_width(line[column]) for line in lines)) for column in range(len(table.heading))]
    ruler = "|".join(
        " " + "-" * width + " " if not column else " " + "-" * (width - 1) + ": "
        for column, width in enumerate(widths)
    )
    body = [_line(line, widths) for line in lines]
    title = [f"{table.title}\n"] if table.title else []
    return "\n".join([*title, body[0], f"|{ruler}|", *body[1:]])


def targets(found: Sequence[Target]) -> Table:
    """What was promised, what was found, and whether that is enough."""
    return Table(
        ("Target", "promised", "found", "met"),
        tuple(
            Row(
                one.what,
                (
                    f"{'at most' if one.at_most else 'at least'} {quantity(one.bound, one.figure.unit)}",
                    str(one.figure),
                    "yes" if one.met else "no",
                ),
            )
            for one in found
        ),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell + " " * (width - _width(cell)) if not column else " " * (width - _width(cell)) + cell
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")
