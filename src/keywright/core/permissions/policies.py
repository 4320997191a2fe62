"""Many policies, compiled once for decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, final

from keywright.core.permissions.covering import Covering
from keywright.core.permissions.globs import ANY, ONE, segment_fits
from keywright.core.permissions.patterns import Kind, Pattern, valid_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keywright.core.permissions.policy import Policy


@final
@dataclass(frozen=True, slots=True)
class Match:
    """The first policy that allowed, and its place."""

    index: int
    policy: Policy
    allowed: ClassVar[bool] = True


@final
@dataclass(frozen=True, slots=True)
class Miss:
    """The nearest policy that did not allow, and its place; both None if none came near.

    With `other_resources` it allows the action, but only on other resources. Without, it merely has an action
    with the same first segment.
    """

    index: int | None = None
    policy: Policy | None = None
    other_resources: bool = False
    allowed: ClassVar[bool] = False


class _Reach:
    """The resources of some action: exact names, and patterns to try."""

    __slots__ = ("_names", "_patterns")

    def __init__(self, resources: Iterable[Pattern]) -> None:
        distinct = dict.fromkeys(resources)
        self._names = frozenset(pattern.text for pattern in distinct if pattern.kind is Kind.EXACT)
        self._patterns = tuple(pattern for pattern in distinct if pattern.kind is not Kind.EXACT)

    def holds(self, resource: str) -> bool:
        if resource in self._names:
            return True
        for pattern in self._patterns:  # noqa: SIM110 - a generator costs more than the match itself
            if pattern.fits(resource):
                return True
        return False


_Rule = tuple[Pattern, _Reach | None]
MAX_MET = 256
"""Actions of which it is kept what they come down to."""
_NONE: Mapping[str, Any] = {}  # shared, because most policies leave one of the mappings empty


@final
@dataclass(frozen=True, slots=True)
class Policies:
    """Some policies together: they allow what any of them allows. Immutable; equal when the policies are.

    What an action comes down to is found once and kept, for some actions: everything, or where it is allowed. After
    that an action costs one look-up in a mapping, and the resources of the policies that have it.
    """

    policies: tuple[Policy, ...]
    _unbounded: frozenset[str] = field(init=False, repr=False, compare=False)
    _exact: Mapping[str, _Reach] = field(init=False, repr=False, compare=False)
    _by_first: Mapping[str, tuple[_Rule, ...]] = field(init=False, repr=False, compare=False)
    _anywhere: tuple[_Rule, ...] = field(init=False, repr=False, compare=False)
    _met: dict[str, tuple[_Reach, ...] | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        unbounded: set[str] = set()
        exact: dict[str, _Reach] = {}
        by_first: dict[str, list[_Rule]] = {}
        anywhere: list[_Rule] = []
        for action, reach in _reaches(self.policies).items():
            if action.kind is not Kind.EXACT:
                first = action.segments[0]
                rules = anywhere if "*" in first else by_first.setdefault(first, [])
                rules.append((action, reach))
            elif reach is None:
                unbounded.add(action.text)
            else:
                exact[action.text] = reach
        object.__setattr__(self, "_unbounded", frozenset(unbounded))
        object.__setattr__(self, "_exact", exact or _NONE)
        rules_by_first = {first: (*rules, *anywhere) for first, rules in by_first.items()}
        object.__setattr__(self, "_by_first", rules_by_first or _NONE)
        object.__setattr__(self, "_anywhere", tuple(anywhere))
        object.__setattr__(self, "_met", {})

    @classmethod
    def compile(cls, policies: Iterable[Policy]) -> Policies:
        """Compile policies, in their order."""
        return cls(tuple(policies))

    def allows(self, action: str, resource: str | None = None) -> bool:
        """Whether any policy allows an action on a resource, or where no resource is named.

        What is not well-formed is never allowed.
        """
        return (resource is None or valid_name(resource)) and self.allows_named(action, resource)

    def allows_named(self, action: str, resource: str | None) -> bool:
        """Whether any policy allows an action on a resource that is known to be well-formed, or None."""
        try:
            where = self._met[action]
        except KeyError:
            where = self._meet(action)
        if where is None:
            return True
        if resource is not None:
            for reach in where:
                if reach.holds(resource):
                    return True
        return False

    def _meet(self, action: str) -> tuple[_Reach, ...] | None:
        """Where an action is allowed, None for everywhere; kept for the next time."""
        if not valid_name(action):
            return ()
        where = self._where(action)
        if len(self._met) >= MAX_MET:
            self._met.clear()
        self._met[action] = where
        return where

    def _where(self, action: str) -> tuple[_Reach, ...] | None:
        if action in self._unbounded:
            return None
        exact = self._exact.get(action)
        found = [] if exact is None else [exact]
        for pattern, reach in self._by_first.get(action.partition(":")[0], self._anywhere):
            if pattern.fits(action):
                if reach is None:
                    return None
                found.append(reach)
        return tuple(found)

    def explain(self, action: str, resource: str | None = None) -> Match | Miss:
        """Tell which policy allows, the first of them, or which came nearest to it.

        Nearest is the first that has the action for other resources, or else the first that has an action
        with the same first segment.
        """
        if not valid_name(action) or not (resource is None or valid_name(resource)):
            return Miss()
        miss = Miss()
        first = action.partition(":")[0]
        for index, policy in enumerate(self.policies):
            if policy.names(action):
                if policy.reaches(resource):
                    return Match(index, policy)
                if not miss.other_resources:
                    miss = Miss(index, policy, other_resources=True)
            elif miss.index is None and any(_begins_like(pattern, first) for pattern in policy.actions):
                miss = Miss(index, policy)
        return miss

    def covers(self, policy: Policy) -> bool:
        """Whether a policy hands out nothing that these do not hold; see `first_uncovered`."""
        return self.first_uncovered((policy,)) is None

    def first_uncovered(self, policies: Iterable[Policy]) -> Policy | None:
        """Find the first policy that hands out more than these hold, None if there is none.

        A policy is covered when each pair of one of its actions and one of its resources is covered by a pair
        of a single policy here. So covering is reflexive and transitive, and what is covered allows nothing
        that these do not allow. The work is bounded: what is not found covered by `covering.MAX_WORK` is not.
        """
        covering = Covering(self.policies)
        return next((policy for policy in policies if not covering.covers(policy)), None)


@lru_cache(maxsize=4096)
def compile_policies(policies: tuple[Policy, ...]) -> Policies:
    """Compile policies like `Policies.compile`, and keep those used last."""
    return Policies(policies)


def _reaches(policies: Iterable[Policy]) -> dict[Pattern, _Reach | None]:
    """Gather where each action pattern is allowed, over all policies; None is everywhere."""
    gathered: dict[Pattern, list[Pattern] | None] = {}
    for policy in policies:
        for action in policy.actions:
            so_far = gathered.setdefault(action, [])
            if policy.unbounded:
                gathered[action] = None
            elif so_far is not None:
                so_far.extend(policy.resources or ())
    return {action: None if reach is None else _Reach(reach) for action, reach in gathered.items()}


def _begins_like(pattern: Pattern, first: str) -> bool:
    own = pattern.segments[0]
    return own not in (ONE, ANY) and segment_fits(own, first)
