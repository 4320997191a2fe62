"""`/v1/introspect` (RFC 7662) and `/v1/revoke` (RFC 7009), as plain ASGI: forms and errors are OAuth's own."""

from __future__ import annotations

import base64
import binascii
from math import floor
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from keywright.api.rest.verify import VerdictOut, verdict
from keywright.core.decision import Code
from keywright.core.errors import KeywrightError, MalformedRequest, Unauthenticated, Unavailable
from keywright.core.tokens import FLOW_PREFIX, INVITATION_PREFIX
from keywright.web.credentials import bearer
from keywright.web.errors import METHOD_NOT_ALLOWED, OTHER_STATUS, STATUS, send_json
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.decision import Decision
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.services.service import Services
    from keywright.web.visit import Visit

INTROSPECT: Final = "/v1/introspect"
REVOKE: Final = "/v1/revoke"
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_FIELDS: Final = 20
_INVALID_REQUEST, _UNSUPPORTED = "invalid_request", "unsupported_token_type"
_ERRORS: Final = {401: "invalid_client", 403: "insufficient_scope", 503: "temporarily_unavailable"}
_NO_KEYS: Final = (f"{INVITATION_PREFIX}_", f"{FLOW_PREFIX}_")
_INACTIVE: Final = b'{"active":false}'


class IntrospectIn(msgspec.Struct, frozen=True):
    """A question about one token, as a form. Parameters that are not known are left aside, as OAuth asks."""

    token: str
    token_type_hint: str | None = None
    ip: str | None = None


class RevokeIn(msgspec.Struct, frozen=True):
    """A token to be made useless, as a form."""

    token: str
    token_type_hint: str | None = None


class IntrospectionOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """What RFC 7662, section 2.2, says of a token, and the verdict of `/v1/verify`; `active` alone for any other.

    There is no `scope`: a word of it stands for an action on everything, and Keywright's policies name resources.
    """

    active: bool
    token_type: str | None = None
    sub: str | None = None
    username: str | None = None
    client_id: str | None = None
    jti: str | None = None
    iss: str | None = None
    exp: int | None = None
    nbf: int | None = None
    keywright: VerdictOut | None = None


class OAuthError(msgspec.Struct, frozen=True):
    """A refusal in the form of RFC 6749, section 5.2."""

    error: str
    error_description: str


class _Refused(Exception):
    """The form cannot be answered; the code is OAuth's own."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = OAuthError(error, description)


class OAuthDoor:
    """The two paths as one ASGI application."""

    def __init__(self, services: Services, metrics: Metrics, issuer: str) -> None:
        self._services = services
        self._metrics = metrics
        self._issuer = issuer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one call."""
        visit = visit_of(scope)
        try:
            _check_call(scope)
            if scope["path"] == REVOKE:
                await self._revoke(visit, send)
            else:
                await self._introspect(visit, send)
        except _Refused as refused:
            headers = {"Allow": "POST"} if refused.status == OTHER_STATUS[METHOD_NOT_ALLOWED] else {}
            await send_json(send, refused.status, refused.body, headers)
        except KeywrightError as refused:
            status = STATUS[type(refused)] if STATUS[type(refused)] in _ERRORS else 400
            headers = {}
            if isinstance(refused, Unauthenticated):
                headers["WWW-Authenticate"] = 'Bearer realm="keywright", Basic realm="keywright"'
            elif isinstance(refused, Unavailable):
                headers["Retry-After"] = "1"
            body = OAuthError(_ERRORS.get(status, _INVALID_REQUEST), refused.detail)
            await send_json(send, status, body, headers)

    async def _introspect(self, visit: Visit, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        caller = await self._services.authenticate(_credential(visit), visit.ip)
        decisions = self._services.decisions
        asker = await decisions.enter(caller, visit.header(b"keywright-tenant"))
        form = _form(visit)
        decision = await decisions.look_at(asker, form["token"], form.get("ip"))
        self._metrics.decision(decision.code, "introspect")
        if decision.code is Code.STALE:
            raise Unavailable("The database cannot be reached, so the answer is not known.")
        if decision.valid and decision.facts is not None:
            await send_json(send, 200, self._active(decision, decision.facts))
        else:
            await send_json(send, 200, _INACTIVE)

    def _active(self, decision: Decision, facts: KeyFacts) -> IntrospectionOut:
        key, identity = facts.key, facts.identity
        return IntrospectionOut(
            active=True,
            token_type="Bearer",  # noqa: S106 - the name of a scheme
            sub=identity.id,
            username=identity.name,
            client_id=key.id,
            jti=key.id,
            iss=self._issuer,
            exp=_seconds(key.expires_at),
            nbf=_seconds(key.not_before),
            keywright=verdict(decision),
        )

    async def _revoke(self, visit: Visit, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        token = _form(visit)["token"]
        if token.startswith(_NO_KEYS):
            raise _Refused(_UNSUPPORTED, "API keys and session tokens can be revoked here.")
        await self._services.revoke(token, ip=visit.ip_text, request_id=visit.request_id)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def _check_call(scope: Any) -> None:  # noqa: ANN401 - ASGI is untyped
    if scope["method"] != "POST":
        raise _Refused(_INVALID_REQUEST, "This path takes POST.", OTHER_STATUS[METHOD_NOT_ALLOWED])
    if scope["query_string"]:
        raise _Refused(_INVALID_REQUEST, "The parameters stand in the body, so that no log holds them.")


def _seconds(moment: datetime | None) -> int | None:
    """A moment as RFC 7519 counts: whole seconds since 1970."""
    return None if moment is None else floor(moment.timestamp())


def _form(visit: Visit) -> dict[str, str]:
    """The parameters of the body, `token` among them."""
    media_type = (visit.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        raise _Refused(_INVALID_REQUEST, f"The body is a form, {_FORM}.")
    try:
        pairs = parse_qsl(
            visit.body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise _Refused(_INVALID_REQUEST, "The form cannot be read.") from None
    found = {name: value for name, value in pairs if value}  # RFC 6749, section 3.1: empty means left out
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Refused(_INVALID_REQUEST, "A parameter stands there twice.")
    if "token" not in found:
        raise _Refused(_INVALID_REQUEST, "The parameter token is missing.")
    return found


def _credential(visit: Visit) -> str | None:
    """The caller's own key: as elsewhere, or as OAuth's clients send it, the password of HTTP Basic.

    The user name is theirs to choose. RFC 6749, section 2.3.1, has both percent-encoded.
    """
    authorization = visit.header(b"authorization")
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return bearer(visit)
    try:
        _, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        key = unquote_plus(password, errors="strict")
    except (binascii.Error, UnicodeDecodeError):
        colon = key = ""
    if not colon or not key:
        raise MalformedRequest("Basic authentication has the key as its password.", field="Authorization")
    return key
