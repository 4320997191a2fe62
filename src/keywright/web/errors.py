"""Errors on HTTP: the status of every code, and RFC 9457 problem details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keywright.core import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

STATUS: Mapping[type[errors.KeywrightError], int] = {
    errors.MalformedRequest: 400,
    errors.BodyTooLarge: 413,
    errors.MissingField: 422,
    errors.UnknownField: 422,
    errors.InvalidType: 422,
    errors.InvalidValue: 422,
    errors.ExpiryInPast: 422,
    errors.ExpiryBeforeStart: 422,
    errors.InvalidCidr: 422,
    errors.InvalidTokenHash: 422,
    errors.InvalidPolicy: 422,
    errors.InvalidCursor: 422,
    errors.SecretInText: 422,
    errors.TenantRequired: 422,
    errors.LifetimeTooLong: 422,
    errors.ExpiryRequired: 422,
    errors.UnknownRole: 422,
    errors.UnknownVariable: 422,
    errors.MissingVariable: 422,
    errors.UnknownAction: 422,
    errors.UnknownEntity: 422,
    errors.InvalidCatalog: 422,
    errors.WeakPassword: 422,
    errors.LoginTaken: 409,
    errors.RoleTaken: 409,
    errors.RoleInUse: 409,
    errors.RoleOfCatalog: 409,
    errors.MembershipHeld: 409,
    errors.LastAdministrator: 409,
    errors.TenantNotEmpty: 409,
    errors.CatalogChanged: 409,
    errors.FactorExists: 409,
    errors.InvitationExpired: 410,
    errors.InvitationUsed: 410,
    errors.SecondFactorRequired: 401,
    errors.InvalidCode: 401,
    errors.CodeReused: 401,
    errors.PasskeyRefused: 401,
    errors.SignOnFailed: 401,
    errors.FreshLoginRequired: 403,
    errors.TwoFactorRequired: 403,
    errors.SignOnUnavailable: 503,
    errors.HandleTaken: 409,
    errors.TokenHashTaken: 409,
    errors.SlugTaken: 409,
    errors.IdempotencyKeyReused: 409,
    errors.IllegalTransition: 409,
    errors.Unauthenticated: 401,
    errors.InvalidCredentials: 401,
    errors.PermissionDenied: 403,
    errors.BeyondOwnRights: 403,
    errors.OwnKey: 403,
    errors.NotFound: 404,
    errors.TooManyAttempts: 429,
    errors.Unavailable: 503,
}

_UNAUTHORIZED = 401
NO_SUCH_PATH = "no_such_path"
METHOD_NOT_ALLOWED = "method_not_allowed"
INTERNAL_ERROR = "internal_error"

OTHER_STATUS: Mapping[str, int] = {NO_SUCH_PATH: 404, METHOD_NOT_ALLOWED: 405, INTERNAL_ERROR: 500}
"""The codes of HTTP's own: what is wrong before any use case is reached, or inside Keywright."""

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457 problem details with our stable `code`, the `field` at fault and the request's id.

    The last four stand only with some codes: the factors that are accepted, the policy that is not held, the
    known name nearest to an unknown one, and the faults of a document.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    field: str | None = None
    factors: list[str] | None = None
    policy: dict[str, list[str]] | None = None
    nearest: str | None = None
    faults: list[dict[str, str]] | None = None


def other_problem(code: str, detail: str, request_id: str) -> Problem:
    """Problem details for a code of `OTHER_STATUS`."""
    return problem(code, OTHER_STATUS[code], detail, request_id)


def defect_problem(request_id: str) -> Problem:
    """Problem details for an error that nobody expected; what it was stands in the log alone."""
    return other_problem(
        INTERNAL_ERROR,
        "Something went wrong inside Keywright. The request id finds it in the log.",
        request_id,
    )


def problem(code: str, status: int, detail: str, request_id: str, field: str | None = None) -> Problem:
    """Problem details; the title is the code in words."""
    return Problem(
        type=f"urn:keywright:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        request_id=request_id,
        field=field,
    )


def problem_of(error: errors.KeywrightError, request_id: str) -> tuple[Problem, dict[str, str]]:
    """Problem details of an error, and the headers that belong to it."""
    found = problem(error.code, STATUS[type(error)], error.detail, request_id, error.field)
    return msgspec.structs.replace(found, **error.extras), _headers(error)


def _headers(error: errors.KeywrightError) -> dict[str, str]:
    match error:
        case _ if STATUS[type(error)] == _UNAUTHORIZED:
            # Each 401 has one: RFC 9110, section 15.5.2. Its form: RFC 6750, section 3.
            return {"WWW-Authenticate": 'Bearer realm="keywright"'}
        case errors.TooManyAttempts():
            return {"Retry-After": str(error.retry_after)}
        case errors.Unavailable():
            return {"Retry-After": "1"}
        case _:
            return {}


encode = msgspec.json.Encoder().encode
"""A value as JSON bytes."""


async def send_json(
    send: Callable[[Any], Awaitable[None]],
    status: int,
    body: object,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> None:
    """Answer with a JSON body over plain ASGI; `bytes` are sent as they are."""
    raw = body if isinstance(body, bytes) else encode(body)
    head = [(b"content-type", media_type.encode()), (b"content-length", str(len(raw)).encode())]
    head += [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": raw})


async def send_problem(
    send: Callable[[Any], Awaitable[None]], found: Problem, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with problem details over plain ASGI."""
    await send_json(send, found.status, found, headers, MEDIA_TYPE)
