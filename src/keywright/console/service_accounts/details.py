"""One service account: its roles, what they allow, its keys, and what was done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.people import holding
from keywright.console.people.grants import choices
from keywright.console.people.noticing import notices
from keywright.console.routing import page
from keywright.services.service_accounts import ServiceAccountId, get_service_account

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/service-accounts/{id}", needs="identities:read")
async def details(ask: Ask) -> Response:
    """All of it."""
    view = await ask.run(get_service_account, ServiceAccountId(ask.variable("id")))
    known = await choices(ask)
    context: dict[str, Any] = {
        "account": view.identity,
        "held": holding.held(view.memberships, known),
        "rights": holding.rights(view.memberships, known),
        "keys": await notices(ask, view.identity.id),
        "entries": await holding.entries(ask, view.identity.id),
        "said": holding.said,
    }
    return ask.page("service_accounts/details.html", **context)


PAGES = (details,)
