"""Markdown for what comes from code: texts, tables and headings that forges and the site read alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPECIAL = re.compile(r"([\\*|])")
CODE = re.compile(r"(`[^`]*`)")


def marked(text: str) -> str:
    """Return a text that may hold `code`, on one line, with nothing outside of the code taken for markup."""
    parts = CODE.split(" ".join(text.split()))
    return "".join(
        code(part[1:-1]) if len(part) > 1 and part[0] == part[-1] == "`" else _plain(part) for part in parts
    )


def _plain(text: str) -> str:
    """Return a text that is no Markdown in such a way that it shows as it is."""
    return SPECIAL.sub(r"\\\1", text).replace("<", "&lt;")


def code(text: str) -> str:
    """Return a text as code within a line, also where it stands in a table."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, with an empty one behind it, or nothing where there is no row."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *lines, ""] if lines else []
