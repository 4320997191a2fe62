"""The picker as it is shown: every action that can be picked, with what is picked of it and who does not hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.console.picker.summary import pattern_in_words, places_of
from keywright.core.identities import grants_in, role_set
from keywright.core.permissions import InvalidPattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.asking import Ask
    from keywright.console.picker.lexicon import Group, Lexicon, Verb
    from keywright.console.picker.pick import Pick
    from keywright.console.picker.places import Place
    from keywright.console.picker.summary import Holder
    from keywright.core.permissions import Policy

FEW: Final = 8
"""Entities of an action that are all shown as something to pick; more of them are found by typing."""
_SMALL: Final = 20
"""Actions of a catalog of which all groups are open at the start."""
_MOST: Final = 1_000
"""Places that are shown in one picker without being picked."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A place that can be picked."""

    pattern: str
    text: str
    picked: bool
    entity: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """An action, by an id in the page: whether it is picked, `some` in certain places alone, and what is against it."""

    id: str
    verb: Verb
    picked: bool
    some: bool
    chips: tuple[Chip, ...]
    narrows: bool
    typed: bool
    marks: tuple[str, ...]
    off: bool

    @property
    def find(self) -> str:
        """What the filter looks in."""
        return f"{self.verb.description} {self.verb.name}".casefold()


@dataclass(frozen=True, slots=True)
class Offer:
    """A group of rows. `count` says how much of it is picked: `2 of 3, 2 languages`."""

    id: str
    group: Group
    rows: tuple[Row, ...]
    count: str
    open: bool

    @property
    def picked(self) -> bool:
        """Whether anything of it is picked."""
        return any(row.picked for row in self.rows)


@dataclass(frozen=True, slots=True)
class Hand:
    """A policy by hand, and what each of its patterns means."""

    actions: str
    resources: str
    meanings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Picker:
    """All that the picker shows. `hands` ends with an empty one, for the next."""

    every: bool
    offers: tuple[Offer, ...]
    hands: tuple[Hand, ...]
    has_catalog: bool
    total: int


def reader(ask: Ask) -> tuple[Policy, ...]:
    """What the reader holds in the page's tenant, or over the installation."""
    tenant_id = None if ask.place is None else ask.place.id
    return role_set(grants_in(ask.caller.grants, tenant_id)).policies.policies


def picker_of(
    lexicon: Lexicon,
    pick: Pick,
    *,
    maker: Sequence[Policy] | None = None,
    owner: Holder | None = None,
    variables: Sequence[str] = (),
) -> Picker:
    """The picker with what is picked.

    `maker` is what the reader holds, who cannot pick what is beyond it; `owner` whom the policies narrow.
    With `variables` of a role, each of them can stand where an entity could.
    """
    room = _MOST
    offers = []
    for index, group in enumerate(lexicon.groups):
        rows = []
        for place, verb in enumerate(group.verbs):
            chips = _chips(lexicon, pick, verb, variables, room=room > 0)
            room -= len(chips)
            rows.append(_row(f"pick-{index}-{place}", lexicon, pick, verb, chips, maker, owner))
        shown = tuple(rows)
        offers.append(Offer(f"pick-{index}", group, shown, _count(shown), _is_open(lexicon, group, shown)))
    hands = tuple(_hand(lexicon, one.actions, one.resources) for one in pick.written)
    total = sum(len(one.rows) for one in offers)
    return Picker(pick.every, tuple(offers), (*hands, Hand("", "", ())), lexicon.has_catalog, total)


def _row(
    row_id: str,
    lexicon: Lexicon,
    pick: Pick,
    verb: Verb,
    chips: tuple[Chip, ...],
    maker: Sequence[Policy] | None,
    owner: Holder | None,
) -> Row:
    picked = verb.name in pick.on
    marks = []
    off = False
    if maker is not None:
        held = places_of(lexicon, maker, verb.name)
        off = held == () and not picked
        if held is not None:
            marks.append(_mark("You hold", "You do not hold", held))
    if owner is not None and not (off or not owner.whole):
        held = places_of(lexicon, owner.policies, verb.name)
        if held is not None and maker is not owner.policies:
            marks.append(_mark(f"{owner.begins} holds", owner.lacks, held))
    return Row(
        id=row_id,
        verb=verb,
        picked=picked,
        some=picked and pick.on[verb.name] is not None,
        chips=chips,
        narrows=lexicon.narrows(verb.name),
        typed=len(lexicon.suggest(verb.name, "", limit=FEW + 1)) > FEW,
        marks=tuple(dict.fromkeys(marks)),
        off=off,
    )


