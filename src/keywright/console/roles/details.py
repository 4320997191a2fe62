"""One role: what it allows, and who holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.people import holding
from keywright.console.people.grants import choices
from keywright.console.people.wording import rights_in
from keywright.console.roles.listing import KINDS, kind_of
from keywright.console.routing import page
from keywright.services.memberships import ListMemberships, list_memberships
from keywright.services.roles import RoleName, get_role

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.memberships import MembershipList


@page("/t/{tenant}/roles/{name}", needs="roles:read")
async def details(ask: Ask) -> Response:
    """All of it."""
    view = await ask.run(get_role, RoleName(ask.variable("name")))
    known = await choices(ask)
    cursor = ask.query.get("cursor") or None
    holders = await holders_of(ask, view.role.name, cursor)
    path = f"roles/{view.role.name}"
    context: dict[str, Any] = {
        "role": view.role,
        "defined": view.defined,
        "kind": kind_of(view),
        "kinds": KINDS,
        "rights": rights_in(view.role, known.lexicon),
        "holders": holders,
        "values": known.held,
        "first": ask.at(path) if cursor else None,
        "next": ask.at(path, cursor=holders.next_cursor) if holders is not None and holders.more else None,
        "entries": None if view.defined is None else await holding.entries(ask, view.defined.id),
        "said": holding.said,
    }
    return ask.page("roles/details.html", **context)


async def holders_of(
    ask: Ask, role: str, cursor: str | None = None, limit: int = 50
) -> MembershipList | None:
    """Who holds a role; None where the reader may not know."""
    if not ask.may("identities:read"):
        return None
    return await ask.run(list_memberships, ListMemberships(role=role, cursor=cursor, limit=limit))


PAGES = (details,)
