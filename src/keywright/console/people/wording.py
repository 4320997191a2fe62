"""What roles allow, in plain language: what one may do, on what, and because of which role."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from keywright.console import picker
from keywright.console.picker import Lexicon, policy_in_words, summary_of
from keywright.console.words import counted, listed
from keywright.core.errors import BeyondOwnRights
from keywright.core.roles import PolicyTemplate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keywright.console.asking import Ask
    from keywright.console.forms import Errors
    from keywright.console.picker.places import Place
    from keywright.core.errors import KeywrightError
    from keywright.core.identities import Grant
    from keywright.core.permissions import Policy
    from keywright.core.roles import Role

EVERYTHING: Final = "Everything"
OTHERS: Final = "Others"
_WIDE: Final = {
    "**": "Do everything, also what is added later",
    "**:read": "Read everything, also what is added later",
}
_SHOWN: Final = 6
_SENTENCE: Final = 3


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that may be done: `action` is how it is written, `more` what a pattern covers.

    No `places` means on everything; `because` is the grant that it comes from.
    """

    group: str
    text: str
    action: str
    more: str
    places: tuple[Place, ...]
    because: Grant | None


async def lexicon_of(ask: Ask) -> Lexicon:
    """The words of the page's tenant; what is one's own is that of who holds a role, not of a key's owner."""
    lexicon = await picker.lexicon_of(ask)
    groups = tuple(
        replace(group, verbs=tuple(one._replace(description=_theirs(one.description)) for one in group.verbs))
        for group in lexicon.groups
    )
    return replace(lexicon, groups=groups)


def rights_of(grants: Iterable[Grant], lexicon: Lexicon) -> dict[str, list[Right]]:
    """What some grants allow, by group; what stands in them for everything comes first."""
    found: list[Right] = []
    for grant in grants:
        for policy in () if grant.definition is None else grant.definition.expand(grant.variables):
            places = None if policy.resources is None else [one.text for one in policy.resources]
            found += _rights([one.text for one in policy.actions], places, lexicon, grant)
    return _grouped(found, lexicon)


def rights_in(role: Role, lexicon: Lexicon) -> dict[str, list[Right]]:
    """What a role allows, by group, whatever its variables stand for."""
    found: list[Right] = []
    for policy in role.policies:
        found += _rights(policy.actions, policy.resources, lexicon, None)
    return _grouped(found, lexicon)


def sentence(role: Role, lexicon: Lexicon) -> str:
    """What a role allows, as one line."""
    if not role.policies:
        return "Nothing by itself"
    reading = {_reading(policy) for policy in role.policies}
    if len(reading) == 1 and None not in reading:
        return f"{reading.pop()}"
    where: dict[str, list[str]] = {}
    for line in summary_of(lexicon, role.policies).lines:
        where.setdefault(line.named, []).append(line.words)
    # A pattern is said in words already, as far as they are known.
    known = {named: [one for one in found if "*" not in one] for named, found in where.items()}
    texts = [
        listed(_first(found or where[named])) + (f" in {named}" if named else "")
        for named, found in known.items()
        if found or not any(known.values())
    ]
    said = "; ".join(texts)
    return said if ":" in said.partition(" ")[0] else f"{said[:1].upper()}{said[1:]}"


def refused(ask: Ask, error: KeywrightError, lexicon: Lexicon | None, *fields: str) -> Errors:
    """As `ask.refused`; of rights that the reader would hand out without holding them it is said which."""
    found = ask.refused(error, *fields)
    if lexicon is not None and isinstance(error, BeyondOwnRights) and error.policy is not None:
        text = f"You do not hold this yourself, so you cannot hand it out: {policy_in_words(lexicon, error.policy)}."
        if found.general is not None:
            found.general = text
        found.fields = dict.fromkeys(found.fields, text)
    return found


def _reading(policy: PolicyTemplate) -> str | None:
    """The few policies of built-in roles that say more than their actions do."""
    if policy.resources is None and policy.actions == ("**",):
        return "Do everything, also what is added later"
    if policy.resources is None and policy.actions == ("**:read",):
        return "Read everything, and change nothing"
    return None


def _rights(
    actions: Sequence[str], resources: Sequence[str] | None, lexicon: Lexicon, because: Grant | None
) -> list[Right]:
    places = () if resources is None else tuple(lexicon.place(one) for one in resources)
    if any(place.everything for place in places):
        places = ()
    return [Right(*_said(action, lexicon), places, because) for action in actions]


def _said(action: str, lexicon: Lexicon) -> tuple[str, str, str, str]:
    """An action or a pattern of them: its group, what it is to do it, how it is written, and what it covers."""
    if action in _WIDE:
        return EVERYTHING, _WIDE[action], action, ""
    for group in lexicon.groups:
        for verb in group.verbs:
            if verb.name == action:
                return group.name, verb.title, action, ""
    if "*" not in action and "$" not in action:
        return OTHERS, action, action, ""
    return _of_pattern(action, lexicon)


def _of_pattern(action: str, lexicon: Lexicon) -> tuple[str, str, str, str]:
    """As `_said`, of a pattern: in the words of the one group that it speaks of."""
    matched = PolicyTemplate.of([action]).widest()
    covered = [
        (group, [verb.title for verb in group.verbs if _names(matched, verb.name)])
        for group in lexicon.groups
        if any(_names(matched, verb.name) for verb in group.verbs)
    ]
    if len(covered) != 1:
        return OTHERS, f"Whatever fits {action}", action, ""
    group, titles = covered[0]
    if len(titles) == len(group.verbs):
        return group.name, f"Everything in {group.name}, also what is added later", action, ""
    return group.name, _some(titles), action, "also what is added later"


def _first(texts: Sequence[str]) -> list[str]:
    """The first of some things that may be done, and how many follow."""
    if len(texts) <= _SENTENCE + 1:
        return list(texts)
    return [*texts[:_SENTENCE], f"{len(texts) - _SENTENCE} more"]


def _names(policy: Policy, action: str) -> bool:
    return any(one.matches(action) for one in policy.actions)


def _grouped(rights: Iterable[Right], lexicon: Lexicon) -> dict[str, list[Right]]:
    order = [EVERYTHING, *(group.name for group in lexicon.groups), OTHERS]
    found: dict[str, list[Right]] = {}
    for right in dict.fromkeys(rights):
        found.setdefault(right.group, []).append(right)
    return {name: found[name] for name in dict.fromkeys(order) if name in found}


def _some(texts: Sequence[str]) -> str:
    first, *others = texts[:_SHOWN]
    shown = [first, *(f"{one[:1].lower()}{one[1:]}" for one in others)]
    if len(texts) > _SHOWN:
        shown.append(counted(len(texts) - _SHOWN, "more action"))
    return listed(shown)


def _theirs(text: str) -> str:
    return text.replace("its owner's", "their own").replace("for its owner", "of their own")
