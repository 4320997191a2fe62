"""What may be asked of each kind of thing that can be listed, in the words of Prisma 1.

One table says it. The inputs of the GraphQL schema are made from it, and REST is judged by it.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from keywright.dialects.cloudtower.mapping import ALL_PRESETS, LEGACY_ROLES, PLATFORMS, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Compare: TypeAlias = Callable[[Any, Any], bool]
    Together: TypeAlias = Callable[[Iterable[bool]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What can be asked of one kind of thing, by the names of its fields.

    `words` are enums, with the name and the values of each; `one` and `many` are relations to other kinds.
    `secret` is a field that is stored by its digest alone, so that it can only be asked whether it is a given one.
    """

    name: str
    texts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    one: Mapping[str, str] = field(default_factory=dict)
    many: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = None

    @property
    def ordered(self) -> tuple[str, ...]:
        """The fields by which a list can be ordered."""
        return (*self.texts, *self.flags, *self.words)


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            name="ApiKey",
            texts=("id", "name", "description", "username"),
            flags=("editable",),
            one={"user": "User"},
            many={"roles": "UserRoleNext", "external_cloudtowers": "ExternalCloudTower"},
            secret="key",  # noqa: S106 - the name of a field
        ),
        Kind(
            name="User",
            texts=(
                *("id", "name", "username", "display_username", "email_address", "mobile_phone"),
                *("auth_config_id", "ldap_dn", "password_updated_at"),
            ),
            flags=("internal", "password_expired"),
            words={"role": ("UserRole", LEGACY_ROLES), "source": ("UserSource", SOURCES)},
            many={"roles": "UserRoleNext"},
        ),
        Kind(
            name="UserRoleNext",
            texts=("id", "name"),
            words={
                "platform": ("UserRolePlatform", PLATFORMS),
                "preset": ("UserRolePreset", ALL_PRESETS),
            },
            many={"users": "User"},
        ),
        Kind(name="ExternalCloudTower", texts=("id", "name")),
    )
}


def none_of(found: Iterable[bool]) -> bool:
    """Whether nothing is true."""
    return not any(found)


def _both(compare: Compare) -> Compare:
    return lambda value, given: value is not None and given is not None and compare(value, given)


def _negated(compare: Compare) -> Compare:
    return lambda value, given: not compare(value, given)


GROUPS: Final[Mapping[str, Together]] = {"AND": all, "OR": any, "NOT": none_of}
"""How filters are put together."""
_SETS: Final[Mapping[str, Together]] = {"every": all, "some": any, "none": none_of}
_IS: Final[Mapping[str, Compare]] = {"": operator.eq, "not": operator.ne}
_AMONG: Final[Mapping[str, Compare]] = {
    "in": lambda value, given: value in given,
    "not_in": lambda value, given: value not in given,
}
_PARTS: Final[Mapping[str, Compare]] = {
    "contains": _both(operator.contains),
    "starts_with": _both(str.startswith),
    "ends_with": _both(str.endswith),
}
_OF_TEXT: Final[Mapping[str, Compare]] = {
    "lt": _both(operator.lt),
    "lte": _both(operator.le),
    "gt": _both(operator.gt),
    "gte": _both(operator.ge),
    **_PARTS,
    **{f"not_{how}": _negated(compare) for how, compare in _PARTS.items()},
}


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a filter: what of a thing it asks about, and how.

    For a relation, `kind` is the other kind, and `together` says of how many of those the filter must be true, None
    where there is one at most.
    """

    of: str
    type: str
    compare: Compare | None = None
    listed: bool = False
    values: frozenset[str] | None = None
    secret: bool = False
    kind: str | None = None
    together: Together | None = None

    def takes(self, given: object) -> bool:
        """Whether it can be compared with a value; not for a relation."""
        if self.listed:
            return isinstance(given, list) and all(map(self._takes_one, given))
        return self._takes_one(given)

    def _takes_one(self, given: object) -> bool:
        if given is None:
            return True
        if self.type == "Boolean":
            return isinstance(given, bool)
        return isinstance(given, str) and (self.values is None or given in self.values)


def _named(of: str, how: str) -> str:
    return f"{of}_{how}" if how else of


def _plain(
    of: str,
    word: str,
    more: Mapping[str, Compare],
    values: frozenset[str] | None = None,
    *,
    secret: bool = False,
) -> dict[str, Input]:
    """The inputs of a field that is compared with one value or with several."""
    found = {
        _named(of, how): Input(of, word, compare, values=values, secret=secret)
        for how, compare in {**_IS, **more}.items()
    }
    for how, compare in _AMONG.items():
        found[_named(of, how)] = Input(of, f"[{word}!]", compare, listed=True, values=values, secret=secret)
    return found


def _inputs(kind: Kind) -> dict[str, Input]:
    """The fields of a kind's filter, by name."""
    found: dict[str, Input] = {}
    for of in kind.texts:
        found |= _plain(of, "ID" if of == "id" else "String", _OF_TEXT)
    for of in kind.flags:
        found |= {_named(of, how): Input(of, "Boolean", compare) for how, compare in _IS.items()}
    for of, (word, values) in kind.words.items():
        found |= _plain(of, word, {}, frozenset(values))
    if kind.secret is not None:
        found |= _plain(kind.secret, "String", {}, secret=True)
    for of, other in kind.one.items():
        found[of] = Input(of, f"{other}WhereInput", kind=other)
    for of, other in kind.many.items():
        for how, together in _SETS.items():
            found[_named(of, how)] = Input(of, f"{other}WhereInput", kind=other, together=together)
    return found


INPUTS: Final = {name: _inputs(kind) for name, kind in KINDS.items()}
"""The fields of each kind's filter."""


def sdl() -> str:
    """The filters, orders and enums of all kinds, for the GraphQL schema."""
    words = dict(word for kind in KINDS.values() for word in kind.words.values())
    parts = [f"enum {name} {{ {' '.join(values)} }}" for name, values in words.items()]
    for name, kind in KINDS.items():
        orders = " ".join(f"{of}_{way}" for of in kind.ordered for way in ("ASC", "DESC"))
        groups = " ".join(f"{group}: [{name}WhereInput!]" for group in GROUPS)
        fields = " ".join(f"{key}: {one.type}" for key, one in INPUTS[name].items())
        parts.append(f"enum {name}OrderByInput {{ {orders} }}")
        parts.append(f"input {name}WhereInput {{ {groups} {fields} }}")
    return "\n".join(parts)
