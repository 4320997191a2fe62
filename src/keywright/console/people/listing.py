"""The list of people: those of a tenant, or of the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.people.finding import found
from keywright.console.people.grants import choices
from keywright.console.people.holding import held
from keywright.console.routing import page
from keywright.services.users import ListUsers, list_users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.users import UserList, UserView


@page("/t/{tenant}/people", needs="identities:read")
async def listing(ask: Ask) -> Response:
    """Everybody here, or those in whose name, login name or address stands what is searched for."""
    q = ask.query.get("q")
    if q:
        return await _searched(ask, q)
    cursor = ask.query.get("cursor") or None
    views = await ask.run(list_users, ListUsers(cursor=cursor))
    first = ask.at("people") if cursor else None
    return await _shown(
        ask, views.items, first=first, next=ask.at("people", cursor=views.next_cursor) if views.more else None
    )


async def _searched(ask: Ask, q: str) -> Response:
    async def read(cursor: str | None, limit: int) -> UserList:
        return await ask.run(list_users, ListUsers(limit=limit, cursor=cursor))

    # Whoever has just this login name or address is found by the index, however many there are.
    exact = (await ask.run(list_users, ListUsers(login=q))).items
    alike = await found(read, q, lambda one: (one.person.identity.name, one.person.login, one.person.email))
    ids = {one.person.identity.id for one in exact}
    views = [*exact, *(one for one in alike.items if one.person.identity.id not in ids)]
    return await _shown(ask, views, looked_at=alike.looked_at if alike.more else None)


async def _shown(ask: Ask, views: Sequence[UserView], **context: Any) -> Response:  # noqa: ANN401 - as the template
    known = await choices(ask)
    given: dict[str, Any] = {
        "rows": [(view, held(view.memberships, known)) for view in views],
        "q": ask.query.get("q"),
        "first": None,
        "next": None,
        "looked_at": None,
        **context,
    }
    if ask.wants_part and ask.target == "list":
        return ask.part("people/list_part.html", **given)
    return ask.page("people/list.html", **given)


PAGES = (listing,)
