"""A line that is not finished, as a shell reads it: its words, and how what completes it must be written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_NEEDS_BACKSLASH: Final = re.compile(r"[^\w./:=@%+,-]")
_IN_DOUBLE_QUOTES: Final = re.compile(r'[\\"$`]')


@dataclass(frozen=True, slots=True)
class Line:
    """The words before the cursor, the beginning of the word at it, and the quote that is open there, if any.

    Of that beginning bash counts `cut` characters to an earlier word of its own.
    """

    words: tuple[str, ...]
    begun: str
    quote: str
    cut: int


def read(text: str, breaks: str = "") -> Line:
    """Read a line up to the cursor, by the rules that POSIX shells have in common, without expanding anything.

    `breaks` are the characters at which bash begins a word of its own, beside where a shell's words begin.
    """
    words: list[str] = []
    word, quote, cut = "", "", 0
    began = False
    at = 0
    while at < len(text):
        one = text[at]
        at += 1
        if quote:
            if one == quote:
                quote = ""
            elif one == "\\" and quote == '"' and text[at : at + 1] in {"\\", '"', "$", "`"}:
                word += text[at : at + 1]
                at += 1
            else:
                word += one
            continue
        if one in " \t\n":
            if began:
                words.append(word)
            word, cut, began = "", 0, False
            continue
        began = True
        if one in {"'", '"'}:
            quote, cut = one, len(word)
        elif one == "\\":
            word += text[at : at + 1]
            at += 1
        else:
            word += one
            cut = len(word) if one in breaks else cut
    return Line(tuple(words), word, quote, cut)


def for_bash(line: Line, text: str) -> str | None:
    """A whole word as bash takes it in place of its own last one; None where it could not be written there."""
    if not text.startswith(line.begun[: line.cut]):
        # What bash counts to an earlier word stays on the line, and can be completed and not be changed.
        return None
    rest = text[line.cut :]
    if line.quote == "'":
        return None if "'" in rest else rest
    if line.quote:
        return _IN_DOUBLE_QUOTES.sub(r"\\\g<0>", rest)
    return _NEEDS_BACKSLASH.sub(r"\\\g<0>", rest)
