"""Everything that Keywright refuses, as one tree of exceptions with stable codes.

Each concrete class has a `code` that never changes its meaning. Doors translate codes into their own
form and may not invent meanings of their own. `detail` is a sentence for the reader; it never repeats
what the caller sent, because what was sent may be a secret.
"""

from keywright.core.errors.base import (
    KeywrightError,
)
from keywright.core.errors.conflicts import (
    CatalogChanged,
    Conflict,
    FactorExists,
    HandleTaken,
    IdempotencyKeyReused,
    IllegalTransition,
    InvitationExpired,
    InvitationUsed,
    LastAdministrator,
    LoginTaken,
    MembershipHeld,
    RoleInUse,
    RoleOfCatalog,
    RoleTaken,
    SlugTaken,
    TenantNotEmpty,
    TokenHashTaken,
)
from keywright.core.errors.inputs import (
    BadInput,
    BodyTooLarge,
    ExpiryBeforeStart,
    ExpiryInPast,
    ExpiryRequired,
    Fault,
    InvalidCatalog,
    InvalidCidr,
    InvalidCursor,
    InvalidPolicy,
    InvalidTokenHash,
    InvalidType,
    InvalidValue,
    LifetimeTooLong,
    MalformedRequest,
    MissingField,
    MissingVariable,
    SecretInText,
    TenantRequired,
    UnknownAction,
    UnknownEntity,
    UnknownField,
    UnknownRole,
    UnknownVariable,
    WeakPassword,
)
from keywright.core.errors.others import (
    NotFound,
    SignOnUnavailable,
    TooManyAttempts,
    Unavailable,
)
from keywright.core.errors.refusals import (
    BeyondOwnRights,
    CodeReused,
    FreshLoginRequired,
    InvalidCode,
    InvalidCredentials,
    OwnKey,
    PasskeyRefused,
    PermissionDenied,
    Refused,
    SecondFactorRequired,
    SignOnFailed,
    TwoFactorRequired,
    Unauthenticated,
)

__all__ = [
    "BadInput",
    "BeyondOwnRights",
    "BodyTooLarge",
    "CatalogChanged",
    "CodeReused",
    "Conflict",
    "ExpiryBeforeStart",
    "ExpiryInPast",
    "ExpiryRequired",
    "FactorExists",
    "Fault",
    "FreshLoginRequired",
    "HandleTaken",
    "IdempotencyKeyReused",
    "IllegalTransition",
    "InvalidCatalog",
    "InvalidCidr",
    "InvalidCode",
    "InvalidCredentials",
    "InvalidCursor",
    "InvalidPolicy",
    "InvalidTokenHash",
    "InvalidType",
    "InvalidValue",
    "InvitationExpired",
    "InvitationUsed",
    "KeywrightError",
    "LastAdministrator",
    "LifetimeTooLong",
    "LoginTaken",
    "MalformedRequest",
    "MembershipHeld",
    "MissingField",
    "MissingVariable",
    "NotFound",
    "OwnKey",
    "PasskeyRefused",
    "PermissionDenied",
    "Refused",
    "RoleInUse",
    "RoleOfCatalog",
    "RoleTaken",
    "SecondFactorRequired",
    "SecretInText",
    "SignOnFailed",
    "SignOnUnavailable",
    "SlugTaken",
    "TenantNotEmpty",
    "TenantRequired",
    "TokenHashTaken",
    "TooManyAttempts",
    "TwoFactorRequired",
    "Unauthenticated",
    "Unavailable",
    "UnknownAction",
    "UnknownEntity",
    "UnknownField",
    "UnknownRole",
    "UnknownVariable",
    "WeakPassword",
    "concrete_errors",
]


def concrete_errors() -> frozenset[type[KeywrightError]]:
    """Every error class that has a code of its own: what each door must map."""

    def walk(cls: type[KeywrightError]) -> set[type[KeywrightError]]:
        found = {cls} if "code" in vars(cls) else set()
        for child in cls.__subclasses__():
            found |= walk(child)
        return found

    return frozenset(walk(KeywrightError))
