"""Errors in the form that Skylark's clients read: `errorType` tells what kind it is, `message` what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypedDict

from keywright.core import errors
from keywright.core.errors import KeywrightError
from keywright.dialects.skylark.permissions import KEY_MANAGEMENT, permission_of
from keywright.ops.logging import get_logger
from keywright.web.errors import encode
from keywright.web.graphql.engine import cleared, raised_in
from keywright.web.mounts import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import GraphQLError

    from keywright.web.visit import Visit

UNAUTHORIZED: Final = "UnauthorizedException"
NOT_FOUND: Final = "NotFound"
INVALID: Final = "InvalidInput"
FORBIDDEN: Final = "Forbidden"
MALFORMED: Final = "MalformedHttpRequestException"
METHOD: Final = "MethodNotAllowedException"
VALIDATION: Final = "ValidationError"
TOO_MANY: Final = "TooManyRequestsException"
UNAVAILABLE: Final = "ServiceUnavailableException"
INTERNAL: Final = "InternalFailure"

ERROR_TYPES: Final[Mapping[type[KeywrightError], str]] = {
    errors.MalformedRequest: MALFORMED,
    errors.BodyTooLarge: MALFORMED,
    errors.MissingField: INVALID,
    errors.UnknownField: INVALID,
    errors.InvalidType: INVALID,
    errors.InvalidValue: INVALID,
    errors.ExpiryInPast: INVALID,
    errors.ExpiryBeforeStart: INVALID,
    errors.InvalidCidr: INVALID,
    errors.InvalidTokenHash: INVALID,
    errors.InvalidPolicy: INVALID,
    errors.InvalidCursor: INVALID,
    errors.SecretInText: INVALID,
    errors.TenantRequired: INVALID,
    errors.LifetimeTooLong: INVALID,
    errors.ExpiryRequired: INVALID,
    errors.UnknownRole: INVALID,
    errors.UnknownVariable: INVALID,
    errors.MissingVariable: INVALID,
    errors.UnknownAction: INVALID,
    errors.UnknownEntity: INVALID,
    errors.InvalidCatalog: INVALID,
    errors.WeakPassword: INVALID,
    errors.LoginTaken: INVALID,
    errors.RoleTaken: INVALID,
    errors.RoleInUse: INVALID,
    errors.RoleOfCatalog: INVALID,
    errors.MembershipHeld: INVALID,
    errors.LastAdministrator: INVALID,
    errors.TenantNotEmpty: INVALID,
    errors.CatalogChanged: INVALID,
    errors.FactorExists: INVALID,
    errors.InvitationExpired: INVALID,
    errors.InvitationUsed: INVALID,
    errors.HandleTaken: INVALID,
    errors.TokenHashTaken: INVALID,
    errors.SlugTaken: INVALID,
    errors.IdempotencyKeyReused: INVALID,
    errors.IllegalTransition: INVALID,
    errors.Unauthenticated: UNAUTHORIZED,
    errors.InvalidCredentials: UNAUTHORIZED,
    errors.SecondFactorRequired: UNAUTHORIZED,
    errors.InvalidCode: UNAUTHORIZED,
    errors.CodeReused: UNAUTHORIZED,
    errors.PasskeyRefused: UNAUTHORIZED,
    errors.SignOnFailed: UNAUTHORIZED,
    errors.PermissionDenied: FORBIDDEN,
    errors.BeyondOwnRights: FORBIDDEN,
    errors.OwnKey: FORBIDDEN,
    errors.FreshLoginRequired: FORBIDDEN,
    errors.TwoFactorRequired: FORBIDDEN,
    errors.NotFound: NOT_FOUND,
    errors.TooManyAttempts: TOO_MANY,
    errors.Unavailable: UNAVAILABLE,
    errors.SignOnUnavailable: UNAVAILABLE,
}

STATUS: Final[Mapping[str, int]] = {
    UNAUTHORIZED: 401,
    NOT_FOUND: 404,
    FORBIDDEN: 403,
    METHOD: 405,
    TOO_MANY: 429,
    INTERNAL: 500,
    UNAVAILABLE: 503,
}
"""The status where nothing of a request was run, 400 for any other type. What went wrong inside it is told with 200."""

CORS: Final[Mapping[str, str]] = {"Access-Control-Allow-Origin": "*"}
"""On every answer, so that a page from elsewhere can read it, errors too."""

NOT_AUTHORIZED: Final = "You are not authorized to make this call."
# What the services say of handles, scopes and tenants, in the words of who knows none.
_MESSAGES: Final[Mapping[type[KeywrightError], str]] = {
    errors.HandleTaken: "An API key with this name exists already.",
    errors.NotFound: "There is no API key with this name.",
    errors.OwnKey: "Forbidden: not permitted to apply updates to the API key in use.",
    errors.PermissionDenied: f"Forbidden: requires {KEY_MANAGEMENT} permissions",
    errors.SecretInText: "A name is shown, and must not be an API key.",
}
_FIELDS: Final = {"handle": "name", "name": "name", "expires_at": "expires", "scope": "permissions"}
_TOO_LARGE_STATUS: Final = 413

log = get_logger("keywright.skylark")


class Fault(TypedDict):
    """One entry of `errors`."""

    path: list[str | int] | None
    data: None
    errorType: str
    errorInfo: None
    locations: list[dict[str, Any]] | None
    message: str


def fault(
    error_type: str,
    message: str,
    *,
    path: Iterable[str | int] | None = None,
    error: GraphQLError | None = None,
) -> Fault:
    """An entry of `errors`; `error` is what tells the places in the query."""
    return {
        "path": None if path is None else list(path),
        "data": None,
        "errorType": error_type,
        "errorInfo": None,
        "locations": _places(error),
        "message": message,
    }


def _places(error: GraphQLError | None) -> list[dict[str, Any]] | None:
    if error is None or not error.locations:
        return None
    return [{"line": one.line, "column": one.column, "sourceName": None} for one in error.locations]


def message_of(error: KeywrightError) -> str:
    """What is said of an error, which leads with the field that is wrong where one is."""
    if ERROR_TYPES[type(error)] == UNAUTHORIZED:
        return NOT_AUTHORIZED
    if isinstance(error, errors.BeyondOwnRights):
        lacking = None if error.policy is None else permission_of(error.policy)
        needed = "permissions that the API key in use lacks" if lacking is None else f"{lacking} permissions"
        return f"Forbidden: requires {needed}"
    if type(error) in _MESSAGES:
        return _MESSAGES[type(error)]
    field = _FIELDS.get((error.field or "").partition(".")[0])
    return error.detail if field is None else f"{field}: {error.detail}"


def executed(error: GraphQLError) -> Fault:
    """An error that came up while a field was resolved. What nobody expected is logged, and nothing is said of it."""
    cause = raised_in(error, KeywrightError)
    if cause is not None:
        return fault(ERROR_TYPES[type(cause)], message_of(cause), path=error.path, error=error)
    if error.original_error is None:  # an argument whose variable turned out to be null
        return fault(INVALID, cleared(error).message, path=error.path, error=error)
    log.error("unexpected_error", exc_info=error.original_error)
    return fault(INTERNAL, "An internal failure occurred.", path=error.path, error=error)


def invalid(error_type: str, wrong: Iterable[GraphQLError]) -> Answer:
    """The answer to a query that does not fit the schema, or whose variables do not."""
    return answer([fault(error_type, one.message, error=one) for one in wrong], status=200)


def answer(
    faults: Sequence[Fault], *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer to a request of which nothing was run."""
    code = STATUS.get(faults[0]["errorType"], 400) if status is None else status
    return Answer(code, encode({"data": None, "errors": faults}), {**CORS, **(headers or {})})


def refuse(error: KeywrightError | None, _visit: Visit) -> Answer:
    """The answer to a request that was refused before or outside the door; None is a defect."""
    if error is None:
        return answer([fault(INTERNAL, "An internal failure occurred.")])
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, errors.TooManyAttempts) else {}
    status = _TOO_LARGE_STATUS if isinstance(error, errors.BodyTooLarge) else None
    return answer([fault(ERROR_TYPES[type(error)], message_of(error))], status=status, headers=headers)
