"""The part of a form in which limits are set."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import InvalidValue
from keywright.core.limits import MAX_LIMITS
from keywright.services.limits import LimitInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.forms import Form
    from keywright.core.limits import Limit

SPANS: Final = ((1, "second"), (60, "minute"), (3_600, "hour"), (86_400, "day"))
_NAME: Final = re.compile(r"l(\d{1,2})\.name")


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit as it stands in a form."""

    name: str = ""
    limit: str = ""
    seconds: str = "1"


FIELDS: Final = (
    "limits",
    *(
        f"limits.{place}.{part}"
        for place in range(MAX_LIMITS)
        for part in ("name", "limit", "window_seconds")
    ),
)
"""The fields by which an error may name a part of the limits."""


def rows_of(form: Form) -> list[LimitRow]:
    """The rows of a form in which anything was typed."""
    numbers = dict.fromkeys(int(match[1]) for name, _ in form if (match := _NAME.fullmatch(name)))
    rows = [
        LimitRow(form.get(f"l{one}.name"), form.get(f"l{one}.limit"), form.get(f"l{one}.seconds", "1"))
        for one in numbers
    ]
    return [row for row in rows if row.name or row.limit]


def shown(limits: Sequence[Limit]) -> list[LimitRow]:
    """Limits as they stand in a form."""
    return [LimitRow(one.name, str(one.limit), str(one.window_seconds)) for one in limits]


def given(rows: Sequence[LimitRow]) -> tuple[LimitInput, ...]:
    """What some rows ask for. Raises `InvalidValue`."""
    return tuple(
        LimitInput(
            row.name, _number(row.limit, f"limits.{place}.limit"), _number(row.seconds, f"limits.{place}")
        )
        for place, row in enumerate(rows)
    )


def plain(limits: Sequence[LimitInput]) -> list[dict[str, Any]]:
    """Limits as REST takes them."""
    return [one._asdict() for one in limits]


def graphed(limits: Sequence[LimitInput]) -> list[dict[str, Any]]:
    """Limits as GraphQL takes them."""
    return [{"name": one.name, "limit": one.limit, "windowSeconds": one.window_seconds} for one in limits]


def worded(limits: Sequence[LimitInput]) -> list[str]:
    """Limits as options of the command line."""
    return [word for one in limits for word in ("--limit", f"{one.name}={one.limit}/{one.window_seconds}s")]


def _number(text: str, field: str) -> int:
    digits = text.replace(",", "").replace(" ", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise InvalidValue("This is not a whole number.", field=field)
    return int(digits)
