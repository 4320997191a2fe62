"""Routes: from the method and path of an HTTP request to the action and resource that it asks for.

A route is written `GET /articles/{lang}/{id}` with an action and, where there is one, a resource such as
`article:{lang}:{id}`. In its path `{name}` stands for one segment, `{name...}` at the end for one or more, and `**`
at the end for any number, also none. Methods are joined by `|`, and `*` is every method. A slash at the end of a
path counts, except behind `**`. The first route that fits a request decides.

A gateway and the service behind it may read one path in two ways, and whoever finds such a path gets past the
gateway. So only paths that everybody reads alike are matched at all: no empty segment, `.` or `..`, no `;`, no
backslash, no encoded slash or percent sign, and nothing that is not UTF-8. A value that cannot be one segment of a
name fits nothing, and no later route is tried for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final
from urllib.parse import unquote_to_bytes

from keywright.core.permissions import MAX_WILDCARDS, Policy, valid_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    _Fill: TypeAlias = Callable[[Sequence[str]], tuple[str, str | None] | None]

MAX_ROUTES = 1_000
"""Routes of one tenant."""
MAX_PATH = 4_096
"""Characters of a path that is matched; a longer one fits nothing."""
MAX_MATCH = 512
"""Characters of a route's methods and path."""
MAX_PATH_SEGMENTS = 32
"""Segments of a route's path."""
ANY_METHOD = "*"
REST = "**"

_METHOD = r"[A-Z](?:[A-Z-]{0,30}[A-Z])?"
_is_method = re.compile(_METHOD).fullmatch
_written = re.compile(rf"(\*|{_METHOD}(?:\|{_METHOD})*) (/\S*)").fullmatch
_placeholder = re.compile(r"\{([a-z][a-z0-9_]{0,39})(\.\.\.)?\}")
_in_braces = re.compile(r"\{([a-z][a-z0-9_]*)(?:\.\.\.)?\}")
# The characters of RFC 3986, section 3.3, but `;`, behind which some servers see parameters and not the path.
_is_path = re.compile(r"(?:/(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-Fa-f]{2})*+)++").fullmatch
_ambiguous = re.compile(r"[/\\%;\x00-\x1f\x7f-\x9f\u2028\u2029]").search
_is_value = re.compile(r"[^\s:*${}/]++").fullmatch
_DOTS = frozenset((".", ".."))


class InvalidRoute(ValueError):
    """A route that is none. The message says what is wrong in a sentence, without repeating the text.

    `part` is the part of the route at fault: `match`, `action` or `resource`.
    """

    def __init__(self, part: str, sentence: str) -> None:
        super().__init__(sentence)
        self.part = part


@final
@dataclass(frozen=True, slots=True)
class Route:
    """One route as it is written. Raises `InvalidRoute`.

    `methods` are empty for every method. `segments` are the path's, without a `**` at the end, which is `rest`;
    a segment that stands for others is in braces. `slash` says that the path ends with a slash, and `endless` is the
    name that stands for one or more segments at its end.
    """

    match: str
    action: str
    resource: str | None = None
    methods: frozenset[str] = field(init=False, repr=False, compare=False)
    segments: tuple[str, ...] = field(init=False, repr=False, compare=False)
    slash: bool = field(init=False, repr=False, compare=False)
    rest: bool = field(init=False, repr=False, compare=False)
    endless: str | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        methods, segments, slash = _read_match(self.match)
        rest = bool(segments) and segments[-1] == REST
        if rest and slash:
            raise InvalidRoute("match", "Nothing stands behind ** in a path.")
        object.__setattr__(self, "methods", methods)
        object.__setattr__(self, "segments", tuple(segments[:-1] if rest else segments))
        object.__setattr__(self, "slash", slash)
        object.__setattr__(self, "rest", rest)
        names = dict(_named(self.segments))
        object.__setattr__(self, "endless", next((name for name, endless in names.items() if endless), None))
        if not valid_name(self.action):
            raise InvalidRoute("action", "An action is one exact name, without wildcards and placeholders.")
        _check_resource(self.resource, names)

    def widest(self) -> Policy:
        """All that the route can ask for, as a policy."""
        if self.resource is None:
            return Policy.parse((self.action,))
        wide = _placeholder.sub(lambda found: "**" if found[2] else "*", self.resource)
        return Policy.parse((self.action,), (wide,))

    def to_plain(self) -> dict[str, str]:
        """The route as plain data, in the form in which it is written."""
        plain = {"match": self.match, "action": self.action}
        return plain if self.resource is None else plain | {"resource": self.resource}


