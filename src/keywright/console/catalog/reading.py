"""The catalog as it stands, to be read, searched and taken away as a file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from keywright.console.code import Graph, Rest
from keywright.console.routing import page
from keywright.core.catalog import parse
from keywright.core.errors import NotFound
from keywright.core.listing import fold
from keywright.services.catalog import get_catalog
from keywright.services.catalog.writing import as_json, as_yaml
from keywright.web.assets import GUARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from keywright.console.asking import Ask
    from keywright.core.catalog import Action, Catalog, Entity, KeyTemplate, ResourceType
    from keywright.core.roles import Role
    from keywright.core.routes import Route

_SHOWN: Final = 100
_QUERY: Final = """
query {
  catalog { revision appliedAt apiRoles document }
}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a catalog fits a search, section by section. `entities` are by their type, the first 100 of each."""

    actions: tuple[tuple[str, tuple[Action, ...]], ...]
    resource_types: tuple[ResourceType, ...]
    entities: tuple[tuple[str, tuple[Entity, ...], int], ...]
    roles: tuple[Role, ...]
    key_templates: tuple[KeyTemplate, ...]
    routes: tuple[Route, ...]

    @property
    def sections(self) -> list[tuple[str, str, int]]:
        """Each section that is not empty: its anchor, its name, and how much is in it."""
        counts = (
            ("actions", "Actions", sum(len(found) for _, found in self.actions)),
            ("resource-types", "Resource types", len(self.resource_types)),
            ("entities", "Entities", sum(total for _, _, total in self.entities)),
            ("roles", "Roles", len(self.roles)),
            ("key-templates", "Key templates", len(self.key_templates)),
            ("routes", "Routes", len(self.routes)),
        )
        return [one for one in counts if one[2]]


def shown(catalog: Catalog, search: str) -> Shown:
    """What of a catalog holds a text, in a name, a label or a description."""
    wanted = fold(search)

    def fits(*texts: str) -> bool:
        return not wanted or any(wanted in fold(text) for text in texts)

    actions = [one for one in catalog.actions if fits(one.name, one.description, one.group)]
    grouped = groupby(sorted(actions, key=lambda one: (not one.group, one.group)), key=lambda one: one.group)
    return Shown(
        actions=tuple((group, tuple(found)) for group, found in grouped),
        resource_types=tuple(one for one in catalog.resource_types if fits(one.name, one.description)),
        entities=tuple(_entities(catalog, fits)),
        roles=tuple(one for one in catalog.roles if fits(one.name, one.description)),
        key_templates=tuple(one for one in catalog.key_templates if fits(one.name, one.description)),
        routes=tuple(one for one in catalog.routes if fits(one.match, one.action, one.resource or "")),
    )


def _entities(catalog: Catalog, fits: Callable[..., bool]) -> Iterable[tuple[str, tuple[Entity, ...], int]]:
    for kind in catalog.entities:
        found = [one for one in kind.entities if fits(kind.name, one.id, one.label)]
        if found or fits(kind.name):
            yield kind.name, tuple(found[:_SHOWN]), len(found)


@page("/t/{tenant}/catalog", needs="catalog:read")
async def catalog(ask: Ask) -> Response:
    """The catalog; over the whole installation, where to find those of the tenants."""
    if ask.place is None or ask.place.tenant is None:
        return ask.page("catalog/everywhere.html")
    view = await ask.run(get_catalog, None)
    search = ask.query.get("q")
    found = parse(view.document)
    context: dict[str, Any] = {
        "view": view,
        "catalog": found,
        "search": search,
        "shown": shown(found, search),
        "code": ask.code(rest=Rest("GET", "/v1/catalog"), graph=Graph(_QUERY, {}), cli=["catalog", "export"]),
    }
    if ask.wants_part and ask.target == "catalog":
        return ask.part("catalog/sections.html", **context)
    return ask.page("catalog/catalog.html", **context)


@page("/t/{tenant}/catalog/file", needs="catalog:read")
async def file(ask: Ask) -> Response:
    """The catalog as a file of YAML, or (`?format=json`) of JSON."""
    if ask.place is None or ask.place.tenant is None:
        raise NotFound("A catalog belongs to a tenant.")
    view = await ask.run(get_catalog, None)
    json = ask.query.get("format") == "json"
    name = f"{ask.place.named}.catalog.{'json' if json else 'yaml'}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        **GUARDS,
    }
    text = as_json(view.document) if json else as_yaml(view.document)
    return Response(text, 200, headers, "application/json" if json else "application/yaml")


PAGES = (catalog, file)
