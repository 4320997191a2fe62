"""From what FastAPI and pydantic refuse to our errors, without repeating any value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.core.errors import (
    InvalidType,
    InvalidValue,
    KeywrightError,
    MissingField,
    UnknownField,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_DETAILS = {
    "string_too_short": "This text is too short.",
    "string_too_long": "This text is too long.",
    "literal_error": "This is none of the allowed values.",
    "too_long": "This list is too long.",
    "too_short": "This list is too short.",
    "string_unicode": "This text is not valid Unicode.",
    "date_time": "This is not a date-time as in RFC 3339.",
}
_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "boolean": "true or false",
    "count": "a whole number",
    "int_type": "a whole number",
    "datetime_type": "a date-time as text",
    "list_type": "a list",
    "dict_type": "an object",
    "model_attributes_type": "an object",
}

_OF_THE_CALLER = frozenset({"variables"})


def error_of(found: Sequence[Any]) -> KeywrightError:
    """The error for the first thing that pydantic found wrong."""
    first = found[0]
    kind: str = first["type"]
    field = _field(first["loc"])
    if kind == "missing":
        return MissingField("This field is required.", field=field)
    if kind == "extra_forbidden":
        # The name was made up by the caller and could be anything, so only the place is told.
        return UnknownField(
            "The request has a field that is not known here.", field=_field(first["loc"][:-1])
        )
    if kind in _DETAILS:
        return InvalidValue(_DETAILS[kind], field=field)
    return InvalidType(f"This should be {_TYPES.get(kind, 'of another type')}.", field=field)


def _field(loc: Sequence[str | int]) -> str | None:
    """The place as `scope.0.actions`; the body itself has no name.

    It ends at an object whose names are the caller's own: such a name could be anything, so it is not told.
    """
    parts: list[str] = []
    for part in loc[1:]:
        parts.append(str(part))
        if part in _OF_THE_CALLER:
            break
    return ".".join(parts) or None
