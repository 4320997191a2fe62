"""The list of service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.forms import Errors
from keywright.console.people.grants import choices
from keywright.console.people.holding import held
from keywright.console.routing import page
from keywright.core.errors import InvalidCursor, InvalidValue, SecretInText
from keywright.services.service_accounts import ListServiceAccounts, list_service_accounts

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/service-accounts", needs="identities:read")
async def listing(ask: Ask) -> Response:
    """The tenant's service accounts, or those in whose name a word begins with what is searched for."""
    if ask.place is None or ask.place.tenant is None:
        return ask.page("service_accounts/elsewhere.html")
    q, cursor = ask.query.get("q"), ask.query.get("cursor")
    errors, listed = Errors(), None
    try:
        wanted = ListServiceAccounts(search=q or None, cursor=cursor or None)
        listed = await ask.run(list_service_accounts, wanted)
    except InvalidCursor:
        return ask.to(ask.at("service-accounts", q=q))
    except (InvalidValue, SecretInText) as error:
        errors = ask.refused(error, "search")
        # A key that was pasted here is not shown again.
        q = "" if isinstance(error, SecretInText) else q
    known = await choices(ask)
    views = () if listed is None else listed.items
    context: dict[str, Any] = {
        "rows": [(view.identity, held(view.memberships, known)) for view in views],
        "errors": errors,
        "q": q,
        "first": ask.at("service-accounts", q=q) if cursor else None,
        "next": ask.at("service-accounts", q=q, cursor=listed.next_cursor)
        if listed and listed.more
        else None,
    }
    if ask.wants_part and ask.target == "list":
        return ask.part("service_accounts/list_part.html", ask.status, **context)
    return ask.page("service_accounts/list.html", ask.status, **context)


PAGES = (listing,)
