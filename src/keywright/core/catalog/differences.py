"""What differs between two catalogs, and whom a changed role leaves with less."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from keywright.core.catalog.model import (
    action_plain,
    entity_plain,
    key_template_plain,
    resource_type_plain,
    role_plain,
)
from keywright.core.permissions import Policies

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from keywright.core.catalog.model import Catalog
    from keywright.core.permissions import Policy
    from keywright.core.roles import Role, Values
    from keywright.core.routes import Route


class Kind(StrEnum):
    """What happens to something that a catalog names."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: in which section, by which name, and what is said of it before and after.

    An entity is named `type:id`, an entity type by its name, and `strict` has the empty name. What is said is
    an object of plain data without the name, and None where the thing is not there. A route is named by its
    methods and path; routes that are there before and after in another order are the one of the empty name.
    """

    section: str
    name: str
    kind: Kind
    before: dict[str, object] | None
    after: dict[str, object] | None


def diff(old: Catalog, new: Catalog, outside: Mapping[str, Role] | None = None) -> tuple[Difference, ...]:
    """What changes from one catalog to the next, section by section and in each by name.

    `outside` are roles that the tenant has beside its catalog. One that the new catalog defines is taken over
    by it, which is a change even where it stays the same: `by_catalog` is then said of it.
    """
    before, after = _named(old), _named(new)
    for name in sorted((outside or {}).keys() & {role.name for role in new.roles}):
        place = ("roles", name)
        before[place] = role_plain((outside or {})[name]) | {"by_catalog": False}
        after[place] = {**after[place], "by_catalog": True}
    kept = {one.match for one in old.routes} & {one.match for one in new.routes}
    for named, catalog in ((before, old), (after, new)):
        named["routes", ""] = {"order": [one.match for one in catalog.routes if one.match in kept]}
    order = {section: index for index, section in enumerate(_SECTIONS)}
    return tuple(
        Difference(*place, _kind(place, before), before.get(place), after.get(place))
        if place in after
        else Difference(*place, Kind.REMOVED, before[place], None)
        for place in sorted(before.keys() | after.keys(), key=lambda one: (order[one[0]], one[1]))
        if before.get(place) != after.get(place)
    )


_SECTIONS = ("strict", "actions", "resource_types", "entities", "roles", "key_templates", "routes")


def _kind(place: tuple[str, str], before: Collection[tuple[str, str]]) -> Kind:
    return Kind.CHANGED if place in before else Kind.ADDED


def _named(catalog: Catalog) -> dict[tuple[str, str], dict[str, object]]:
    """What is said of each thing, by its section and name."""
    strict: dict[tuple[str, str], dict[str, object]] = {("strict", ""): {"strict": catalog.strict}}
    return (
        strict
        | {("actions", one.name): action_plain(one) for one in catalog.actions}
        | {("resource_types", one.name): resource_type_plain(one) for one in catalog.resource_types}
        | {("entities", kind.name): {} for kind in catalog.entities}
        | {
            ("entities", f"{kind.name}:{one.id}"): entity_plain(one)
            for kind in catalog.entities
            for one in kind.entities
        }
        | {("roles", role.name): role_plain(role) for role in catalog.roles}
        | {("key_templates", one.name): key_template_plain(one) for one in catalog.key_templates}
        | {("routes", one.match): _route_plain(one) for one in catalog.routes}
    )


def _route_plain(route: Route) -> dict[str, object]:
    """What is said of a route, without its methods and path."""
    return {name: text for name, text in route.to_plain().items() if name != "match"}


def lost(before: Role, after: Role | None, values: Values) -> tuple[Policy, ...]:
    """The policies of a role, with some values, that its next version does not cover; None is no role at all."""
    held = Policies.compile(() if after is None else after.expand(values))
    return tuple(policy for policy in before.expand(values) if not held.covers(policy))
