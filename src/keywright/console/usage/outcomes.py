"""The codes of decisions in plain words, and in which colour each is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.core.codes import Code

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of some decisions: a code, how it is called, and the kind by which it is coloured.

    `kind` is `allowed`, `refused` (it may not do this), `often` (not so often) or `off` (it is not in use).
    """

    code: str
    name: str
    kind: str


_KNOWN: Final[Mapping[str, Outcome]] = {
    one.code: one
    for one in (
        Outcome(Code.VALID, "allowed", "allowed"),
        Outcome(Code.INSUFFICIENT_PERMISSIONS, "not permitted", "refused"),
        Outcome(Code.IP_NOT_ALLOWED, "from another address", "refused"),
        Outcome(Code.TENANT_MISMATCH, "in another tenant", "refused"),
        Outcome(Code.RATE_LIMITED, "too often", "often"),
        Outcome(Code.CREDITS_EXHAUSTED, "no credits left", "often"),
        Outcome(Code.DISABLED, "key disabled", "off"),
        Outcome(Code.EXPIRED, "key expired", "off"),
        Outcome(Code.NOT_YET_VALID, "key not valid yet", "off"),
        Outcome(Code.IDENTITY_DISABLED, "owner disabled", "off"),
        Outcome(Code.TENANT_DISABLED, "tenant disabled", "off"),
        Outcome(Code.NOT_FOUND, "key deleted", "off"),
    )
}
_ORDER: Final = tuple(_KNOWN)


def outcome(code: str) -> Outcome:
    """A code in words; one that has none here is called as it is written."""
    return _KNOWN.get(code) or Outcome(code, code.lower().replace("_", " "), "off")


def in_order(counts: Mapping[str, int]) -> list[tuple[Outcome, int]]:
    """Outcomes with how many there were of each: what was allowed first, then by kind."""
    place = {code: index for index, code in enumerate(_ORDER)}
    codes = sorted(counts, key=lambda code: (place.get(code, len(place)), code))
    return [(outcome(code), counts[code]) for code in codes]


def commonest_refusal(counts: Mapping[str, int]) -> str | None:
    """Why most were refused, in words; None where none was."""
    refused = [(one, count) for one, count in in_order(counts) if one.code != Code.VALID]
    if not refused:
        return None
    most, _ = max(refused, key=lambda pair: pair[1])
    return most.name if len(refused) == 1 else f"mostly {most.name}"
