"""Errors of what is there: the request is fine by itself and clashes with it."""

from __future__ import annotations

from keywright.core.errors.base import KeywrightError


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
