"""Catalog files: from the text of a YAML or JSON file to plain data, with the place of everything in it.

It is YAML 1.2 with JSON's ideas of numbers, so that JSON files are read alike: `true` and `false` are the only
truth values, and `no`, `on`, `12:30` or `2026-01-01` are the texts that they look like.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from keywright.core.catalog.spots import DUPLICATE, is_plain_name
from keywright.core.tokens import find_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES = 1024 * 1024
"""Bytes of one file; a request to the server has no more."""
MAX_NODES = 100_000
"""Values in one file, each alias counted as all that it stands for."""
MAX_DEPTH = 32
MALFORMED = "malformed_file"
"""The code of what makes a file unreadable."""

_NULLS = ("", "~", "null", "Null", "NULL")
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MAX_DIGITS = 18
_PLAIN_TAGS = (None, "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")


class UnreadableFile(Exception):
    """A file is no catalog file at all; `place`, `code` and `detail` say where and why."""

    def __init__(self, place: Place, detail: str, code: str = MALFORMED) -> None:
        super().__init__(detail)
        self.place = place
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and column of a file, both from 1 on."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """The plain data of a file, and the place of each value by its path as in `core.catalog.spots`."""

    plain: object
    places: Mapping[str, Place]

    def place(self, path: str) -> Place:
        """The place of a path: of what it names, or of the nearest thing around it that is in the file."""
        while path not in self.places:
            path = path.rpartition(".")[0]
        return self.places[path]


def read(content: bytes) -> Document:
    """Read a file. Raises `UnreadableFile`."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(Place(), f"A catalog file has at most {MAX_BYTES} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        lines = content[: wrong.start].split(b"\n")
        place = Place(len(lines), len(lines[-1].decode(errors="replace")) + 1)
        raise UnreadableFile(place, "A catalog file is text in UTF-8.") from None
    if text.lstrip().startswith(("{", "[")):
        text = text.replace("\t", " ")  # JSON's white space, which no JSON text holds inside its values
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as wrong:
        raise UnreadableFile(_place(wrong.problem_mark or wrong.context_mark), _sentence(wrong)) from None
    except yaml.YAMLError:
        raise UnreadableFile(
            _unprintable(text), "A catalog file holds no control characters; write them as escapes."
        ) from None


def scalar(text: str) -> str | int | float | bool | None:
    """What a text stands for where it is written without quotes. Raises `OverflowError` for a number too large."""
    if text in _NULLS:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if _WHOLE.fullmatch(text):
        if len(text.lstrip("-")) > _MAX_DIGITS:
            raise OverflowError
        return int(text)
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise OverflowError
        return number
    return text


class _Reader:
    """Turns the events of the YAML parser into plain data, without tags, cycles and endless growth."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._places: dict[str, Place] = {}
        self._anchors: dict[str, tuple[object, int]] = {}
        self._open: set[str] = set()
        self._nodes = 0

    def document(self) -> Document:
        first = next(event for event in self._events if not isinstance(event, yaml.StreamStartEvent))
        if isinstance(first, yaml.StreamEndEvent):
            raise UnreadableFile(Place(), "The file is empty.")
        self._places[""] = Place()
        plain = self._value(self._next(), "", 0)
        self._next()
        more = self._next()
        if isinstance(more, yaml.DocumentStartEvent):
            raise UnreadableFile(_place(more.start_mark), "The file holds more than one document.")
        return Document(plain, self._places)

    def _next(self) -> yaml.Event:
        return next(self._events)

    def _value(self, event: yaml.Event, path: str, depth: int) -> object:
        place = _place(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)  # noqa: S101 - nothing else is left
        if event.tag not in _PLAIN_TAGS:
            raise UnreadableFile(place, "A catalog file has no tags.")
        if depth >= MAX_DEPTH and not isinstance(event, yaml.ScalarEvent):
            raise UnreadableFile(place, f"A catalog file is at most {MAX_DEPTH} levels deep.")
        before = self._nodes
        self._count(1, place)
        anchor = event.anchor
        if anchor is not None:
            self._open.add(anchor)
        if isinstance(event, yaml.ScalarEvent):
            value: object = self._scalar(event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._list(path, depth)
        else:
            value = self._mapping(path, depth)
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = (value, self._nodes - before)
        return value

    def _alias(self, event: yaml.AliasEvent, place: Place) -> object:
        if event.anchor in self._open:
            raise UnreadableFile(
                place, "An alias stands inside of what it stands for, so that it has no end."
            )
        if event.anchor not in self._anchors:
            raise UnreadableFile(place, "No anchor before this alias has its name.")
        value, nodes = self._anchors[event.anchor]
        self._count(nodes, place)
        return value

    def _count(self, nodes: int, place: Place) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise UnreadableFile(place, f"A catalog file holds at most {MAX_NODES} values.")

    def _list(self, path: str, depth: int) -> list[object]:
        found: list[object] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            inside = f"{path}.{len(found)}" if path else str(len(found))
            self._places[inside] = _place(event.start_mark)
            found.append(self._value(event, inside, depth + 1))
        return found

    def _mapping(self, path: str, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name, at = self._name(event), _place(event.start_mark)
            if name in found:
                raise UnreadableFile(at, "This name stands twice in one object.", DUPLICATE)
            front = f"{path}." if path else ""
            by_index = f"{front}#{len(found)}"
            plain = is_plain_name(name) and not find_tokens(name)
            inside = f"{front}{name}" if plain else by_index
            event = self._next()
            simple = isinstance(event, yaml.ScalarEvent)
            self._places[inside] = _place(event.start_mark) if simple else at
            self._places[by_index] = at
            found[name] = self._value(event, inside, depth + 1)
        return found

    def _name(self, event: yaml.Event) -> str:
        place = _place(event.start_mark)
        name = self._value(event, "", 0) if isinstance(event, yaml.ScalarEvent) else None
        if not isinstance(name, str):
            raise UnreadableFile(place, "A name is a text; put quotes around it.")
        return name

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> object:
        text: str = event.value
        try:
            text.encode()
        except UnicodeEncodeError:
            text = _paired(text, place)
        if not event.implicit[0]:
            return text
        try:
            return scalar(text)
        except OverflowError:
            raise UnreadableFile(
                place, f"A number has at most {_MAX_DIGITS} digits; put quotes around a text."
            ) from None


def _paired(text: str, place: Place) -> str:
    """A text in which JSON's escapes for the two halves of a character are that one character."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise UnreadableFile(place, "This text holds half a character.") from None


def _place(mark: Any) -> Place:  # noqa: ANN401 - a mark of either of PyYAML's two parsers
    return Place() if mark is None else Place(mark.line + 1, mark.column + 1)


def _sentence(wrong: yaml.MarkedYAMLError) -> str:
    """What the parser says, unless it would repeat more than a character of the file."""
    problem = wrong.problem or ""
    known = "" if not problem or "tag handle" in problem else f": {problem}"
    return f"This is no well-formed YAML{known}."


def _unprintable(text: str) -> Place:
    """The place of the first character that YAML does not take."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    before = text[: found.start()] if found else ""
    lines = before.split("\n")
    return Place(len(lines), len(lines[-1]) + 1)
