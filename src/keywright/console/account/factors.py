"""The authenticator app: set up, turned on by a first code, and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.account.confirming import require_recent
from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.routing import Open, page
from keywright.core.errors import FactorExists, KeywrightError
from keywright.services.factors import FirstCode, begin_totp, confirm_totp, list_factors, remove_totp

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

_REMOVE = """
mutation {
  removeTotp { removed }
}
"""


@page("/account/app", needs=Open.LOGGED_IN, methods=("POST",))
async def begin(ask: Ask) -> Response:
    """Show the secret, this once, and ask for a first code."""
    try:
        begun = await ask.run(begin_totp, None)
    except FactorExists as error:
        return ask.done("/account", error.detail)
    return ask.dialog("account/app.html", begun=begun, errors=Errors())


@page("/account/app", needs=Open.LOGGED_IN)
async def begin_anew(ask: Ask) -> Response:
    """Who comes by the address alone begins on the page of the account."""
    return ask.to("/account")


@page("/account/app/code", needs=Open.LOGGED_IN, methods=("POST",))
async def turn_on(ask: Ask) -> Response:
    """Turn it on. Our script is given errors alone: the secret stands on the page that it shows, and nowhere else."""
    try:
        made = await ask.run(confirm_totp, FirstCode(ask.form.get("code")))
    except KeywrightError as error:
        errors = ask.refused(error, "code")
        if ask.wants_part:
            return ask.part("account/app_code.html", ask.status, errors=errors)
        return ask.dialog("account/app.html", ask.status, begun=None, errors=errors)
    if not made.recovery_codes:
        return ask.done("/account", _ON)
    headers = {"HX-Retarget": "#dialogs", "HX-Reswap": "innerHTML"} if ask.wants_part else None
    return ask.dialog("account/recovery_codes.html", headers=headers, codes=made.recovery_codes, said=_ON)


_ON = "The authenticator app is on: from your next login on, a code of it goes with the password."


@page("/account/app/remove", needs=Open.LOGGED_IN)
async def ask_to_remove(ask: Ask) -> Response:
    """What taking it away will do."""
    require_recent(ask)
    code = ask.code(
        rest=Rest("DELETE", "/v1/factors/totp"),
        graph=Graph(_REMOVE, {}),
        cli=["factors", "totp", "remove", "--yes"],
    )
    found = await ask.run(list_factors, None)
    return ask.dialog("account/remove_app.html", factors=found, code=code)


@page("/account/app/remove", needs=Open.LOGGED_IN, methods=("POST",))
async def remove(ask: Ask) -> Response:
    """Take it away."""
    await ask.run(remove_totp, None)
    return ask.done(
        "/account", "The authenticator app is taken away. Its codes are good for nothing any more."
    )


PAGES = (begin, begin_anew, turn_on, ask_to_remove, remove)
