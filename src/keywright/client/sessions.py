"""One's own logins, and the password that opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from keywright.client.calls import Call, Listing, S, call, listing, nothing
from keywright.client.resources import Resource, part, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping
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


class Sessions(Resource[S]):
    """The sessions of whoever the client's credential is the session of."""

    @call
    def page(self, **filters: Unpack[SessionFilters]) -> Call[Page]:
        """One page of a list, the newest first."""
        return self._page(_PATH, filters)

    @listing
    def list(self, **filters: Unpack[SessionFilters]) -> Listing:
        """Go through a whole list; further pages are asked for as they are needed."""
        return self._each(_PATH, filters)

    @call
    def end(self, session_id: str) -> Call[None]:
        """End one session."""
        return Call("DELETE", path_of(_PATH, session_id), nothing)

    @call
    def end_others(self) -> Call[int]:
        """End all sessions but the client's own; answers how many."""
        return Call("POST", f"{_PATH}/end-others", self._ended)

    @call
    def confirm(self, password: str | None = None, **factor: Unpack[SecondFactor]) -> Call[Json]:
        """Show again who one is; what asks for a recent login is open for ten minutes then."""
        body = shown(factor) if password is None else {"password": password, **shown(factor)}
        return Call("POST", f"{_PATH}/current/confirm", body=body)

    @call
    def change_password(self, old_password: str, new_password: str) -> Call[int]:
        """Change one's password. All other sessions end; answers how many."""
        body = {"old_password": old_password, "new_password": new_password}
        return Call("PUT", "/v1/password", self._ended, body=body)

    @call
    def passkey_options(self) -> Call[Json]:
        """Ask for a challenge that a passkey answers, for logging in and for `confirm`."""
        return Call("POST", f"{_PATH}/passkey-options", anonymous=True)

    def _ended(self, answer: Json) -> int:
        return int(part(answer, "ended", self._url))
