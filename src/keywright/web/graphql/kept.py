"""What was read of the texts of queries, remembered for as long as it is in use."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, TypeVar

from keywright.core.tokens import find_tokens

MAX_KEPT: Final = 512
MAX_KEPT_LENGTH: Final = 8 * 1024
MAX_KEPT_TOTAL: Final = 1024 * 1024
"""The texts of all kept documents together; in memory a document takes some thirty times its text."""

D = TypeVar("D")


class Kept(Generic[D]):
    """Documents by their text. Those used last are kept, within bounds; one that holds a token never is.

    `total` bounds the texts of all together.
    """

    def __init__(self, total: int = MAX_KEPT_TOTAL) -> None:
        self._kept: OrderedDict[str, D] = OrderedDict()
        self._most = total
        self._total = 0

    def find(self, text: str) -> D | None:
        """The document of a text, if it is kept."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
        return found

    def keep(self, text: str, document: D) -> None:
        """Keep a document, unless its text is long or holds a token; others go for it."""
        if len(text) > MAX_KEPT_LENGTH or find_tokens(text):
            return
        self._kept[text] = document
        self._total += len(text)
        while len(self._kept) > MAX_KEPT or self._total > self._most:
            oldest, _ = self._kept.popitem(last=False)
            self._total -= len(oldest)

    def __len__(self) -> int:
        """How many documents are kept."""
        return len(self._kept)
