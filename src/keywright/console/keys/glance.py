"""What a key may do, in the few words that a list has room for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.console.picker import Lexicon
from keywright.core.catalog import EMPTY, parse
from keywright.core.permissions.patterns import Kind
from keywright.services.catalog import get_catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.console.asking import Ask
    from keywright.console.picker.lexicon import Group
    from keywright.core.permissions import Policy

_GROUPS: Final = 2
"""Groups of actions that are said; the others are counted."""
_PLACES: Final = 2
_PATTERNS: Final = 8
"""Patterns that are written out where somebody points at the words."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some words, or with `code` what is written as programs write it."""

    text: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Glance:
    """What a key may do (`doing`), on what (`on`, empty: on everything), and all of it as it is written (`title`)."""

    doing: tuple[Part, ...]
    on: tuple[Part, ...] = ()
    title: str = ""


_ALL = Glance((Part("all that its owner may"),))
_NOTHING = Glance((Part("nothing"),))


async def lexicon_for(ask: Ask) -> Lexicon:
    """The words of the page's tenant as far as the reader may know them, made once for each revision of its catalog."""
    if ask.place is None or ask.place.tenant is None or not ask.may("catalog:read"):
        return _own()
    found = await ask.run(get_catalog, None)
    if not found.revision:
        return _own()
    key = (ask.place.tenant.id, found.revision)
    if key not in _LEXICONS:
        while len(_LEXICONS) >= _KEPT:
            _LEXICONS.pop(next(iter(_LEXICONS)))
        _LEXICONS[key] = Lexicon.of(parse(found.document))
    return _LEXICONS[key]


_KEPT: Final = 32
_LEXICONS: Final[dict[tuple[str, int], Lexicon]] = {}


@lru_cache(maxsize=1)
def _own() -> Lexicon:
    return Lexicon.of(EMPTY)


def glance(scope: Sequence[Policy] | None, lexicon: Lexicon | None) -> Glance:
    """A scope in a few words: `3 actions in Articles`, on `Czech, English`; without a lexicon in Keywright's own."""
    if scope is None:
        return _ALL
    if not scope:
        return _NOTHING
    lexicon = lexicon or _own()
    doing = tuple(_doing(scope, lexicon))
    return Glance(doing, tuple(_on(scope, lexicon)), _title(scope))


def _doing(scope: Sequence[Policy], lexicon: Lexicon) -> Iterable[Part]:
    patterns = {pattern.text: pattern for policy in scope for pattern in policy.actions}
    if any(pattern.kind is Kind.ALL for pattern in patterns.values()):
        yield Part("everything")
        return
    exact = {text for text, pattern in patterns.items() if pattern.kind is Kind.EXACT}
    wild = [pattern for pattern in patterns.values() if pattern.kind is not Kind.EXACT]
    found: list[Part] = []
    met: set[str] = set()
    for group in lexicon.groups:
        names = [verb.name for verb in group.verbs if verb.name in exact]
        names += [
            verb.name
            for verb in group.verbs
            if verb.name not in exact and any(one.fits(verb.name) for one in wild)
        ]
        if names:
            met.update(names)
            found.append(_of_group(group, names, lexicon))
    known = [one.text for one in wild if any(one.fits(name) for name in met)]
    found += [Part(text, code=True) for text in patterns if text not in met and text not in known]
    yield from found[:_GROUPS]
    if len(found) > _GROUPS:
        yield Part(f"{len(found) - _GROUPS} more")


def _of_group(group: Group, names: Sequence[str], lexicon: Lexicon) -> Part:
    if len(names) == 1:
        verb = lexicon.verb(names[0])
        return Part(verb.words, code=not verb.description)
    if len(names) == len(group.verbs):
        return Part(f"everything in {group.name}")
    return Part(f"{words.counted(len(names), 'action')} in {group.name}")


def _on(scope: Sequence[Policy], lexicon: Lexicon) -> Iterable[Part]:
    """Where it may: nothing to say where some policy is for everything and the others are, too."""
    bounded = [policy for policy in scope if not policy.unbounded]
    patterns = dict.fromkeys(pattern.text for policy in bounded for pattern in policy.resources or ())
    places = [lexicon.place(text) for text in patterns]
    said = {place.text: Part(place.text, code=place.raw) for place in places}
    if len(said) > _PLACES:
        yield Part(f"{len(said):,} things")
    else:
        yield from said.values()
    if bounded and len(bounded) < len(scope):
        yield Part("some of it everywhere")


def _title(scope: Sequence[Policy]) -> str:
    lines = []
    for policy in scope[:_PATTERNS]:
        plain = policy.to_plain()
        actions, resources = plain["actions"], plain.get("resources")
        line = _cut(actions)
        lines.append(line if resources is None else f"{line} on {_cut(resources)}")
    return "\n".join([*lines, *(["…"] if len(scope) > _PATTERNS else [])])


def _cut(texts: Sequence[str]) -> str:
    more = len(texts) - _PATTERNS
    return ", ".join([*texts[:_PATTERNS], *([f"{more:,} more"] if more > 0 else [])])
