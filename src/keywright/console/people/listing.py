"""The list of people: those of a tenant, or of the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.console.forms import Errors
from keywright.console.people.grants import choices
from keywright.console.people.holding import held
from keywright.console.routing import page
from keywright.core.errors import InvalidCursor, InvalidValue, SecretInText
from keywright.services.users import ListUsers, list_users

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask


@page("/t/{tenant}/people", needs="identities:read")
async def listing(ask: Ask) -> Response:
    """Everybody here, or those in whose name a word, whose login name or address begins with what is searched for."""
    q, cursor = ask.query.get("q"), ask.query.get("cursor")
    errors, listed = Errors(), None
    try:
        listed = await ask.run(list_users, ListUsers(search=q or None, cursor=cursor or None))
    except InvalidCursor:
        return ask.to(ask.at("people", q=q))
    except (InvalidValue, SecretInText) as error:
        errors = ask.refused(error, "search")
        # A key that was pasted here is not shown again.
        q = "" if isinstance(error, SecretInText) else q
    known = await choices(ask)
    views = () if listed is None else listed.items
    context: dict[str, Any] = {
        "rows": [(view, held(view.memberships, known)) for view in views],
        "errors": errors,
        "q": q,
        "first": ask.at("people", q=q) if cursor else None,
        "next": ask.at("people", q=q, cursor=listed.next_cursor) if listed and listed.more else None,
    }
    if ask.wants_part and ask.target == "list":
        return ask.part("people/list_part.html", ask.status, **context)
    return ask.page("people/list.html", ask.status, **context)


PAGES = (listing,)
