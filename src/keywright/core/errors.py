"""Everything that Keywright refuses, as one tree of exceptions with stable codes.

Each concrete class has a `code` that never changes its meaning. Doors translate codes into their own
form and may not invent meanings of their own. `detail` is a sentence for the reader; it never repeats
what the caller sent, because what was sent may be a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.permissions import Policy


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

    @property
    def extras(self) -> dict[str, object]:
        """What a program may want to know beside the code: plain JSON values by name, never what was sent."""
        return {}


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


class LifetimeTooLong(BadInput):
    """A key would live longer than its tenant allows."""

    code = "lifetime_too_long"


class ExpiryRequired(BadInput):
    """The tenant wants every key to end at some time."""

    code = "expiry_required"


class UnknownRole(BadInput):
    """No role of this name can be held there."""

    code = "unknown_role"


class UnknownVariable(BadInput):
    """The role has no variable of this name."""

    code = "unknown_variable"


class MissingVariable(BadInput):
    """A variable of the role is given no value, so that part of the role would allow nothing."""

    code = "missing_variable"


class UnknownAction(BadInput):
    """The tenant's catalog is strict and does not know this action. `nearest` is the known one most like it."""

    code = "unknown_action"

    def __init__(self, detail: str, *, field: str | None = None, nearest: str | None = None) -> None:
        super().__init__(detail, field=field)
        self.nearest = nearest

    @property
    def extras(self) -> dict[str, object]:
        """The known name most like the unknown one, where there is one."""
        return {} if self.nearest is None else {"nearest": self.nearest}


class UnknownEntity(UnknownAction):
    """The tenant's catalog is strict and does not know this resource type or entity."""

    code = "unknown_entity"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: where, as a path (`roles.editor.policies.0`), and what, in a sentence."""

    path: str
    code: str
    detail: str


class InvalidCatalog(BadInput):
    """A catalog cannot be accepted; `faults` says each place, in the order of the document."""

    code = "invalid_catalog"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"The catalog cannot be accepted: {faults[0].detail}", field=faults[0].path or None)
        self.faults = tuple(faults)

    @property
    def extras(self) -> dict[str, object]:
        """All faults."""
        return {"faults": [{"path": one.path, "code": one.code, "detail": one.detail} for one in self.faults]}


class WeakPassword(BadInput):
    """The password is too short, or one of those that everybody tries first."""

    code = "weak_password"


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


class LoginTaken(Conflict):
    """Another person logs in with this name or e-mail address."""

    code = "login_taken"


class RoleTaken(Conflict):
    """Another role of the tenant, or a built-in one, has this name."""

    code = "role_taken"


class RoleInUse(Conflict):
    """The role is held by somebody, and cannot be deleted."""

    code = "role_in_use"


class RoleOfCatalog(Conflict):
    """The tenant's catalog defines the role, and it is changed there."""

    code = "role_of_catalog"


class MembershipHeld(Conflict):
    """The identity holds this role there already; change its membership instead."""

    code = "membership_held"


class LastAdministrator(Conflict):
    """Nobody would be left who can administer the tenant, or the installation."""

    code = "last_administrator"


class TenantNotEmpty(Conflict):
    """The tenant still has keys; they are deleted with it only where that is asked for."""

    code = "tenant_not_empty"


class CatalogChanged(Conflict):
    """The catalog is at another revision than the one the caller looked at."""

    code = "catalog_changed"


class FactorExists(Conflict):
    """The person has this second factor already."""

    code = "factor_exists"


class InvitationExpired(Conflict):
    """The invitation was not accepted in time, or was taken back."""

    code = "invitation_expired"


class InvitationUsed(Conflict):
    """The invitation was accepted before; it works once."""

    code = "invitation_used"


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


class SecondFactorRequired(Refused):
    """The password is right, and does not do alone: one of `factors` is needed with it."""

    code = "second_factor_required"

    def __init__(self, detail: str, *, factors: Sequence[str]) -> None:
        super().__init__(detail)
        self.factors = tuple(factors)

    @property
    def extras(self) -> dict[str, object]:
        """The factors that are accepted."""
        return {"factors": list(self.factors)}


class InvalidCode(Refused):
    """A one-time or recovery code that is not right, or not any more."""

    code = "invalid_code"


class CodeReused(Refused):
    """A one-time code that was accepted before; the next one is needed."""

    code = "code_reused"


class PasskeyRefused(Refused):
    """A passkey's answer that does not prove what it should."""

    code = "passkey_refused"


class SignOnFailed(Refused):
    """The answer of the identity provider does not prove who somebody is."""

    code = "sign_on_failed"


class FreshLoginRequired(Refused):
    """What was asked for needs a login within the last ten minutes."""

    code = "fresh_login_required"


class TwoFactorRequired(Refused):
    """The tenant asks for a login with a second factor."""

    code = "two_factor_required"


class BeyondOwnRights(Refused):
    """The caller would hand out more than it holds itself; `policy` is the first one that it does not hold."""

    code = "beyond_own_rights"

    def __init__(self, detail: str, *, field: str | None = None, policy: Policy | None = None) -> None:
        super().__init__(detail, field=field)
        self.policy = policy

    @property
    def extras(self) -> dict[str, object]:
        """The policy that is not held."""
        return {} if self.policy is None else {"policy": self.policy.to_plain()}


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


class SignOnUnavailable(Unavailable):
    """The identity provider cannot be reached, or does not say what it should."""

    code = "sign_on_unavailable"


def concrete_errors() -> frozenset[type[KeywrightError]]:
    """Every error class that has a code of its own: what each door must map."""

    def walk(cls: type[KeywrightError]) -> set[type[KeywrightError]]:
        found = {cls} if "code" in vars(cls) else set()
        for child in cls.__subclasses__():
            found |= walk(child)
        return found

    return frozenset(walk(KeywrightError))
