"""Lists in the words of Prisma 1: a filter, an order, and a window on what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import InvalidValue, UnknownField
from keywright.dialects.cloudtower.filters import Filter
from keywright.dialects.cloudtower.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keywright.dialects.cloudtower.mapping import Row

ARGUMENTS: Final = ("where", "orderBy", "skip", "first", "last", "after", "before")
MAX_LISTED: Final = 10_000
"""How many things of a kind are looked at for one list."""
_MOST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a list: a filter, the field and direction of its order, and a window.

    Without an order (`by` None) things come as they are read: as they were made, which is the order of their ids.
    """

    filter: Filter
    by: str | None = None
    descending: bool = False
    skip: int = 0
    first: int | None = None
    last: int | None = None
    after: str | None = None
    before: str | None = None

    @property
    def enough(self) -> int | None:
        """How many of the oldest things are enough to know, None for all."""
        cut = (self.last, self.after, self.before, self.by) != (None, None, None, None)
        if self.first is None or cut or not self.filter.empty:
            return None
        return self.skip + self.first

    def touches(self, kind: str, *fields: str) -> bool:
        """Whether any of these fields has to be filled in before the list can be cut to size."""
        return any((kind, one) in self.filter.touched for one in fields)

    def window(self, rows: Sequence[Row]) -> list[Row]:
        """What is left of all rows."""
        ordered = list(rows)
        if self.by is not None:
            by = self.by
            ordered.sort(key=lambda row: _rank(row[by]), reverse=self.descending)
        start = 0 if self.after is None else _place(ordered, self.after) + 1
        end = len(ordered) if self.before is None else _place(ordered, self.before)
        if start < 0 or end < 0:
            return []
        found = self.counted(ordered[start:end])
        if self.last is None:
            return found[self.skip :][: self.first]
        found = found[: len(found) - self.skip] if self.skip < len(found) else []
        return found[max(0, len(found) - self.last) :]

    def counted(self, rows: Iterable[Row]) -> list[Row]:
        """What passes the filter, whatever the window."""
        return [row for row in rows if self.filter.passes(row)]


_NOWHERE: Final = -2


def _rank(value: Any) -> tuple[bool, Any]:  # noqa: ANN401 - texts and truths, never both in one field
    """Where a value stands in an order; none comes after all there are."""
    return value is None, "" if value is None else value


def _place(rows: Sequence[Row], row_id: str) -> int:
    return next((index for index, row in enumerate(rows) if row["id"] == row_id), _NOWHERE)


def asked_of(kind: str, given: Mapping[str, Any]) -> Asked:
    """What is asked of a list of a kind; null is as if it were not there.

    Raises `UnknownField` and `InvalidValue`.
    """
    if not given.keys() <= set(ARGUMENTS):
        raise UnknownField(f"A list takes {', '.join(ARGUMENTS)}.")
    test = Filter.of(kind, given.get("where"))
    by, descending = _order(kind, given.get("orderBy"))
    if by is not None:
        test.touched.add((kind, by))
    numbers = {name: _number(name, given.get(name)) for name in ("skip", "first", "last")}
    if numbers["first"] is not None and numbers["last"] is not None:
        raise InvalidValue("A list has a first or a last, not both.", field="last")
    return Asked(
        filter=test,
        by=by,
        descending=descending,
        skip=numbers["skip"] or 0,
        first=numbers["first"],
        last=numbers["last"],
        after=_text("after", given.get("after")),
        before=_text("before", given.get("before")),
    )


def _order(kind: str, given: object) -> tuple[str | None, bool]:
    if given is None:
        return None, False
    by, _, way = given.rpartition("_") if isinstance(given, str) else ("", "", "")
    if by not in KINDS[kind].ordered or way not in {"ASC", "DESC"}:
        raise InvalidValue("An order is the name of a field with _ASC or _DESC.", field="orderBy")
    return by, way == "DESC"


def _number(name: str, given: object) -> int | None:
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= _MOST:
        raise InvalidValue(f"{name} is a whole number that is not negative.", field=name)
    return given


def _text(name: str, given: object) -> str | None:
    if given is not None and not isinstance(given, str):
        raise InvalidValue(f"{name} is an id.", field=name)
    return given
