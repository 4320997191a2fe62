"""Cycloid's errors: the status and code of each of ours, and the one form that all have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keywright.core import errors
from keywright.web.errors import encode
from keywright.web.mounts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.core.errors import KeywrightError
    from keywright.web.visit import Visit

NOT_FOUND = (404, "NotFoundEntity", "Entity not found")
DENIED = (403, "Unauthorized", "Not enough permissions to perform the operation")
UNKNOWN = (401, "Unauthenticated", "invalid credentials")
INVALID = (422, "Invalid", "The request is not valid")
TOO_LARGE = (413, "Invalid", "The request is too large")
TAKEN = (409, "AlreadyExists", "Another entity has this already")
CLASH = (409, "Invalid", "The request clashes with what is there")
WAIT = (429, "RetryOperation", "Too many attempts")
RETRY = (503, "RetryOperation", "The service cannot answer now")
DEFECT = (500, "Unexpected", "Server Internal error")
NO_METHOD = (405, "Invalid", "This path does not take this method")
NO_MEDIA_TYPE = (415, "Invalid", "The body has a media type that is not taken here")
NO_API_KEYS = (422, "Invalid", "This endpoint cannot be used with API Key")

Kind = tuple[int, str, str]
"""A status, the code that goes with it, and the message. Only the code is what programs may rely on."""

KINDS: Mapping[type[KeywrightError], Kind] = {
    errors.MalformedRequest: INVALID,
    errors.BodyTooLarge: TOO_LARGE,
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
    errors.HandleTaken: TAKEN,
    errors.TokenHashTaken: TAKEN,
    errors.SlugTaken: TAKEN,
    errors.LoginTaken: TAKEN,
    errors.RoleTaken: TAKEN,
    errors.MembershipHeld: TAKEN,
    errors.FactorExists: TAKEN,
    errors.IdempotencyKeyReused: TAKEN,
    errors.RoleInUse: CLASH,
    errors.RoleOfCatalog: CLASH,
    errors.LastAdministrator: CLASH,
    errors.TenantNotEmpty: CLASH,
    errors.CatalogChanged: CLASH,
    errors.InvitationExpired: CLASH,
    errors.InvitationUsed: CLASH,
    errors.IllegalTransition: CLASH,
    errors.Unauthenticated: UNKNOWN,
    errors.InvalidCredentials: UNKNOWN,
    errors.SecondFactorRequired: UNKNOWN,
    errors.InvalidCode: UNKNOWN,
    errors.CodeReused: UNKNOWN,
    errors.PasskeyRefused: UNKNOWN,
    errors.SignOnFailed: UNKNOWN,
    errors.PermissionDenied: DENIED,
    errors.BeyondOwnRights: DENIED,
    errors.OwnKey: DENIED,
    errors.FreshLoginRequired: DENIED,
    errors.TwoFactorRequired: DENIED,
    errors.NotFound: NOT_FOUND,
    errors.TooManyAttempts: WAIT,
    errors.Unavailable: RETRY,
    errors.SignOnUnavailable: RETRY,
}

OPEN: Final = {"Access-Control-Allow-Origin": "*"}
"""Pages from elsewhere may read every answer: a credential is taken from no cookie."""

_FIELDS = (
    (re.compile(r"^handle$"), "canonical"),
    (re.compile(r"^identity_id$"), "owner"),
    (re.compile(r"^scope$"), "rules"),
    (re.compile(r"^scope\.(\d+)$"), r"rules.\1"),
    (re.compile(r"^scope\.(\d+)\.actions(\.\d+)?$"), r"rules.\1.action"),
    (re.compile(r"^scope\.(\d+)\.resources(\.\d+)?$"), r"rules.\1.resources\2"),
)


@dataclass(slots=True)
class Declined(Exception):
    """A refusal of this door's own: of the form of a request, before any use case is asked."""

    kind: Kind
    details: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def invalid(*details: str) -> Declined:
    """The refusal of a request whose faults are these."""
    return Declined(INVALID, details)


class LengthRequired(Exception):
    """A body came without its length; the answer has none either."""


def their_field(name: str) -> str:
    """What Cycloid calls a field of ours."""
    for pattern, theirs in _FIELDS:
        if pattern.match(name):
            return pattern.sub(theirs, name)
    return name


def refuse(error: KeywrightError | None, visit: Visit) -> Answer:
    """The answer to an error, or (None) to a defect, of which nothing is said."""
    if error is None:
        return _answer(DEFECT, (), {}, visit)
    return _answer(KINDS[type(error)], _details(error), _headers(error), visit)


def declined(one: Declined, visit: Visit) -> Answer:
    """The answer to a refusal of this door's own."""
    return _answer(one.kind, one.details, one.headers, visit)


def _details(error: KeywrightError) -> tuple[str, ...]:
    """What is said beside the message. What is missing and what may not be seen are told alike."""
    if isinstance(error, errors.NotFound):
        return ()
    if isinstance(error, errors.SecondFactorRequired):
        ways = {
            "totp": "mfa_token: the code that your authenticator app shows",
            "recovery_code": "mfa_token: one of your recovery codes",
            "passkey": "passkey: log in to the console of Keywright with it; it cannot be shown here",
        }
        return (error.detail, *(ways[factor] for factor in error.factors))
    detail = error.detail
    return (detail if error.field is None else f"{their_field(error.field)}: {detail}",)


def _headers(error: KeywrightError) -> dict[str, str]:
    if isinstance(error, errors.TooManyAttempts):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, errors.Unavailable):
        return {"Retry-After": "1"}
    return {}


def _answer(kind: Kind, details: tuple[str, ...], headers: Mapping[str, str], visit: Visit) -> Answer:
    status, code, message = kind
    item: dict[str, object] = {"code": code, "message": message}
    if details:
        item["details"] = list(details)
    body = encode({"errors": [item], "request_id": visit.request_id})
    found = {**OPEN, **headers}
    if status == UNKNOWN[0]:
        found["WWW-Authenticate"] = 'Bearer realm="keywright"'
    return Answer(status, body, found)
