"""Ids: a kind, an underscore and a UUIDv7 in hex, so that ids of one kind sort by the time they were made."""

from __future__ import annotations

import os
import re
import time
from struct import Struct

_ID = re.compile(r"[a-z]{3}_[0-9a-f]{32}")
_drawn = Struct("=512Q")
# One call of the system for many ids: each costs as much as the rest of an id does.
_pool: list[int] = []
# Two processes that drew from one pool would make the same ids.
getattr(os, "register_at_fork", lambda **_: None)(after_in_child=_pool.clear)


def uuid7(nanoseconds: int | None = None) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) as 32 hex digits.

    The twelve bits after the milliseconds hold the fraction of the millisecond (section 6.2, method 3),
    so that ids made by one process a microsecond apart still sort in order; 62 bits are random.
    """
    ns = time.time_ns() if nanoseconds is None else nanoseconds
    milliseconds, rest = divmod(ns, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    try:
        random = _pool.pop()
    except IndexError:
        random = _refill()
    # Version 7 above the fraction, and the variant 2 above the random bits.
    return f"{milliseconds << 16 | 0x7000 | fraction:016x}{1 << 63 | random >> 2:016x}"


def _refill() -> int:
    """Draw random numbers of 64 bits; answers one, and leaves the others in the pool."""
    first, *others = _drawn.unpack(os.urandom(_drawn.size))
    _pool.extend(others)
    return int(first)


def new_id(kind: str) -> str:
    """A fresh id of a kind.

    Kinds: `key`, `idn` (identity), `ten` (tenant), `mem` (membership), `rol` (role), `ses` (session), `aud` (audit
    entry), `inv` (invitation), `pky` (passkey), `agt` (agent).
    """
    return f"{kind}_{uuid7()}"


def is_any_id(text: str) -> bool:
    """Whether a text has the form of an id of any kind."""
    return _ID.fullmatch(text) is not None


def is_id(text: str, kind: str) -> bool:
    """Whether a text has the form of an id of this kind; anything else cannot name a thing."""
    return text.startswith(f"{kind}_") and _ID.fullmatch(text) is not None
