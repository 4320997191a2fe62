"""The use cases of tenants, and of who is asking."""

from __future__ import annotations

from keywright.services.tenants import ListTenants, NewTenant, TenantChanges, TenantDeletion, TenantSlug
from tests.support.cases import Case, nothing

CASES = {
    "tenants.create": Case(
        lambda place: NewTenant(f"{place.tenant.slug}-2"), lambda: NewTenant("nowhere-2"), ("tenant.create",)
    ),
    "tenants.list": Case(lambda _: ListTenants(), ListTenants, yields=True),
    "tenants.get": Case(lambda place: TenantSlug(place.tenant.slug), lambda: TenantSlug("nowhere")),
    "tenants.enter": Case(lambda place: TenantSlug(place.tenant.slug), lambda: TenantSlug("nowhere")),
    "tenants.update": Case(
        lambda place: TenantChanges(slug=place.tenant.slug, name="Other"),
        lambda: TenantChanges(slug="nowhere", name="Other"),
        ("tenant.update",),
    ),
    "tenants.delete": Case(
        lambda place: TenantDeletion(place.tenant.slug, force=True),
        lambda: TenantDeletion("nowhere", force=True),
        ("tenant.delete",),
        unbound=True,
        everywhere=True,
    ),
    "whoami": Case(nothing, nothing, yields=True),
}
