"""What a form of ours sent, and what is said beside its fields when it was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from keywright.core.errors import InvalidValue, KeywrightError, MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

MAX_FIELDS = 10_000


class Form:
    """The fields of a form or of an address, in the order in which they came; a name may be there several times."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __contains__(self, name: str) -> bool:
        return any(one == name for one, _ in self._pairs)

    def all(self, name: str) -> list[str]:
        """Every value of a field, without blanks around it, and without empty ones."""
        return [value.strip() for one, value in self._pairs if one == name and value.strip()]

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field, without blanks around it; the default where it is empty or missing."""
        return next(iter(self.all(name)), default)

    def all_of(self, name: str) -> list[str]:
        """Every value of a field, also the empty ones, for fields that stand side by side in rows."""
        return [value.strip() for one, value in self._pairs if one == name]

    def raw(self, name: str) -> str:
        """The first value of a field as it was typed, for passwords; empty where it is missing."""
        return next((value for one, value in self._pairs if one == name), "")

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self

    def number(self, name: str) -> int | None:
        """A whole number, None where the field is empty. Raises `InvalidValue`."""
        text = self.get(name)
        if not text:
            return None
        try:
            return int(text.replace(",", "").replace("\u202f", "").replace(" ", ""))
        except ValueError:
            raise InvalidValue("This is not a whole number.", field=name) from None

    def moment(self, name: str, zone: ZoneInfo | None) -> datetime | None:
        """A date with time, in the reader's zone where it names none; None where empty. Raises `InvalidValue`."""
        text = self.get(name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidValue("This is not a date with a time.", field=name) from None
        return found if found.tzinfo is not None else found.replace(tzinfo=zone or UTC).astimezone(UTC)


def parsed(text: str) -> Form:
    """The fields of a query or of a form's body. Raises `MalformedRequest`."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise MalformedRequest("The form cannot be read.") from None
    # Browsers send each line break as two characters, whatever was typed.
    return Form([(name, value.replace("\r\n", "\n")) for name, value in pairs])


@dataclass(slots=True)
class Errors:
    """What is wrong with a form: a sentence for a field each, and one for the whole."""

    general: str | None = None
    fields: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.general is not None or bool(self.fields)

    def at(self, name: str) -> str | None:
        """What is wrong with a field, or with a part of it."""
        return self.fields.get(name)

    @classmethod
    def of(cls, error: KeywrightError, fields: tuple[str, ...]) -> Errors:
        """An error as it is shown in a form with these fields: `scope.0.actions` belongs to `scope`."""
        place = error.field or ""
        while place:
            if place in fields:
                return cls(fields={place: error.detail})
            place = place.rpartition(".")[0]
        return cls(general=error.detail)
