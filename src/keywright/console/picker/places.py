"""Resource patterns in plain language, and the patterns that entities of a catalog stand for."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Segments = Mapping[str, Sequence[str]]
    Entities = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something may be done. `text` is how people say it: `Czech`, or the pattern itself (`raw`).

    `kind` is the type of the resource, `entity` the type of the entity that was named, where just one was.
    """

    pattern: str
    text: str
    kind: str
    entity: str | None = None
    raw: bool = False

    @property
    def everything(self) -> bool:
        """Whether it leaves nothing out."""
        return self.pattern == "**"


class Suggestion(NamedTuple):
    """An entity as something to pick: the pattern that it stands for, its id, what to call it, and its type."""

    pattern: str
    id: str
    label: str
    entity: str
    kind: str


def place_of(pattern: str, segments: Segments, entities: Entities) -> Place:
    """A pattern in words, as far as a catalog knows its parts."""
    kind, *rest = pattern.split(":")
    types = types_of(kind, segments, entities)
    if kind == "**" and not rest:
        return Place(pattern, "everything", "")
    if not types or "*" in kind or "$" in kind:
        return Place(pattern, pattern, kind, raw=True)
    said: list[str] = []
    named: list[str] = []
    for index, segment in enumerate(rest):
        if segment in ("*", "**"):
            continue
        name = types[index] if index < len(types) else ""
        if segment in entities.get(name, {}):
            said.append(entities[name][segment] or segment)
            named.append(name)
        elif segment.startswith("${") and segment.endswith("}") and "$" not in segment[2:]:
            said.append(f"each {segment[2:-1]} it is given for")
            named.append(name)
        elif not name or "*" in segment or "$" in segment:
            return Place(pattern, pattern, kind, raw=True)
        else:
            said.append(f"{name} {segment}")
    if not said:
        return Place(pattern, f"every {kind}", kind, raw=rest[-1:] not in (["*"], ["**"]))
    return Place(pattern, ", ".join(said), kind, named[0] if len(said) == len(named) == 1 else None)


def types_of(kind: str, segments: Segments, entities: Entities) -> Sequence[str]:
    """What the segments behind the first one hold; those of an entity type begin with an id of it."""
    named = segments.get(kind, ())
    return (kind, *named[1:]) if kind in entities else named


def suggested(
    kinds: Iterable[str], text: str, segments: Segments, entities: Entities, limit: int
) -> tuple[Suggestion, ...]:
    """Entities in whose id or label a text stands, whatever its letter case; those that begin with it first."""
    if not text:
        return tuple(islice(_all(kinds, segments, entities), limit))
    folded = text.casefold()
    first, others = [], []
    for one in _all(kinds, segments, entities):
        names = (one.label.casefold(), one.id.casefold())
        if any(name.startswith(folded) for name in names):
            first.append(one)
        elif any(folded in name for name in names):
            others.append(one)
    return tuple((*first, *others)[:limit])


def _all(kinds: Iterable[str], segments: Segments, entities: Entities) -> Iterator[Suggestion]:
    for kind in kinds:
        for index, name in enumerate(types_of(kind, segments, entities)):
            for entity_id, label in entities.get(name, {}).items():
                pattern = ":".join([kind, *["*"] * index, entity_id, "**"])
                yield Suggestion(pattern, entity_id, label or entity_id, name, kind)
