"""The fields of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from keywright.api.graphql import mapping, uses
from keywright.api.graphql.fields import lists, runs
from keywright.core.errors import InvalidType
from keywright.services import tenants
from keywright.services.tenants import (
    ListTenants,
    NewTenant,
    SettingsChanges,
    TenantChanges,
    TenantDeletion,
    TenantSlug,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.core.identities import Tenant
    from keywright.services.tenants import CreatedTenant, TenantList


def list_tenants(args: Args) -> ListTenants:
    """A question for a list of tenants."""
    return ListTenants(limit=mapping.page_size(args), cursor=args.get("after"))


def tenant_slug(args: Args) -> TenantSlug:
    """The tenant that is asked for."""
    return TenantSlug(args["slug"])


def new_tenant(args: Args) -> NewTenant:
    """What a tenant's creation asks for."""
    given = args["input"]
    return NewTenant(given["slug"], given.get("name"))


def tenant_changes(args: Args) -> TenantChanges:
    """What a change asks for: only the fields that were sent. Raises `InvalidType` for a null that clears nothing."""
    given = args["input"]
    return TenantChanges(
        slug=given["tenant"],
        new_slug=_sent(given, "slug"),
        name=_sent(given, "name"),
        active=_sent(given, "active"),
        settings=_settings(given.get("settings") or {}),
    )


def _settings(given: Mapping[str, Any]) -> SettingsChanges:
    default_limits = _sent(given, "defaultLimits", "settings.")
    limits = _sent(given, "limits", "settings.")
    return SettingsChanges(
        key_prefix=given.get("keyPrefix", UNSET),
        max_key_lifetime_seconds=given.get("maxKeyLifetimeSeconds", UNSET),
        keys_must_expire=_sent(given, "keysMustExpire", "settings."),
        two_factor_required=_sent(given, "twoFactorRequired", "settings."),
        default_limits=UNSET if default_limits is UNSET else uses.given_limits(default_limits) or (),
        limits=UNSET if limits is UNSET else uses.given_limits(limits) or (),
    )


def _sent(given: Mapping[str, Any], name: str, lead: str = "") -> Any:  # noqa: ANN401 - any value
    """A field that cannot be null, `UNSET` where it was left out."""
    found = given.get(name, UNSET)
    if found is None:
        raise InvalidType("This cannot be null. Leave it out to keep it as it is.", field=f"{lead}{name}")
    return found


def deletion(args: Args) -> TenantDeletion:
    """Which tenant is to be deleted."""
    given = args["input"]
    return TenantDeletion(given["tenant"], bool(given.get("force")))


def tenant(value: Tenant) -> Shape:
    """A tenant with its settings."""
    settings = value.settings
    return mapping.tenant(value) | {
        "settings": {
            "keyPrefix": settings.key_prefix,
            "maxKeyLifetimeSeconds": settings.max_key_lifetime_seconds,
            "keysMustExpire": settings.keys_must_expire,
            "twoFactorRequired": settings.two_factor_required,
            "defaultLimits": uses.limits(settings.default_limits),
            "limits": uses.limits(settings.limits),
        }
    }


def tenant_page(page: TenantList, asked: ListTenants) -> Shape:
    """A page of tenants."""
    nodes = [tenant(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=asked.cursor)


def created_tenant(created: CreatedTenant) -> Shape:
    """A created tenant."""
    return {"tenant": tenant(created.tenant), "replayed": created.replayed}


def changed_tenant(value: Tenant) -> Shape:
    """A changed tenant."""
    return {"tenant": tenant(value)}


def deleted_tenant(_result: None, asked: TenantDeletion) -> Shape:
    """A tenant that was deleted."""
    return {"deletedSlug": asked.slug}


QUERIES: Final[Mapping[str, RootField]] = {
    "tenant": runs(tenants.get_tenant, tenant_slug, tenant, or_null=True),
    "tenants": lists(tenants.list_tenants, list_tenants, tenant_page),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createTenant": runs(tenants.create_tenant, new_tenant, created_tenant),
    "updateTenant": runs(tenants.update_tenant, tenant_changes, changed_tenant),
    "deleteTenant": lists(tenants.delete_tenant, deletion, deleted_tenant),
}
