"""How the console looks to the reader, and the menu of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.cookies import THEME, drop_cookie, keep_for_long
from keywright.console.login import own_path
from keywright.console.routing import Open, page
from keywright.services.tenants import ListTenants, list_tenants

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/account/theme", needs=Open.LOGGED_IN, methods=("POST",))
async def theme(ask: Ask) -> Response:
    """Light, dark, or as the system has it."""
    response = ask.to(own_path(ask.form.get("back")))
    wanted = ask.form.get("theme")
    if wanted in ("light", "dark"):
        keep_for_long(response, ask.visit, THEME, wanted)
    else:
        drop_cookie(response, ask.visit, THEME)
    return response


@page("/switch", needs=Open.LOGGED_IN)
async def switch(ask: Ask) -> Response:
    """The tenants that one may go to, for the menu of the bar."""
    return ask.part("parts/tenants_menu.html", tenants=await ask.run(list_tenants, ListTenants(limit=50)))


PAGES = (theme, switch)
