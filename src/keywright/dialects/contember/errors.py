"""Errors as Contember tells them: of HTTP, and of GraphQL's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core import errors
from keywright.core.codes import Code
from keywright.core.errors import KeywrightError
from keywright.dialects.contember.mapping import date_time
from keywright.ops.logging import get_logger
from keywright.web.errors import encode
from keywright.web.graphql.engine import raised_in
from keywright.web.mounts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from graphql import GraphQLError

    from keywright.web.visit import Visit

FORBIDDEN: Final = "ForbiddenError"
INPUT: Final = "UserInputError"
INTERNAL: Final = "Internal server error"

KINDS: Final[Mapping[type[KeywrightError], str]] = {
    errors.MalformedRequest: INPUT,
    errors.BodyTooLarge: INPUT,
    errors.MissingField: INPUT,
    errors.UnknownField: INPUT,
    errors.InvalidType: INPUT,
    errors.InvalidValue: INPUT,
    errors.ExpiryInPast: INPUT,
    errors.ExpiryBeforeStart: INPUT,
    errors.InvalidCidr: INPUT,
    errors.InvalidTokenHash: INPUT,
    errors.InvalidPolicy: INPUT,
    errors.InvalidCursor: INPUT,
    errors.SecretInText: INPUT,
    errors.LifetimeTooLong: INPUT,
    errors.ExpiryRequired: INPUT,
    errors.UnknownRole: INPUT,
    errors.UnknownVariable: INPUT,
    errors.MissingVariable: INPUT,
    errors.UnknownAction: INPUT,
    errors.UnknownEntity: INPUT,
    errors.InvalidCatalog: INPUT,
    errors.WeakPassword: INPUT,
    errors.LoginTaken: INPUT,
    errors.RoleTaken: INPUT,
    errors.RoleInUse: INPUT,
    errors.RoleOfCatalog: INPUT,
    errors.MembershipHeld: INPUT,
    errors.LastAdministrator: INPUT,
    errors.TenantNotEmpty: INPUT,
    errors.CatalogChanged: INPUT,
    errors.FactorExists: INPUT,
    errors.InvitationExpired: INPUT,
    errors.InvitationUsed: INPUT,
    errors.HandleTaken: INPUT,
    errors.TokenHashTaken: INPUT,
    errors.SlugTaken: INPUT,
    errors.IdempotencyKeyReused: INPUT,
    errors.IllegalTransition: INPUT,
    errors.TooManyAttempts: INPUT,
    errors.SecondFactorRequired: FORBIDDEN,
    errors.InvalidCode: FORBIDDEN,
    errors.CodeReused: FORBIDDEN,
    errors.PasskeyRefused: FORBIDDEN,
    errors.SignOnFailed: FORBIDDEN,
    errors.FreshLoginRequired: FORBIDDEN,
    errors.TwoFactorRequired: FORBIDDEN,
    errors.Unauthenticated: FORBIDDEN,
    errors.InvalidCredentials: FORBIDDEN,
    errors.PermissionDenied: FORBIDDEN,
    errors.TenantRequired: FORBIDDEN,
    errors.BeyondOwnRights: FORBIDDEN,
    errors.OwnKey: FORBIDDEN,
    errors.NotFound: FORBIDDEN,
    errors.Unavailable: INTERNAL,
    errors.SignOnUnavailable: INTERNAL,
}
"""What each of our errors is, where a mutation has no code of its own for it."""

MASKED: Final = (errors.PermissionDenied, errors.NotFound, errors.TenantRequired)
"""What is refused in the words of the operation alone, so that what may not be seen looks like what is not there."""
UNSEEN: Final = (*MASKED, errors.TwoFactorRequired)
"""Why a list is empty for somebody, in place of an error."""
NOT_ALLOWED: Final = "You are not allowed to perform this action"

REASONS: Final[Mapping[Code, str]] = {
    Code.NOT_YET_VALID: "API key is not valid yet",
    Code.IDENTITY_DISABLED: "identity of the API key is disabled",
    Code.TENANT_DISABLED: "project of the API key is disabled",
    Code.IP_NOT_ALLOWED: "API key may not be used from this address",
}
_UNKNOWN: Final = "API key was not found"
OK: Final = 200
_COMMON: Final[Mapping[str, str]] = {"Access-Control-Allow-Origin": "*", "X-Powered-By": "Contember 2"}
_TRUE: Final = frozenset({"1", "true", "on", "yes"})
_PLAIN: Final = "text/plain; charset=utf-8"


log = get_logger("keywright.contember")


class Told(Exception):
    """An error of a field: its kind, and a sentence that holds nothing secret."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def forbidden(message: str) -> Told:
    """The caller may not do this, or there is nothing to do it to."""
    return Told(FORBIDDEN, message)


