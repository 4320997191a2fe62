"""The keys of a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.routing import page
from keywright.core.listing import KeyQuery
from keywright.services.keys import ListKeys, list_keys

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/keys", needs="keys:read", own="keys:own:read")
async def listing(ask: Ask) -> Response:
    """The list."""
    found = await ask.run(list_keys, ListKeys(query=KeyQuery()))
    return ask.page("keys/list.html", keys=found)


PAGES = (listing,)
