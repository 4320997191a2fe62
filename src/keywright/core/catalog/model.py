"""A catalog: a tenant's own vocabulary of actions, resource types, entities, roles, key templates and routes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from keywright.core.keys import Ranges
    from keywright.core.limits import Credits, Limit
    from keywright.core.permissions import Policy
    from keywright.core.roles import Role
    from keywright.core.routes import Route

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done, as people read of it; `group` gathers actions under a heading."""

    name: str
    group: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource. Its name is the first segment of those resources, `segments` name those that follow.

    A segment that is named like an entity type holds ids of that type.
    """

    name: str
    description: str = ""
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing that resources and variables may name: its id, and how people call it."""

    id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class EntityType:
    """A type of entity with all entities of that type that are known, by id."""

    name: str
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyTemplate:
    """What keys of one sort have in common; each field stands in for one that a new key leaves out.

    `expires_in` is in seconds from the key's creation; `metadata` is the canonical JSON text of an object.
    The `credits` begin with each key.
    """

    name: str
    description: str = ""
    scope: tuple[Policy, ...] | None = None
    expires_in: int | None = None
    allowed_cidrs: Ranges | None = None
    metadata: str | None = None
    prefix: str | None = None
    limits: tuple[Limit, ...] | None = None
    credits: Credits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A whole catalog. All but the routes is ordered by name, so that equal catalogs are equal.

    `tenant` is the slug of the only tenant it may be applied to, None for any. With `strict`, actions and
    entities that it does not know are refused in its tenant. Of the routes the first that fits decides.
    """

    tenant: str | None = None
    strict: bool = False
    actions: tuple[Action, ...] = ()
    resource_types: tuple[ResourceType, ...] = ()
    entities: tuple[EntityType, ...] = ()
    roles: tuple[Role, ...] = ()
    key_templates: tuple[KeyTemplate, ...] = ()
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """A catalog as it was applied: its canonical text, counted by `revision` from 1 on, when and by whom."""

    document: str
    revision: int
    applied_at: datetime
    applied_by: str | None


EMPTY = Catalog()
"""The catalog of a tenant that has none."""


def to_plain(catalog: Catalog) -> dict[str, object]:
    """The catalog as plain data, in the form in which it is written; what is empty is left out."""
    plain: dict[str, object] = {} if catalog.tenant is None else {"tenant": catalog.tenant}
    if catalog.strict:
        plain["strict"] = True
    sections: dict[str, object] = {
        "actions": [{"name": one.name} | action_plain(one) for one in catalog.actions],
        "resource_types": [{"name": one.name} | resource_type_plain(one) for one in catalog.resource_types],
        "entities": {
            kind.name: [{"id": one.id} | entity_plain(one) for one in kind.entities]
            for kind in catalog.entities
        },
        "roles": {role.name: role_plain(role) for role in catalog.roles},
        "key_templates": {one.name: key_template_plain(one) for one in catalog.key_templates},
        "routes": [one.to_plain() for one in catalog.routes],
    }
    return plain | _filled(sections)


def canonical(catalog: Catalog) -> str:
    """The one JSON text of a catalog: equal for catalogs that say the same, whatever they were read from."""
    return json.dumps(to_plain(catalog), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def action_plain(action: Action) -> dict[str, object]:
    """What is said of an action, without its name."""
    return _filled({"group": action.group, "description": action.description})


def resource_type_plain(kind: ResourceType) -> dict[str, object]:
    """What is said of a resource type, without its name."""
    return _filled({"description": kind.description, "segments": list(kind.segments)})


def entity_plain(entity: Entity) -> dict[str, object]:
    """What is said of an entity, without its id."""
    return _filled({"label": entity.label})


def role_plain(role: Role) -> dict[str, object]:
    """What is said of a role, without its name; its variables by name."""
    return _filled(
        {
            "description": role.description,
            "variables": {
                one.name: _filled({"entity": one.entity, "description": one.description})
                for one in sorted(role.variables, key=lambda variable: variable.name)
            },
            "policies": [one.to_plain() for one in role.policies],
        }
    )


def key_template_plain(template: KeyTemplate) -> dict[str, object]:
    """What is said of a key template, without its name.

    An empty scope allows nothing, and an empty list of limits takes the tenant's away, so neither is left out.
    """
    plain = _filled({"description": template.description})
    if template.scope is not None:
        plain["scope"] = [one.to_plain() for one in template.scope]
    if template.expires_in is not None:
        plain["expires_in"] = span_text(template.expires_in)
    if template.allowed_cidrs is not None:
        plain["allowed_cidrs"] = [str(one) for one in template.allowed_cidrs]
    if template.metadata is not None:
        plain["metadata"] = json.loads(template.metadata)
    if template.limits is not None:
        plain["limits"] = [asdict(one) for one in template.limits]
    if template.credits is not None:
        refill = template.credits.refill
        plain["credits"] = {"remaining": template.credits.remaining} | (
            {} if refill is None else {"refill": {"amount": refill.amount, "every": refill.every.value}}
        )
    return plain | _filled({"prefix": template.prefix})


def span_text(seconds: int) -> str | int:
    """A span of time as it is written: in the largest unit that it is a multiple of, or as a number of seconds."""
    return next(
        (f"{seconds // size}{unit}" for unit, size in _UNITS if seconds % size == 0),
        seconds,
    )


def _filled(values: Mapping[str, object]) -> dict[str, object]:
    """The values that say something."""
    return {name: value for name, value in values.items() if value}
