"""The key that has a token: found by a form, so that the token stands in no address, history or log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.console.forms import Errors
from keywright.console.routing import page
from keywright.core.errors import NotFound
from keywright.core.tokens import find_tokens
from keywright.services.keys import KeyToken, find_key

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.console.asking import Ask
    from keywright.console.forms import Form


def holds_token(form: Form) -> bool:
    """Whether there is a whole token in any field."""
    return any(find_tokens(text) for pair in form for text in pair)


@page("/t/{tenant}/keys/find", needs="keys:read", own="keys:own:read")
async def ask_for_token(ask: Ask) -> Response:
    """The form; `why=address` says that a token stood in an address, from where one was sent here."""
    return ask.page("keys/find.html", errors=Errors(), leaked=ask.query.get("why") == "address")


@page("/t/{tenant}/keys/find", needs="keys:read", own="keys:own:read", methods=("POST",))
async def find(ask: Ask) -> Response:
    """Go to the page of the key that has this token; some text around one in our form does not matter."""
    text = ask.form.raw("token").strip()
    spans = find_tokens(text)
    token = text[slice(*spans[0])] if spans else text
    try:
        found = await ask.run(find_key, KeyToken(token))
    except NotFound:
        errors = Errors(
            fields={"token": "No key here has this token. It may be of another tenant, or deleted."}
        )
        return ask.page("keys/find.html", 404, errors=errors, leaked=False)
    return ask.to(ask.at(f"keys/{found.key.id}"))


PAGES = (ask_for_token, find)
