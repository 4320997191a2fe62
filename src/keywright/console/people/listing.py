"""The list of people: those of a tenant, or of the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.people.grants import choices
from keywright.console.people.holding import held
from keywright.console.routing import page
from keywright.services.users import ListUsers, list_users

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/people", needs="identities:read")
async def listing(ask: Ask) -> Response:
    """Everybody here, or who has the login name or address that is searched for."""
    cursor = ask.query.get("cursor") or None
    q = ask.query.get("q")
    found = await ask.run(list_users, ListUsers(login=q or None, cursor=cursor))
    known = await choices(ask)
    context: dict[str, Any] = {
        "rows": [(view, held(view.memberships, known)) for view in found.items],
        "q": q,
        "first": ask.at("people", q=q) if cursor else None,
        "next": ask.at("people", q=q, cursor=found.next_cursor) if found.more else None,
    }
    if ask.wants_part and ask.target == "list":
        return ask.part("people/list_part.html", **context)
    return ask.page("people/list.html", **context)


PAGES = (listing,)
