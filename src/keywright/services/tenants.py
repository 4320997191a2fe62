"""Tenants: create and list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import InvalidValue, NotFound
from keywright.core.identities import Tenant, is_slug
from keywright.core.ids import new_id
from keywright.core.listing import DEFAULT_PAGE, MAX_PAGE
from keywright.services import cursors, replays
from keywright.services.cursors import Listed
from keywright.services.places import NO_TENANT
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.services.work import Work

_ORDER = "tenants.slug"


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What a caller says of a new tenant; the name is the slug unless another is given."""

    slug: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CreatedTenant:
    """A tenant, and whether it was made before under the same idempotency key."""

    tenant: Tenant
    replayed: bool = False


TenantList = Listed[Tenant]
"""A page of tenants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTenants:
    """How many tenants to list, and after which cursor."""

    limit: int = DEFAULT_PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class TenantSlug:
    """The slug of one tenant."""

    slug: str


@use_case("tenants.create", permission="tenants:create", reach=Reach.INSTALLATION, changes=True)
async def create_tenant(work: Work, new: NewTenant) -> CreatedTenant:
    """Make a tenant. Raises `SlugTaken`."""
    made = await replays.find(work, "tenants.create", new)
    if made is not None:
        work.nothing_changed = True
        found = await work.transaction.tenants.by_id(made)
        if found is None:
            raise replays.gone()
        return CreatedTenant(found, replayed=True)
    slug = checks.slug(new.slug)
    name = slug if new.name is None else checks.name(new.name)
    tenant = Tenant(id=new_id("ten"), slug=slug, name=name, active=True, created_at=work.now)
    await replays.remember(work, "tenants.create", new, tenant.id)
    await work.transaction.tenants.add(tenant)
    work.record(
        "tenant.create", "tenant", tenant.id, {"slug": Change(None, slug), "name": Change(None, name)}
    )
    return CreatedTenant(tenant)


@use_case("tenants.list", permission=None, reach=Reach.SELF)
async def list_tenants(work: Work, wanted: ListTenants) -> TenantList:
    """The tenants in which the caller may `tenants:read`: those it belongs to, or every one for who may everywhere."""
    if not 1 <= wanted.limit <= MAX_PAGE:
        raise InvalidValue(f"A page has 1 to {MAX_PAGE} items.", field="limit")
    after = None if wanted.cursor is None else cursors.decode(_ORDER, wanted.cursor, str)
    page = await work.transaction.tenants.page(among=_readable(work), limit=wanted.limit, after=after)
    return TenantList(
        page.items, tuple(cursors.encode(_ORDER, position) for position in page.positions), page.more
    )


@use_case("tenants.get", permission=None, reach=Reach.SELF)
async def get_tenant(work: Work, wanted: TenantSlug) -> Tenant:
    """One tenant by its slug, of those that the caller may read."""
    tenant = await work.transaction.tenants.by_slug(wanted.slug) if is_slug(wanted.slug) else None
    readable = _readable(work)
    if tenant is None or (readable is not None and tenant.id not in readable):
        raise NotFound(NO_TENANT)
    return tenant


def _readable(work: Work) -> frozenset[str] | None:
    """The ids of the tenants that the caller may read, None for all of them."""
    caller = work.caller
    if caller.may(None, "tenants:read"):
        return None
    held = {caller.bound.id} if caller.bound is not None else caller.tenant_ids
    return frozenset(tenant_id for tenant_id in held if caller.may(tenant_id, "tenants:read"))
