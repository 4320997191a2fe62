"""Names of actions and resources, and patterns over them.

A name is 1 to 32 segments joined by `:`, at most 512 characters in all. A segment has at least one character
and none of `:`, `*`, `$`, `{`, `}`, white space, control characters and lone surrogates. Letter case counts,
and nothing is normalised. In a pattern, `*` stands for any run of characters inside a segment; a segment that
is only `*` stands for exactly one segment, and one that is `**` for any number of them, also none. `$`, `{`
and `}` are kept for variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import final

from keywright.core.permissions.globs import ANY, ONE, canonical, fits, includes

MAX_NAME = 512
"""Characters in a name or pattern."""
MAX_SEGMENTS = 32
"""Segments in a name or pattern."""
MAX_WILDCARDS = 16
"""Wildcards in a pattern; `**` counts as one."""

_SEGMENT = r"[^\s:*${}\x00-\x1f\x7f-\x9f\ud800-\udfff]++"
_is_name = re.compile(rf"{_SEGMENT}(?::{_SEGMENT}){{0,{MAX_SEGMENTS - 1}}}").fullmatch
_kept_for_variables = re.compile(r"[${}]").search
_unprintable = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]").search


class InvalidPattern(ValueError):
    """A text that is no pattern. The message says what is wrong in a sentence, without repeating the text."""


class Kind(Enum):
    """How a pattern is matched."""

    EXACT = "exact"
    """No wildcard: the pattern is the only name it matches."""
    ALL = "all"
    """`**`: every name."""
    PREFIX = "prefix"
    """`literal:**`: a name and everything below it."""
    CHILD = "child"
    """`literal:*` or `*`: everything one segment below a name."""
    GLOB = "glob"
    """Anything else."""


_EXACT, _PREFIX, _CHILD, _GLOB = Kind.EXACT, Kind.PREFIX, Kind.CHILD, Kind.GLOB


@final
@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern over names, kept as it was written and classified once.

    Two patterns are equal when they are written alike. Raises `InvalidPattern` when the text is none.
    """

    text: str
    kind: Kind = field(init=False, repr=False, compare=False)
    head: str = field(init=False, repr=False, compare=False)
    """What every matched name begins with; of a `PREFIX` pattern with the colon that its own name lacks."""
    _glob: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        segments = canonical(_checked(self.text))
        kind = _kind_of(segments)
        object.__setattr__(self, "kind", kind)
        head = self.text if kind is _EXACT else ":".join(segments).partition("*")[0]
        object.__setattr__(self, "head", head)
        object.__setattr__(self, "_glob", segments if kind is _GLOB else ())

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern. Raises `InvalidPattern`."""
        return cls(text)

    def matches(self, name: str) -> bool:
        """Whether the pattern matches a name. A text that is no name is matched by none."""
        return valid_name(name) and self.fits(name)

    def fits(self, name: str) -> bool:
        """Whether the pattern matches a name that is known to be well-formed."""
        kind = self.kind
        if kind is _EXACT:
            return name == self.text
        head = self.head
        if not name.startswith(head):
            return kind is _PREFIX and len(name) + 1 == len(head) and head.startswith(name)
        if kind is _CHILD:
            return name.find(":", len(head)) < 0
        return kind is not _GLOB or fits(self._glob, name.split(":"))

    def covers(self, other: Pattern) -> bool:
        """Whether every name that the other matches is matched by this one.

        Exact in both directions, and so reflexive and transitive. The limits on the length of a name are left
        aside: names too long to be used count too, so that the answer does not change with a limit.
        """
        if self.kind is Kind.ALL or self.text == other.text:
            return True
        if self.kind is _EXACT:
            return False
        if other.kind is _EXACT:
            return self.fits(other.text)
        if not other.text.startswith(self.head):
            return False
        if self.kind is _PREFIX:
            return True
        narrow = (ONE, ANY) if other.kind is Kind.ALL else other.segments
        return includes(self.segments, narrow)

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments, with wildcards that stand side by side in their canonical order."""
        return self._glob or canonical(self.text.split(":"))


def valid_name(text: str) -> bool:
    """Whether a text is a well-formed name of an action or resource."""
    return len(text) <= MAX_NAME and _is_name(text) is not None


def _checked(text: str) -> list[str]:
    if len(text) > MAX_NAME:
        raise InvalidPattern(f"A pattern has at most {MAX_NAME} characters.")
    if _kept_for_variables(text):
        raise InvalidPattern("A pattern cannot hold the characters $, { and } here.")
    if _unprintable(text):
        raise InvalidPattern("A pattern cannot hold white space or control characters.")
    segments = text.split(":")
    if len(segments) > MAX_SEGMENTS:
        raise InvalidPattern(f"A pattern has at most {MAX_SEGMENTS} segments between colons.")
    if "" in segments:
        raise InvalidPattern("A pattern has at least one character in each segment between colons.")
    if any(ANY in segment and segment != ANY for segment in segments):
        raise InvalidPattern("In a pattern, ** stands alone between colons; inside a segment use a single *.")
    if sum(1 if segment == ANY else segment.count("*") for segment in segments) > MAX_WILDCARDS:
        raise InvalidPattern(f"A pattern has at most {MAX_WILDCARDS} wildcards.")
    return segments


def _kind_of(segments: tuple[str, ...]) -> Kind:
    *front, last = segments
    if any("*" in segment for segment in front):
        return _GLOB
    if last == ANY:
        return _PREFIX if front else Kind.ALL
    if last == ONE:
        return _CHILD
    return _GLOB if "*" in last else _EXACT
