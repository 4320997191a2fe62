r"""Regular expressions for the condition `rlike`, found in time that grows with the text alone.

What stands in a filter comes from outside, and a matcher that backtracks can be kept busy for hours by a short one.
Here every way through the expression is followed at once, and what a character leads to is kept. It knows what MySQL's
expressions have most use for: alternatives, groups, `.`, `^`, `$`, classes such as `[a-z0-9_]`, `\d \w \s` and their
opposites, `* + ?` and `{m,n}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LENGTH: Final = 200
"""Characters of an expression."""
MAX_STATES: Final = 500
MAX_KEPT: Final = 500
MAX_WORK: Final = 2_000_000
"""Steps that one expression may take in all the texts that it is looked for in."""
_MAX_DEPTH: Final = 20
_MAX_REPEATS: Final = 100

Test: TypeAlias = "Callable[[str], bool]"
_ESCAPES: Final[dict[str, Test]] = {
    "d": str.isdecimal,
    "w": lambda one: one.isalnum() or one == "_",
    "s": str.isspace,
    "D": lambda one: not one.isdecimal(),
    "W": lambda one: not (one.isalnum() or one == "_"),
    "S": lambda one: not one.isspace(),
}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r"}


class Unsupported(ValueError):
    """An expression that is none, or has something that is not known here."""


class TooManyStates(Unsupported):
    """An expression that repeats too much."""


class Exhausted(Exception):
    """An expression has taken all the steps that it may."""


@dataclass(slots=True)
class _State:
    """A place in an expression: it takes a character and leads on, or leads on at once, perhaps at an end only."""

    test: Test | None = None
    at: str = ""
    """`^` or `$` for a place that leads on at the beginning or the end of the text alone."""
    ways: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an expression: where it begins, and the state from which what follows it goes on."""

    begin: int
    end: int


