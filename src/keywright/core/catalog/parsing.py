"""From plain data to a catalog, with every fault that is in it."""

from __future__ import annotations

import re
from itertools import chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from keywright.core import checks
from keywright.core.catalog.model import (
    Action,
    Catalog,
    Entity,
    EntityType,
    KeyTemplate,
    ResourceType,
)
from keywright.core.catalog.spots import DUPLICATE, MAX_FAULTS, Faults, Spot, in_order, is_plain_name
from keywright.core.catalog.vocabulary import Search, Vocabulary
from keywright.core.errors import Fault, InvalidCatalog, InvalidValue, UnknownVariable
from keywright.core.limits import MAX_LIMITS
from keywright.core.permissions import MAX_PATTERNS, MAX_POLICIES, MAX_SEGMENTS, Pattern, Policy
from keywright.core.roles import (
    MAX_VARIABLES,
    PolicyTemplate,
    Role,
    Variable,
    is_built_in,
    is_role_name,
    is_value,
    is_variable_name,
)
from keywright.core.routes import MAX_ROUTES, InvalidRoute, Route, RouteTable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from keywright.core.keys import Ranges
    from keywright.core.limits import Credits, Limit

MAX_ACTIONS = 2_000
MAX_RESOURCE_TYPES = 200
MAX_ENTITY_TYPES = 100
MAX_ENTITIES = 10_000
"""Entities of all types together."""
MAX_ROLES = 200
MAX_KEY_TEMPLATES = 100
INVALID_ROUTE = "invalid_route"
"""The code of the fault that a route is not written as one."""
UNREACHED_ROUTE = "unreached_route"
"""The code of the fault that a route can never decide."""
MAX_SPAN = 100 * 366 * 86_400
"""Seconds that a key made from a template may live at most, about a hundred years."""

_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SECTIONS = ("tenant", "strict", "actions", "resource_types", "entities", "roles", "key_templates", "routes")
_NAME_RULE = "This name has 1 to 100 lower-case letters, digits, _ and -, and begins with a letter or digit."
_TYPE_NAME = "The name of a type of entity has 1 to 100 letters, digits, _ and -."
_VARIABLE_NAME = "A variable's name has up to 40 lower-case letters, digits and _, and begins with a letter."
_SEGMENT = (
    "This is part of one segment of a name: up to 100 characters, without spaces, wildcards and : $ { }."
)
_LIFE = "A span is a number of seconds or a text such as 90d or 12h, at least a second and at most 100 years."


def parse(plain: object) -> Catalog:
    """A catalog from plain data (dicts, lists, texts, numbers, true, false, null).

    Null stands for what is left out. Raises `InvalidCatalog` with every fault, up to `MAX_FAULTS`, in the order
    of the document. A strict catalog's own roles and key templates keep to what it knows.
    """
    faults = Faults()
    document = Spot(plain, "", faults)
    sections = document.fields(_SECTIONS)

    def section(name: str) -> Spot:
        return sections.get(name) or document.at(name, None)

    entities = _entities(section("entities"))
    catalog = Catalog(
        tenant=sections["tenant"].text(checks.slug) if "tenant" in sections else None,
        strict=section("strict").flag() if "strict" in sections else False,
        actions=_distinct(_actions(section("actions"))),
        resource_types=_distinct(_resource_types(section("resource_types"))),
        entities=entities,
        roles=_sorted(_roles(section("roles"), {kind.name for kind in entities})),
        key_templates=_sorted(_key_templates(section("key_templates"))),
        routes=_routes(section("routes")),
    )
    found = faults.found or _strict_faults(catalog)
    if found:
        raise InvalidCatalog(in_order(plain, found))
    return catalog


def _strict_faults(catalog: Catalog) -> list[Fault]:
    """What a strict catalog's own roles, key templates and routes name without its knowing."""
    vocabulary, search = Vocabulary.of(catalog), Search()
    unknown = chain(
        *(vocabulary.unknown(one.policies, f"roles.{one.name}.policies", search) for one in catalog.roles),
        *(
            vocabulary.unknown(one.scope or (), f"key_templates.{one.name}.scope", search)
            for one in catalog.key_templates
        ),
    )
    unsaid = vocabulary.unknown([one.widest() for one in catalog.routes], "routes", search)
    return [
        *(Fault(one.field or "", one.code, one.detail) for one in islice(unknown, MAX_FAULTS)),
        *(Fault(_of_route(one.field or ""), one.code, one.detail) for one in islice(unsaid, MAX_FAULTS)),
    ][:MAX_FAULTS]


def _of_route(path: str) -> str:
    """The place in a route of what stands in its widest policy: it has one action, and at most one resource."""
    return path.removesuffix("s.0")


def _sorted(named: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(named, key=attrgetter("name")))


