"""Our errors as Prefect Cloud says them: HTTP 200 with `UNAUTHENTICATED` or `FORBIDDEN`, which its clients tell apart.

They read nothing else than the words: an answer with another status is to them a broken service, and one with a status
of 500 or more, or with `API_ERROR` in it, is asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.core import errors
from keywright.ops.logging import get_logger
from keywright.web.errors import encode
from keywright.web.graphql.engine import raised_in
from keywright.web.mounts import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql import GraphQLError

    from keywright.core.errors import KeywrightError
    from keywright.web.visit import Visit

log = get_logger("keywright.prefect")

UNAUTHENTICATED: Final = "UNAUTHENTICATED"
FORBIDDEN: Final = "FORBIDDEN"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"
TOO_MANY_REQUESTS: Final = "TOO_MANY_REQUESTS"
API_ERROR: Final = "API_ERROR"
MALFORMED_HEADER: Final = "Malformed Authorization header"
_API_ERROR_TEXT: Final = "Unable to complete operation. An internal API error occurred."
_TENANT_TEXT: Final = "Name the tenant, with the header X-PREFECT-TENANT-ID, or use a key of that tenant."


@dataclass(frozen=True, slots=True)
class Said:
    """How an error is said: its code, the message (None: our own sentence), and the status of the answer."""

    code: str
    message: str | None = None
    status: int = 200


_INPUT: Final = Said(BAD_USER_INPUT)
_FORBIDDEN: Final = Said(FORBIDDEN, "Unauthorized")
_UNAUTHENTICATED: Final = Said(UNAUTHENTICATED, "Unauthenticated")
_AWAY: Final = Said(API_ERROR, _API_ERROR_TEXT, 503)

SAID: Final[Mapping[type[KeywrightError], Said]] = {
    errors.MalformedRequest: Said(BAD_USER_INPUT, status=400),
    errors.BodyTooLarge: Said(BAD_USER_INPUT, status=413),
    errors.TenantRequired: Said(BAD_USER_INPUT, _TENANT_TEXT),
    errors.MissingField: _INPUT,
    errors.UnknownField: _INPUT,
    errors.InvalidType: _INPUT,
    errors.InvalidValue: _INPUT,
    errors.ExpiryInPast: _INPUT,
    errors.ExpiryBeforeStart: _INPUT,
    errors.InvalidCidr: _INPUT,
    errors.InvalidTokenHash: _INPUT,
    errors.InvalidPolicy: _INPUT,
    errors.InvalidCursor: _INPUT,
    errors.SecretInText: _INPUT,
    errors.LifetimeTooLong: _INPUT,
    errors.ExpiryRequired: _INPUT,
    errors.UnknownRole: _INPUT,
    errors.UnknownVariable: _INPUT,
    errors.MissingVariable: _INPUT,
    errors.UnknownAction: _INPUT,
    errors.UnknownEntity: _INPUT,
    errors.InvalidCatalog: _INPUT,
    errors.WeakPassword: _INPUT,
    errors.LoginTaken: _INPUT,
    errors.RoleTaken: _INPUT,
    errors.RoleInUse: _INPUT,
    errors.RoleOfCatalog: _INPUT,
    errors.MembershipHeld: _INPUT,
    errors.LastAdministrator: _INPUT,
    errors.TenantNotEmpty: _INPUT,
    errors.CatalogChanged: _INPUT,
    errors.FactorExists: _INPUT,
    errors.InvitationExpired: _INPUT,
    errors.InvitationUsed: _INPUT,
    errors.HandleTaken: _INPUT,
    errors.TokenHashTaken: _INPUT,
    errors.SlugTaken: _INPUT,
    errors.IdempotencyKeyReused: _INPUT,
    errors.IllegalTransition: _INPUT,
    errors.Unauthenticated: _UNAUTHENTICATED,
    errors.InvalidCredentials: _UNAUTHENTICATED,
    errors.SecondFactorRequired: _UNAUTHENTICATED,
    errors.InvalidCode: _UNAUTHENTICATED,
    errors.CodeReused: _UNAUTHENTICATED,
    errors.PasskeyRefused: _UNAUTHENTICATED,
    errors.SignOnFailed: _UNAUTHENTICATED,
    errors.FreshLoginRequired: _FORBIDDEN,
    errors.TwoFactorRequired: _FORBIDDEN,
    errors.PermissionDenied: _FORBIDDEN,
    errors.BeyondOwnRights: _FORBIDDEN,
    errors.OwnKey: _FORBIDDEN,
    errors.NotFound: _FORBIDDEN,
    errors.TooManyAttempts: Said(TOO_MANY_REQUESTS),
    errors.Unavailable: _AWAY,
    errors.SignOnUnavailable: _AWAY,
}
"""How each error is said. What may not be done and what is not there are one thing to Prefect's clients."""


class MalformedHeader(errors.Unauthenticated):
    """A header Authorization that is there and cannot be read."""

    def __init__(self) -> None:
        super().__init__(MALFORMED_HEADER)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as it stands in an answer, and the status that it asks for."""

    plain: dict[str, Any]
    status: int


def fault_of(error: KeywrightError | None, path: Sequence[str | int] | None = None) -> Fault:
    """An error in Prefect's form; None is a defect, of which nothing is said.

    Why something was refused stands beside the message, since people see it in the end of a traceback.
    """
    if error is None:
        return _fault(Said(API_ERROR, _API_ERROR_TEXT, 500), path, {})
    if isinstance(error, MalformedHeader):
        return _fault(Said(UNAUTHENTICATED, MALFORMED_HEADER), path, {})
    said = said_of(type(error))
    detail = {"detail": error.detail} if said.code in {UNAUTHENTICATED, FORBIDDEN} else {}
    return _fault(Said(said.code, said.message or error.detail, said.status), path, detail)


def said_of(kind: type[KeywrightError]) -> Said:
    """How a class of errors is said: as its nearest ancestor in the map."""
    return next(SAID[one] for one in kind.__mro__ if one in SAID)


def fault_of_field(error: GraphQLError) -> Fault:
    """What went wrong in a field of an operation that ran."""
    raised = raised_in(error, errors.KeywrightError)
    if raised is not None:
        return fault_of(raised, error.path)
    log.error("unexpected_error", exc_info=error.original_error or error)
    return fault_of(None, error.path)


def invalid(faults: Sequence[GraphQLError], code: str) -> dict[str, Any]:
    """The answer to an operation of which nothing was run."""
    found = []
    for one in faults:
        this = "GRAPHQL_PARSE_FAILED" if one.message.startswith("Syntax Error") else code
        plain: dict[str, Any] = {"message": one.message, "extensions": {"code": this}}
        if one.locations:
            plain["locations"] = [{"line": at.line, "column": at.column} for at in one.locations]
        found.append(plain)
    return {"errors": found}


def refuse(error: KeywrightError | None, _visit: Visit) -> Answer:
    """The answer to a request of which nothing could be read, or in which something went wrong that nobody expected."""
    fault = fault_of(error)
    return answer(fault.status, {"errors": [fault.plain]})


def answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that pages from elsewhere may read too: they can send only the credential that they were given."""
    return Answer(status, encode(body), {"Access-Control-Allow-Origin": "*", **(headers or {})})


def _fault(said: Said, path: Sequence[str | int] | None, more: Mapping[str, str]) -> Fault:
    plain: dict[str, Any] = {} if path is None else {"path": list(path)}
    plain |= {"message": said.message, "extensions": {"code": said.code, **more}}
    return Fault(plain, said.status)
