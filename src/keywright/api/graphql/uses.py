"""Limits and credits between the shapes of GraphQL and the values of the services: pure functions, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from keywright.core.errors import InvalidType
from keywright.services.limits import CreditsInput, LimitInput, RefillInput
from keywright.web.rate_limit_fields import retry_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keywright.core.decision import Decision
    from keywright.core.limits import Credits, Limit, LimitState

Shape = dict[str, Any]


def given_limits(given: Sequence[Mapping[str, Any]] | None) -> tuple[LimitInput, ...] | None:
    """Limits as the services take them."""
    if given is None:
        return None
    return tuple(LimitInput(one["name"], one["limit"], one["windowSeconds"]) for one in given)


def changed_limits(given: Mapping[str, Any]) -> tuple[LimitInput, ...] | UnsetType:
    """The limits that a change brings, `UNSET` where it brings none. Raises `InvalidType` for null."""
    if "limits" not in given:
        return UNSET
    found = given_limits(given["limits"])
    if found is None:
        raise InvalidType("This cannot be null. An empty list takes the limits away.", field="limits")
    return found


def given_credits(given: Mapping[str, Any] | None) -> CreditsInput | None:
    """Credits as the services take them."""
    if given is None:
        return None
    refill = given.get("refill")
    return CreditsInput(
        given["remaining"], None if refill is None else RefillInput(refill["amount"], refill["every"])
    )


def limits(shown: Iterable[Limit]) -> list[Shape]:
    """Limits."""
    return [{"name": one.name, "limit": one.limit, "windowSeconds": one.window_seconds} for one in shown]


def credits_of(shown: Credits) -> Shape:
    """Credits."""
    refill = shown.refill
    return {
        "remaining": shown.remaining,
        "refill": None if refill is None else {"amount": refill.amount, "every": refill.every},
        "refillAt": shown.refill_at,
    }


def of_decision(decision: Decision) -> Shape:
    """What a decision says of limits and credits, whatever its verdict."""
    taken = decision.limits
    credit = {} if decision.credits_left is None else {"creditsLeft": decision.credits_left}
    if taken is None:
        return credit
    return credit | {
        "limits": [_state(one) for one in taken.states],
        "refusedBy": None if taken.refused is None else _named(taken.refused),
        "retryAfterSeconds": retry_after(taken),
        "limitsLocal": taken.local,
    }


def _named(state: LimitState) -> Shape:
    return {"level": state.bucket.level, "name": state.bucket.limit.name}


def _state(state: LimitState) -> Shape:
    limit = state.bucket.limit
    return _named(state) | {
        "limit": limit.limit,
        "windowSeconds": limit.window_seconds,
        "remaining": state.remaining,
        "resetSeconds": round(state.reset_seconds, 3),
    }
