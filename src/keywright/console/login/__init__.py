"""Logging in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.cookies import SESSION, drop_cookie
from keywright.console.login import forms, invitations, passkeys, sign_on
from keywright.console.login.entering import own_path
from keywright.console.routing import Open, page
from keywright.services.sessions import end_session

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

__all__ = ["PAGES", "own_path"]


@page("/logout", needs=Open.LOGGED_IN, methods=("POST",))
async def log_out(ask: Ask) -> Response:
    """End the session."""
    await ask.run(end_session, None)
    response = ask.to("/login")
    drop_cookie(response, ask.visit, SESSION)
    return response


PAGES = (*forms.PAGES, *passkeys.PAGES, *sign_on.PAGES, *invitations.PAGES, log_out)
