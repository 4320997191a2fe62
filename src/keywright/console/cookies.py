"""The cookies of the console, and the words in forms that prove they came from a page of ours.

The session's token stands in one cookie, which no script can read. What proves that a form came from one of our own
pages is made of that cookie's value by HMAC-SHA-256, so that every node can check it and none has to remember it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.responses import Response

    from keywright.web.visit import Visit

SESSION: Final = "kw_session"
"""The session's token."""
VISIT: Final = "kw_visit"
"""A random word for who is not logged in yet, from which the proofs in their forms are made."""
NOTE: Final = "kw_note"
"""What the page after this one has to say."""
TENANT: Final = "kw_tenant"
"""The slug of the tenant that was looked at last."""
ZONE: Final = "kw_zone"
"""The reader's time zone, by its IANA name; set by our script."""
THEME: Final = "kw_theme"
"""`light` or `dark`, for who does not want what their system says."""

_NOTE_SECONDS: Final = 60
_YEAR: Final = 31_536_000
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def cookies_of(visit: Visit) -> dict[str, str]:
    """The cookies of a request, by name; none where they cannot be read."""
    jar = SimpleCookie()
    try:
        jar.load(visit.listed(b"cookie") or "")
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def is_local(visit: Visit) -> bool:
    """Whether the browser reached us by an address of its own machine, to which it sends cookies without https."""
    host = urlsplit(f"//{visit.listed(b'host') or ''}").hostname or ""
    return host in _LOCAL or host.endswith(".localhost")


def set_cookie(
    response: Response,
    visit: Visit,
    name: str,
    value: str,
    *,
    seconds: int | None = None,
    scripts: bool = False,
) -> None:
    """Set a cookie for our own pages alone: `Secure` outside the reader's own machine, `SameSite=Lax`.

    It ends with the browser, or after `seconds`; only with `scripts` can our script read it.
    """
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=not is_local(visit),
        httponly=not scripts,
        samesite="lax",
    )


def keep_for_long(response: Response, visit: Visit, name: str, value: str) -> None:
    """Set a cookie that lasts for a year: what somebody likes, and no secret."""
    set_cookie(response, visit, name, value, seconds=_YEAR)


def drop_cookie(response: Response, visit: Visit, name: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(name, path="/", secure=not is_local(visit), httponly=True, samesite="lax")


def new_visit() -> str:
    """A word for `VISIT`."""
    return secrets.token_urlsafe(24)


def proof_of(secret: str) -> str:
    """What a form holds to show that it came from a page given to who has this cookie."""
    return _signed(secret, "form")


def is_proof(secret: str, shown: str | None) -> bool:
    """Whether a form holds the proof that belongs to a cookie."""
    return shown is not None and hmac.compare_digest(proof_of(secret).encode(), shown.encode())


def set_note(response: Response, visit: Visit, secret: str, note: dict[str, Any]) -> None:
    """Leave a note for the next page, which nobody but us can have written."""
    payload = base64.urlsafe_b64encode(json.dumps(note).encode()).decode()
    set_cookie(response, visit, NOTE, f"{payload}.{_signed(secret, payload)}", seconds=_NOTE_SECONDS)


def note_of(secret: str, cookie: str | None) -> dict[str, Any] | None:
    """The note that was left for this page; None without one, and for one that is not ours."""
    payload, _, signature = (cookie or "").partition(".")
    if not payload or not hmac.compare_digest(_signed(secret, payload).encode(), signature.encode()):
        return None
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload))
    return found


def _signed(secret: str, what: str) -> str:
    return hmac.new(secret.encode(), f"keywright console {what}".encode(), hashlib.sha256).hexdigest()
