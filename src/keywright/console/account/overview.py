"""The reader's sessions, and by what they log in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.console import words
from keywright.console.routing import Open, page
from keywright.core import sessions as proofs
from keywright.core.listing import MAX_PAGE
from keywright.services.factors import list_factors
from keywright.services.sessions import ListSessions, list_sessions
from keywright.services.tenants import ListTenants, list_tenants
from keywright.services.whoami import whoami

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.core.identities import Tenant
    from keywright.core.sessions import Session

PROOFS: Final = {
    proofs.PASSWORD: "password",
    proofs.TOTP: "code of the app",
    proofs.RECOVERY_CODE: "recovery code",
    proofs.PASSKEY: "passkey",
    proofs.SIGN_ON: "single sign-on",
    proofs.SIGN_ON_MFA: "single sign-on with two factors",
    proofs.DELEGATED: "nothing: an application logged you in",
}
"""What somebody showed, as the page says it."""


def shown_by(session: Session) -> str:
    """By what a session's person proved who they are, in words."""
    return words.listed([PROOFS[one] for one in session.proofs])


SHOWN: Final = 20
"""Sessions on one page."""


@page("/account", needs=Open.LOGGED_IN)
async def overview(ask: Ask) -> Response:
    """Everything on one page."""
    cursor = ask.query.get("cursor") or None
    sessions = await ask.run(list_sessions, ListSessions(limit=SHOWN, cursor=cursor))
    return ask.page(
        "account/account.html",
        sessions=sessions,
        first="/account" if cursor else None,
        next=f"/account?cursor={sessions.next_cursor}#sessions" if sessions.next_cursor else None,
        more=cursor is not None or sessions.next_cursor is not None or len(sessions.items) > 1,
        factors=await ask.run(list_factors, None),
        user=(await ask.run(whoami, None)).user,
        asking=await _asking(ask),
        by=shown_by,
    )


async def _asking(ask: Ask) -> tuple[Tenant, ...]:
    """The tenants, of the first that the reader sees, that are closed to a login with a password alone."""
    found = await ask.run(list_tenants, ListTenants(limit=MAX_PAGE))
    return tuple(one for one in found.items if one.settings.two_factor_required)


PAGES = (overview,)
