"""The page of the links that invite somebody, or set a new password.

The link's token stands behind its `#`, where no server sees it and no log keeps it: only our script reads it. It goes
to the REST door with the password that was chosen, or for somebody who is logged in, back to this page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console import words
from keywright.console.cookies import SESSION, VISIT, new_visit, proof_of, set_cookie
from keywright.console.forms import Errors
from keywright.console.routing import Open, page
from keywright.core.errors import KeywrightError, Unauthenticated
from keywright.services.invitations import Acceptance, Visitor
from keywright.web.calls import call_with
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask, Guest
    from keywright.services.invitations import Accepted


@page("/invitations/accept", needs=Open.ANYBODY)
async def invitation(guest: Guest) -> Response:
    """The form; for who is logged in, a button alone."""
    token = guest.cookies.get(SESSION, "")
    name = await _logged_in(guest, token)
    visit = guest.cookies.get(VISIT) or new_visit()
    response = guest.page(
        "login/invitation.html",
        name=name,
        errors=Errors(),
        csrf=proof_of(token if name else visit),
        guest_csrf=proof_of(visit),
    )
    if VISIT not in guest.cookies:
        set_cookie(response, guest.visit, VISIT, visit)
    return response


@page("/invitations/join", needs=Open.LOGGED_IN, methods=("POST",))
async def join(ask: Ask) -> Response:
    """Accept as who is logged in."""
    visitor = Visitor(caller=ask.caller, ip=ask.visit.ip_text, request_id=ask.visit.request_id)
    try:
        accepted = await ask.services.accept_invitation(Acceptance(token=ask.form.get("token")), visitor)
    except KeywrightError as error:
        if error.field == "password":
            return ask.page("login/invitation_refused.html", 422, detail=_FOR_A_PASSWORD)
        return ask.page("login/invitation_refused.html", STATUS[type(error)], detail=error.detail)
    here = "/" if accepted.tenant is None else f"/t/{accepted.tenant.slug}/keys"
    return ask.done(here, _said(accepted))


_FOR_A_PASSWORD = "This link sets a new password. Open it again, and choose that below the button."  # noqa: S105 - a sentence


def _said(accepted: Accepted) -> str:
    where = "the whole installation" if accepted.tenant is None else accepted.tenant.name
    given = [grant.role for grant in accepted.given]
    text = (
        f"You are {words.listed(given)} in {where}." if given else f"You held all of it in {where} already."
    )
    if accepted.skipped:
        text += f" Left out, since it can no longer be given: {words.listed(accepted.skipped)}."
    return text


async def _logged_in(guest: Guest, token: str) -> str:
    """The name of who is logged in here; empty for nobody."""
    try:
        caller = (await call_with(token or None, guest.visit, guest.services)).caller
    except Unauthenticated:
        return ""
    return caller.identity.name if caller.session is not None else ""


PAGES = (invitation, join)