@final
@dataclass(frozen=True, slots=True)
class RouteTable:
    """Routes, compiled once. Equal when the routes are.

    Routes are the bits of a number, the first the lowest. Each segment of a path leaves those that accept it at
    its place, so that a match costs one look-up and one AND a segment, however many routes there are.
    """

    routes: tuple[Route, ...]
    _methods: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _any_method: int = field(init=False, repr=False, compare=False)
    _places: tuple[tuple[Mapping[str, int], int], ...] = field(init=False, repr=False, compare=False)
    _ends: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    _fill: tuple[_Fill, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        routes = self.routes
        longest = max((len(route.segments) for route in routes), default=0)
        any_method = _bits(not route.methods for route in routes)
        named = {method for route in routes for method in route.methods}
        object.__setattr__(self, "_any_method", any_method)
        object.__setattr__(
            self,
            "_methods",
            {method: any_method | _bits(method in route.methods for route in routes) for method in named},
        )
        object.__setattr__(self, "_places", tuple(_place(routes, place) for place in range(longest)))
        ends = tuple(
            (
                _bits(_ends(route, count, slash=False) for route in routes),
                _bits(_ends(route, count, slash=True) for route in routes),
            )
            for count in range(longest + 2)
        )
        object.__setattr__(self, "_ends", ends)
        object.__setattr__(self, "_fill", tuple(_filler(route) for route in routes))

    @classmethod
    def compile(cls, rules: Sequence[Route]) -> RouteTable:
        """Compile routes, in their order."""
        return cls(tuple(rules))

    def match(self, method: str, path: str) -> tuple[str, str | None] | None:
        """The action and resource of a request, or None where no route fits or the path is not a plain one.

        `path` is as it was sent, with percent-encoding and perhaps a query, which counts for nothing.
        """
        found = self.find(method, path)
        return None if found is None else found[1]

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, str | None]] | None:
        """The route that decides, with the action and resource that it gives; None as with `match`."""
        read = read_path(path)
        if read is None or _is_method(method) is None:
            return None
        segments, slash = read
        first = self._first(method, segments, slash=slash)
        asked = None if first < 0 else self._fill[first](segments)
        return None if asked is None else (self.routes[first], asked)

    def unreached(self) -> tuple[int, ...]:
        """The places of the routes that decide nothing, because those before them fit all that they fit."""
        return tuple(
            place
            for place, route in enumerate(self.routes)
            if not any(
                self._first(method, segments, slash=slash) == place
                for method in route.methods or (ANY_METHOD,)
                for segments, slash in _farthest(route, len(self._places))
            )
        )

    def _first(self, method: str, segments: Sequence[str], *, slash: bool) -> int:
        """The place of the first route that fits, -1 where there is none."""
        bits = self._methods.get(method, self._any_method)
        bits &= self._ends[min(len(segments), len(self._ends) - 1)][slash]
        for segment, (named, others) in zip(segments, self._places, strict=False):
            bits &= named.get(segment, others)
        return (bits & -bits).bit_length() - 1


def read_path(path: str) -> tuple[list[str], bool] | None:
    """The decoded segments of a path and whether it ends with a slash; None where it could be read in two ways."""
    plain = path.partition("?")[0]
    if len(plain) > MAX_PATH or "//" in plain or _is_path(plain) is None:
        return None
    segments = plain[1:].split("/")
    slash = not segments[-1]
    if slash:
        segments.pop()
    if "%" in plain:
        try:
            segments = [unquote_to_bytes(segment).decode() for segment in segments]
        except UnicodeDecodeError:
            return None
        if any(_ambiguous(segment) for segment in segments):
            return None
    return None if not _DOTS.isdisjoint(segments) else (segments, slash)


def _read_match(text: str) -> tuple[frozenset[str], list[str], bool]:
    """Methods, segments and whether a slash ends the path."""
    found = _written(text) if len(text) <= MAX_MATCH else None
    if found is None:
        raise InvalidRoute(
            "match",
            "A route is written like GET /articles/{id}: methods in capitals joined by |, or *, one space, and a "
            f"path from its first slash on, at most {MAX_MATCH} characters.",
        )
    methods = frozenset() if found[1] == ANY_METHOD else frozenset(found[1].split("|"))
    segments = found[2][1:].split("/")
    slash = not segments[-1]
    if slash:
        segments.pop()
    if len(segments) > MAX_PATH_SEGMENTS:
        raise InvalidRoute("match", f"A route's path has at most {MAX_PATH_SEGMENTS} segments.")
    for place, segment in enumerate(segments):
        _check_segment(segment, last=place == len(segments) - 1)
    names = [name for name, _ in _named(segments)]
    if len(names) != len(set(names)):
        raise InvalidRoute("match", "Each name in braces stands once in a path.")
    return methods, segments, slash


