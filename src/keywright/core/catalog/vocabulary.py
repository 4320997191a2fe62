"""What a catalog knows, and the refusal of what it does not know where it is strict."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias, TypeVar, final

from keywright.core.errors import UnknownAction, UnknownEntity
from keywright.core.own_actions import OWN_ACTIONS, OWN_RESOURCE_TYPES
from keywright.core.roles import PolicyTemplate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from keywright.core.catalog.model import Catalog
    from keywright.core.permissions import Pattern, Policy
    from keywright.core.roles import Variable

    AnyPolicy: TypeAlias = Policy | PolicyTemplate

Refusal = TypeVar("Refusal", bound=UnknownAction)

SEARCH_STEPS = 50_000
"""What the search for nearest names may cost in one question; past it an unknown name is refused without one."""
_ALIKE, _SHORT, _ALIKE_SHORT = 0.6, 3, 0.5
"""How alike two names must be to be near, and where the text is as short as `cs`."""
_LAST = "\U0010ffff"


class Nearest:
    """Finds the known name most like another. Its work is bounded over all its searches."""

    def __init__(self, steps: int = SEARCH_STEPS) -> None:
        self._left = steps

    def among(self, text: str, known: Collection[str]) -> str | None:
        """The known name most like a text, None when none comes near or the work is used up."""
        self._left -= sum(1 + len(text) * len(name) // 256 for name in known)
        if self._left < 0:
            return None
        cutoff = _ALIKE if len(text) > _SHORT else _ALIKE_SHORT
        return next(iter(get_close_matches(text, known, 1, cutoff)), None)


@final
@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a catalog knows. Where it is not strict, everything well-formed passes.

    `actions` are those of the catalog and Keywright's own, sorted; `segments` are what follows the name of
    each resource type, and `entities` the ids of each entity type.
    """

    strict: bool = False
    actions: tuple[str, ...] = ()
    segments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entities: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, catalog: Catalog) -> Vocabulary:
        """The vocabulary of a catalog."""
        return cls(
            strict=catalog.strict,
            actions=tuple(sorted(OWN_ACTIONS.union(one.name for one in catalog.actions))),
            segments={one.name: one.segments for one in catalog.resource_types},
            entities={kind.name: frozenset(one.id for one in kind.entities) for kind in catalog.entities},
        )

    def check_policies(self, policies: Sequence[AnyPolicy], field: str = "scope") -> None:
        """Raise `UnknownAction` or `UnknownEntity` for the first name in policies that is not known.

        An exact action must be known, and one with wildcards must match a known one. In a resource, the type
        must be known where the catalog names resource types at all, and what stands where ids of an entity type
        stand must be one of them. Variables and wildcards stand for anything here. `field` is where the policies
        stand in the input.
        """
        for error in self.unknown(policies, field):
            raise error

    def check_values(self, variable: Variable, values: Sequence[str], field: str) -> None:
        """Raise `UnknownEntity` for the first value that is no known id of the variable's type of entity."""
        if variable.entity is None or self.knows_values(variable, values):
            return
        known = self.entities.get(variable.entity, frozenset())
        index = next(index for index, value in enumerate(values) if value not in known)
        raise _unknown_entity(variable.entity, values[index], known, f"{field}.{index}", Nearest())

    def knows_values(self, variable: Variable, values: Sequence[str]) -> bool:
        """Whether `check_values` lets values pass."""
        if not self.strict or variable.entity is None:
            return True
        return self.entities.get(variable.entity, frozenset()).issuperset(values)

    def check_variable(self, variable: Variable, field: str) -> None:
        """Raise `UnknownEntity` when a variable of a role takes ids of a type of entity that is not known."""
        if self.strict and variable.entity is not None and variable.entity not in self.entities:
            near = Nearest().among(variable.entity, self.entities)
            raise _refusal(UnknownEntity, "type of entity", near, field)

    def unknown(
        self, policies: Sequence[AnyPolicy], field: str, nearest: Nearest | None = None
    ) -> Iterator[UnknownAction]:
        """The refusals of all names in policies that are not known, in their order."""
        if not self.strict:
            return
        nearest = nearest or Nearest()
        for index, policy in enumerate(policies):
            widest = policy.widest() if isinstance(policy, PolicyTemplate) else policy
            for place, action in enumerate(widest.actions):
                if not self._knows_action(action):
                    near = nearest.among(action.text, self.actions)
                    yield _refusal(UnknownAction, "action", near, f"{field}.{index}.actions.{place}")
            for place, text in enumerate(policy.to_plain().get("resources", ())):
                refusal = self._refuse_resource(text, f"{field}.{index}.resources.{place}", nearest)
                if refusal is not None:
                    yield refusal

    def _knows_action(self, pattern: Pattern) -> bool:
        """Whether a known action fits; only those that begin like the pattern are tried."""
        head = pattern.head.removesuffix(":")
        start, end = bisect_left(self.actions, head), bisect_left(self.actions, head + _LAST)
        return any(pattern.fits(action) for action in self.actions[start:end])

    def _refuse_resource(self, text: str, at: str, nearest: Nearest) -> UnknownEntity | None:
        kind, *rest = text.split(":")
        if not _literal(kind) or kind in OWN_RESOURCE_TYPES:
            return None
        if self.segments and kind not in self.segments and kind not in self.entities:
            near = nearest.among(kind, {*self.segments, *self.entities, *OWN_RESOURCE_TYPES})
            return _refusal(UnknownEntity, "resource type", near, at)
        types = self._types_of(kind)
        for entity_type, segment in zip(types, rest, strict=False):
            if segment == "**":
                break
            known = self.entities.get(entity_type)
            if known is not None and _literal(segment) and segment not in known:
                return _unknown_entity(entity_type, segment, known, at, nearest)
        return None

    def _types_of(self, kind: str) -> tuple[str, ...]:
        """What the segments behind a first one hold; those of an entity type begin with an id of it."""
        named = self.segments.get(kind, ())
        return (kind, *named[1:]) if kind in self.entities else named


LENIENT = Vocabulary()
"""The vocabulary where there is no catalog."""


def _literal(segment: str) -> bool:
    return "*" not in segment and "$" not in segment


def _refusal(error: type[Refusal], what: str, nearest: str | None, at: str) -> Refusal:
    hint = "" if nearest is None else f" The nearest that it knows is {nearest}."
    detail = f"The catalog is strict and does not know this {what}.{hint}"
    return error(detail, field=at, nearest=nearest)


def _unknown_entity(
    entity_type: str, value: str, known: Collection[str], at: str, nearest: Nearest
) -> UnknownEntity:
    return _refusal(UnknownEntity, f"id of the type {entity_type}", nearest.among(value, known), at)
