"""Confirming that it is you, where something asks for a login within the last ten minutes.

The page that asks holds what was typed into the form that needed it, and after the confirmation the browser sends that
form again by itself: the answer is a redirect that keeps method and body (307). What is secret is not put into a page;
a form with such a field is filled in once more.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from keywright.console.forms import Errors
from keywright.console.login.entering import own_path, stood_on
from keywright.console.login.passkeys import challenged
from keywright.console.login.shown import Refusal, factor_in
from keywright.console.routing import Open, page
from keywright.core.errors import (
    FreshLoginRequired,
    InvalidCredentials,
    KeywrightError,
    SecondFactorRequired,
    TooManyAttempts,
)
from keywright.core.sessions import PASSKEY, RECOVERY_CODE, SIGN_ON, SIGN_ON_MFA, TOTP
from keywright.services.factors import list_factors
from keywright.services.sessions import Confirmation, confirm_session
from keywright.services.whoami import whoami

if TYPE_CHECKING:
    from keywright.console.asking import Ask
    from keywright.console.forms import Form
    from keywright.services.factors import Factors

PATH: Final = "/account/confirm"
_OWN: Final = "confirm_"
"""Before the names of this form's own fields."""
_BESIDE: Final = ("password", "code", "recovery_code")
_is_secret: Final = re.compile(r"(?:.*_)?(?:password|token|secret|code|passkey)").fullmatch
"""Whether a field of another form is called as those are whose values are never put into a page."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """What needed a recent login: where it went, the page before it, and the fields of its form.

    It is sent `again` after the confirmation where it was a form, unless something secret in it is `lost`.
    """

    to: str
    back: str
    kept: list[tuple[str, str]] = field(repr=False)
    again: bool
    lost: bool


def require_recent(ask: Ask) -> None:
    """Ask to confirm before a form is filled in whose use case would ask for it. Raises `FreshLoginRequired`."""
    session = ask.caller.session
    if session is None or not session.fresh(ask.now):
        raise FreshLoginRequired("This needs a login within the last ten minutes.")


async def asked_to_confirm(ask: Ask) -> Response:
    """The answer to a request that needs a recent login."""
    again = ask.request.method == "POST"
    back = ask.here if not again else stood_on(ask)
    kept = _others(ask.form) if again else []
    query = f"?{ask.request.url.query}" if ask.request.url.query else ""
    lost = any(_is_secret(name) for name, _ in kept)
    asking = _Asking(f"{ask.here}{query}", back, [] if lost else kept, again=again and not lost, lost=lost)
    return await _shown(ask, asking)


@page(PATH, needs=Open.LOGGED_IN, methods=("POST",))
async def confirm(ask: Ask) -> Response:
    """Confirm, and go on with what needed it."""
    form = ask.form
    asking = _Asking(
        to=own_path(form.get(f"{_OWN}to")),
        back=own_path(form.get(f"{_OWN}back")),
        kept=_others(form),
        again=form.ticked(f"{_OWN}again"),
        lost=form.ticked(f"{_OWN}lost"),
    )
    try:
        shown = Confirmation(form.raw(f"{_OWN}password") or None, factor_in(form, _OWN))
        await ask.run(confirm_session, shown)
    except KeywrightError as error:
        return await _shown(ask, asking, error)
    if asking.again:
        return Response(status_code=307, headers={"Location": asking.to, "Cache-Control": "no-store"})
    if asking.lost:
        return ask.done(
            asking.back, "Confirmed. The form held something secret, which is not kept: send it once more."
        )
    if ask.wants_part:
        there = {"path": asking.to, "target": "#dialogs", "swap": "innerHTML", "push": "false"}
        return Response(headers={"HX-Location": json.dumps(there), "Cache-Control": "no-store"})
    return ask.to(asking.to)


@page("/account/challenge", needs=Open.LOGGED_IN, methods=("POST",))
async def challenge(ask: Ask) -> Response:
    """The challenge that a passkey answers for it."""
    return await challenged(ask)


@page(PATH, needs=Open.LOGGED_IN)
async def nothing_to_confirm(ask: Ask) -> Response:
    """Who comes by the address alone."""
    return ask.to("/account")


def _others(form: Form) -> list[tuple[str, str]]:
    """The fields of the form that needed a recent login."""
    return [(name, value) for name, value in form if not name.startswith(_OWN) and name != "csrf"]


async def _shown(ask: Ask, asking: _Asking, error: KeywrightError | None = None) -> Response:
    """The dialog, and what was wrong with what it was given."""
    factors = await ask.run(list_factors, None)
    user = (await ask.run(whoami, None)).user
    why = Refusal(Errors()) if error is None else _why(ask, error)
    session = ask.caller.session
    signed_on = session is not None and not {SIGN_ON, SIGN_ON_MFA}.isdisjoint(session.proofs)
    return ask.dialog(
        "confirm.html",
        403 if error is None else ask.status,
        headers={"HX-Retarget": "#dialogs", "HX-Reswap": "innerHTML", **why.headers},
        asking=asking,
        why=why,
        accepted=_accepted(factors),
        has_password=user is not None and user.person.password_hash is not None,
        signed_on=signed_on and ask.services.offers_sign_on,
    )


def _why(ask: Ask, error: KeywrightError) -> Refusal:
    errors = ask.refused(error)
    if isinstance(error, SecondFactorRequired):
        errors = Errors(general="The password is right. Type it once more, with a second factor.")
    if isinstance(error, InvalidCredentials):
        errors = Errors(fields={f"{_OWN}password": "This is not your password."})
    if error.field in _BESIDE:
        errors = Errors(fields={f"{_OWN}{error.field}": error.detail})
    return Refusal(errors, (), error.retry_after if isinstance(error, TooManyAttempts) else 0)


def _accepted(found: Factors) -> tuple[str, ...]:
    """The factors that go with a password."""
    there = {
        TOTP: found.totp_since is not None,
        PASSKEY: bool(found.passkeys),
        RECOVERY_CODE: bool(found.recovery_codes_left),
    }
    return tuple(word for word, has in there.items() if has)


PAGES = (confirm, challenge, nothing_to_confirm)
