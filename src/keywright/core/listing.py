"""Lists: what may be asked of a list of keys, and how a page and the place after it are described."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.keys import State

T = TypeVar("T")

MAX_PAGE = 200
DEFAULT_PAGE = 50
FOLDED_LENGTH = 255
NAME_BEGINNINGS = 8
_BETWEEN_WORDS = "PSZ"


class KeySort(StrEnum):
    """By what a list of keys is ordered; ties are broken by id, so that an order is total."""

    CREATED_AT = "created_at"
    NAME = "name"
    EXPIRES_AT = "expires_at"
    LAST_USED_AT = "last_used_at"


@dataclass(frozen=True, slots=True)
class Between:
    """A half-open span of time: from `since` on, up to but not including `until`; None leaves a side open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The place after one row: its value in the order (None where the order is by id alone) and its id."""

    value: int | str | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyQuery:
    """Which keys to list, in what order, and how many.

    Keys that never expire come after all that do; keys never used come before all that were.
    A span on `last_used` leaves out keys that were never used; `used` False asks for just those. A span on `expires`
    leaves out keys that never expire; `ends` False asks for just those. `search` is the beginning of the name, or the
    whole id, handle or hint.
    """

    states: frozenset[State] = frozenset()
    identity_id: str | None = None
    handle: str | None = None
    name_prefix: str | None = None
    search: str | None = None
    created: Between = Between()
    expires: Between = Between()
    ends: bool | None = None
    last_used: Between = Between()
    used: bool | None = None
    sort: KeySort = KeySort.CREATED_AT
    descending: bool = True
    limit: int = DEFAULT_PAGE
    after: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which audit entries to list; all conditions must hold.

    `actor` is the id of an identity, key or session. An `action` that ends with `.*` stands for all that begin
    alike.
    """

    actor: str | None = None
    target_id: str | None = None
    action: str | None = None
    at: Between = Between()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items in order, the position of each, and whether more follow."""

    items: tuple[T, ...]
    positions: tuple[Position, ...]
    more: bool


def fold(text: str) -> str:
    """How names are compared when searching and sorting: composed, letter case folded, cut to 255 characters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())[:FOLDED_LENGTH]


def beginnings(name: str) -> tuple[str, ...]:
    """What a name may be searched by: the folded name, and what is left of it from each further word on, 8 in all.

    So `Ada King-Lovelace` is found by how it begins, and by how `king-lovelace` and `lovelace` begin. A word begins
    after punctuation, a symbol or a space.
    """
    folded = fold(name)
    starts = [0]
    for place in range(1, len(folded)):
        if len(starts) == NAME_BEGINNINGS:
            break
        if _is_between(folded[place - 1]) and not _is_between(folded[place]):
            starts.append(place)
    return tuple(dict.fromkeys(folded[start:] for start in starts))


def _is_between(character: str) -> bool:
    return unicodedata.category(character)[0] in _BETWEEN_WORDS
