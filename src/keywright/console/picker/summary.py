"""What policies come to, in sentences: what one will and will not be able to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from keywright.console import words
from keywright.core.permissions import InvalidPattern, Pattern, Policies, Policy
from keywright.core.permissions.meeting import meet
from keywright.core.roles import PolicyTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.console.picker.lexicon import Group, Lexicon, Verb
    from keywright.console.picker.places import Place

    AnyPolicy: TypeAlias = Policy | PolicyTemplate

MANY: Final = 6
"""Actions of one group that are said one by one; of more, the first are, and the rest are counted."""
_DENIED: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that may be done: `words`, or with `code` the name of an action; `everywhere`, or in some places."""

    words: str
    code: bool = False
    lead: str = ""
    """What stands before the words where they are a pattern."""
    places: tuple[Place, ...] = ()
    everywhere: bool = True

    @property
    def named(self) -> str:
        """The places that people have names for, as a sentence lists them: `Czech and English`."""
        return words.listed([one.text for one in self.places if not one.raw])

    @property
    def raw(self) -> tuple[str, ...]:
        """The places that only a pattern says."""
        return tuple(one.pattern for one in self.places if one.raw)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody, and what they hold where the policies count. With `whole` False, they may hold more than is known."""

    name: str
    policies: tuple[Policy, ...]
    whole: bool = True
    you: bool = False
    """Whether it is the reader, who is called so."""
    title: str = ""
    """How a sentence begins that is about them, where that is not their name."""

    @property
    def subject(self) -> str:
        """What they are called inside a sentence."""
        return "you" if self.you else self.name

    @property
    def begins(self) -> str:
        """What they are called at the beginning of a sentence."""
        return "You" if self.you else self.title or self.name

    @property
    def lacks(self) -> str:
        """The beginning of a sentence about what they do not hold."""
        return f"{self.begins} {'do' if self.you else 'does'} not hold"

    def covers(self, policies: Iterable[Policy]) -> bool:
        """Whether they hold all of some policies."""
        return Policies.compile(self.policies).first_uncovered(policies) is None


@dataclass(frozen=True, slots=True)
class Summary:
    """What may be done (`lines`), what may not (`denied`, words that follow "It will not"), and what of it is idle.

    `lacking` are what the policies allow and their owner does not hold. `everything` says that they leave all that the
    owner may, or comes to, and `keeps` that the owner may more.
    """

    lines: tuple[Line, ...]
    denied: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    owner: Holder | None = None
    everything: bool = False
    keeps: bool = False

    @property
    def denial(self) -> str:
        """What may not be done, as a sentence lists it."""
        return words.listed(self.denied, "or")


def summary_of(
    lexicon: Lexicon, policies: Sequence[AnyPolicy] | None, owner: Holder | None = None
) -> Summary:
    """What policies allow (None: all that their owner may), as far as their owner holds it, where one is named."""
    if policies is None:
        held = () if owner is None else owner.policies
        return Summary(_lines(lexicon, held), _denied(lexicon, held), owner=owner, everything=True)
    if owner is None or not owner.whole:
        return Summary(_lines(lexicon, policies), _denied(lexicon, policies), owner=owner)
    asked = [_widest(one) for one in policies]
    both = policies if owner.covers(asked) else meet(asked, owner.policies)
    keeps = bool(owner.policies) and Policies.compile(asked).first_uncovered(owner.policies) is not None
    met = {verb.name for verb in lexicon.verbs.values() if _allows(both, verb.name)}
    lacking = tuple(
        verb.words for verb in lexicon.verbs.values() if _allows(asked, verb.name) and verb.name not in met
    )
    if any(_wild(one) for one in asked):
        lacking = ()  # a pattern that says more than its owner holds is meant so
    return Summary(_lines(lexicon, both), _denied(lexicon, both), lacking, owner=owner, keeps=keeps)


def policy_in_words(lexicon: Lexicon, policy: AnyPolicy) -> str:
    """One policy as a part of a sentence: `read and publish articles in Czech`."""
    lines = _lines(lexicon, [policy])
    return words.listed([_line_in_words(one) for one in lines])


def places_of(lexicon: Lexicon, policies: Iterable[AnyPolicy], action: str) -> tuple[Place, ...] | None:
    """Where some policies allow an action; None for everywhere, nothing for nowhere."""
    found: dict[str, None] = {}
    for policy in policies:
        wide = _widest(policy)
        if wide.names(action):
            if wide.unbounded:
                return None
            found |= dict.fromkeys(policy.to_plain().get("resources", ()))
    return tuple(lexicon.place(one) for one in found)


def pattern_in_words(text: str) -> str:
    """What a pattern of actions matches, in words that follow it. Raises `InvalidPattern`."""
    pattern = Pattern.parse(text)
    segments = pattern.text.split(":")
    if pattern.text == "**":
        return "everything there is, also what is added later"
    if "*" not in text:
        return "just this one"
    head = ":".join(segments[:-1])
    if "*" not in head and segments[-1] == "**":
        return f"{head} and all that begins with {head}:, also what is added later"
    if "*" not in head and segments[-1] == "*":
        return f"all that has one more part behind {head}:, also what is added later"
    return "each * stands for anything inside one part, ** for any number of parts"


def _line_in_words(line: Line) -> str:
    said = f"{line.lead} {line.words}" if line.lead else line.words
    if line.everywhere:
        return said
    parts = ([f"in {line.named}"] if line.named else []) + [f"on {one}" for one in line.raw]
    return f"{said} {words.listed(parts)}"


def _widest(policy: AnyPolicy) -> Policy:
    return policy.widest() if isinstance(policy, PolicyTemplate) else policy


def _allows(policies: Iterable[AnyPolicy], action: str) -> bool:
    return any(_widest(policy).names(action) for policy in policies)


def _wild(policy: Policy) -> bool:
    return any("*" in action.text for action in policy.actions)


def _lines(lexicon: Lexicon, policies: Sequence[AnyPolicy]) -> tuple[Line, ...]:
    """What is allowed, group by group, and behind it what the lexicon has no name for."""
    lines: list[Line] = []
    wide = [one for one in policies if "**" in one.to_plain()["actions"]]
    if wide:
        whole = places_of(lexicon, wide, "anything")
        lines.append(_line("do everything, also what is added later", whole))
        if whole is None:
            return tuple(lines)
    for group in lexicon.groups:
        lines += _of_group(lexicon, group, policies)
    return (*lines, *_unnamed(lexicon, policies))


def _of_group(lexicon: Lexicon, group: Group, policies: Sequence[AnyPolicy]) -> list[Line]:
    found: list[tuple[Verb, tuple[Place, ...] | None]] = []
    for verb in group.verbs:
        places = places_of(lexicon, policies, verb.name)
        if places is None or places:
            found.append((verb, places))
    alike = len({_key(places) for _, places in found}) == 1
    if len(found) == len(group.verbs) > 3 and alike:
        manage = group.manage if group.own else f"do everything in {group.name}"
        return [_line(f"{manage} ({words.counted(len(found), 'action')})", found[0][1])]
    if len(found) <= MANY:
        return [_line(verb.words, places, code=not verb.description) for verb, places in found]
    shown = [_line(verb.words, places, code=not verb.description) for verb, places in found[: MANY - 1]]
    return [*shown, Line(f"and {words.counted(len(found) - MANY + 1, 'more action')} in {group.name}")]


def _unnamed(lexicon: Lexicon, policies: Sequence[AnyPolicy]) -> list[Line]:
    """What the lexicon does not say: unknown actions, and patterns, which match more than it knows."""
    found: dict[str, None] = {}
    for policy in policies:
        found |= dict.fromkeys(one for one in policy.to_plain()["actions"] if one not in lexicon.verbs)
    lines = []
    for text in found:
        where = places_of(
            lexicon, [one for one in policies if text in one.to_plain()["actions"]], _sample(text)
        )
        if text != "**":
            lines.append(replace(_line(text, where, code=True), lead=_lead(lexicon, text)))
    return lines


def _lead(lexicon: Lexicon, text: str) -> str:
    """What stands before a pattern of actions, beside those of its actions that are named."""
    if "*" not in text and "$" not in text:
        return ""
    pattern = PolicyTemplate.of([text]).widest()
    known = any(pattern.names(verb) for verb in lexicon.verbs)
    return "do all else that fits" if known else "do all that fits"


def _sample(text: str) -> str:
    """A name that a pattern matches."""
    return text.replace("**", "x").replace("*", "x").replace("${", "x").replace("}", "x")


def _line(text: str, places: tuple[Place, ...] | None, *, code: bool = False) -> Line:
    return Line(text, code, places=places or (), everywhere=places is None)


def _key(places: tuple[Place, ...] | None) -> frozenset[str] | None:
    return None if places is None else frozenset(one.pattern for one in places)


def _denied(lexicon: Lexicon, policies: Sequence[AnyPolicy]) -> tuple[str, ...]:
    """What is not allowed: single actions beside allowed ones first, then groups, and Keywright itself."""
    single: list[str] = []
    groups: list[str] = []
    own: list[str] = []
    for group in lexicon.groups:
        lacking = [verb for verb in group.verbs if not _allows(policies, verb.name)]
        if len(lacking) < len(group.verbs):
            single += [] if group.own else [verb.words for verb in lacking]
        elif group.own:
            own.append(group.manage)
        else:
            groups.append(group.name)
    if len(single) > _DENIED:
        single = [
            *single[: _DENIED - 1],
            f"do {words.counted(len(single) - _DENIED + 1, 'other thing')} of the list",
        ]
    if len(groups) > _DENIED:
        more = words.counted(len(groups) - _DENIED + 1, "other group")
        groups = [*groups[: _DENIED - 1], more]
    if groups:
        single.append(f"do anything in {words.listed(groups, 'or')}")
    whole = len(own) == sum(group.own for group in lexicon.groups)
    return (*single, *(["manage Keywright itself"] if whole else own))


def said(texts: Sequence[tuple[Sequence[str], Sequence[str] | None]] | None) -> tuple[Policy, ...] | None:
    """Policies from texts, as far as they are sound; for showing what somebody is still typing."""
    if texts is None:
        return None
    found = []
    for actions, resources in texts:
        good = [one for one in actions if _is_pattern(one)]
        places = None if resources is None else [one for one in resources if _is_pattern(one)]
        if good and (places is None or places):
            found.append(Policy.parse(good, places))
    return tuple(found)


def _is_pattern(text: str) -> bool:
    try:
        Pattern.parse(text)
    except InvalidPattern:
        return False
    return True
