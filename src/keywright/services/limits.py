"""Limits and credits as they come from a door; `core.checks` says what they may be."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import OwnKey
from keywright.core.limits import more_often

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import Identity
    from keywright.core.limits import Credits
    from keywright.services.work import Work


class LimitInput(NamedTuple):
    """A limit: so many uses in so many seconds."""

    name: str
    limit: int
    window_seconds: int


class RefillInput(NamedTuple):
    """So many credits anew with every `hour`, `day`, `week` or `month`."""

    amount: int
    every: str


class CreditsInput(NamedTuple):
    """So many uses left, and what becomes of them by and by."""

    remaining: int
    refill: RefillInput | None = None


def given_credits(given: CreditsInput | None, now: datetime) -> Credits | None:
    """Credits as they are to be stored; a refill's first period begins now."""
    return None if given is None else checks.credit(given.remaining, given.refill).begun(now)


def raises_limits(work: Work, before: Identity, after: Identity) -> bool:
    """Whether an identity may be used more often than before; raises `OwnKey` for a key that does so for itself."""
    if not more_often(before.limits, after.limits):
        return False
    if work.caller.key is not None and work.caller.identity.id == before.id:
        raise OwnKey("A key may not raise limits that hold for it. Use another credential.", field="limits")
    return True


def given_limits(identity: Identity) -> dict[str, Change]:
    """What the audit trail says of the limits of a new identity: nothing where it has none."""
    return {"limits": Change(None, _plain(identity)["limits"])} if identity.limits else {}


def identity_changes(before: Identity, after: Identity) -> dict[str, Change]:
    """What differs between two versions of an identity, in plain values."""
    old, new = _plain(before), _plain(after)
    return {name: Change(old[name], new[name]) for name in old if old[name] != new[name]}


def _plain(identity: Identity) -> dict[str, object]:
    return {
        "name": identity.name,
        "description": identity.description,
        "active": identity.active,
        "limits": [asdict(one) for one in identity.limits],
    }
