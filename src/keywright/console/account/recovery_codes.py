"""Recovery codes: ten new ones in place of all before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.account.confirming import require_recent
from keywright.console.code import Graph, Rest
from keywright.console.routing import Open, page
from keywright.services.factors import list_factors, renew_recovery_codes

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

_RENEW = """
mutation {
  renewRecoveryCodes { recoveryCodes }
}
"""


@page("/account/recovery-codes", needs=Open.LOGGED_IN)
async def ask_to_renew(ask: Ask) -> Response:
    """What making new ones will do."""
    require_recent(ask)
    code = ask.code(
        rest=Rest("POST", "/v1/factors/recovery-codes"),
        graph=Graph(_RENEW, {}),
        cli=["factors", "recovery-codes", "renew", "--yes"],
    )
    left = (await ask.run(list_factors, None)).recovery_codes_left
    return ask.dialog("account/renew_codes.html", left=left, code=code)


@page("/account/recovery-codes", needs=Open.LOGGED_IN, methods=("POST",))
async def renew(ask: Ask) -> Response:
    """Make them, and show them this once."""
    made = await ask.run(renew_recovery_codes, None)
    return ask.dialog("account/recovery_codes.html", codes=made.recovery_codes, said="")


PAGES = (ask_to_renew, renew)
