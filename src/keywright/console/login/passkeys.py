"""The challenge that a passkey answers at a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.routing import Open, page
from keywright.core.errors import KeywrightError
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Guest


@page("/login/challenge", needs=Open.ANYBODY, methods=("POST",))
async def challenge(guest: Guest) -> Response:
    """The options for `navigator.credentials.get()`, the same for everybody."""
    return await challenged(guest)


async def challenged(guest: Guest) -> Response:
    """A new challenge for our script, or in `detail` why there is none."""
    try:
        asked = await guest.services.passkey_options(ip=guest.visit.ip_text)
    except KeywrightError as error:
        return guest.json({"detail": error.detail}, STATUS[type(error)])
    return guest.json(dict(asked.options))


PAGES = (challenge,)
