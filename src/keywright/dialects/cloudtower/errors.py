"""Errors in that system's form: `ErrorBody` at REST, and the same words in the `errors` of GraphQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core import errors
from keywright.core.codes import Code
from keywright.core.sessions import RECOVERY_CODE, TOTP
from keywright.web.errors import encode
from keywright.web.mounts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.core.errors import KeywrightError
    from keywright.web.visit import Visit

ANSWERS: Final[Mapping[type[KeywrightError], tuple[int, str]]] = {
    errors.MalformedRequest: (400, "BadRequest"),
    errors.BodyTooLarge: (413, "PayloadTooLarge"),
    errors.MissingField: (400, "MissingField"),
    errors.UnknownField: (400, "UnknownField"),
    errors.InvalidType: (400, "InvalidValue"),
    errors.InvalidValue: (400, "InvalidValue"),
    errors.ExpiryInPast: (400, "InvalidValue"),
    errors.ExpiryBeforeStart: (400, "InvalidValue"),
    errors.InvalidCidr: (400, "InvalidValue"),
    errors.InvalidTokenHash: (400, "InvalidValue"),
    errors.InvalidPolicy: (400, "InvalidValue"),
    errors.InvalidCursor: (400, "InvalidValue"),
    errors.SecretInText: (400, "SecretInText"),
    errors.TenantRequired: (400, "InvalidValue"),
    errors.LifetimeTooLong: (400, "ApiKeyMustExpire"),
    errors.ExpiryRequired: (400, "ApiKeyMustExpire"),
    errors.UnknownRole: (400, "InvalidValue"),
    errors.UnknownVariable: (400, "InvalidValue"),
    errors.MissingVariable: (400, "InvalidValue"),
    errors.UnknownAction: (400, "InvalidValue"),
    errors.UnknownEntity: (400, "InvalidValue"),
    errors.InvalidCatalog: (400, "InvalidValue"),
    errors.WeakPassword: (400, "WeakPassword"),
    errors.LoginTaken: (400, "AlreadyExists"),
    errors.RoleTaken: (400, "AlreadyExists"),
    errors.RoleInUse: (400, "InUse"),
    errors.RoleOfCatalog: (400, "NotEditable"),
    errors.MembershipHeld: (400, "AlreadyExists"),
    errors.LastAdministrator: (400, "LastAdministrator"),
    errors.TenantNotEmpty: (400, "InUse"),
    errors.CatalogChanged: (400, "Conflict"),
    errors.FactorExists: (400, "AlreadyExists"),
    errors.InvitationExpired: (400, "Conflict"),
    errors.InvitationUsed: (400, "Conflict"),
    errors.SecondFactorRequired: (401, "MfaRequired"),
    errors.InvalidCode: (401, "InvalidMfaCode"),
    errors.CodeReused: (401, "MfaCodeReused"),
    errors.PasskeyRefused: (401, "InvalidMfaCode"),
    errors.SignOnFailed: (401, "LoginFailed"),
    errors.FreshLoginRequired: (403, "FreshLoginRequired"),
    errors.TwoFactorRequired: (403, "MfaSetupRequired"),
    errors.SignOnUnavailable: (503, "Unavailable"),
    errors.HandleTaken: (400, "AlreadyExists"),
    errors.TokenHashTaken: (400, "AlreadyExists"),
    errors.SlugTaken: (400, "AlreadyExists"),
    errors.IdempotencyKeyReused: (400, "Conflict"),
    errors.IllegalTransition: (400, "Conflict"),
    errors.Unauthenticated: (401, "Unauthorized"),
    errors.InvalidCredentials: (401, "LoginFailed"),
    errors.PermissionDenied: (403, "Forbidden"),
    errors.BeyondOwnRights: (403, "Forbidden"),
    errors.OwnKey: (403, "OwnApiKey"),
    errors.NotFound: (404, "NotFound"),
    errors.TooManyAttempts: (429, "TooManyAttempts"),
    errors.Unavailable: (503, "Unavailable"),
}
"""The status and the `code` of each. Their documents name one code, `ResourceLocked`, which nothing here means."""

DEFECT: Final = (500, "InternalServerError")
NO_SUCH_OPERATION: Final = (404, "NoSuchOperation")
METHOD_NOT_ALLOWED: Final = (405, "MethodNotAllowed")

MFA_TYPES: Final[Mapping[str, str]] = {TOTP: "Totp", RECOVERY_CODE: "TotpRecoveryCode"}
"""Second factors that a login here can be completed with, by what their `mfa_type` calls them."""

UNKNOWN_CREDENTIAL: Final = "The token or API key is not known, or not any more."
_NO_CREDENTIAL: Final = "Send a token or an API key in the Authorization header."
_NO_FACTOR: Final = (
    "A second factor is needed that cannot be shown here. Use an API key in place of the password."
)
_DEFECT: Final = "Something went wrong inside. The x-tower-request-id finds it in the log."


def code_of(error: KeywrightError | None) -> tuple[int, str]:
    """The status and the code of an error; None is a defect."""
    return DEFECT if error is None else ANSWERS[type(error)]


def message_of(error: KeywrightError | None) -> str:
    """A sentence for the reader, without anything that was sent."""
    match error:
        case None:
            return _DEFECT
        case errors.Unauthenticated(reason=None):
            return _NO_CREDENTIAL
        case errors.Unauthenticated(reason=Code.NOT_FOUND):
            return UNKNOWN_CREDENTIAL
        case errors.SecondFactorRequired() if not _accepted(error):
            return _NO_FACTOR
    return error.detail


def props_of(error: KeywrightError | None) -> dict[str, Any]:
    """What a program may want to know beside the code."""
    if error is None:
        return {}
    found: dict[str, Any] = {} if error.field is None else {"field": error.field}
    if isinstance(error, errors.SecondFactorRequired):
        return found | {"mfa_types": _accepted(error)}
    return found | error.extras


def _accepted(error: errors.SecondFactorRequired) -> list[str]:
    return [MFA_TYPES[factor] for factor in error.factors if factor in MFA_TYPES]


def headers_of(error: KeywrightError | None) -> dict[str, str]:
    """The headers that belong to an error."""
    if isinstance(error, errors.TooManyAttempts):
        return {"Retry-After": str(error.retry_after)}
    status, _ = code_of(error)
    return {401: {"WWW-Authenticate": 'Bearer realm="keywright"'}, 503: {"Retry-After": "1"}}.get(status, {})


def error_body(found: tuple[int, str], message: str, path: str, props: Mapping[str, Any]) -> dict[str, Any]:
    """`ErrorBody`."""
    status, code = found
    body = {"path": path, "status": status, "message": message, "code": code}
    return body | ({"props": dict(props)} if props else {})


def body_of(error: KeywrightError | None, path: str) -> dict[str, Any]:
    """`ErrorBody` of an error at an operation."""
    return error_body(code_of(error), message_of(error), path, props_of(error))


def graphql_error(error: KeywrightError | None) -> dict[str, Any]:
    """One of GraphQL's `errors`, without the place that it belongs to."""
    status, code = code_of(error)
    extensions = {"code": code, "status": status, **({"props": props} if (props := props_of(error)) else {})}
    return {"message": message_of(error), "extensions": extensions}


def refuse(error: KeywrightError | None, visit: Visit) -> Answer:
    """An error of before the door, when it is not known yet who is asked: both forms in one."""
    status, _ = code_of(error)
    body = {**body_of(error, "/"), "data": None, "errors": [graphql_error(error)]}
    return Answer(status, encode(body), {**headers_of(error), **request_id(visit)})


def request_id(visit: Visit) -> dict[str, str]:
    """The header that each answer carries."""
    return {"X-Tower-Request-Id": visit.request_id}
