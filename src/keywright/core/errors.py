"""Everything that Keywright refuses, as one tree of exceptions with stable codes.

Each concrete class has a `code` that never changes its meaning. Doors translate codes into their own
form and may not invent meanings of their own. `detail` is a sentence for the reader; it never repeats
what the caller sent, because what was sent may be a secret.
"""

from __future__ import annotations

from typing import ClassVar


class KeywrightError(Exception):
    """The root of the tree; raised only through its subclasses.

    `field` names the part of the input that was wrong, in snake_case with dots and indexes
    (`scope.0.actions.1`), or is None when no single field is to blame.
    """

    code: ClassVar[str]

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class BadInput(KeywrightError):
    """The caller sent something that can never be accepted as it stands."""


class MalformedRequest(BadInput):
    """The body or a header cannot be read at all."""

    code = "malformed_request"


class BodyTooLarge(BadInput):
    """The body is larger than any request needs to be."""

    code = "body_too_large"


class MissingField(BadInput):
    """A required field is not there."""

    code = "missing_field"


class UnknownField(BadInput):
    """A field that the request does not have; refused, because ignoring it would hide a misspelling."""

    code = "unknown_field"


class InvalidType(BadInput):
    """A field holds another type of value than it takes."""

    code = "invalid_type"


class InvalidValue(BadInput):
    """A field holds a value outside of what it takes."""

    code = "invalid_value"


class ExpiryInPast(BadInput):
    """An expiry that has already been reached."""

    code = "expiry_in_past"


class ExpiryBeforeStart(BadInput):
    """An expiry that is not later than the moment from which the key would be valid."""

    code = "expiry_before_not_before"


class InvalidCidr(BadInput):
    """An address range that is none."""

    code = "invalid_cidr"


class InvalidTokenHash(BadInput):
    """A token hash that is not 64 lower-case hexadecimal digits."""

    code = "invalid_token_hash"


class InvalidPolicy(BadInput):
    """A policy whose actions or resources do not follow the grammar."""

    code = "invalid_policy"


class InvalidCursor(BadInput):
    """A paging cursor that was not handed out for this list."""

    code = "invalid_cursor"


class SecretInText(BadInput):
    """A token stands in a field that is stored and shown; it would be a leak to keep it."""

    code = "secret_in_text"


class TenantRequired(BadInput):
    """The caller belongs to no single tenant and named none."""

    code = "tenant_required"


class Conflict(KeywrightError):
    """The request is fine by itself and clashes with what is there."""


class HandleTaken(Conflict):
    """Another key of the tenant has this handle."""

    code = "handle_taken"


class TokenHashTaken(Conflict):
    """A key with this token hash exists or existed; a revoked token must never come back to life."""

    code = "token_hash_taken"


class SlugTaken(Conflict):
    """Another tenant has this slug."""

    code = "slug_taken"


class IdempotencyKeyReused(Conflict):
    """The idempotency key was used within its lifetime for a different request."""

    code = "idempotency_key_reused"


class IllegalTransition(Conflict):
    """The thing is in a state from which the wanted state cannot be reached."""

    code = "illegal_transition"


class Refused(KeywrightError):
    """The caller is not known, or may not do what it asked for."""


class Unauthenticated(Refused):
    """No credential, or one that is not accepted."""

    code = "unauthenticated"


class InvalidCredentials(Refused):
    """Login name and password do not belong together; says no more, so that names cannot be probed."""

    code = "invalid_credentials"


class PermissionDenied(Refused):
    """The caller lacks a permission that it would need here."""

    code = "permission_denied"


class BeyondOwnRights(Refused):
    """The caller would hand out more than it holds itself."""

    code = "beyond_own_rights"


class OwnKey(Refused):
    """A key tried to change or delete itself through management."""

    code = "own_key"


class NotFound(KeywrightError):
    """The thing does not exist, or the caller may not know that it does: the two look the same."""

    code = "not_found"


class TooManyAttempts(KeywrightError):
    """Attempts are limited; `retry_after` is how many seconds to wait before the next."""

    code = "too_many_attempts"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(KeywrightError):
    """The database cannot be reached, so the answer is not known."""

    code = "unavailable"


def concrete_errors() -> frozenset[type[KeywrightError]]:
    """Every error class that has a code of its own: what each door must map."""

    def walk(cls: type[KeywrightError]) -> set[type[KeywrightError]]:
        found = {cls} if "code" in vars(cls) else set()
        for child in cls.__subclasses__():
            found |= walk(child)
        return found

    return frozenset(walk(KeywrightError))
