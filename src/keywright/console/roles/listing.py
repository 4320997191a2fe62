"""The list of roles, and the search among the entities that their variables stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.console.roles.wording import lexicon, sentence
from keywright.console.routing import page
from keywright.core.listing import fold
from keywright.services.roles import list_roles

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.roles import RoleView

_FOUND: Final = 8
KINDS: Final = {"own": "own", "catalog": "from the catalog", "built_in": "built in"}


def kind_of(view: RoleView) -> str:
    """Where a role comes from: `own`, `catalog` or `built_in`."""
    if view.defined is None:
        return "built_in"
    return "catalog" if view.defined.by_catalog else "own"


@page("/t/{tenant}/roles", needs="roles:read")
async def listing(ask: Ask) -> Response:
    """Every role that can be held here, those that the tenant made for itself first."""
    words = await lexicon(ask)
    views = await ask.run(list_roles, None)
    wanted = fold(ask.query.get("q"))
    kind = ask.query.get("kind")
    order = list(KINDS)
    rows = sorted(
        (
            (view, kind_of(view), sentence(view.role, words))
            for view in views
            if wanted in fold(f"{view.role.name} {view.role.description}") and kind in ("", kind_of(view))
        ),
        key=lambda row: order.index(row[1]),
    )
    context: dict[str, Any] = {"rows": rows, "kinds": KINDS, "kind": kind, "q": ask.query.get("q"), "some": bool(views)}
    if ask.wants_part and ask.target == "list":
        return ask.part("roles/list_part.html", **context)
    return ask.page("roles/list.html", **context)


@page("/t/{tenant}/roles/-/entities", needs="roles:read")
async def entities(ask: Ask) -> Response:
    """Entities of one type in whose label or id a text stands, those first that begin with it."""
    field = ask.query.get("field")
    text = fold(ask.query.get(field))
    known = (await lexicon(ask)).entities.get(ask.query.get("kind"), {})
    found = [(id_, label or id_) for id_, label in known.items() if text and text in fold(f"{id_} {label}")]
    found.sort(key=lambda one: not (fold(one[1]).startswith(text) or fold(one[0]).startswith(text)))
    return ask.part(
        "roles/entities.html", found=found[:_FOUND], more=len(found) > _FOUND, field=field, text=text
    )


PAGES = (listing, entities)
