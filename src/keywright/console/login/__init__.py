"""Logging in and out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from keywright.console.cookies import (
    SESSION,
    VISIT,
    drop_cookie,
    is_local,
    new_visit,
    proof_of,
    set_cookie,
)
from keywright.console.forms import Errors
from keywright.console.routing import Open, page
from keywright.core.errors import KeywrightError
from keywright.core.tokens import find_tokens
from keywright.services.sessions import end_session
from keywright.web.errors import STATUS

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask, Guest

# What pages of ours say in addresses: words, numbers and ids. What people typed, a secret perhaps, looks otherwise.
_OURS: Final = re.compile(r"[a-z_]{1,20}=(-?[a-z0-9_]{0,19}|[a-z]{3}_[0-9a-f]{32})")


@page("/login", needs=Open.ANYBODY)
async def login_page(guest: Guest) -> Response:
    """The form."""
    return _form(guest, Errors())


@page("/login", needs=Open.ANYBODY, methods=("POST",))
async def log_in(guest: Guest) -> Response:
    """Start a session, and go on to the page that asked for it."""
    form = guest.form
    try:
        made = await guest.services.log_in(
            form.get("login") or None,
            form.raw("password") or None,
            ip=guest.visit.ip_text,
            request_id=guest.visit.request_id,
        )
    except KeywrightError as error:
        return _form(guest, Errors.of(error, ("login", "password")), STATUS[type(error)])
    response = guest.to(own_path(form.get("next")))
    set_cookie(response, guest.visit, SESSION, made.token.reveal())
    drop_cookie(response, guest.visit, VISIT)
    return response


@page("/logout", needs=Open.LOGGED_IN, methods=("POST",))
async def log_out(ask: Ask) -> Response:
    """End the session."""
    await ask.run(end_session, None)
    response = ask.to("/login")
    drop_cookie(response, ask.visit, SESSION)
    return response


def own_path(path: str) -> str:
    """A path of ours to go on to; `/` in place of an address that leads elsewhere, or that holds a token."""
    sound = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path
    sound = sound and not find_tokens(unquote_plus(path))
    return path if sound and path.isprintable() else "/"


def is_harmless(query: str) -> bool:
    """Whether what stands in an address may be said again in another, since nothing in it can be a secret."""
    return all(_OURS.fullmatch(one) for one in query.split("&"))


def _form(guest: Guest, errors: Errors, status: int = 200) -> Response:
    visit = guest.cookies.get(VISIT) or new_visit()
    response = guest.page(
        "login/login.html",
        status,
        errors=errors,
        login=guest.form.get("login"),
        next=own_path(guest.form.get("next") or guest.query.get("next")),
        csrf=proof_of(visit),
        unsafe=not is_local(guest.visit) and not guest.services.public_url.startswith("https:"),
    )
    if VISIT not in guest.cookies:
        set_cookie(response, guest.visit, VISIT, visit)
    return response


PAGES = (login_page, log_in, log_out)
