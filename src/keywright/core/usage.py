"""Usage: how often keys were used and with what outcome, hour by hour, and which actions they were used for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.permissions import Pattern, Policy

HOUR_US = 3_600_000_000
"""Microseconds in an hour, the finest step that uses are counted by."""
MAX_ACTIONS = 200
"""Actions of one key that are told apart; uses for further ones are counted together as `OTHER_ACTIONS`."""
OTHER_ACTIONS = "*"
"""Stands for all actions of a key that are not told apart; no action is written like it."""


class By(StrEnum):
    """The steps of time in which counts are given: hours or days, of UTC."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Use:
    """What one key was used for, to be added to what is known of it already.

    `at_us` and `ip` are those of the last use that was accepted, in microseconds since the epoch; None where there was
    none. `counts` are the beginning of an hour in microseconds, a decision's code and how many there were, `actions`
    an action, how often it was allowed and when last.
    """

    key_id: str
    at_us: int | None
    ip: str | None
    tenant_id: str | None = None
    counts: tuple[tuple[int, str, int], ...] = ()
    actions: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many decisions with one code there were in the hour or day that begins at a moment."""

    at: datetime
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class KeyCount:
    """How many decisions about one key there were, and how many of them were `VALID`."""

    key_id: str
    count: int
    valid: int


@dataclass(frozen=True, slots=True)
class Exercised:
    """An action that a key was allowed, how often, and when last."""

    action: str
    count: int
    last_at: datetime


def unexercised(scope: tuple[Policy, ...], actions: tuple[str, ...]) -> tuple[Policy, ...]:
    """What of a scope was not needed for some actions: its policies with those action patterns that match none.

    A policy of which each pattern matches an action is left out.
    """
    idle = ((policy, _idle(policy.actions, actions)) for policy in scope)
    return tuple(type(policy)(patterns, policy.resources) for policy, patterns in idle if patterns)


def _idle(patterns: tuple[Pattern, ...], actions: tuple[str, ...]) -> tuple[Pattern, ...]:
    return tuple(one for one in patterns if not any(one.matches(action) for action in actions))
