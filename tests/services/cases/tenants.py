"""The use cases of tenants, and of who is asking."""

from __future__ import annotations

from keywright.services.tenants import ListTenants, NewTenant, TenantSlug
from tests.support.cases import Case, nothing

CASES = {
    "tenants.create": Case(
        lambda place: NewTenant(f"{place.tenant.slug}-2"), lambda: NewTenant("nowhere-2"), ("tenant.create",)
    ),
    "tenants.list": Case(lambda _: ListTenants(), ListTenants, yields=True),
    "tenants.get": Case(lambda place: TenantSlug(place.tenant.slug), lambda: TenantSlug("nowhere")),
    "whoami": Case(nothing, nothing, yields=True),
}
