"""Logging in through the server's identity provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.client.calls import Call, S, call
from keywright.client.resources import Resource, part
from keywright.client.values import LoggedIn, Token

if TYPE_CHECKING:
    from keywright.client.values import Json


@dataclass(frozen=True, slots=True)
class Flow:
    """A login that has begun: `authorization_url` is where the person logs in, and `flow` ends it once.

    It ends by itself at `expires_at` (RFC 3339).
    """

    authorization_url: str = field(repr=False)
    flow: Token
    expires_at: str


class SignOn(Resource[S]):
    """Single sign-on. It needs no credential, and the client goes on with the one it has."""

    @call
    def start(self, redirect_uri: str | None = None) -> Call[Flow]:
        """Begin a login; `redirect_uri` is the server's own callback, or `http://127.0.0.1:PORT/` with a path."""
        body: Json = {} if redirect_uri is None else {"redirect_uri": redirect_uri}

        def read(answer: Json) -> Flow:
            return Flow(
                authorization_url=part(answer, "authorization_url", self._url),
                flow=Token(part(answer, "flow", self._url)),
                expires_at=part(answer, "expires_at", self._url),
            )

        return Call("POST", "/v1/sign-on/start", read, body=body, anonymous=True)

    @call
    def finish(self, flow: Token, state: str, code: str) -> Call[LoggedIn]:
        """End a login with what the provider sent the person back with. A flow ends with the first answer."""
        body = {"flow": flow.reveal(), "state": state, "code": code}
        return Call("POST", "/v1/sign-on/finish", self._logged_in, body=body, anonymous=True)