def _distinct(named: Iterable[tuple[Any, Spot]]) -> tuple[Any, ...]:
    """Items by their name; a second one of the same name is a fault."""
    found: dict[str, Any] = {}
    for one, spot in named:
        if found.setdefault(one.name, one) is not one:
            spot.fault(DUPLICATE, "Another one here has this name.")
    return _sorted(found.values())


def _said(fields: dict[str, Spot], name: str, rule: Callable[[str, str], str]) -> str:
    """A text that may be left out."""
    return (fields[name].text(rule) or "") if name in fields else ""


def _action_name(text: str, field: str) -> str:
    return checks.without_tokens(checks.action(text, field), field)


def _one_segment(text: str, field: str) -> str:
    if not is_value(text):
        raise InvalidValue(_SEGMENT, field=field)
    return checks.without_tokens(text, field)


def _label(text: str, field: str) -> str:
    return checks.name(text, field) if text else ""


def _actions(section: Spot) -> Iterator[tuple[Action, Spot]]:
    for spot in section.items("actions", MAX_ACTIONS):
        fields = spot.fields(("name", "group", "description"), ("name",))
        name = fields["name"].text(_action_name) if "name" in fields else None
        group, description = _said(fields, "group", _label), _said(fields, "description", checks.description)
        if name is not None:
            yield Action(name, group, description), fields["name"]


def _resource_types(section: Spot) -> Iterator[tuple[ResourceType, Spot]]:
    for spot in section.items("resource types", MAX_RESOURCE_TYPES):
        fields = spot.fields(("name", "description", "segments"), ("name",))
        name = fields["name"].text(_one_segment) if "name" in fields else None
        description = _said(fields, "description", checks.description)
        items = fields["segments"].items("segments", MAX_SEGMENTS - 1) if "segments" in fields else []
        segments = tuple(item.text(_one_segment) or "" for item in items)
        if name is not None:
            yield ResourceType(name, description, segments), fields["name"]


def _entities(section: Spot) -> tuple[EntityType, ...]:
    found = []
    count = 0
    for name, spot in section.members("types of entities", MAX_ENTITY_TYPES, is_plain_name, _TYPE_NAME):
        known: dict[str, Entity] = {}
        for item in spot.items("entities", MAX_ENTITIES):
            fields = item.fields(("id", "label"), ("id",))
            id_ = fields["id"].text(_one_segment) if "id" in fields else None
            entity = Entity(id_ or "", _said(fields, "label", _label))
            if id_ is not None and known.setdefault(id_, entity) is not entity:
                fields["id"].fault(DUPLICATE, "Another one of this type has this id.")
        count += len(known)
        found.append(EntityType(name, tuple(known[one] for one in sorted(known))))
    if count > MAX_ENTITIES:
        section.fault("invalid_value", f"A catalog has at most {MAX_ENTITIES} entities in all.")
    return _sorted(found)


def _roles(section: Spot, types: Collection[str]) -> Iterator[Role]:
    for name, spot in section.members("roles", MAX_ROLES, is_role_name, _NAME_RULE):
        if is_built_in(name):
            spot.fault("role_taken", "A built-in role has this name.")
        fields = spot.fields(("description", "variables", "policies"))
        variables = _variables(fields["variables"], types) if "variables" in fields else ()
        declared = {variable.name for variable in variables}
        policies = tuple(_templates(fields["policies"], declared)) if "policies" in fields else ()
        yield Role(name, _said(fields, "description", checks.description), variables, policies)


def _variables(section: Spot, types: Collection[str]) -> tuple[Variable, ...]:
    found = []
    for name, spot in section.members("variables", MAX_VARIABLES, is_variable_name, _VARIABLE_NAME):
        fields = spot.fields(("entity", "description"))
        entity = fields["entity"].text(_one_segment) if "entity" in fields else None
        if entity is not None and entity not in types:
            fields["entity"].fault("unknown_entity", "The catalog has no type of entity by this name.")
        found.append(Variable(name, entity, _said(fields, "description", checks.description)))
    return _sorted(found)


def _templates(section: Spot, declared: Collection[str]) -> Iterator[PolicyTemplate]:
    def pattern(text: str, field: str) -> str:
        if not PolicyTemplate((text,)).variables <= set(declared):
            raise UnknownVariable("The role declares no variable by a name that stands here.", field=field)
        return checks.without_tokens(text, field)

    for actions, resources in _policies(section, pattern):
        yield PolicyTemplate.of(actions, resources)


def _scope(section: Spot) -> Iterator[Policy]:
    def pattern(text: str, field: str) -> str:
        Pattern.parse(text)
        return checks.without_tokens(text, field)

    for actions, resources in _policies(section, pattern):
        yield Policy.parse(actions, resources)


def _policies(
    section: Spot, pattern: Callable[[str, str], str]
) -> Iterator[tuple[list[str], list[str] | None]]:
    """The policies that are sound, as texts."""
    for spot in section.items("policies", MAX_POLICIES):
        fields = spot.fields(("actions", "resources"), ("actions",))
        actions = _patterns(fields["actions"], pattern) if "actions" in fields else None
        resources = _patterns(fields["resources"], pattern) if "resources" in fields else None
        if actions and (resources or "resources" not in fields):
            yield actions, resources


