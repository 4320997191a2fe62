"""Walking through plain data and noting every fault in it, each with the path to its place.

A path joins names and indexes by dots. A name that was made up by the writer and is not well-formed could be
anything, a secret too; it stands in a path as `#` and its index in the mapping that holds it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

from keywright.core.errors import Fault, KeywrightError
from keywright.core.permissions import InvalidPattern
from keywright.core.tokens import find_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_FAULTS = 100
"""Faults that are told of one document; what is wrong beyond them shows when these are mended."""
DUPLICATE = "duplicate_name"
"""The code of the fault that two things have one name."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_UNKNOWN = "This field is not known here."

T = TypeVar("T")


def is_plain_name(text: str) -> bool:
    """Whether a text may name something in a mapping: 1 to 100 letters, digits, `_` and `-`."""
    return _NAME.fullmatch(text) is not None


class Faults:
    """The faults found so far."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, path: str, code: str, detail: str) -> None:
        """Note a fault, unless there are too many already."""
        if len(self.found) < MAX_FAULTS:
            self.found.append(Fault(path, code, detail))


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in a document, with its path."""

    value: object
    path: str
    faults: Faults

    def fault(self, code: str, detail: str) -> None:
        """Note what is wrong here."""
        self.faults.add(self.path, code, detail)

    def at(self, step: str | int, value: object) -> Spot:
        """The place of a value inside this one."""
        return Spot(value, f"{self.path}.{step}" if self.path else str(step), self.faults)

    def fields(self, known: Sequence[str], required: Sequence[str] = ()) -> dict[str, Spot]:
        """The fields of an object that are there and not null. Others than the known ones are faults."""
        found = {}
        for index, (name, value) in enumerate(self._mapping().items()):
            if not isinstance(name, str) or name not in known:
                near = get_close_matches(name, known, 1) if isinstance(name, str) and len(name) < 100 else []
                self.at(f"#{index}", value).fault(
                    "unknown_field", _UNKNOWN + (f" The nearest that is known is {near[0]}." if near else "")
                )
            elif value is not None:
                found[name] = self.at(name, value)
        for name in required:
            if name not in found:
                self.fault("missing_field", f"The field {name} is required here.")
        return found

    def members(
        self, what: str, limit: int, valid: Callable[[str], bool], rule: str
    ) -> Iterator[tuple[str, Spot]]:
        """The members of a mapping by name. A name that is not valid, by a rule in a sentence, is a fault."""
        mapping = self._mapping()
        if len(mapping) > limit:
            self.fault("invalid_value", f"A catalog has at most {limit} {what} here.")
            return
        for index, (name, value) in enumerate(mapping.items()):
            if not isinstance(name, str) or not valid(name):
                self.at(f"#{index}", value).fault("invalid_value", rule)
            elif find_tokens(name):
                self.at(f"#{index}", value).fault("secret_in_text", "This name holds an API key.")
            else:
                yield name, self.at(name, value)

    def items(self, what: str, limit: int) -> list[Spot]:
        """The items of a list; null is an empty one."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            self.fault("invalid_type", "This takes a list.")
            return []
        if len(self.value) > limit:
            self.fault("invalid_value", f"There are at most {limit} {what} here.")
            return []
        return [self.at(index, value) for index, value in enumerate(self.value)]

    def text(self, rule: Callable[[str, str], T]) -> T | None:
        """A text by a rule of `core.checks`, None where it breaks the rule."""
        if not isinstance(self.value, str):
            self.fault("invalid_type", "This takes a text; in YAML put quotes around it.")
            return None
        return self.checked(rule, self.value)

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.fault("invalid_type", "This takes true or false.")
        return self.value is True

    def number(self) -> int | None:
        """A whole number, None for anything else."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fault("invalid_type", "This takes a whole number.")
            return None
        return self.value

    def checked(self, rule: Callable[[G, str], T], value: G) -> T | None:
        """What a rule makes of a value; None where it refuses, which is a fault at the place that it names."""
        try:
            return rule(value, self.path)
        except KeywrightError as refused:
            self.faults.add(refused.field or self.path, refused.code, refused.detail)
        except InvalidPattern as wrong:
            self.fault("invalid_policy", str(wrong))
        return None

    def _mapping(self) -> dict[object, object]:
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            self.fault("invalid_type", "This takes an object of named fields.")
            return {}
        return self.value


G = TypeVar("G")


def in_order(document: object, faults: Sequence[Fault]) -> tuple[Fault, ...]:
    """Faults in the order of their places in the document."""
    return tuple(sorted(faults, key=lambda fault: _place(document, fault.path)))


def _place(document: object, path: str) -> tuple[int, ...]:
    place = []
    for step in path.split("."):
        if isinstance(document, dict) and step in document:
            place.append(list(document).index(step))
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            place.append(int(step))
            document = document[int(step)]
        elif step.startswith("#"):
            place.append(int(step[1:]))
            break
        else:
            break
    return tuple(place)
