"""Secrets that are no tokens: texts that show themselves to nobody who does not ask."""

from __future__ import annotations

from typing import NoReturn, final


@final
class Hidden:
    """A text that only `reveal()` gives; `str`, `repr` and format specifications show nothing of it.

    Like a token it cannot be copied or pickled, and has no equality of its own.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself, for the one answer that hands it out."""
        return self._text

    def __repr__(self) -> str:
        return "Hidden(…)"

    def __getstate__(self) -> NoReturn:
        raise TypeError("A secret cannot be copied or pickled.")