def bad_input(message: str) -> Told:
    """What was sent can never be accepted."""
    return Told(INPUT, message)


def told(error: KeywrightError, refusal: str = NOT_ALLOWED) -> Told:
    """One of our errors in Contember's kinds; `refusal` is the sentence for what the caller may not do."""
    if isinstance(error, MASKED):
        return forbidden(refusal)
    kind = KINDS[type(error)]
    return Told(kind, INTERNAL if kind == INTERNAL else error.detail)


# Errors of GraphQL


def shown(error: GraphQLError) -> dict[str, Any]:
    """An entry of `errors`. What nobody expected is logged, and nothing is said of it."""
    cause = raised_in(error, Told, KeywrightError)
    if cause is None and error.original_error is None:
        return unrun(error, path=True)
    if isinstance(cause, KeywrightError):
        cause = told(cause)
    if cause is None:
        log.error("unexpected_error", exc_info=error.original_error)
        return {"message": INTERNAL}
    assert isinstance(cause, Told)  # noqa: S101 - the loop ends with one of the three
    if cause.kind == INTERNAL:
        return {"message": INTERNAL}
    found = unrun(error, path=True)
    return {**found, "message": cause.message, "extensions": {"code": cause.kind}}


def unrun(error: GraphQLError, *, path: bool = False) -> dict[str, Any]:
    """An entry of `errors` about the request itself, as graphql-js writes it."""
    found: dict[str, Any] = {"message": error.message}
    if error.locations:
        found["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    if path and error.path:
        found["path"] = list(error.path)
    return found


# Errors of HTTP


def answer(status: int, body: bytes, visit: Visit, media_type: str = "application/json") -> Answer:
    """A response with the headers that each one has. A client may ask for 200 whatever the status is."""
    headers = dict(_COMMON)
    wish = visit.listed(b"x-contember-force-ok")
    if status != OK and body and wish is not None and wish.strip().lower() in _TRUE:
        headers["X-Contember-Original-Status"] = str(status)
        status = OK
    return Answer(status, body, headers, media_type)


def plain(status: int, text: str, visit: Visit) -> Answer:
    """A response of plain text."""
    return answer(status, text.encode(), visit, _PLAIN)


def problem(status: int, message: str, visit: Visit) -> Answer:
    """A response about the request as a whole, before GraphQL."""
    return answer(status, encode({"errors": [{"code": status, "message": message}]}), visit)


def failed(visit: Visit, *found: dict[str, Any], status: int = 400) -> Answer:
    """A response of GraphQL of which nothing was run."""
    return answer(status, encode({"errors": list(found)}), visit)


def unauthenticated(reason: Code | None, ended: datetime | None, visit: Visit) -> Answer:
    """A refused credential; `ended` is since when, where somebody knows."""
    since = date_time(ended)
    match reason:
        case Code.DISABLED:
            message = "API key was disabled" if since is None else f"API key was disabled at {since}"
        case Code.EXPIRED if since is not None:
            message = f"API key expired at {since}"
        case None:
            message = _UNKNOWN
        case _:
            message = REASONS.get(reason, _UNKNOWN)
    return problem(401, f"Authorization failure: {message}", visit)


def refuse(error: KeywrightError | None, visit: Visit) -> Answer:
    """What escaped the door, or never reached it."""
    match error:
        case errors.BodyTooLarge():
            return plain(413, "request entity too large", visit)
        case errors.Unavailable():
            return problem(503, "Service unavailable", visit)
        case errors.MalformedRequest():
            return plain(400, "Bad Request", visit)
        case None:
            return problem(500, INTERNAL, visit)
        case _:
            kind = told(error)
            return problem(403 if kind.kind == FORBIDDEN else 400, kind.message, visit)
