"""The list of service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.people.finding import found
from keywright.console.people.grants import choices
from keywright.console.people.holding import held
from keywright.console.routing import page
from keywright.services.service_accounts import ListServiceAccounts, list_service_accounts

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.services.service_accounts import ServiceAccountList


@page("/t/{tenant}/service-accounts", needs="identities:read")
async def listing(ask: Ask) -> Response:
    """The tenant's service accounts, or those in whose name or description stands what is searched for."""
    if ask.place is None or ask.place.tenant is None:
        return ask.page("service_accounts/elsewhere.html")

    async def read(cursor: str | None, limit: int) -> ServiceAccountList:
        return await ask.run(list_service_accounts, ListServiceAccounts(limit=limit, cursor=cursor))

    q = ask.query.get("q")
    context: dict[str, Any] = {"q": q, "first": None, "next": None, "looked_at": None}
    if q:
        alike = await found(read, q, lambda one: (one.identity.name, one.identity.description))
        views = alike.items
        context["looked_at"] = alike.looked_at if alike.more else None
    else:
        cursor = ask.query.get("cursor") or None
        views = (listed := await ask.run(list_service_accounts, ListServiceAccounts(cursor=cursor))).items
        context["first"] = ask.at("service-accounts") if cursor else None
        context["next"] = ask.at("service-accounts", cursor=listed.next_cursor) if listed.more else None
    known = await choices(ask)
    context["rows"] = [(view.identity, held(view.memberships, known)) for view in views]
    if ask.wants_part and ask.target == "list":
        return ask.part("service_accounts/list_part.html", **context)
    return ask.page("service_accounts/list.html", **context)


PAGES = (listing,)
