"""The list of service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.people.grants import choices
from keywright.console.people.holding import held
from keywright.console.routing import page
from keywright.services.service_accounts import ListServiceAccounts, list_service_accounts

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/service-accounts", needs="identities:read")
async def listing(ask: Ask) -> Response:
    """The tenant's service accounts."""
    if ask.place is None or ask.place.tenant is None:
        return ask.page("service_accounts/elsewhere.html")
    cursor = ask.query.get("cursor") or None
    found = await ask.run(list_service_accounts, ListServiceAccounts(cursor=cursor))
    known = await choices(ask)
    context: dict[str, Any] = {
        "rows": [(view.identity, held(view.memberships, known)) for view in found.items],
        "first": ask.at("service-accounts") if cursor else None,
        "next": ask.at("service-accounts", cursor=found.next_cursor) if found.more else None,
    }
    return ask.page("service_accounts/list.html", **context)


PAGES = (listing,)
