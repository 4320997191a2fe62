"""The list of roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.console.people.wording import lexicon_of, sentence
from keywright.console.routing import page
from keywright.core.listing import fold
from keywright.services.roles import list_roles

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.roles import RoleView

KINDS: Final = {"own": "own", "catalog": "from the catalog", "built_in": "built in"}


def kind_of(view: RoleView) -> str:
    """Where a role comes from: `own`, `catalog` or `built_in`."""
    if view.defined is None:
        return "built_in"
    return "catalog" if view.defined.by_catalog else "own"


@page("/t/{tenant}/roles", needs="roles:read")
async def listing(ask: Ask) -> Response:
    """Every role that can be held here, those that the tenant made for itself first."""
    lexicon = await lexicon_of(ask)
    views = await ask.run(list_roles, None)
    wanted = fold(ask.query.get("q"))
    kind = ask.query.get("kind")
    order = list(KINDS)
    rows = sorted(
        (
            (view, kind_of(view), sentence(view.role, lexicon))
            for view in views
            if wanted in fold(f"{view.role.name} {view.role.description}") and kind in ("", kind_of(view))
        ),
        key=lambda row: order.index(row[1]),
    )
    context: dict[str, Any] = {
        "rows": rows,
        "kinds": KINDS,
        "kind": kind,
        "q": ask.query.get("q"),
        "some": bool(views),
    }
    if ask.wants_part and ask.target == "list":
        return ask.part("roles/list_part.html", **context)
    return ask.page("roles/list.html", **context)


PAGES = (listing,)
