"""A catalog as somebody types it: what stands in the text, and every fault at its line."""

from __future__ import annotations

import asyncio
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.core.catalog import parse
from keywright.core.errors import InvalidCatalog
from keywright.services.catalog.reading import UnreadableFile, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.core.catalog import Catalog
    from keywright.core.errors import Fault, KeywrightError
    from keywright.services.catalog.reading import Document, Place

MAX_WHILE_TYPING: Final = 100_000
"""Characters of a text that is checked while somebody types; a longer one is checked when they ask for it."""
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Wrong:
    """A fault: its line and column, both from 1 on, what is wrong, and the line as it is typed."""

    line: int
    column: int
    detail: str
    code: str
    source: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A text with what was found in it: a catalog without faults, or faults."""

    text: str
    document: Document | None
    catalog: Catalog | None
    faults: tuple[Wrong, ...]

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.text.count("\n") + 1

    def located(self, faults: Iterable[Fault]) -> tuple[Wrong, ...]:
        """Faults that a use case found, at their places in the text, the first ones first."""
        document = self.document
        assert document is not None  # noqa: S101 - no use case is given a text that cannot be read
        lines = self.text.split("\n")
        found = {_wrong(document.place(one.path), one.detail, one.code, lines) for one in faults}
        return tuple(sorted(found, key=lambda one: (one.line, one.column, one.detail)))

    def blamed(self, error: KeywrightError) -> tuple[Wrong, ...]:
        """An error about something in the catalog, at its place in the text."""
        document = self.document
        assert document is not None  # noqa: S101 - as above
        lines = self.text.split("\n")
        return (_wrong(document.place(error.field or ""), error.detail, error.code, lines),)


async def typed(text: str) -> Typed:
    """Read a text. A long one takes a while, in which other requests are answered."""
    return await asyncio.to_thread(_typed, text.replace("\r\n", "\n"))


def _typed(text: str) -> Typed:
    try:
        document = read(text.encode("utf-8", "replace"))
    except UnreadableFile as wrong:
        return Typed(text, None, None, (_wrong(wrong.place, wrong.detail, wrong.code, text.split("\n")),))
    found = Typed(text, document, None, ())
    try:
        return Typed(text, document, parse(document.plain), ())
    except InvalidCatalog as wrong:
        return Typed(text, document, None, found.located(wrong.faults))


def _wrong(place: Place, detail: str, code: str, lines: Sequence[str]) -> Wrong:
    source = lines[place.line - 1] if place.line <= len(lines) else ""
    return Wrong(place.line, place.column, detail, code, source[:_SHOWN])


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a comparison: ` `, `-` or `+`, and its text."""

    sign: str
    text: str


def compared(before: str, after: str) -> list[Line]:
    """The lines in which two texts differ, with three of each side around them; empty where they are alike."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), n=3, lineterm="")
    return [Line("@", "⋯") if one.startswith("@@") else Line(one[0], one[1:]) for one in list(found)[2:]]