def _patterns(section: Spot, pattern: Callable[[str, str], str]) -> list[str] | None:
    """The patterns of one side of a policy, None unless all of them are sound."""
    items = section.items("patterns", MAX_PATTERNS)
    if section.value == []:
        section.fault("invalid_policy", "At least one pattern is needed here.")
    found = [item.text(pattern) for item in items]
    return None if None in found else [one for one in found if one is not None]


def _key_templates(section: Spot) -> Iterator[KeyTemplate]:
    known = ("description", "scope", "expires_in", "allowed_cidrs", "metadata", "limits", "credits", "prefix")
    for name, spot in section.members("key templates", MAX_KEY_TEMPLATES, is_role_name, _NAME_RULE):
        fields = spot.fields(known)
        yield KeyTemplate(
            name,
            _said(fields, "description", checks.description),
            scope=tuple(_scope(fields["scope"])) if "scope" in fields else None,
            expires_in=_span(fields["expires_in"]) if "expires_in" in fields else None,
            allowed_cidrs=_cidrs(fields["allowed_cidrs"]) if "allowed_cidrs" in fields else None,
            metadata=_metadata(fields["metadata"]) if "metadata" in fields else None,
            limits=_limits(fields["limits"]) if "limits" in fields else None,
            credits=_credits(fields["credits"]) if "credits" in fields else None,
            prefix=fields["prefix"].text(checks.prefix) if "prefix" in fields else None,
        )


def _routes(section: Spot) -> tuple[Route, ...]:
    """The routes that are sound, in their order. One that can never decide is a fault."""
    found: list[tuple[Route, Spot]] = []
    for spot in section.items("routes", MAX_ROUTES):
        fields = spot.fields(("match", "action", "resource"), ("match", "action"))
        texts = {name: field.text(checks.without_tokens) for name, field in fields.items()}
        match, action = texts.get("match"), texts.get("action")
        if match is None or action is None or None in texts.values():
            continue
        try:
            found.append((Route(match, action, texts.get("resource")), spot))
        except InvalidRoute as wrong:
            fields[wrong.part].fault(INVALID_ROUTE, str(wrong))
    routes = tuple(route for route, _ in found)
    for place in RouteTable.compile(routes).unreached():
        found[place][1].fault(UNREACHED_ROUTE, "The routes before this one take all that it would.")
    return routes


def _span(spot: Spot) -> int | None:
    seconds = spot.value
    found = _SPAN.fullmatch(seconds) if isinstance(seconds, str) else None
    if found is not None:
        seconds = int(found[1]) * _UNITS[found[2]]
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= MAX_SPAN:
        spot.fault("invalid_value", _LIFE)
        return None
    return seconds


def _cidrs(spot: Spot) -> Ranges | None:
    items = spot.items("address ranges", checks.MAX_CIDRS)
    texts = [text for item in items if (text := item.text(_as_it_is)) is not None]
    return spot.checked(checks.cidrs, texts) if len(texts) == len(items) else None


def _metadata(spot: Spot) -> str | None:
    if not isinstance(spot.value, dict):
        spot.fault("invalid_type", "This takes an object of named fields.")
        return None
    return spot.checked(checks.metadata, spot.value)


def _limits(spot: Spot) -> tuple[Limit, ...] | None:
    items = spot.items("limits", MAX_LIMITS)
    found = [limit for item in items if (limit := _limit(item)) is not None]
    return spot.checked(checks.limits, found) if len(found) == len(items) else None


def _limit(spot: Spot) -> tuple[str, int, int] | None:
    needed = ("name", "limit", "window_seconds")
    fields = spot.fields(needed, needed)
    name = fields["name"].text(_as_it_is) if "name" in fields else None
    uses, seconds = (fields[one].number() if one in fields else None for one in needed[1:])
    return None if name is None or uses is None or seconds is None else (name, uses, seconds)


def _credits(spot: Spot) -> Credits | None:
    fields = spot.fields(("remaining", "refill"), ("remaining",))
    remaining = fields["remaining"].number() if "remaining" in fields else None
    refill = _refill(fields["refill"]) if "refill" in fields else None
    if remaining is None or (refill is None and "refill" in fields):
        return None
    return spot.checked(lambda given, field: checks.credit(*given, field), (remaining, refill))


def _refill(spot: Spot) -> tuple[int, str] | None:
    needed = ("amount", "every")
    fields = spot.fields(needed, needed)
    amount = fields["amount"].number() if "amount" in fields else None
    every = fields["every"].text(_as_it_is) if "every" in fields else None
    return None if amount is None or every is None else (amount, every)


def _as_it_is(text: str, _field: str) -> str:
    return text
