"""Places: from a slug to a tenant, the one masking of what may not be seen, and what a caller may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.errors import (
    InvalidValue,
    NotFound,
    PermissionDenied,
    TenantRequired,
    TwoFactorRequired,
)
from keywright.core.identities import DEFAULT_TENANT, is_slug

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.storage import Transaction

NO_TENANT = "No such tenant."
EVERYWHERE = "*"
"""What a call names in place of a tenant to concern the installation; no slug is written like it."""


def one_tenant(called: str | None, named: str | None, field: str = "tenant") -> str | None:
    """The tenant that a call names and its input may name too; both must say the same."""
    if called is not None and named is not None and called != named:
        raise InvalidValue("The call names another tenant than its input.", field=field)
    return called if named is None else named


async def find_tenant(transaction: Transaction, caller: Caller, slug: str | None) -> Tenant:
    """The tenant that a call concerns.

    It is the one that the credential is confined to; else the one named by slug; else the only one the
    identity belongs to; else, for whoever sees every tenant, the default one. A tenant that the caller may
    not see is `NotFound` in the same words as one that does not exist. A disabled one is closed to its own
    members, `PermissionDenied`, as its keys are. One that asks for two factors is closed to logins without,
    `TwoFactorRequired`. Raises `TenantRequired` when none was named and none follows.
    """
    if slug is None:
        tenant = await _implied(transaction, caller)
    elif caller.bound is not None:
        tenant = caller.bound if caller.bound.slug == slug else None
    else:
        tenant = await transaction.tenants.by_slug(slug) if is_slug(slug) else None
    return admit(caller, tenant)


def admit(caller: Caller, tenant: Tenant | None) -> Tenant:
    """The tenant itself, if it is one that the caller may enter; raises as `find_tenant` does."""
    if tenant is None or not caller.sees(tenant.id):
        raise NotFound(NO_TENANT, field="tenant")
    if not tenant.active and not caller.sees_every_tenant:
        raise PermissionDenied("The tenant is disabled.", field="tenant")
    if tenant.settings.two_factor_required and caller.session is not None and not caller.session.two_factor:
        raise TwoFactorRequired(
            "The tenant asks for a second factor. Set one up, and log in with it.", field="tenant"
        )
    return tenant


async def _implied(transaction: Transaction, caller: Caller) -> Tenant | None:
    if caller.bound is not None:
        return caller.bound
    if len(caller.tenant_ids) == 1:
        return await transaction.tenants.by_id(next(iter(caller.tenant_ids)))
    fallback = await transaction.tenants.by_slug(DEFAULT_TENANT) if caller.sees_every_tenant else None
    if fallback is None:
        raise TenantRequired(
            "Name the tenant, with the header `Keywright-Tenant` or the field `tenant`.", field="tenant"
        )
    return fallback


def require(caller: Caller, tenant_id: str | None, action: str, resource: str | None = None) -> None:
    """Raise `PermissionDenied` unless the caller may do this. The sentence names what is missing."""
    if not caller.may(tenant_id, action, resource):
        raise PermissionDenied(f"This needs the permission {action}.")
