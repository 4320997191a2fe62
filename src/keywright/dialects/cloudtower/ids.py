"""Ids in the form of that system's own: a `c` and 24 base36 digits, which hold ours, and sort as ours do."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 24
_is_ours: Final = re.compile(r"[a-z]{3}_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}").fullmatch
_is_theirs: Final = re.compile(rf"c[0-9a-z]{{{_LENGTH}}}").fullmatch

# A UUIDv7 is 48 bits of time, the version, 12 bits, the variant (2 bits) and 62 bits: 122 of them are its own.
_LOW: Final = 62
_MIDDLE: Final = 12
_OWN: Final = 122


def to_theirs(own_id: str) -> str:
    """The id on the wire for one of ours; of its kind nothing stands in it. Raises `ValueError`."""
    if not _is_ours(own_id):
        raise ValueError("This id is not made of a UUIDv7.")
    value = int(own_id[4:], 16)
    time, middle = value >> 80, value >> 64 & (1 << _MIDDLE) - 1
    return _spelled((time << _MIDDLE | middle) << _LOW | value & (1 << _LOW) - 1)


def to_ours(kind: str, their_id: str) -> str:
    """Our id of a kind for one on the wire; for what is none of those, a text that is nobody's id."""
    if not _is_theirs(their_id):
        return f"{kind}_none"
    value = int(their_id[1:], 36)
    if value >> _OWN:
        return f"{kind}_none"
    low, high = value & (1 << _LOW) - 1, value >> _LOW
    time, middle = high >> _MIDDLE, high & (1 << _MIDDLE) - 1
    return f"{kind}_{time << 80 | 7 << 76 | middle << 64 | 2 << 62 | low:032x}"


def of_name(kind: str, name: str) -> str:
    """The id on the wire of what we know by its name: the same wherever and whenever it is asked for."""
    return _spelled(int.from_bytes(hashlib.sha256(f"{kind}:{name}".encode()).digest()[:15]))


def _spelled(value: int) -> str:
    digits = []
    for _ in range(_LENGTH):
        value, digit = divmod(value, 36)
        digits.append(_DIGITS[digit])
    return "c" + "".join(reversed(digits))
