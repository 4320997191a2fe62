"""Changing one's password; the first thing to do where Keywright generated it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console import words
from keywright.console.forms import Errors
from keywright.console.login import own_path
from keywright.console.routing import Open, page
from keywright.core.errors import InvalidCredentials, InvalidValue, KeywrightError, TooManyAttempts
from keywright.services.sessions import PasswordChange, change_password
from keywright.services.whoami import whoami

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

PATH = "/account/password"
_FIELDS = ("old_password", "new_password", "again")


@page(PATH, needs=Open.LOGGED_IN)
async def password_page(ask: Ask) -> Response:
    """The form."""
    return await _form(ask, Errors())


@page(PATH, needs=Open.LOGGED_IN, methods=("POST",))
async def change(ask: Ask) -> Response:
    """Change it, and say how many other sessions ended by that."""
    form = ask.form
    new = form.raw("new_password")
    try:
        if new != form.raw("again"):
            raise InvalidValue("This is not the same password.", field="again")
        ended = await ask.run(change_password, PasswordChange(form.raw("old_password"), new))
    except KeywrightError as error:
        errors = ask.refused(error, *_FIELDS)
        if isinstance(error, InvalidCredentials):
            errors = Errors(fields={"old_password": "This is not your password."})
        wait = error.retry_after if isinstance(error, TooManyAttempts) else 0
        return await _form(ask, errors, wait)
    also = f" {words.counted(ended, 'other session')} of yours ended." if ended else ""
    return ask.done(own_path(form.get("next", "/account")), f"Your password is changed.{also}")


async def _form(ask: Ask, errors: Errors, wait: int = 0) -> Response:
    """The form; no password that was typed comes back in it."""
    user = (await ask.run(whoami, None)).user
    response = ask.page(
        "account/password.html",
        ask.status,
        errors=errors,
        due=ask.caller.password_change_due,
        login=user.person.login if user is not None else "",
        next=own_path(ask.form.get("next") or ask.query.get("next", "/account")),
        wait=wait,
    )
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


PAGES = (password_page, change)
