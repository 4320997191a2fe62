"""What actions and resources mean to people: the words of a catalog, and of Keywright itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from keywright.console.picker.own import NARROWED, OWN_GROUPS
from keywright.console.picker.places import Place, Suggestion, place_of, suggested, types_of
from keywright.core.catalog import EMPTY, parse
from keywright.services.catalog import get_catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.console.asking import Ask
    from keywright.core.catalog import Catalog


class Verb(NamedTuple):
    """An action as people read of it: its name, and what it is to do it (`Read articles`), empty where unknown."""

    name: str
    description: str

    @property
    def title(self) -> str:
        """What it is called in a list."""
        return self.description or self.name

    @property
    def words(self) -> str:
        """What it is called inside a sentence: `read articles`."""
        text = self.description.split(". ")[0].rstrip(". ")
        if len(text) > 1 and text[0].isupper() and not text[1].isupper():
            text = text[0].lower() + text[1:]
        return text or self.name


@dataclass(frozen=True, slots=True)
class Group:
    """Actions under a heading. `manage` is what it is to do anything of it; `own` are those of Keywright."""

    name: str
    verbs: tuple[Verb, ...]
    manage: str
    own: bool = False


_OWN = tuple(
    Group(one.name, tuple(Verb(*pair) for pair in one.actions), one.manage, own=True) for one in OWN_GROUPS
)
_LOOKING = frozenset({"read", "get", "list", "view", "search", "find"})
_ENDING = frozenset({"delete", "remove", "destroy", "purge"})
_OWN_NAMES = frozenset(verb.name for group in _OWN for verb in group.verbs)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of one tenant: groups of actions, those of the catalog first, and what resources are made of.

    `segments` are what follows the name of each resource type, `entities` the labels of each type's entities by id.
    """

    groups: tuple[Group, ...]
    segments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    verbs: Mapping[str, Verb] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        verbs = {verb.name: verb for group in reversed(self.groups) for verb in group.verbs}
        object.__setattr__(self, "verbs", verbs)

    @classmethod
    def of(cls, catalog: Catalog) -> Lexicon:
        """The words of a catalog, and Keywright's own behind them."""
        groups: dict[str, list[Verb]] = {}
        for action in catalog.actions:
            first = action.name.partition(":")[0]
            name = action.group or f"{first[:1].upper()}{first[1:]}"
            groups.setdefault(name, []).append(Verb(action.name, action.description))
        theirs = (
            Group(name, tuple(sorted(verbs, key=_rank)), f"do anything in {name}")
            for name, verbs in sorted(groups.items(), key=lambda one: one[0].casefold())
        )
        return cls(
            (*theirs, *_OWN),
            {one.name: one.segments for one in catalog.resource_types},
            {kind.name: {one.id: one.label for one in kind.entities} for kind in catalog.entities},
        )

    @property
    def has_catalog(self) -> bool:
        """Whether there are actions beside Keywright's own."""
        return not self.groups[0].own

    def verb(self, action: str) -> Verb:
        """An action in words; one that is not known is called by its name."""
        return self.verbs.get(action) or Verb(action, "")

    def place(self, resource: str) -> Place:
        """A resource pattern in words."""
        return place_of(resource, self.segments, self.entities)

    def types_of(self, kind: str) -> tuple[str, ...]:
        """What the segments behind a kind of resource hold."""
        return tuple(types_of(kind, self.segments, self.entities))

    def kinds(self, action: str) -> tuple[str, ...]:
        """The kinds of resource on which an action can be thought to be done: its own, else all."""
        first = action.partition(":")[0]
        if first in self.segments or first in self.entities:
            return (first,)
        return tuple(dict.fromkeys((*self.segments, *self.entities)))

    def narrows(self, action: str) -> bool:
        """Whether an action can be held for single things."""
        return action in NARROWED or action not in _OWN_NAMES

    def suggest(self, action: str, text: str, limit: int = 20) -> tuple[Suggestion, ...]:
        """Where an action may be allowed: entities in whose id or label a text stands, as resource patterns."""
        if action in _OWN_NAMES:
            return ()
        return suggested(self.kinds(action), text, self.segments, self.entities, limit)

    def entities_of(self, kind: str, text: str, limit: int = 20) -> tuple[Suggestion, ...]:
        """Entities of one type in whose id or label a text stands."""
        return suggested([kind], text, {kind: (kind,)}, {kind: self.entities.get(kind, {})}, limit)

    def written(self, action: str, text: str) -> str:
        """The resource pattern that somebody means who typed an entity's id or label; else the text as it is."""
        folded = text.casefold()
        for one in self.suggest(action, text, limit=1_000_000):
            if folded in (one.label.casefold(), one.id.casefold()):
                return one.pattern
        return text


def _rank(verb: Verb) -> int:
    """Looking comes first, and deleting last; what lies between is in the order of its names."""
    last = verb.name.rpartition(":")[2]
    return 0 if last in _LOOKING else 2 if last in _ENDING else 1


async def catalog_of(ask: Ask) -> Catalog:
    """The catalog of the page's tenant, the empty one where there is none or the reader may not know it."""
    if ask.place is None or ask.place.tenant is None or not ask.may("catalog:read"):
        return EMPTY
    return parse((await ask.run(get_catalog, None)).document)


async def lexicon_of(ask: Ask) -> Lexicon:
    """The words of the page's tenant, as far as the reader may know its catalog."""
    return Lexicon.of(await catalog_of(ask))
