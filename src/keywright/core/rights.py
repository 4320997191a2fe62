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
    reaches = {grant: _Reaches(policies) for grant, policies in _by_grant(held).items()}
    narrowed = None if scope is None else _Reaches(scope)
    for action in actions:
        scoped = None if narrowed is None else narrowed.of(action)
        reasons = [
            _reason(grant, action, reach, scoped)
            for grant, its in reaches.items()
            if (reach := its.of(action)) != ()
        ]
        if reasons:
            found.append(Right(action, tuple(reasons)))
    return tuple(found)


def other_rights(held: RoleSet, scope: tuple[Policy, ...] | None, known: Iterable[str]) -> tuple[Right, ...]:
    """What the key may do beyond some known actions: patterns with wildcards, and actions that are not among them."""
    names = frozenset(known)
    found: dict[Pattern, list[Reason]] = {}
    for grant, policies in _by_grant(held).items():
        left: dict[Pattern, list[Resources]] = {}
        for both in policies if scope is None else meet(policies, scope):
            for action in both.actions:
                if action.text not in names:
                    left.setdefault(action, []).append(both.resources)
        for action, reaches in left.items():
            here = _together(reaches)
            reason = Reason(grant, here, here, Kept.WHOLE)
            if scope is not None:
                its = _together(
                    one.resources for one in policies if any(a.covers(action) for a in one.actions)
                )
                reason = _compared(grant, action.text, its, here)
            found.setdefault(action, []).append(reason)
    return tuple(Right(action.text, tuple(reasons)) for action, reasons in found.items())


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


def _by_grant(held: RoleSet) -> dict[Grant, list[Policy]]:
    """The policies of each role, in the order of the roles."""
    found: dict[Grant, list[Policy]] = {}
    for policy, grant in zip(held.policies.policies, held.sources, strict=True):
        found.setdefault(grant, []).append(policy)
    return found


class _Reaches:
    """Some policies, asked for the resources of many actions: patterns are kept by their first segment."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._by_first: dict[str, list[tuple[Pattern, Resources]]] = {}
        for policy in policies:
            for pattern in policy.actions:
                first = pattern.segments[0]
                self._by_first.setdefault("" if "*" in first else first, []).append(
                    (pattern, policy.resources)
                )

    def of(self, action: str) -> Resources:
        """On what the policies allow an action."""
        tried = (*self._by_first.get(action.partition(":")[0], ()), *self._by_first.get("", ()))
        return _together(resources for pattern, resources in tried if pattern.matches(action))


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
