"""Single sign-on in the browser: on to the identity provider, and back from it.

The flow is a secret of this browser, kept in a cookie for as long as it lives: whoever comes back without it, or with
the state of another, is not logged in.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse

from keywright.console.cookies import drop_cookie, set_cookie
from keywright.console.forms import Errors
from keywright.console.login.entering import entered, own_path
from keywright.console.login.forms import login_form
from keywright.console.login.shown import Refusal, refusal
from keywright.console.routing import Open, page
from keywright.core.errors import KeywrightError, SignOnUnavailable
from keywright.core.sign_on import CALLBACK_PATH
from keywright.services.sign_on import Answer
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Guest

FLOW: Final = "kw_flow"
"""The flow that this browser began, and where it goes on to."""
_SECONDS: Final = 600
_NOT_LET_IN: Final = "The identity provider did not let you in."


@page("/login/sign-on", needs=Open.ANYBODY)
async def begin(guest: Guest) -> Response:
    """Go on to the identity provider."""
    after = own_path(guest.query.get("next"))
    public = guest.services.public_url
    host = guest.visit.listed(b"host")
    if host != urlsplit(public).netloc and not guest.query.ticked("here"):
        # The provider sends people back to the public address, where a cookie of this one is not known.
        return RedirectResponse(f"{public}/login/sign-on?here=1&next={quote(after)}", 303)
    try:
        begun = await guest.services.sign_on.start(None, ip=guest.visit.ip_text)
    except KeywrightError as error:
        return _refused(guest, error)
    response = RedirectResponse(begun.authorization_url, 303, {"Cache-Control": "no-store"})
    kept = base64.urlsafe_b64encode(after.encode()).decode()
    set_cookie(response, guest.visit, FLOW, f"{begun.flow.reveal()}.{kept}", seconds=_SECONDS)
    return response


@page(CALLBACK_PATH, needs=Open.ANYBODY)
async def come_back(guest: Guest) -> Response:
    """End the flow with what the provider answered."""
    flow, after = _kept(guest)
    if "error" in guest.query:
        guest.status = 401
        response = login_form(guest, Refusal(Errors(general=_NOT_LET_IN)), guest.status)
    else:
        answer = Answer(flow, guest.query.get("state"), guest.query.get("code"))
        visit = guest.visit
        try:
            made = await guest.services.sign_on.finish(answer, ip=visit.ip_text, request_id=visit.request_id)
        except KeywrightError as error:
            response = _refused(guest, error)
        else:
            response = await entered(guest, made, after)
    drop_cookie(response, guest.visit, FLOW)
    return response


def _refused(guest: Guest, error: KeywrightError) -> Response:
    """The login with why it did not work; a provider that is away leaves the other ways to log in."""
    if isinstance(error, SignOnUnavailable):
        return login_form(guest, Refusal(Errors(general=error.detail)), STATUS[type(error)])
    return login_form(guest, refusal(guest, error), guest.status)


def _kept(guest: Guest) -> tuple[str, str]:
    """The flow of this browser, and where it goes on to."""
    flow, _, after = guest.cookies.get(FLOW, "").partition(".")
    try:
        return flow, base64.urlsafe_b64decode(after).decode()
    except ValueError:
        return flow, "/"


PAGES = (begin, come_back)
