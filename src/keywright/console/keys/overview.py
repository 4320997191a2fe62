"""What a key may do, as people read it: by the groups of the catalog, on what, and because of what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.rights import Kept, needed, other_rights, rights
from keywright.core.usage import OTHER_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keywright.console.picker.lexicon import Lexicon
    from keywright.console.picker.places import Place
    from keywright.core.identities import Grant, RoleSet
    from keywright.core.permissions import Policy
    from keywright.core.rights import Reason, Resources, Right
    from keywright.core.usage import Exercised

SHOWN_PLACES = 12
"""Places of one action that are shown at once; the others are folded."""


@dataclass(frozen=True, slots=True)
class Because:
    """One reason: a role with the values of its variables in words, and what the key's scope does to it."""

    role: str
    values: str
    kept: str


@dataclass(frozen=True, slots=True)
class Line:
    """One action. `places` None is everywhere; `used` is None where it was never used, or where that is not known."""

    action: str
    title: str
    named: bool
    places: tuple[Place, ...] | None
    because: tuple[Because, ...]
    used: Exercised | None


@dataclass(frozen=True, slots=True)
class Section:
    """Some actions under a heading; `all` is how many there are under it in all, None where that is not known."""

    name: str
    lines: tuple[Line, ...]
    all: int | None

    @property
    def count(self) -> str:
        """How many of them the key may do."""
        return f"{len(self.lines):,}" if self.all is None else f"{len(self.lines):,} of {self.all:,}"


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it. `left_out` are actions that its owner may do and its scope leaves out.

    `rights` counts the actions that have a name and are allowed, `unused` those of them that were never used; None
    where that is not known.
    """

    sections: tuple[Section, ...]
    left_out: tuple[Line, ...]
    rights: int
    unused: tuple[Line, ...] | None

    @property
    def folded(self) -> bool:
        """Whether there is too much to show it all at once."""
        return sum(len(one.lines) for one in self.sections) > 16

    @property
    def mostly_unused(self) -> bool:
        """Whether less than half of it was ever used, though something was."""
        return self.unused is not None and self.rights / 2 < len(self.unused) < self.rights


def overview_of(
    lexicon: Lexicon,
    held: RoleSet,
    scope: tuple[Policy, ...] | None,
    exercised: Sequence[Exercised] | None,
) -> Overview:
    """What a key with this scope may do whose owner holds these roles; `exercised` None where it is not known."""
    used = {one.action: one for one in exercised or ()}
    names = list(lexicon.verbs)
    found = {one.action: one for one in rights(held, scope, names)}
    reading = _Reading(lexicon, scope, used)
    sections = []
    for group in lexicon.groups:
        lines = tuple(
            reading.line(found[verb.name])
            for verb in group.verbs
            if verb.name in found and found[verb.name].allowed
        )
        if lines:
            sections.append(Section(group.name, lines, len(group.verbs)))
    others = other_rights(held, scope, names)
    exact = [one for one in others if "*" not in one.action]
    if exact:
        sections.append(Section("Not in the catalog", tuple(map(reading.line, exact)), None))
    wild = [one for one in others if "*" in one.action]
    if wild:
        sections.append(Section("By pattern, also what is added later", tuple(map(reading.line, wild)), None))
    known = [line for one in sections for line in one.lines if "*" not in line.action]
    told = exercised is not None and OTHER_ACTIONS not in used
    return Overview(
        tuple(sections),
        tuple(reading.line(one) for one in found.values() if not one.allowed),
        len(known),
        tuple(line for line in known if line.used is None) if told else None,
    )


def narrowed(scope: tuple[Policy, ...] | None, exercised: Sequence[Exercised]) -> tuple[Policy, ...]:
    """The scope with just what was used of it."""
    return needed(scope, [one.action for one in exercised if one.action != OTHER_ACTIONS])


class _Reading:
    """Rights in words."""

    def __init__(
        self, lexicon: Lexicon, scope: tuple[Policy, ...] | None, used: Mapping[str, Exercised]
    ) -> None:
        self._lexicon = lexicon
        self._scope = scope
        self._used = used

    def line(self, right: Right) -> Line:
        verb = self._lexicon.verb(right.action)
        return Line(
            action=right.action,
            title=_pattern_title(right.action) or verb.title,
            named=bool(verb.description) or "*" in right.action,
            places=self._places(right.resources),
            because=tuple(map(self._because, right.reasons)),
            used=self._used.get(right.action),
        )

    def _places(self, resources: Resources) -> tuple[Place, ...] | None:
        if resources is None:
            return None
        found = tuple(self._lexicon.place(one.text) for one in resources)
        return None if any(one.everything for one in found) else found

    def _because(self, reason: Reason) -> Because:
        kept = ""
        if self._scope is not None:
            kept = {
                Kept.WHOLE: "kept by the key",
                Kept.NARROWED: "narrowed by the key",
                Kept.NOTHING: "left out by the key",
            }[reason.kept]
        return Because(reason.grant.role, self._values(reason.grant), kept)

    def _values(self, grant: Grant) -> str:
        entities = (
            {} if grant.definition is None else {one.name: one.entity for one in grant.definition.variables}
        )
        parts = []
        for name, values in grant.variables:
            labels = self._lexicon.entities.get(entities.get(name) or "", {})
            shown = [labels.get(one) or one for one in values[:SHOWN_PLACES]]
            more = len(values) - len(shown)
            parts.append(f"{name}: {', '.join(shown)}{f' and {more} more' if more else ''}")
        return "; ".join(parts)


def _pattern_title(action: str) -> str | None:
    if "*" not in action:
        return None
    return "Everything" if action == "**" else "All that is written"
