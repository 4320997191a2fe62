"""`/`: on to where the reader was last, or to the login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.cookies import TENANT
from keywright.console.routing import Open, page
from keywright.core.errors import NotFound, PermissionDenied
from keywright.core.listing import DEFAULT_PAGE
from keywright.services.places import EVERYWHERE
from keywright.services.tenants import ListTenants, TenantSlug, enter_tenant, list_tenants

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/", needs=Open.LOGGED_IN)
async def home(ask: Ask) -> Response:
    """Go on to the keys of the tenant that was looked at last, or of the first one there is."""
    return ask.to(f"/t/{await _tenant(ask)}/keys")


async def _tenant(ask: Ask) -> str:
    last = ask.cookies.get(TENANT)
    if last == EVERYWHERE and ask.caller.roles_everywhere:
        return EVERYWHERE
    if last is not None:
        try:
            return (await ask.run(enter_tenant, TenantSlug(last))).slug
        except (NotFound, PermissionDenied):
            pass
    found = await ask.run(list_tenants, ListTenants(limit=DEFAULT_PAGE))
    return found.items[0].slug if found.items else EVERYWHERE


PAGES = (home,)