class Expression:
    """A regular expression; letter case does not count. Raises `Unsupported`."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise Unsupported
        reader = _Reader(text)
        part = reader.whole()
        self._states = reader.states
        self._begin, self._end = part.begin, part.end
        self._kept: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._first = self._closed({self._begin}, "^")
        self._again = self._closed({self._begin}, "")
        self._left = MAX_WORK

    def found_in(self, text: str) -> bool:
        """Whether the expression matches anywhere in a text. Raises `Exhausted`."""
        current = self._first
        self._left -= len(text)
        if self._left < 0:
            raise Exhausted
        for one in text.lower():
            if self._end in current:
                return True
            current = self._after(current, one)
        return self._end in self._closed(
            set(current) | (set() if text else {self._begin}), "$" if text else "^$"
        )

    def _after(self, current: frozenset[int], one: str) -> frozenset[int]:
        found = self._kept.get((current, one))
        if found is None:
            self._left -= len(self._states)
            ways: set[int] = set()
            for number in current:
                state = self._states[number]
                if state.test is not None and state.test(one):
                    ways.update(state.ways)
            found = self._closed(ways, "") | self._again
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[current, one] = found
        return found

    def _closed(self, numbers: set[int], ends: str) -> frozenset[int]:
        """The states, and those that they lead to at once; `ends` are the ends of the text that one is at."""
        found, open_ = set(numbers), list(numbers)
        while open_:
            state = self._states[open_.pop()]
            if state.test is None and (not state.at or state.at in ends):
                new = [way for way in state.ways if way not in found]
                found.update(new)
                open_ += new
        return frozenset(found)


class _Reader:
    """Reads an expression into states."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.states: list[_State] = []

    def whole(self) -> _Part:
        part = self._alternatives()
        if self._at < len(self._text):
            raise Unsupported  # a bracket that nothing opened
        return part

    def _state(self, state: _State) -> int:
        if len(self.states) >= MAX_STATES:
            raise TooManyStates
        self.states.append(state)
        return len(self.states) - 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        one = self._peek()
        if not one:
            raise Unsupported
        self._at += 1
        return one

    def _alternatives(self) -> _Part:
        begin, end = self._state(_State()), self._state(_State())
        while True:
            part = self._sequence()
            self.states[begin].ways.append(part.begin)
            self.states[part.end].ways.append(end)
            if self._peek() != "|":
                return _Part(begin, end)
            self._at += 1

    def _sequence(self) -> _Part:
        begin = end = self._state(_State())
        while self._peek() not in {"", "|", ")"}:
            part = self._repeated()
            self.states[end].ways.append(part.begin)
            end = part.end
        return _Part(begin, end)

    def _repeated(self) -> _Part:
        start = self._at
        part = self._atom()
        after = self._at
        least, most = self._counts()
        if (least, most) == (1, 1):
            return part
        begin = end = self._state(_State())
        stop = self._state(_State())
        resume = self._at
        for turn in range(max(least, most or least + 1)):
            if turn:
                self._at = start
                part = self._atom()
            if turn >= least:
                self.states[end].ways.append(stop)
            self.states[end].ways.append(part.begin)
            end = part.end
        if most is None:
            self.states[end].ways.append(part.begin)
        self.states[end].ways.append(stop)
        self._at = max(after, resume)
        return _Part(begin, stop)

    def _counts(self) -> tuple[int, int | None]:
        """How often the atom before this is wanted at least and (None: without end) at most."""
        one = self._peek()
        if one and one in "*+?":
            self._at += 1
            counts = {"*": (0, None), "+": (1, None), "?": (0, 1)}[one]
        elif one == "{":
            counts = self._braces()
        else:
            return 1, 1
        if self._peek() == "?":  # as few as possible: whether there is a match is the same
            self._at += 1
        if self._peek() in {"*", "+", "{"}:
            raise Unsupported
        return counts

    def _braces(self) -> tuple[int, int | None]:
        inside, closed, _ = self._text[self._at + 1 :].partition("}")
        low, comma, high = inside.partition(",")
        if not closed or not low.isdecimal() or not (high.isdecimal() or not high):
            raise Unsupported
        self._at += len(inside) + 2
        least = int(low[:4])
        most = least if not comma else int(high[:4]) if high else None
        if least > _MAX_REPEATS or (most is not None and not least <= most <= _MAX_REPEATS) or most == 0:
            raise Unsupported
        return least, most

    def _atom(self) -> _Part:
        one = self._take()
        match one:
            case "(":
                return self._group()
            case "[":
                return self._taking(self._class())
            case ".":
                return self._taking(lambda _: True)
            case "^" | "$":
                number = self._state(_State(at=one))
                return _Part(number, number)
            case "\\":
                return self._taking(self._escape())
            case "*" | "+" | "?" | "{":
                raise Unsupported
        return self._taking(_same(one))

    def _taking(self, test: Test) -> _Part:
        end = self._state(_State())
        return _Part(self._state(_State(test=test, ways=[end])), end)

    def _group(self) -> _Part:
        if self._text.startswith("?:", self._at):
            self._at += 2
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Unsupported
        part = self._alternatives()
        self._depth -= 1
        if self._take() != ")":
            raise Unsupported
        return part

    def _escape(self) -> Test:
        one = self._take()
        if one in _ESCAPES:
            return _ESCAPES[one]
        if one.isalnum() and one not in _CONTROLS:
            raise Unsupported
        return _same(_CONTROLS.get(one, one))

    def _class(self) -> Test:
        against = self._peek() == "^"
        self._at += against
        tests: list[Test] = []
        while self._peek() != "]" or not tests:
            if self._peek() == "[" and self._text[self._at + 1 : self._at + 2] in {":", ".", "="}:
                raise Unsupported
            one = self._take()
            if one == "\\":
                tests.append(self._escape())
                continue
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in {"", "]"}:
                self._at += 1
                tests.append(_between(one, self._take()))
            else:
                tests.append(_same(one))
        self._at += 1
        chosen = tuple(tests)
        return lambda found: any(test(found) for test in chosen) is not against


def _same(one: str) -> Test:
    return one.lower().__eq__


def _between(low: str, high: str) -> Test:
    if low > high or high == "\\":
        raise Unsupported
    first, last = low.lower(), high.lower()
    return lambda one: first <= one <= last
