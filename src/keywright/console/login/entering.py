"""What a login leaves behind in the browser, and where it goes on to."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus, urlsplit

from keywright.console.cookies import SESSION, VISIT, drop_cookie, new_visit, proof_of, set_cookie
from keywright.core.errors import KeywrightError
from keywright.core.tokens import SESSION_PREFIX, find_tokens

if TYPE_CHECKING:
    from typing import Any

    from starlette.responses import Response

    from keywright.console.asking import Guest
    from keywright.services.sessions import LoggedIn


# What pages of ours say in addresses: words, numbers and ids. What people typed, a secret perhaps, looks otherwise.
_OURS: Final = re.compile(r"[a-z_]{1,20}=(-?[a-z0-9_]{0,19}|[a-z]{3}_[0-9a-f]{32})")


def is_harmless(query: str) -> bool:
    """Whether what stands in an address may be said again in another, since nothing in it can be a secret."""
    return all(_OURS.fullmatch(one) for one in query.split("&"))


def told_again(path: str, query: str) -> str:
    """An address of ours to come back to, with what stands behind its question mark only where that is harmless."""
    return own_path(f"{path}?{query}" if query and is_harmless(query) else path)


def own_path(path: str) -> str:
    """A path of ours to go on to; `/` in place of an address that leads elsewhere, or that holds a token."""
    sound = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path
    sound = sound and not find_tokens(unquote_plus(path))
    return path if sound and path.isprintable() else "/"


def stood_on(guest: Guest) -> str:
    """The page of ours on which the form or the part of a page stands that was sent; `/` where that is not known."""
    headers = guest.request.headers
    try:
        found = urlsplit(headers.get("hx-current-url") or headers.get("referer", ""))
    except ValueError:
        return "/"
    if found.netloc != headers.get("host"):
        return "/"
    return told_again(found.path, found.query)


async def entered(guest: Guest, made: LoggedIn, after: str) -> Response:
    """Go on as who has just logged in. The session that this browser had before ends, as nobody will use it."""
    before = guest.cookies.get(SESSION, "")
    if before.startswith(f"{SESSION_PREFIX}_"):
        # Where that does not work it ends by itself; the new one counts in any case.
        with contextlib.suppress(KeywrightError):
            await guest.services.revoke(before, ip=guest.visit.ip_text, request_id=guest.visit.request_id)
    response = guest.to(own_path(after))
    set_cookie(response, guest.visit, SESSION, made.token.reveal())
    drop_cookie(response, guest.visit, VISIT)
    return response


def visited(guest: Guest, template: str, status: int = 200, **context: Any) -> Response:  # noqa: ANN401 - as the template
    """A page with a form for who is not logged in, whose proof goes by a cookie that is set where it is missing."""
    visit = guest.cookies.get(VISIT) or new_visit()
    response = guest.page(template, status, **{**context, "csrf": proof_of(visit)})
    if VISIT not in guest.cookies:
        set_cookie(response, guest.visit, VISIT, visit)
    return response
