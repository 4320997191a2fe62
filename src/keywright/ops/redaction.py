"""Cleaning of whatever is about to be logged: plain values only, with every text passed through a redactor.

Redaction comes before rendering. Once a text has been quoted, escaped or coloured, other letters may touch a
secret in it, and then nobody can tell where the secret begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

Redact = Callable[[str], str]
Plain = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None

#: Values nested deeper than this are left out, which also ends those that contain themselves.
MAX_DEPTH: Final = 8


def clean(value: object, redact: Redact, depth: int = MAX_DEPTH) -> Plain:
    """Turn a value into one that JSON can hold, with `redact` applied to each text in it, keys included.

    An object of an unknown class becomes its own text, or its class name where it cannot be printed.
    """
    found: Plain
    match value:
        case str():  # by far the most, so asked for first
            found = _text(value, redact)
        case None | bool():
            found = value
        case int() | float():
            found = _number(value)
        case Mapping() | list() | tuple() | AbstractSet() if not depth:
            found = "…"
        case Mapping():
            found = {_text(key, redact): clean(item, redact, depth - 1) for key, item in value.items()}
        case list() | tuple() | AbstractSet():
            found = [clean(item, redact, depth - 1) for item in value]
        case _:
            found = _text(value, redact)
    return found


def _number(value: float) -> int | float | str:
    """Take off a subclass such as an enum's; JSON has no word for infinity and NaN."""
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else str(value)


def _text(value: object, redact: Redact) -> str:
    match value:
        case str():
            return redact(str.__str__(value))
        case bytes() | bytearray():
            return redact(value.decode("utf-8", "backslashreplace"))
        case datetime():
            return value.isoformat()
        case BaseException():
            return redact(f"{type(value).__name__}: {_printed(value)}")
        case _:
            return redact(_printed(value))


def _printed(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a value with a broken __str__ must not cost the log line
        return f"<{type(value).__name__}>"
