"""The fields of tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import lists, runs
from keywright.services import tenants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField

QUERIES: Final[Mapping[str, RootField]] = {
    "tenant": runs(tenants.get_tenant, mapping.tenant_slug, mapping.tenant, or_null=True),
    "tenants": lists(tenants.list_tenants, mapping.list_tenants, mapping.tenant_page),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createTenant": runs(tenants.create_tenant, mapping.new_tenant, mapping.created_tenant),
}
