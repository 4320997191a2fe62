"""`where` and `order_by` as Hasura 1 has them, on rows that are plain values. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row: TypeAlias = "dict[str, Any]"
Where: TypeAlias = "Mapping[str, Mapping[str, Any] | None] | None"
OrderBy: TypeAlias = "Sequence[Mapping[str, str | None]] | None"


def kept(rows: Iterable[Row], where: Where) -> list[Row]:
    """The rows for which all conditions hold. A condition with null is none, as Hasura 1 reads it."""
    conditions = [
        (field, operator, value)
        for field, comparison in (where or {}).items()
        for operator, value in (comparison or {}).items()
        if value is not None
    ]
    return [row for row in rows if all(_holds(row[field], how, value) for field, how, value in conditions)]


def exactly(where: Where, field: str) -> str | None:
    """The one value that a field must have, None where the conditions do not say."""
    found: str | None = ((where or {}).get(field) or {}).get("_eq")
    return found


def ordered(rows: Sequence[Row], order_by: OrderBy) -> list[Row]:
    """Rows in the wanted order, the first field counting most; as in PostgreSQL null is greater than all values."""
    found = list(rows)
    wanted = [(name, way) for one in order_by or () for name, way in one.items() if way is not None]
    for name, way in reversed(wanted):
        found.sort(key=lambda row, name=name: (row[name] is None, row[name] or ""), reverse=way == "desc")  # type: ignore[misc]
    return found


def _holds(found: str | None, operator: str, wanted: Any) -> bool:  # noqa: ANN401 - a text or a list of them
    if found is None:
        return False
    if operator == "_eq":
        return bool(found == wanted)
    if operator == "_in":
        return found in wanted
    return similar(found, wanted)


def similar(text: str, pattern: str) -> bool:
    """Whether a whole text is like a pattern, in which `%` is any text and `_` any character.

    Letter case counts. The work is at most the product of both lengths, whatever the pattern.
    """
    at = place = 0
    star = resume = -1
    while at < len(text):
        if place < len(pattern) and pattern[place] == "%":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("_", text[at]):
            at += 1
            place += 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return pattern[place:].strip("%") == ""
