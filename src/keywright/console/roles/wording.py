"""What roles and policies allow, in plain language: what one may do, on what, and because of which role."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from keywright.console.words import counted, listed
from keywright.core.errors import BeyondOwnRights
from keywright.core.permissions import InvalidPattern, Pattern
from keywright.services.catalog import get_catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keywright.console.asking import Ask
    from keywright.console.forms import Errors
    from keywright.core.errors import KeywrightError
    from keywright.core.identities import Grant
    from keywright.core.permissions import Policy
    from keywright.core.roles import Role

OWN: Final[Mapping[str, tuple[str, str]]] = {
    "keys:create": ("Keys", "Make keys for anybody here"),
    "keys:read": ("Keys", "Read all keys"),
    "keys:update": ("Keys", "Change, disable and enable all keys"),
    "keys:delete": ("Keys", "Delete any key"),
    "keys:verify": ("Keys", "Ask for decisions about keys"),
    "keys:own:create": ("Keys", "Make keys of their own"),
    "keys:own:read": ("Keys", "Read their own keys"),
    "keys:own:update": ("Keys", "Change, disable and enable their own keys"),
    "keys:own:delete": ("Keys", "Delete their own keys"),
    "identities:create": ("People and service accounts", "Invite people, make service accounts"),
    "identities:read": ("People and service accounts", "Read who is here with which roles"),
    "identities:update": ("People and service accounts", "Give and take roles, change service accounts"),
    "identities:delete": ("People and service accounts", "Delete service accounts, take people out"),
    "roles:create": ("Roles", "Define roles"),
    "roles:read": ("Roles", "Read roles"),
    "roles:update": ("Roles", "Change roles"),
    "roles:delete": ("Roles", "Delete roles"),
    "catalog:read": ("Catalog", "Read the catalog"),
    "catalog:update": ("Catalog", "Apply a catalog"),
    "tenants:create": ("Tenants", "Make tenants"),
    "tenants:read": ("Tenants", "Read what is set for the tenant"),
    "tenants:update": ("Tenants", "Change the tenant's settings"),
    "tenants:delete": ("Tenants", "Delete the tenant"),
    "sessions:create": ("Sessions", "Log other people in"),
    "audit:read": ("Audit and usage", "Read the audit trail"),
    "usage:read": ("Audit and usage", "Read the usage of all keys"),
    "usage:own:read": ("Audit and usage", "Read the usage of their own keys"),
    "agents:read": ("Agents", "See which programs run with the keys"),
    "agents:own:read": ("Agents", "See which programs run with their own keys"),
    "agents:register": ("Agents", "Announce a program that runs with a key"),
    "nodes:read": ("Nodes", "See the nodes"),
}
"""Keywright's own actions, by name: their group, and what they let somebody do."""

_EVERYTHING: Final = "Everything"
_OTHERS: Final = "Others"
_VARIABLE: Final = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")
_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Spot:
    """Resources: in words, and as the pattern that they are written as."""

    text: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Right:
    """One thing that may be done. No `spots` means on everything; `because` is the grant that it comes from."""

    group: str
    text: str
    action: str
    more: str
    spots: tuple[Spot, ...]
    because: Grant | None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words for actions and resources: those of Keywright itself, and those of a tenant's catalog."""

    actions: Mapping[str, tuple[str, str]] = field(default_factory=lambda: OWN)
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def action(self, pattern: str) -> tuple[str, str, str]:
        """A pattern of actions: its group, what it lets somebody do, and what that covers."""
        known = self.actions.get(pattern)
        if known is not None:
            return known[0] or _OTHERS, known[1] or pattern, ""
        if pattern in ("**", "**:*"):
            return _EVERYTHING, "Do everything", ""
        if "*" not in pattern and "$" not in pattern:
            return _OTHERS, pattern, ""
        covered = self._covered(pattern)
        groups = {group for group, _ in covered}
        group = groups.pop() if len(groups) == 1 else _EVERYTHING if pattern[:2] == "**" else _OTHERS
        texts = [text for _, text in covered if text]
        more = "" if len(groups) > 1 or pattern[:2] == "**" else _some(texts)
        return group or _OTHERS, _in_words(pattern), more

    def spot(self, pattern: str) -> Spot:
        """A pattern of resources, by the labels of what it names."""
        kind, *rest = pattern.split(":")
        if kind in ("*", "**"):
            return Spot("everything" if not rest else pattern, pattern)
        types = self.types.get(kind, ())
        parts = []
        for place, segment in enumerate(rest):
            if segment in ("*", "**"):
                continue
            type_name = types[place] if place < len(types) else ""
            variable = _VARIABLE.fullmatch(segment)
            if variable:
                parts.append(f"the {variable[1]} that is given")
            else:
                parts.append(self.label(type_name, segment))
        return Spot(", ".join(parts) or f"every {kind}", pattern)

    def label(self, type_name: str | None, value: str) -> str:
        """What people call an entity; its id where it has no label."""
        return self.entities.get(type_name or "", {}).get(value) or value

    def value_of(self, type_name: str | None, text: str) -> list[str]:
        """The ids that somebody meant who typed this: a label, or ids with spaces between them."""
        known = self.entities.get(type_name or "", {})
        if text in known:
            return [text]
        meant = [id_ for id_, label in known.items() if label.casefold() == text.casefold()]
        return meant[:1] or text.split()

    def _covered(self, pattern: str) -> list[tuple[str, str]]:
        try:
            parsed = Pattern.parse(_VARIABLE.sub("*", pattern))
        except InvalidPattern:
            return []
        return [said for name, said in self.actions.items() if parsed.matches(name)]


