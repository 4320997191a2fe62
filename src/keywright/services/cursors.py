"""Cursors: a place in a list as an opaque text, good for that list and order only."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from keywright.core.errors import InvalidCursor, InvalidValue
from keywright.core.listing import FOLDED_LENGTH, MAX_PAGE, Position

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keywright.core.listing import Page

T = TypeVar("T")


@dataclass(
    frozen=True
)  # without slots: those of a generic class that is frozen cannot be made in Python 3.11
class Listed(Generic[T]):
    """A page of a list; `cursors[i]` is the place after item i, and `more` says whether anything follows."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    more: bool

    @property
    def next_cursor(self) -> str | None:
        """The cursor of the next page, or None at the end."""
        return self.cursors[-1] if self.more else None


class _Place(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    order: str
    id: str
    value: int | str | None


def sound_limit(limit: int) -> None:
    """Raise `InvalidValue` for a page that is empty or too long."""
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidValue(f"A page has 1 to {MAX_PAGE} items.", field="limit")


def encode(order: str, position: Position) -> str:
    """The cursor of a row in the list that `order` names."""
    raw = msgspec.json.encode(_Place(order, position.id, position.value))
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(order: str, cursor: str, value: type, field: str = "cursor") -> Position:
    """The row's position, where rows of this order have a value of this type.

    Raises `InvalidCursor` for whatever cannot have come from `encode` for this order.
    """
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        place = msgspec.json.decode(raw, type=_Place)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise InvalidCursor("This cursor was not handed out by Keywright.", field=field) from None
    if place.order != order:
        raise InvalidCursor("This cursor belongs to a list in another order.", field=field)
    if type(place.value) is not value or not _plausible(place):
        raise InvalidCursor("This cursor was not handed out by Keywright.", field=field)
    return Position(place.value, place.id)


def after(order: str, cursor: str | None, value: type) -> Position | None:
    """The row after which a page begins, None without a cursor; raises what `decode` raises."""
    return None if cursor is None else decode(order, cursor, value)


def listed(order: str, page: Page[Any], items: Iterable[T]) -> Listed[T]:
    """A page as readers see it: what is shown of its rows, each with its cursor."""
    return Listed(tuple(items), tuple(encode(order, position) for position in page.positions), page.more)


def _plausible(place: _Place) -> bool:
    """Whether the values can be compared with by both engines; a cursor comes from outside."""
    if not place.id.isascii() or len(place.id) > 40 or "\0" in place.id:
        return False
    if isinstance(place.value, str):
        return len(place.value) <= FOLDED_LENGTH and "\0" not in place.value
    return place.value is None or 0 <= place.value < 2**63
