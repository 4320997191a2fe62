"""The login: password, then a second factor where the person has one; or a passkey alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.cookies import is_local
from keywright.console.forms import Errors
from keywright.console.login.entering import entered, own_path, visited
from keywright.console.login.shown import Refusal, factor_in, refusal
from keywright.console.routing import Open, page
from keywright.core.errors import KeywrightError

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Guest


@page("/login", needs=Open.ANYBODY)
async def login_page(guest: Guest) -> Response:
    """The form."""
    return login_form(guest, Refusal(Errors()))


@page("/login", needs=Open.ANYBODY, methods=("POST",))
async def log_in(guest: Guest) -> Response:
    """Start a session, and go on to the page that asked for it.

    Where more is needed or something is wrong, our script is given that alone, to be put below what was typed. Without
    script the form comes back, and the password with it does not.
    """
    form = guest.form
    try:
        made = await guest.services.log_in(
            form.get("login") or None,
            form.raw("password") or None,
            factor=factor_in(form),
            ip=guest.visit.ip_text,
            request_id=guest.visit.request_id,
        )
    except KeywrightError as error:
        return login_form(guest, refusal(guest, error, password_alone=guest.wants_part), guest.status)
    return await entered(guest, made, form.get("next"))


def login_form(guest: Guest, why: Refusal, status: int = 200) -> Response:
    """The form, or for our script what belongs below its first fields; `why` is what a login before it lacked."""
    if guest.wants_part:
        return guest.part("login/second.html", status, why.headers, why=why)
    response = visited(
        guest,
        "login/login.html",
        status,
        why=why,
        login=guest.form.get("login"),
        next=own_path(guest.form.get("next") or guest.query.get("next")),
        ended=guest.query.ticked("ended"),
        public_url=guest.services.public_url,
        sign_on=guest.services.offers_sign_on,
        unsafe=not is_local(guest.visit) and not guest.services.public_url.startswith("https:"),
    )
    response.headers.update(why.headers)
    return response


PAGES = (login_page, log_in)
