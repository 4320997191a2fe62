"""Logging in through the server's identity provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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


class SignOn(Resource):
    """Single sign-on. It needs no credential, and the client goes on with the one it has."""

    def start(self, redirect_uri: str | None = None) -> Flow:
        """Begin a login; `redirect_uri` is the server's own callback, or `http://127.0.0.1:PORT/` with a path."""
        body: Json = {} if redirect_uri is None else {"redirect_uri": redirect_uri}
        answer = self._transport().send("POST", "/v1/sign-on/start", body=body, anonymous=True)
        return Flow(
            authorization_url=part(answer, "authorization_url", self._url),
            flow=Token(part(answer, "flow", self._url)),
            expires_at=part(answer, "expires_at", self._url),
        )

    def finish(self, flow: Token, state: str, code: str) -> LoggedIn:
        """End a login with what the provider sent the person back with. A flow ends with the first answer."""
        body = {"flow": flow.reveal(), "state": state, "code": code}
        answer = self._transport().send("POST", "/v1/sign-on/finish", body=body, anonymous=True)
        return LoggedIn(
            id=part(answer, "id", self._url),
            token=Token(part(answer, "token", self._url)),
            identity=part(answer, "identity", self._url),
            expires_at=part(answer, "expires_at", self._url),
        )
