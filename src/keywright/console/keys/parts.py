"""What may be changed of a key, part by part: the form as it is shown first, as it was typed, and what it asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.console import words
from keywright.core.errors import InvalidValue, MissingField
from keywright.core.instants import rfc3339
from keywright.core.limits import MAX_LIMITS
from keywright.services.limits import CreditsInput, LimitInput, RefillInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from keywright.console.forms import Form
    from keywright.core.keys import Key

SPARE_LIMITS: Final = 2
UNITS: Final = (("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400))

Typed = dict[str, Any]
"""The values of a form, by the names of its fields."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form asks for: `changes` for the use case, and the same as the REST door has it (`body`)."""

    changes: Mapping[str, Any]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a key that has a form of its own. `fields` are those that an error may stand beside."""

    word: str
    name: str
    fields: tuple[str, ...]
    shown: Callable[[Key, ZoneInfo | None], Typed]
    typed: Callable[[Form], Typed]
    read: Callable[[Form, Key, ZoneInfo | None], Draft]


def pairs_of(typed: Typed) -> list[tuple[str, str]]:
    """The values of a form as it sends them."""
    found = []
    for name, value in typed.items():
        if isinstance(value, str):
            found.append((name, value))
        else:
            found += [(f"{name}.{i}.{key}", text) for i, row in enumerate(value) for key, text in row.items()]
    return found


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of a field that holds one thing a line; without empty ones and blanks around them."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


# Name, description and handle


def _about(key: Key, _zone: ZoneInfo | None) -> Typed:
    return {"name": key.name, "description": key.description, "handle": key.handle or ""}


def _about_typed(form: Form) -> Typed:
    return {name: form.get(name) for name in ("name", "description", "handle")}


def _about_read(form: Form, _key: Key, _zone: ZoneInfo | None) -> Draft:
    found = {**_about_typed(form), "handle": form.get("handle") or None}
    return Draft(found, found)


# When it begins and ends


def _dates(key: Key, zone: ZoneInfo | None) -> Typed:
    return {
        "not_before": words.for_input(key.not_before, zone),
        "expires_at": words.for_input(key.expires_at, zone),
    }


def _dates_typed(form: Form) -> Typed:
    return {name: form.get(name) for name in ("not_before", "expires_at")}


def _dates_read(form: Form, key: Key, zone: ZoneInfo | None) -> Draft:
    """A field that shows what it showed before stays as it is, to the second."""
    before = _dates(key, zone)
    found: dict[str, datetime | None] = {}
    for name, stands in (("not_before", key.not_before), ("expires_at", key.expires_at)):
        found[name] = stands if form.get(name) == before[name] else form.moment(name, zone)
    return Draft(found, {name: None if one is None else rfc3339(one) for name, one in found.items()})


# How often it may be used


def _limits(key: Key, _zone: ZoneInfo | None) -> Typed:
    rows = [_limit_row(one.name, one.limit, one.window_seconds) for one in key.limits or ()]
    which = "tenant" if key.limits is None else "own" if key.limits else "none"
    return {"which": which, "limits": _with_spare(rows)}


def _limit_row(name: str, limit: int, seconds: int) -> Typed:
    unit, size = next((unit, size) for unit, size in reversed(UNITS) if seconds % size == 0)
    return {"name": name, "limit": str(limit), "window": str(seconds // size), "unit": unit}


def _with_spare(rows: list[Typed]) -> list[Typed]:
    spare = {"name": "", "limit": "", "window": "1", "unit": "minute"}
    return (rows + [spare] * SPARE_LIMITS)[: max(MAX_LIMITS, len(rows))]


def _limits_typed(form: Form) -> Typed:
    rows = []
    for index in _indexes(form, "limits"):
        row = {name: form.get(f"limits.{index}.{name}") for name in ("name", "limit", "window", "unit")}
        if row["name"] or row["limit"]:
            rows.append(row)
    return {"which": form.get("which"), "limits": _with_spare(rows)}


def _limits_read(form: Form, _key: Key, _zone: ZoneInfo | None) -> Draft:
    which = form.get("which")
    if which == "tenant":
        return Draft({"limits": None}, {"limits": None})
    rows = (
        []
        if which == "none"
        else [one for one in _limits_typed(form)["limits"] if one["name"] or one["limit"]]
    )
    found = [
        LimitInput(
            row["name"],
            _whole(row["limit"], f"limits.{index}.limit"),
            _whole(row["window"], f"limits.{index}.window_seconds") * dict(UNITS).get(row["unit"], 1),
        )
        for index, row in enumerate(rows)
    ]
    if which == "own" and not found:
        raise MissingField("Write down a limit, or choose one of the other two.", field="limits")
    return Draft({"limits": tuple(found)}, {"limits": [one._asdict() for one in found]})


# Credits


def _credits(key: Key, _zone: ZoneInfo | None) -> Typed:
    given = key.credits
    refill = None if given is None else given.refill
    return {
        "counted": "no" if given is None else "yes",
        "remaining": "" if given is None else str(given.remaining),
        "amount": "" if refill is None else str(refill.amount),
        "every": "" if refill is None else refill.every.value,
    }


def _credits_typed(form: Form) -> Typed:
    return {name: form.get(name) for name in ("counted", "remaining", "amount", "every")}


def _credits_read(form: Form, _key: Key, _zone: ZoneInfo | None) -> Draft:
    typed = _credits_typed(form)
    if typed["counted"] == "no":
        return Draft({"credits": None}, {"credits": None})
    remaining = _whole(typed["remaining"], "credits.remaining")
    refill = None
    if typed["every"]:
        refill = RefillInput(_whole(typed["amount"], "credits.refill.amount"), typed["every"])
    elif typed["amount"]:
        raise MissingField(
            "Say how often they are filled up, or leave the number away.", field="credits.refill.every"
        )
    body: dict[str, object] = {"remaining": remaining}
    if refill is not None:
        body["refill"] = refill._asdict()
    return Draft({"credits": CreditsInput(remaining, refill)}, {"credits": body})


# Addresses and metadata


def _addresses(key: Key, _zone: ZoneInfo | None) -> Typed:
    return {"allowed_cidrs": "\n".join(map(str, key.allowed_cidrs or ()))}


def _addresses_typed(form: Form) -> Typed:
    return {"allowed_cidrs": form.raw("allowed_cidrs")}


def _addresses_read(form: Form, _key: Key, _zone: ZoneInfo | None) -> Draft:
    found = lines_of(form.raw("allowed_cidrs")) or None
    return Draft({"allowed_cidrs": found}, {"allowed_cidrs": None if found is None else list(found)})


def _metadata(key: Key, _zone: ZoneInfo | None) -> Typed:
    found = json.loads(key.metadata)
    return {"metadata": json.dumps(found, indent=2, ensure_ascii=False) if found else ""}


def _metadata_typed(form: Form) -> Typed:
    return {"metadata": form.raw("metadata")}


def _metadata_read(form: Form, _key: Key, _zone: ZoneInfo | None) -> Draft:
    text = form.raw("metadata").strip()
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError as wrong:
        raise InvalidValue(
            f"This is no JSON: {wrong.msg[0].lower()}{wrong.msg[1:]} in line {wrong.lineno}, column {wrong.colno}.",
            field="metadata",
        ) from None
    except RecursionError:
        raise InvalidValue("This is nested too deeply.", field="metadata") from None
    if not isinstance(found, dict):
        raise InvalidValue('Metadata is a JSON object, such as {"team": "search"}.', field="metadata")
    return Draft({"metadata": found}, {"metadata": found})


def _whole(text: str, field: str) -> int:
    if not text:
        raise MissingField("A number is needed here.", field=field)
    try:
        return int(text.replace(",", "").replace(" ", ""))
    except ValueError:
        raise InvalidValue("This is not a whole number.", field=field) from None


def _indexes(form: Form, head: str) -> list[int]:
    """The numbers of the rows that a form has below a name, in order."""
    parts = (name.split(".") for name, _ in form)
    return sorted({int(one[1]) for one in parts if len(one) == 3 and one[0] == head and one[1].isdecimal()})


_ROWS: Final = 100

PARTS: Final[Mapping[str, Part]] = {
    part.word: part
    for part in (
        Part("about", "Name", ("name", "description", "handle"), _about, _about_typed, _about_read),
        Part("dates", "Begins and ends", ("not_before", "expires_at"), _dates, _dates_typed, _dates_read),
        Part(
            "limits",
            "Limits",
            (
                "limits",
                *(f"limits.{i}.{name}" for i in range(_ROWS) for name in ("name", "limit", "window_seconds")),
            ),
            _limits,
            _limits_typed,
            _limits_read,
        ),
        Part(
            "credits",
            "Credits",
            ("credits", "credits.remaining", "credits.refill.amount", "credits.refill.every"),
            _credits,
            _credits_typed,
            _credits_read,
        ),
        Part("addresses", "Addresses", ("allowed_cidrs",), _addresses, _addresses_typed, _addresses_read),
        Part("metadata", "Metadata", ("metadata",), _metadata, _metadata_typed, _metadata_read),
    )
}
"""Every part but the scope, which has a page of its own, by the word that stands in its address."""

NAV: Final = (
    *(("about", "Name"), ("dates", "Begins and ends"), ("scope", "Permissions"), ("limits", "Limits")),
    *(("credits", "Credits"), ("addresses", "Addresses"), ("metadata", "Metadata")),
)
"""The parts in the order in which they are offered: words of addresses, and names."""
