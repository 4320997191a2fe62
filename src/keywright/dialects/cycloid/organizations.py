"""The calls on organizations, and on what rules may say in them: policies, roles, and whether one may do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.core.listing import MAX_PAGE
from keywright.core.own_actions import OWN_ACTIONS
from keywright.dialects.cycloid import bodies, mapping
from keywright.dialects.cycloid.asked import Page
from keywright.dialects.cycloid.errors import invalid
from keywright.services.catalog import get_catalog
from keywright.services.roles import list_roles
from keywright.services.tenants import ListTenants, list_tenants

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.dialects.cycloid.asked import Asked
    from keywright.dialects.cycloid.mapping import Plain
    from keywright.services.catalog import CatalogView


async def list_organizations(asked: Asked) -> Page:
    """A page of the organizations that a user may see, in the order of their canonicals."""
    paging = bodies.paging(asked.query)
    tenants: list[Tenant] = await asked.walk(
        list_tenants, lambda cursor: ListTenants(limit=MAX_PAGE, cursor=cursor)
    )
    found = [one for one in tenants if asked.only in {None, one.slug}]
    return Page([mapping.organization(one) for one in paging.of(found)], paging, len(found))


async def get_organization(asked: Asked) -> Plain:
    """One organization by its canonical."""
    return mapping.organization(await asked.tenant())


async def list_policies(asked: Asked) -> Page:
    """A page of the actions that rules may name: those of the organization's catalog, and Keywright's own."""
    paging = bodies.paging(asked.query)
    view: CatalogView = await asked.run(get_catalog, None)
    tenant = await asked.tenant()
    catalog: Any = view.document
    kinds = {one["name"]: list(one.get("segments", ())) for one in catalog.get("resource_types", ())}
    actions = {one["name"]: one.get("description", "") for one in catalog.get("actions", ())}
    own = dict.fromkeys(OWN_ACTIONS, "An action by which Keywright guards itself.")
    found = [
        mapping.policy(
            code,
            description,
            kinds.get(code.partition(":")[0], []),
            tenant.created_at if code in own or view.applied_at is None else view.applied_at,
        )
        for code, description in sorted((own | actions).items())
    ]
    return Page(paging.of(found), paging, len(found))


async def list_org_roles(asked: Asked) -> Page:
    """A page of the roles that can be held in the organization."""
    paging = bodies.paging(asked.query)
    roles = await asked.run(list_roles, None)
    return Page([mapping.role(one) for one in paging.of(roles)], paging, len(roles))


async def can_do(asked: Asked) -> Plain:
    """Whether the caller may do something, through the credential that it calls with."""
    wanted = bodies.can_do(asked.body)
    tenant = await asked.tenant()
    try:
        resource = mapping.resource_of(wanted.action, tenant.slug, wanted.canonicals)
    except ValueError as error:
        raise invalid(f"entity_canonicals in body should have {error}") from None
    return {"ok": asked.caller.may(tenant.id, wanted.action, resource)}
