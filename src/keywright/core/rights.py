"""Rights, to be read: what a key may do, on what, because of which role, and what its scope leaves of that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from keywright.core.permissions import Pattern, Policy
from keywright.core.permissions.covering import Covering
from keywright.core.permissions.meeting import meet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.core.identities import Grant, RoleSet

Resources: TypeAlias = tuple[Pattern, ...] | None
"""On what: some patterns, or None for everything; no pattern at all is nothing."""
_ALL = Policy.parse(["**"])


class Kept(StrEnum):
    """What a key's scope leaves of what a role allows."""

    WHOLE = "whole"
    NARROWED = "narrowed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Reason:
    """A role that allows something on `held`, of which the key's scope leaves `left`."""

    grant: Grant
    held: Resources
    left: Resources
    kept: Kept


@dataclass(frozen=True, slots=True)
class Right:
    """One action, or a pattern of actions, with each role that allows it."""

    action: str
    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        """Whether the key may do this on anything at all."""
        return any(one.kept is not Kept.NOTHING for one in self.reasons)

    @property
    def resources(self) -> Resources:
        """On what the key may do this, because of all its roles together."""
        return _together(one.left for one in self.reasons)


def rights(held: RoleSet, scope: tuple[Policy, ...] | None, actions: Iterable[str]) -> tuple[Right, ...]:
    """What comes of each of some actions that a role allows at all, in their order. For showing, not for deciding."""
    found = []
    for action in actions:
        scoped = None if scope is None else _reach(scope, action)
        reasons = [
            _reason(grant, action, reach, scoped)
            for grant in held.grants
            if (reach := _reach(_of(held, grant), action)) != ()
        ]
        if reasons:
            found.append(Right(action, tuple(reasons)))
    return tuple(found)


def other_rights(held: RoleSet, scope: tuple[Policy, ...] | None, known: Iterable[str]) -> tuple[Right, ...]:
    """What the key may do beyond some known actions: patterns with wildcards, and actions that are not among them."""
    names = frozenset(known)
    gathered: dict[str, dict[Grant, list[tuple[Resources, Resources]]]] = {}
    for policy, grant in zip(held.policies.policies, held.sources, strict=True):
        for both in meet((policy,), (_ALL,) if scope is None else scope):
            for action in both.actions:
                if action.text not in names:
                    gathered.setdefault(action.text, {}).setdefault(grant, []).append(
                        (policy.resources, both.resources)
                    )
    return tuple(
        Right(
            action,
            tuple(
                _compared(
                    grant, action, _together(one for one, _ in pairs), _together(one for _, one in pairs)
                )
                for grant, pairs in reasons.items()
            ),
        )
        for action, reasons in gathered.items()
    )


def needed(scope: tuple[Policy, ...] | None, exercised: Sequence[str]) -> tuple[Policy, ...]:
    """A scope that is narrowed to actions that were exercised: each pattern becomes those of them that it matches.

    A policy of which nothing was exercised is left out. Without a scope it is those actions, on everything.
    """
    found: dict[Policy, None] = {}
    for policy in (_ALL,) if scope is None else scope:
        used = dict.fromkeys(one for one in sorted(exercised) if policy.names(one))
        if used:
            found[Policy(tuple(map(Pattern.parse, used)), policy.resources)] = None
    return tuple(found)


def _of(held: RoleSet, grant: Grant) -> list[Policy]:
    return [
        policy for policy, source in zip(held.policies.policies, held.sources, strict=True) if source == grant
    ]


def _reach(policies: Iterable[Policy], action: str) -> Resources:
    return _together(policy.resources for policy in policies if policy.names(action))


def _together(reaches: Iterable[Resources]) -> Resources:
    found: dict[Pattern, None] = {}
    for reach in reaches:
        if reach is None:
            return None
        found.update(dict.fromkeys(reach))
    return tuple(found)


def _reason(grant: Grant, action: str, held: Resources, scoped: Resources) -> Reason:
    """A role's reach, met by that of the scope."""
    if scoped is None:
        return Reason(grant, held, held, Kept.WHOLE)
    if scoped == ():
        return Reason(grant, held, (), Kept.NOTHING)
    name = (Pattern.parse(action),)
    both = meet((Policy(name, held),), (Policy(name, scoped),))
    return _compared(grant, action, held, _together(one.resources for one in both))


def _compared(grant: Grant, action: str, held: Resources, left: Resources) -> Reason:
    if left == ():
        return Reason(grant, held, (), Kept.NOTHING)
    name = (Pattern.parse(action),)
    whole = Covering((Policy(name, left),)).covers(Policy(name, held))
    return Reason(grant, held, left, Kept.WHOLE if whole else Kept.NARROWED)
