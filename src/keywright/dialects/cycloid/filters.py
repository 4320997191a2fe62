"""Filters of the list of API keys: `attribute[condition]=value` in the query, all of which must hold."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.dialects.cycloid.bodies import number
from keywright.dialects.cycloid.errors import invalid
from keywright.dialects.cycloid.mapping import canonical_of, number_of, seconds
from keywright.dialects.cycloid.rlike import Exhausted, Expression, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keywright.core.keys import Key

OWNER: Final = ("user_canonical", "owner")
ORGANIZATION: Final = "organization_canonical"
_TEXTS: Final[Mapping[str, Callable[[Key], str]]] = {
    "canonical": canonical_of,
    "api_key_canonical": canonical_of,
    "name": lambda key: key.name,
    "description": lambda key: key.description,
    "last_seven": lambda key: key.last_seven or "",
}
_NUMBERS: Final[Mapping[str, Callable[[Key], int]]] = {
    "id": lambda key: number_of(key.id),
    "last_used": lambda key: 0 if key.last_used_at is None else seconds(key.last_used_at),
}
ATTRIBUTES: Final = (ORGANIZATION, *OWNER, *_TEXTS, *_NUMBERS)
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
CONDITIONS: Final = (*_ORDERS, "like", "rlike")
MAX_FILTERS: Final = 10

_split = re.compile(r"([^\[\]]+)\[([^\[\]]*)\]").fullmatch


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: what it looks at, how, and whether a value passes it."""

    attribute: str
    condition: str
    value: str
    passes: Callable[[str | int], bool]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a query, and the number of the owner that it asks for besides."""

    filters: tuple[Filter, ...]
    member_id: int | None

    def exactly(self, *attributes: str) -> str | None:
        """The one value that one of these attributes may have, or None where it may have several."""
        return next(
            (one.value for one in self.filters if one.attribute in attributes and one.condition == "eq"), None
        )

    @property
    def by_owner(self) -> bool:
        """Whether who owns a key has to be known by name."""
        return any(one.attribute in OWNER for one in self.filters)

    def pass_(self, key: Key, organization: str, owner: str) -> bool:
        """Whether a key is wanted; `owner` is the name of who owns it, empty where nobody does."""
        if self.member_id is not None and number_of(key.identity_id) != self.member_id:
            return False
        return all(one.passes(_value(one.attribute, key, organization, owner)) for one in self.filters)


def _value(attribute: str, key: Key, organization: str, owner: str) -> str | int:
    if attribute == ORGANIZATION:
        return organization
    if attribute in OWNER:
        return owner
    return _TEXTS[attribute](key) if attribute in _TEXTS else _NUMBERS[attribute](key)


def read(query: Sequence[tuple[str, str]]) -> Filters:
    """The filters of a query; what is in no form of a filter is none. Raises `Declined`."""
    found = []
    for name, value in query:
        parts = _split(name)
        if parts is not None:
            found.append(_filter(parts[1], parts[2], value))
    if len(found) > MAX_FILTERS:
        raise invalid(f"filters in query should have at most {MAX_FILTERS} items")
    member = dict(query).get("member_id")
    return Filters(tuple(found), None if member is None else number("member_id", member))


def _filter(attribute: str, condition: str, value: str) -> Filter:
    if attribute not in ATTRIBUTES:
        raise invalid(f"filter in query should be on one of [{' '.join(ATTRIBUTES)}]")
    if condition not in CONDITIONS:
        raise invalid(f"filter in query should have one of the conditions [{' '.join(CONDITIONS)}]")
    return Filter(attribute, condition, value, _test(attribute, condition, value))


def _test(attribute: str, condition: str, value: str) -> Callable[[str | int], bool]:
    if condition == "rlike":
        try:
            expression = Expression(value)
        except Unsupported:
            raise invalid("filter in query should have a regular expression that is known here") from None
        return lambda found: _finds(expression, str(found))
    if condition == "like":
        return lambda found: like(value, str(found))
    compare = _ORDERS[condition]
    wanted = number(attribute, value) if attribute in _NUMBERS else value
    return lambda found: compare(found, wanted)


def _finds(expression: Expression, text: str) -> bool:
    try:
        return expression.found_in(text)
    except Exhausted:
        raise invalid("filter in query should have a regular expression that takes less work") from None


def like(pattern: str, text: str) -> bool:
    """Whether a text is like a pattern, in which `%` stands for anything; without one it is looked for anywhere.

    Letter case does not count.
    """
    pieces = pattern.lower().split("%")
    subject = text.lower()
    if len(pieces) == 1:
        return pieces[0] in subject
    first, *middle, last = pieces
    if not subject.startswith(first) or not subject.endswith(last) or len(first) + len(last) > len(subject):
        return False
    at, end = len(first), len(subject) - len(last)
    for piece in middle:
        found = subject.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