def _check_segment(segment: str, *, last: bool) -> None:
    found = _placeholder.fullmatch(segment)
    if segment == REST or (found is not None and found[2]):
        if not last:
            raise InvalidRoute("match", "What stands for the rest of a path stands at its end.")
    elif found is None and (
        not segment or segment in _DOTS or _ambiguous(segment) or any(one in segment for one in "*{}?#")
    ):
        raise InvalidRoute(
            "match",
            "A segment of a route's path is text as people read it, {name}, or at the end {name...} or **. It is "
            "not empty and has no % ; * ? # and backslash.",
        )


def _check_resource(resource: str | None, named: Mapping[str, bool]) -> None:
    """A resource is a name once its placeholders are filled, each with a name that the path has."""
    for segment in () if resource is None else resource.split(":"):
        stand_ins = list(_placeholder.finditer(segment))
        if len(stand_ins) > 1:
            # `{a}-{b}` would be one resource for different values.
            raise InvalidRoute("resource", "Between two colons stands at most one name in braces.")
        for found in stand_ins:
            if found[1] not in named or named[found[1]] is not bool(found[2]):
                raise InvalidRoute("resource", "The path has no such name in braces as one that stands here.")
            if found[2] and found[0] != segment:
                raise InvalidRoute(
                    "resource", "A name that stands for several segments stands alone between colons."
                )
    if resource is not None and resource.count("{") > MAX_WILDCARDS:
        raise InvalidRoute("resource", f"A resource has at most {MAX_WILDCARDS} names in braces.")
    if resource is not None and not valid_name(_placeholder.sub("xx", resource)):
        raise InvalidRoute(
            "resource", "A resource is a name, of which segments or parts of them may be a name in braces."
        )


def _named(segments: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The names in braces, each with whether it stands for the rest of the path."""
    for segment in segments:
        found = _placeholder.fullmatch(segment)
        if found is not None:
            yield found[1], bool(found[2])


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def _place(routes: Sequence[Route], place: int) -> tuple[Mapping[str, int], int]:
    """Which routes accept each literal segment at a place, and which accept any other one."""
    others = 0
    named: dict[str, int] = {}
    for index, route in enumerate(routes):
        if place >= len(route.segments) or _placeholder.fullmatch(route.segments[place]):
            others |= 1 << index
        else:
            segment = route.segments[place]
            named[segment] = named.get(segment, 0) | 1 << index
    return {segment: bits | others for segment, bits in named.items()}, others


def _ends(route: Route, count: int, *, slash: bool) -> bool:
    """Whether a route may fit a path of so many segments, with or without a slash at the end."""
    if route.rest:
        return count >= len(route.segments)
    if slash is not route.slash:
        return False
    return count == len(route.segments) or (route.endless is not None and count > len(route.segments))


def _farthest(route: Route, longest: int) -> Iterator[tuple[list[str], bool]]:
    """Paths that a route fits and others hardly do: where it takes anything, they have what no route names."""
    segments = ["" if _placeholder.fullmatch(one) else one for one in route.segments]
    if not route.rest and route.endless is None:
        yield segments, route.slash
        return
    for count in range(longest + 2 - len(segments)):
        for slash in (False, True) if route.rest else (route.slash,):
            yield segments + [""] * count, slash


def _filler(route: Route) -> _Fill:
    """From the segments of a path that fits to what the route asks for; None where a value could not be a segment."""
    tail = len(route.segments) - 1 if route.endless else len(route.segments)
    singles = {
        found[1]: place
        for place, segment in enumerate(route.segments[:tail])
        if (found := _placeholder.fullmatch(segment))
    }
    # Text and names by turns: `article:{lang}` is ["article:", "lang", ""].
    pieces = _in_braces.split(route.resource or "")

    def fill(segments: Sequence[str]) -> tuple[str, str | None] | None:
        values = {name: segments[place] for name, place in singles.items()}
        rest = segments[tail:] if route.endless else ()
        if not all(map(_is_value, (*values.values(), *rest))):
            return None
        if route.resource is None:
            return route.action, None
        if route.endless:
            values[route.endless] = ":".join(rest)
        resource = "".join(values[piece] if place % 2 else piece for place, piece in enumerate(pieces))
        return (route.action, resource) if valid_name(resource) else None

    return fill