def _mark(holds: str, lacks: str, held: tuple[Place, ...]) -> str:
    if not held:
        return f"{lacks} this"
    shown = [one.text for one in held[:3]]
    if len(held) > len(shown):
        shown.append(f"{len(held) - len(shown):,} more")
    return f"{holds} this only in {words.listed(shown)}"


def _chips(
    lexicon: Lexicon, pick: Pick, verb: Verb, variables: Sequence[str], *, room: bool
) -> tuple[Chip, ...]:
    """The picked places, and beside them all that there are where those are few."""
    picked = pick.on.get(verb.name) or ()
    found = {}
    for pattern in picked:
        place = lexicon.place(pattern)
        found[pattern] = Chip(pattern, place.text, picked=True, entity=place.entity)
    if room:
        few = lexicon.suggest(verb.name, "", limit=FEW + 1)
        kinds = {one.kind for one in few}
        for one in few if len(few) <= FEW else ():
            text = one.label if len(kinds) == 1 else f"{one.kind} in {one.label}"
            found.setdefault(one.pattern, Chip(one.pattern, text, picked=False, entity=one.entity))
        for pattern in _of_variables(lexicon, verb, variables):
            text = lexicon.place(pattern).text
            found.setdefault(pattern, Chip(pattern, text, picked=False, entity=None))
    # Those of the catalog keep their order, whichever are picked.
    return (
        tuple(sorted(found.values(), key=lambda one: one.entity is None)) if room else tuple(found.values())
    )


def _of_variables(lexicon: Lexicon, verb: Verb, variables: Sequence[str]) -> list[str]:
    """Where a role's variable can stand: at the place of each type of entity that is called like it."""
    found = []
    for kind in lexicon.kinds(verb.name) if lexicon.narrows(verb.name) else ():
        for index, name in enumerate(lexicon.types_of(kind)):
            if name in variables:
                found.append(":".join([kind, *["*"] * index, f"${{{name}}}", "**"]))
    return found


def _count(rows: Sequence[Row]) -> str:
    picked = [row for row in rows if row.picked]
    if not picked:
        return "not yours to give" if all(row.off for row in rows) else "none"
    text = f"{len(picked):,} of {len(rows):,}"
    named: dict[str, set[str]] = {}
    for row in picked:
        for chip in row.chips:
            if row.some and chip.picked:
                named.setdefault(chip.entity or "place", set()).add(
                    chip.pattern.partition(":")[2] or chip.pattern
                )
    return ", ".join(
        [text, *(words.counted(len(found), name, plural(name)) for name, found in named.items())]
    )


def plural(noun: str) -> str:
    """More than one of something, in English: `languages`, `categories`."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def _is_open(lexicon: Lexicon, group: Group, rows: Sequence[Row]) -> bool:
    """Groups in which something is picked are open, and those of a catalog that is small."""
    theirs = sum(len(one.verbs) for one in lexicon.groups if not one.own)
    small = not group.own and theirs <= _SMALL
    return any(row.picked for row in rows) or (small and not all(row.off for row in rows))


def _hand(lexicon: Lexicon, actions: str, resources: str) -> Hand:
    """A policy by hand; what is no pattern means nothing, and is refused when it is sent."""
    meanings = []
    for text in dict.fromkeys(actions.replace(",", " ").split()):
        if lexicon.verb(text).description:
            meanings.append((text, lexicon.verb(text).words))
            continue
        try:
            meanings.append((text, pattern_in_words(text)))
        except InvalidPattern:
            continue
    return Hand(actions, resources, tuple(meanings))
