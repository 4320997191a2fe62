"""One's own logins, and the password that opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote

from keywright.client.resources import Resource, part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Unpack

    from keywright.client.values import Json, Page

_PATH = "/v1/sessions"


class SecondFactor(TypedDict, total=False):
    """A second factor: one of a code of an authenticator app, a recovery code, and a passkey's answer.

    The answer is `PublicKeyCredential.toJSON()`, as a browser gives it.
    """

    code: str | None
    recovery_code: str | None
    passkey: Mapping[str, Any] | None


class SessionFilters(TypedDict, total=False):
    """How many sessions a page; as in the REST API."""

    limit: int | None
    cursor: str | None


def shown(factor: SecondFactor) -> Json:
    """A second factor as JSON."""
    return {name: value for name, value in factor.items() if value is not None}


class Sessions(Resource):
    """The sessions of whoever the client's credential is the session of."""

    def page(self, **filters: Unpack[SessionFilters]) -> Page:
        """One page of a list, the newest first."""
        return self._page(_PATH, filters)

    def list(self, **filters: Unpack[SessionFilters]) -> Iterator[Json]:
        """Go through a whole list; further pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    def end(self, session_id: str) -> None:
        """End one session."""
        self._transport().send("DELETE", f"{_PATH}/{quote(session_id, safe='')}")

    def end_others(self) -> int:
        """End all sessions but the client's own; answers how many."""
        return int(part(self._transport().send("POST", f"{_PATH}/end-others"), "ended", self._url))

    def confirm(self, password: str | None = None, **factor: Unpack[SecondFactor]) -> Json:
        """Show again who one is; what asks for a recent login is open for ten minutes then."""
        body = shown(factor) if password is None else {"password": password, **shown(factor)}
        return self._transport().send("POST", f"{_PATH}/current/confirm", body=body)

    def change_password(self, old_password: str, new_password: str) -> int:
        """Change one's password. All other sessions end; answers how many."""
        body = {"old_password": old_password, "new_password": new_password}
        return int(part(self._transport().send("PUT", "/v1/password", body=body), "ended", self._url))

    def passkey_options(self) -> Json:
        """Ask for a challenge that a passkey answers, for logging in and for `confirm`."""
        return self._transport().send("POST", f"{_PATH}/passkey-options", anonymous=True)
