"""Roles: named lists of policies, in which variables stand for what each membership says.

A variable is written `${name}` in an action or resource pattern, and stands in turn for each value that the
membership gives it. Where it has no value, the pattern allows nothing, and a policy that is left without
actions or without resources is left out: a missing value never widens.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, final

from keywright.core.permissions import MAX_NAME, EmptyPolicy, InvalidPattern, Pattern, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

MAX_VALUE = 100
"""Characters in one value of a variable."""
MAX_VALUES = 100
"""Values that one membership gives one variable."""
MAX_VARIABLES = 10
"""Variables of one role."""
MAX_EXPANDED = 2_000
"""Patterns that one membership's values may make of its role."""

Values = tuple[tuple[str, tuple[str, ...]], ...]
"""The values of some variables, by name and in its order; hashable, unlike a mapping."""

_VARIABLE = re.compile(r"\$\{([a-z][a-z0-9_]{0,39})\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VALUE = re.compile(r"[^\s:*${}\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,100}")
_ROLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_STARS = re.compile(r"\*+")


def is_role_name(text: str) -> bool:
    """Whether a text may be a role's name: lower-case letters, digits, `_` and `-`, at most 100."""
    return _ROLE.fullmatch(text) is not None


def is_variable_name(text: str) -> bool:
    """Whether a text may be a variable's name: up to 40 lower-case letters, digits and `_`, a letter first."""
    return _NAME.fullmatch(text) is not None


def is_value(text: str) -> bool:
    """Whether a text may be a variable's value: part of one segment of a name, without wildcards."""
    return _VALUE.fullmatch(text) is not None


def values_of(given: Mapping[str, Iterable[str]]) -> Values:
    """Values by the name of their variable, in the one order in which equal values are equal."""
    return tuple((name, tuple(dict.fromkeys(given[name]))) for name in sorted(given))


def check_pattern(text: str) -> None:
    """Raise `InvalidPattern` unless a pattern is sound, and stays so whatever its variables stand for."""
    if len(_VARIABLE.sub("x" * MAX_VALUE, text)) > MAX_NAME:
        raise InvalidPattern(f"A pattern has at most {MAX_NAME} characters, {MAX_VALUE} for each variable.")
    Pattern.parse(_VARIABLE.sub("x", text))
    Pattern.parse(_widest(text))


def _widest(text: str) -> str:
    if "$" not in text:
        return text
    return ":".join(
        _STARS.sub("*", _VARIABLE.sub("*", segment)) if "$" in segment else segment
        for segment in text.split(":")
    )


def _names(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(name for text in texts for name in _VARIABLE.findall(text))


def _expanded(texts: Iterable[str], values: Mapping[str, tuple[str, ...]]) -> tuple[Pattern, ...]:
    found: dict[str, None] = {}
    for text in texts:
        names = tuple(dict.fromkeys(_VARIABLE.findall(text)))
        for chosen in itertools.product(*(values.get(name, ()) for name in names)):
            filled = text
            for name, value in zip(names, chosen, strict=True):
                filled = filled.replace(f"${{{name}}}", value)
            found[filled] = None
    return tuple(map(_pattern, found))


@lru_cache(maxsize=16_384)
def _pattern(text: str) -> Pattern:
    """A pattern, read once: the memberships of a role have most of theirs in common."""
    return Pattern.parse(text)


def _count(text: str, values: Mapping[str, tuple[str, ...]], shared: Iterable[str]) -> int:
    names = set(_VARIABLE.findall(text))
    count = math.prod(len(values.get(name, ())) for name in names)
    return count * math.prod(max(1, len(values.get(name, ()))) for name in shared if name not in names)


@final
@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a role. Its values are free, or (`entity`) ids of one type of entity in the catalog."""

    name: str
    entity: str | None = None
    description: str = ""


@final
@dataclass(frozen=True, slots=True)
class PolicyTemplate:
    """A policy in whose patterns variables may stand. Raises `InvalidPattern` and `EmptyPolicy`."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] | None = None
    variables: frozenset[str] = field(init=False, repr=False, compare=False)
    _shared: tuple[str, ...] = field(init=False, repr=False, compare=False)
    fixed: Policy | None = field(init=False, repr=False, compare=False)
    """The policy itself, where no variable stands in it."""

    def __post_init__(self) -> None:
        if not self.actions or (self.resources is not None and not self.resources):
            raise EmptyPolicy("A policy has at least one action, and no empty list of resources.")
        patterns = (*self.actions, *(self.resources or ()))
        for pattern in patterns:
            check_pattern(pattern)
        object.__setattr__(self, "variables", _names(patterns))
        shared = _names(self.actions) & _names(self.resources or ())
        object.__setattr__(self, "_shared", tuple(sorted(shared)))
        fixed = None if self.variables else Policy.parse(self.actions, self.resources)
        object.__setattr__(self, "fixed", fixed)

    @classmethod
    def of(cls, actions: Sequence[str], resources: Sequence[str] | None = None) -> PolicyTemplate:
        """A template from texts."""
        return cls(tuple(actions), None if resources is None else tuple(resources))

    def expand(self, values: Mapping[str, tuple[str, ...]]) -> tuple[Policy, ...]:
        """The policies for some values, none when they leave nothing of it.

        A variable that stands in actions and resources alike stands for one value at a time on both sides.
        """
        if self.fixed is not None:
            return (self.fixed,)
        found: dict[Policy, None] = {}
        for chosen in itertools.product(*(values.get(name) or (None,) for name in self._shared)):
            bound = {
                name: () if one is None else (one,) for name, one in zip(self._shared, chosen, strict=True)
            }
            actions = _expanded(self.actions, {**values, **bound})
            resources = None if self.resources is None else _expanded(self.resources, {**values, **bound})
            if actions and (resources is None or resources):
                found[Policy(actions, resources)] = None
        return tuple(found)

    def widest(self) -> Policy:
        """The policy that covers this one whatever its values are: each variable as a wildcard."""
        return self.fixed or Policy.parse(
            [_widest(one) for one in self.actions],
            None if self.resources is None else [_widest(one) for one in self.resources],
        )

    def size(self, values: Mapping[str, tuple[str, ...]]) -> int:
        """How many patterns it has for some values."""
        return sum(_count(one, values, self._shared) for one in (*self.actions, *(self.resources or ())))

    def to_plain(self) -> dict[str, list[str]]:
        """The texts as they were given; `resources` is left out when it is None."""
        plain = {"actions": list(self.actions)}
        if self.resources is not None:
            plain["resources"] = list(self.resources)
        return plain


@final
@dataclass(frozen=True, slots=True)
class Role:
    """What a role is called and what it allows. `hashed` is kept, since roles are compared at each load."""

    name: str
    description: str = ""
    variables: tuple[Variable, ...] = ()
    policies: tuple[PolicyTemplate, ...] = ()
    hashed: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hashed", hash((self.name, self.variables, self.policies)))

    def __hash__(self) -> int:
        return self.hashed

    def expand(self, values: Values) -> tuple[Policy, ...]:
        """What it allows with some values."""
        given = dict(values)
        return tuple(policy for one in self.policies for policy in one.expand(given))

    def widest(self) -> tuple[Policy, ...]:
        """What it could allow at most, whatever values are given."""
        return tuple(one.widest() for one in self.policies)

    def size(self, values: Values) -> int:
        """How many patterns it has with some values."""
        given = dict(values)
        return sum(one.size(given) for one in self.policies)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinedRole:
    """A role of a tenant's own. `by_catalog` says that the catalog defines it, and alone may change it."""

    id: str
    tenant_id: str
    role: Role
    by_catalog: bool
    created_at: datetime
    updated_at: datetime


SUPER_ADMIN = "super_admin"
MONITOR = "monitor"
PROJECT_CREATOR = "project_creator"
PROJECT_ADMIN = "project_admin"
LOGIN = "login"
DEPLOYER = "deployer"
ADMIN = "admin"
MEMBER = "member"
READ_ONLY = "read_only"


def _built_in(name: str, description: str, *actions: str) -> Role:
    return Role(name, description, (), (PolicyTemplate(actions),) if actions else ())


_MEMBER = (
    *("keys:own:*", "tenants:read", "identities:read", "roles:read", "catalog:read"),
    *("usage:own:read", "agents:own:read", "agents:register"),
)
_PROJECT_ADMIN = (
    *("keys:**", "identities:**", "roles:**", "catalog:**", "agents:**", "usage:**"),
    *("audit:read", "tenants:read", "tenants:update", "sessions:create"),
)

GLOBAL_ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        _built_in(SUPER_ADMIN, "May do everything, everywhere.", "**"),
        _built_in(MONITOR, "May read everything and change nothing, everywhere.", "**:read"),
        _built_in(PROJECT_CREATOR, "May make tenants, and is the administrator of those.", "tenants:create"),
        _built_in(PROJECT_ADMIN, "Administers every tenant.", *_PROJECT_ADMIN),
        _built_in(LOGIN, "May log people in."),
        _built_in(DEPLOYER, "Applies catalogs everywhere.", "catalog:**", "tenants:read"),
    )
}
"""The built-in roles that are held over the whole installation."""

TENANT_ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        _built_in(ADMIN, "May do everything in the tenant.", "**"),
        _built_in(MEMBER, "May look around in the tenant and manage keys of its own.", *_MEMBER),
        _built_in(READ_ONLY, "May read everything in the tenant and change nothing.", "**:read"),
    )
}
"""The built-in roles that are held in one tenant."""


def built_in(name: str, tenant_id: str | None) -> Role | None:
    """The built-in role of this name, where it is held: in a tenant, or (None) everywhere."""
    return (GLOBAL_ROLES if tenant_id is None else TENANT_ROLES).get(name)


def is_built_in(name: str) -> bool:
    """Whether a name belongs to a built-in role, so that no tenant may define another by it."""
    return name in GLOBAL_ROLES or name in TENANT_ROLES
