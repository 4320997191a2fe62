"""Tenants: create, list, rename, set up, disable and delete."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import (
    InvalidValue,
    NotFound,
    OwnKey,
    PermissionDenied,
    TenantNotEmpty,
    TwoFactorRequired,
)
from keywright.core.identities import Grant, Tenant, TenantSettings, is_slug
from keywright.core.ids import new_id
from keywright.core.listing import DEFAULT_PAGE
from keywright.core.roles import ADMIN
from keywright.services import cursors, replays
from keywright.services.cursors import Listed
from keywright.services.places import NO_TENANT, find_tenant
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from keywright.services.limits import LimitInput
    from keywright.services.work import Work

_ORDER = "tenants.slug"
SHORTEST_LIFETIME = 60
LONGEST_LIFETIME = 50 * 31_536_000
"""Seconds; like every number here it fits into the 32 bits of GraphQL's Int."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanges:
    """What is to change of a tenant's settings; a field that is left `UNSET` stays as it is."""

    key_prefix: str | UnsetType | None = UNSET
    max_key_lifetime_seconds: int | UnsetType | None = UNSET
    keys_must_expire: bool | UnsetType = UNSET
    two_factor_required: bool | UnsetType = UNSET
    default_limits: tuple[LimitInput, ...] | UnsetType = UNSET
    limits: tuple[LimitInput, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChanges:
    """What is to change of a tenant; a field that is left `UNSET` stays as it is.

    `slug` says which one, `new_slug` what its slug is to be.
    """

    slug: str
    new_slug: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    settings: SettingsChanges = SettingsChanges()


@dataclass(frozen=True, slots=True)
class TenantDeletion:
    """Which tenant is to be deleted, and whether its keys go with it."""

    slug: str
    force: bool = False


def _slug_of(data: TenantChanges | TenantDeletion) -> str:
    return data.slug


@use_case("tenants.create", permission="tenants:create", reach=Reach.INSTALLATION, changes=True, touches=True)
async def create_tenant(work: Work, new: NewTenant) -> CreatedTenant:
    """Make a tenant; whoever may not do everything everywhere becomes its administrator. Raises `SlugTaken`."""
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
    changes = {"slug": Change(None, slug), "name": Change(None, name)}
    if not work.caller.may(None, "tenants:update"):
        maker = work.caller.identity.id
        await work.transaction.memberships(tenant.id).add(
            maker, Grant(ADMIN, tenant.id), work.now, created_by=maker
        )
        work.touch(maker)
        changes["administrator"] = Change(None, maker)
    work.record("tenant.create", "tenant", tenant.id, changes)
    return CreatedTenant(tenant)


@use_case("tenants.list", permission=None, reach=Reach.SELF)
async def list_tenants(work: Work, wanted: ListTenants) -> TenantList:
    """The tenants in which the caller may `tenants:read`: those it belongs to, or every one for who may everywhere."""
    cursors.sound_limit(wanted.limit)
    after = cursors.after(_ORDER, wanted.cursor, str)
    page = await work.transaction.tenants.page(among=_readable(work), limit=wanted.limit, after=after)
    return cursors.listed(_ORDER, page, page.items)


@use_case("tenants.get", permission=None, reach=Reach.SELF)
async def get_tenant(work: Work, wanted: TenantSlug) -> Tenant:
    """One tenant by its slug, of those that the caller may read."""
    tenant = await work.transaction.tenants.by_slug(wanted.slug) if is_slug(wanted.slug) else None
    readable = _readable(work)
    if tenant is None or (readable is not None and tenant.id not in readable):
        raise NotFound(NO_TENANT)
    return tenant


@use_case("tenants.enter", permission=None, reach=Reach.SELF)
async def enter_tenant(work: Work, wanted: TenantSlug) -> Tenant:
    """A tenant in which the caller may be at all, whatever it may do there; raises what `find_tenant` raises."""
    return await find_tenant(work.transaction, work.caller, wanted.slug)


@use_case("tenants.update", permission="tenants:update", changes=True, touches=True, tenant=_slug_of)
async def update_tenant(work: Work, wanted: TenantChanges) -> Tenant:
    """Rename a tenant, or change its settings; to disable or enable it takes the permission everywhere.

    Changing nothing is allowed and leaves no trace. Raises `SlugTaken`, and `TwoFactorRequired` for asking
    others for a second factor that the caller's own login did not have.
    """
    before = await _locked(work)
    after = before
    if wanted.new_slug is not UNSET:
        after = replace(after, slug=checks.slug(wanted.new_slug))
    if wanted.name is not UNSET:
        after = replace(after, name=checks.name(wanted.name))
    if wanted.active is not UNSET and wanted.active != before.active:
        if not work.caller.may(None, "tenants:update"):
            raise PermissionDenied(
                "To disable or enable a tenant needs the permission tenants:update everywhere.",
                field="active",
            )
        after = replace(after, active=wanted.active)
    after = replace(after, settings=_settings(work, before.settings, wanted.settings))
    if after == before:
        work.nothing_changed = True
        return before
    await work.transaction.tenants.change(after)
    work.touch(after.id)
    work.record("tenant.update", "tenant", after.id, _changes(before, after))
    return after


@use_case("tenants.delete", permission="tenants:delete", changes=True, touches=True, tenant=_slug_of)
async def delete_tenant(work: Work, wanted: TenantDeletion) -> None:
    """Delete a tenant with everybody and everything in it, for good.

    Raises `TenantNotEmpty` while it has keys, unless `force` says that they go too; then none of them is
    accepted any more. A key may not delete the tenant that it belongs to.
    """
    tenant = await _locked(work)
    if work.caller.bound is not None:
        raise OwnKey("A key may not delete the tenant that it belongs to. Use another credential.")
    keys = work.transaction.keys(tenant.id)
    if not wanted.force and await keys.any():
        raise TenantNotEmpty("The tenant has keys. Delete them first, or force the deletion.")
    deleted = await keys.delete_all(work.now)
    await work.transaction.tenants.delete(tenant.id, work.now)
    work.touch(tenant.id)
    work.record(
        "tenant.delete",
        "tenant",
        tenant.id,
        {"slug": Change(tenant.slug, None), "name": Change(tenant.name, None), "keys": Change(deleted, 0)},
        everywhere=True,
    )


async def _locked(work: Work) -> Tenant:
    """The call's tenant, kept from others until the transaction ends."""
    found = await work.transaction.tenants.by_id(work.tenant.id, lock=True)
    if found is None:
        raise NotFound(NO_TENANT)
    return found


def _settings(work: Work, settings: TenantSettings, wanted: SettingsChanges) -> TenantSettings:
    if wanted.key_prefix is not UNSET:
        given = wanted.key_prefix
        prefix = None if given is None else checks.prefix(given, "settings.key_prefix")
        settings = replace(settings, key_prefix=prefix)
    if wanted.max_key_lifetime_seconds is not UNSET:
        longest = wanted.max_key_lifetime_seconds
        if longest is not None and not SHORTEST_LIFETIME <= longest <= LONGEST_LIFETIME:
            raise InvalidValue(
                f"A key's longest life is {SHORTEST_LIFETIME} to {LONGEST_LIFETIME} seconds.",
                field="settings.max_key_lifetime_seconds",
            )
        settings = replace(settings, max_key_lifetime_seconds=longest)
    if wanted.keys_must_expire is not UNSET:
        settings = replace(settings, keys_must_expire=wanted.keys_must_expire)
    if wanted.default_limits is not UNSET:
        default_limits = checks.limits(wanted.default_limits, "settings.default_limits")
        settings = replace(settings, default_limits=default_limits)
    if wanted.limits is not UNSET:
        settings = replace(settings, limits=checks.limits(wanted.limits, "settings.limits"))
    if wanted.two_factor_required is not UNSET:
        settings = replace(settings, two_factor_required=wanted.two_factor_required)
        session = work.caller.session
        if wanted.two_factor_required and session is not None and not session.two_factor:
            raise TwoFactorRequired("Log in with a second factor before asking others for one.")
    return settings


def _changes(before: Tenant, after: Tenant) -> dict[str, Change]:
    old, new = _plain(before), _plain(after)
    return {name: Change(old[name], new[name]) for name in old if old[name] != new[name]}


def _plain(tenant: Tenant) -> dict[str, object]:
    plain = {"slug": tenant.slug, "name": tenant.name, "active": tenant.active}
    return plain | {f"settings.{name}": value for name, value in asdict(tenant.settings).items()}


def _readable(work: Work) -> frozenset[str] | None:
    """The ids of the tenants that the caller may read, None for all of them."""
    caller = work.caller
    if caller.may(None, "tenants:read"):
        return None
    held = {caller.bound.id} if caller.bound is not None else caller.tenant_ids
    return frozenset(tenant_id for tenant_id in held if caller.may(tenant_id, "tenants:read"))
