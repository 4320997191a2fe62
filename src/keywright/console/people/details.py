"""One person: their roles, what these allow, their keys, and what was done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.people import holding
from keywright.console.people.grants import choices
from keywright.console.people.noticing import notices, notices_everywhere
from keywright.console.people.rules import everywhere, holds_all, somebody
from keywright.console.routing import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/people/{id}", needs="identities:read")
async def details(ask: Ask) -> Response:
    """All of it."""
    who = await somebody(ask)
    known = await choices(ask)
    identity = who.identity
    counting = list(who.view.memberships)
    elsewhere = [one for one in who.anywhere or () if one.tenant is not None]
    if not everywhere(ask):
        # What is held over the installation counts in the tenant as well.
        counting += [one.membership for one in who.anywhere or () if one.tenant is None]
        keys = await notices(ask, identity.id)
    else:
        keys = await notices_everywhere(ask, identity.id, who.anywhere or ())
    context: dict[str, Any] = {
        "view": who.view,
        "person": who.view.person,
        "identity": identity,
        "held": holding.held(who.view.memberships, known),
        "global_roles": [one for one in who.anywhere or () if one.tenant is None],
        "elsewhere": elsewhere if everywhere(ask) else [],
        "rights": holding.rights(counting, known),
        "keys": keys,
        "changeable": holds_all(ask, who.anywhere),
        "entries": await holding.entries(ask, identity.id),
        "said": holding.said,
    }
    return ask.page("people/details.html", **context)


PAGES = (details,)
