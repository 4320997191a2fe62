"""What a catalog knows, and the refusal of what it does not know where it is strict."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from difflib import get_close_matches
from heapq import nlargest
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

MAX_WORK = 50_000
"""Names that one question may look at in search of the nearest ones; past it an unknown name is refused without one."""
MAX_TRIALS = 100_000
"""Actions that one question may try against patterns; past it a pattern counts as known."""
_LONGEST, _CLOSEST, _PER_SEARCH = 100, 10, 500
"""The longest text that has a nearest name, how many names are compared in full, and what that costs."""
_ALIKE, _SHORT, _ALIKE_SHORT = 0.6, 3, 0.5
"""How alike two names must be to be near, and where the text is as short as `cs`."""
_LAST = "\U0010ffff"


class Search:
    """The searches of one question: for the nearest of the known names, and for actions that a pattern matches.

    The work is bounded over all of them. Comparing names in full takes long, so only those are that begin and
    end most like the text: a slip of hand leaves most of a name as it was.
    """

    def __init__(self, work: int = MAX_WORK, trials: int = MAX_TRIALS) -> None:
        self._work = work
        self._trials = trials

    def nearest(self, text: str, known: Collection[str]) -> str | None:
        """The known name most like a text, None when none comes near or the work is used up."""
        self._work -= len(known) + _PER_SEARCH
        if self._work < 0 or len(text) > _LONGEST:
            return None
        close = nlargest(_CLOSEST, known, key=lambda name: (_shared(text, name), name))
        cutoff = _ALIKE if len(text) > _SHORT else _ALIKE_SHORT
        return next(iter(get_close_matches(text, close, 1, cutoff)), None)

    def any_fits(self, pattern: Pattern, actions: Sequence[str]) -> bool:
        """Whether a pattern matches any of some sorted actions; only those that begin like it are tried."""
        head = pattern.head.removesuffix(":")
        start, end = bisect_left(actions, head), bisect_left(actions, head + _LAST)
        for place in range(start, end):
            self._trials -= 1
            if self._trials < 0 or pattern.fits(actions[place]):
                return True
        return False


def _shared(one: str, other: str) -> int:
    """How many characters two texts share at their beginnings and at their ends."""
    room = min(len(one), len(other))
    front = 0
    while front < room and one[front] == other[front]:
        front += 1
    back = 0
    while back < room - front and one[-1 - back] == other[-1 - back]:
        back += 1
    return front + back


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
        raise _unknown_entity(variable.entity, values[index], known, f"{field}.{index}", Search())

    def knows_values(self, variable: Variable, values: Sequence[str]) -> bool:
        """Whether `check_values` lets values pass."""
        if not self.strict or variable.entity is None:
            return True
        return self.entities.get(variable.entity, frozenset()).issuperset(values)

    def check_variable(self, variable: Variable, field: str) -> None:
        """Raise `UnknownEntity` when a variable of a role takes ids of a type of entity that is not known."""
        if self.strict and variable.entity is not None and variable.entity not in self.entities:
            near = Search().nearest(variable.entity, self.entities)
            raise _refusal(UnknownEntity, "type of entity", near, field)

    def unknown(
        self, policies: Sequence[AnyPolicy], field: str, search: Search | None = None
    ) -> Iterator[UnknownAction]:
        """The refusals of all names in policies that are not known, in their order."""
        if not self.strict:
            return
        search = search or Search()
        for index, policy in enumerate(policies):
            widest = policy.widest() if isinstance(policy, PolicyTemplate) else policy
            for place, action in enumerate(widest.actions):
                if not search.any_fits(action, self.actions):
                    near = search.nearest(action.text, self.actions)
                    yield _refusal(UnknownAction, "action", near, f"{field}.{index}.actions.{place}")
            for place, text in enumerate(policy.to_plain().get("resources", ())):
                refusal = self._refuse_resource(text, f"{field}.{index}.resources.{place}", search)
                if refusal is not None:
                    yield refusal

    def _refuse_resource(self, text: str, at: str, search: Search) -> UnknownEntity | None:
        kind, *rest = text.split(":")
        if not _literal(kind) or kind in OWN_RESOURCE_TYPES:
            return None
        if self.segments and kind not in self.segments and kind not in self.entities:
            near = search.nearest(kind, {*self.segments, *self.entities, *OWN_RESOURCE_TYPES})
            return _refusal(UnknownEntity, "resource type", near, at)
        types = self._types_of(kind)
        for entity_type, segment in zip(types, rest, strict=False):
            if segment == "**":
                break
            known = self.entities.get(entity_type)
            if known is not None and _literal(segment) and segment not in known:
                return _unknown_entity(entity_type, segment, known, at, search)
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
    entity_type: str, value: str, known: Collection[str], at: str, search: Search
) -> UnknownEntity:
    return _refusal(UnknownEntity, f"id of the type {entity_type}", search.nearest(value, known), at)