async def lexicon(ask: Ask) -> Lexicon:
    """The words of the page's tenant, as far as the reader may read its catalog."""
    if ask.place is None or ask.place.tenant is None or not ask.may("catalog:read"):
        return Lexicon()
    return lexicon_of((await ask.run(get_catalog, None)).document)


def lexicon_of(document: Mapping[str, Any]) -> Lexicon:
    """The words of a catalog, as plain data."""
    actions = {
        one["name"]: (one.get("group", ""), one.get("description", "")) for one in _of(document, "actions")
    }
    types = {one["name"]: tuple(one.get("segments", ())) for one in _of(document, "resource_types")}
    kinds: Mapping[str, Any] = document.get("entities", {})
    entities = {kind: {one["id"]: one.get("label", "") for one in found} for kind, found in kinds.items()}
    return Lexicon({**OWN, **actions}, types, entities)


def rights_of(grants: Iterable[Grant], words: Lexicon) -> dict[str, list[Right]]:
    """What some grants allow, by group; what stands in them for everything comes first."""
    found = []
    for grant in grants:
        for policy in () if grant.definition is None else grant.definition.expand(grant.variables):
            spots = None if policy.resources is None else [one.text for one in policy.resources]
            found += _rights([one.text for one in policy.actions], spots, words, grant)
    return _grouped(found)


def rights_in(role: Role, words: Lexicon) -> dict[str, list[Right]]:
    """What a role allows, by group, whatever its variables stand for."""
    found = []
    for policy in role.policies:
        found += _rights(policy.actions, policy.resources, words, None)
    return _grouped(found)


def sentence(role: Role, words: Lexicon) -> str:
    """What a role allows, as one line."""
    texts = list(dict.fromkeys(right.text for group in rights_in(role, words).values() for right in group))
    if not texts:
        return "Nothing by itself"
    first, *rest = texts[:3]
    shown = [first, *(one[:1].lower() + one[1:] for one in rest)]
    return listed([*shown, f"{len(texts) - 3} more"]) if len(texts) > 3 else listed(shown)


def _rights(
    actions: Sequence[str], resources: Sequence[str] | None, words: Lexicon, because: Grant | None
) -> list[Right]:
    spots = () if resources is None else tuple(words.spot(one) for one in resources)
    said = [(words.action(action), action) for action in actions]
    return [Right(group, text, action, more, spots, because) for (group, text, more), action in said]


def _grouped(rights: Iterable[Right]) -> dict[str, list[Right]]:
    found: dict[str, list[Right]] = {}
    for right in dict.fromkeys(rights):
        found.setdefault(right.group, []).append(right)
    order = sorted(found, key=lambda name: (name != _EVERYTHING, name == _OTHERS, name.casefold()))
    return {name: found[name] for name in order}


def _in_words(pattern: str) -> str:
    head, _, last = pattern.rpartition(":")
    if head in ("*", "**"):
        return f"{last[:1].upper()}{last[1:]} everything" if "*" not in last else f"Whatever fits {pattern}"
    if last in ("*", "**") and "*" not in head and "$" not in head:
        return f"Everything that begins with {head}:"
    return f"Whatever fits {pattern}"


def _some(texts: Sequence[str]) -> str:
    if len(texts) <= _SHOWN:
        return ", ".join(texts)
    return f"{', '.join(texts[:_SHOWN])} and {counted(len(texts) - _SHOWN, 'more action')}"


def _of(document: Mapping[str, Any], section: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document.get(section, [])
    return found


def refused(ask: Ask, error: KeywrightError, *fields: str) -> Errors:
    """As `ask.refused`; of rights that the reader would hand out without holding them it is said which."""
    found = ask.refused(error, *fields)
    if isinstance(error, BeyondOwnRights) and error.policy is not None:
        text = (
            f"You hand out no more than you hold yourself, and you do not hold {policy_text(error.policy)}."
        )
        if found.general is not None:
            found.general = text
        found.fields = dict.fromkeys(found.fields, text)
    return found


def policy_text(policy: Policy) -> str:
    """A policy on one line: `article:read on article:cs:**`."""
    actions = listed([one.text for one in policy.actions])
    if policy.resources is None:
        return f"{actions} on everything"
    return f"{actions} on {listed([one.text for one in policy.resources])}"
