"""A link by which a person sets a new password, shown once."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from keywright.console.code import Graph, Rest
from keywright.console.forms import Errors
from keywright.console.people.inviting import DAYS, PROBLEMS
from keywright.console.people.rules import only_everywhere, somebody
from keywright.console.routing import page
from keywright.core.errors import KeywrightError
from keywright.core.invitations import DEFAULT_DAYS
from keywright.services.users import UserReset, reset_user

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask

_RESET: Final = """
mutation ResetUser($input: ResetUserInput!) {
  resetUser(input: $input) { invitation { id expiresAt } link mailed }
}
"""


@page("/t/{tenant}/people/{id}/reset", needs="identities:update")
async def dialog(ask: Ask) -> Response:
    """What the link does."""
    return await _dialog(ask, secrets.token_urlsafe(16), Errors())


@page("/t/{tenant}/people/{id}/reset", needs="identities:update", methods=("POST",))
async def reset(ask: Ask) -> Response:
    """Make the link, and show it this once."""
    only_everywhere(ask)
    form = ask.form
    days = form.get("days", str(DEFAULT_DAYS))
    wanted = UserReset(
        id=ask.variable("id"),
        factors=form.ticked("factors"),
        expires_in_days=int(days) if days in map(str, DAYS) else DEFAULT_DAYS,
    )
    try:
        made = await ask.change(reset_user, wanted, once=form.get("once") or None)
    except KeywrightError as error:
        return await _dialog(ask, form.get("once"), ask.refused(error))
    problem = made.result.mail_problem
    return ask.page(
        "people/invited.html",
        made=made.result,
        problem=None if problem is None else PROBLEMS[problem.value],
        roles=[],
    )


async def _dialog(ask: Ask, once: str, errors: Errors) -> Response:
    only_everywhere(ask)
    who = await somebody(ask)
    id_ = who.identity.id
    code = ask.code(
        rest=Rest("POST", f"/v1/users/{id_}/reset", {}),
        graph=Graph(_RESET, {"input": {"id": id_}}),
        cli=["users", "reset", id_],
    )
    context: dict[str, Any] = {
        "identity": who.identity,
        "view": who.view,
        "once": once,
        "days": DAYS,
        "errors": errors,
        "code": code,
    }
    return ask.dialog("people/reset.html", ask.status, **context)


PAGES = (dialog, reset)
