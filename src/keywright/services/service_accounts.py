"""Service accounts: identities for programs, owned by a tenant. Their keys outlive the people who made them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import NotFound, OwnKey
from keywright.core.identities import Identity, IdentityKind, role_set
from keywright.core.ids import is_id, new_id
from keywright.core.listing import DEFAULT_PAGE
from keywright.services import cursors, replays
from keywright.services.cursors import Listed
from keywright.services.limits import given_limits, identity_changes, raises_limits
from keywright.services.memberships import give, keep_an_administrator, plain_grant
from keywright.services.work import use_case

if TYPE_CHECKING:
    from keywright.core.identities import Membership
    from keywright.services.limits import LimitInput
    from keywright.services.memberships import RoleInput
    from keywright.services.work import Work

_ORDER = "service_accounts.id"
_NO_ACCOUNT = "No such service account."


@dataclass(frozen=True, slots=True, kw_only=True)
class NewServiceAccount:
    """A service account to be made, with its roles."""

    name: str
    description: str = ""
    memberships: tuple[RoleInput, ...] = ()
    limits: tuple[LimitInput, ...] = ()
    """For all uses of its keys together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountChanges:
    """What is to change of a service account; a field that is left `UNSET` stays as it is."""

    id: str
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    limits: tuple[LimitInput, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class ServiceAccountId:
    """The id of one service account."""

    id: str


@dataclass(frozen=True, slots=True)
class ServiceAccountView:
    """A service account with the roles that it holds in its tenant."""

    identity: Identity
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class CreatedServiceAccount:
    """A service account, and whether it was made before under the same idempotency key."""

    view: ServiceAccountView
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListServiceAccounts:
    """Which service accounts to list: all, or those that are searched for; how many, after which cursor.

    `search` is the beginning of a name or of a word in it, or a whole id.
    """

    search: str | None = None
    limit: int = DEFAULT_PAGE
    cursor: str | None = None


ServiceAccountList = Listed[ServiceAccountView]
"""A page of service accounts."""


@use_case("service_accounts.create", permission="identities:create", changes=True)
async def create_service_account(work: Work, new: NewServiceAccount) -> CreatedServiceAccount:
    """Make a service account with roles, of which the caller holds everything itself."""
    made = await replays.find(work, "service_accounts.create", new)
    if made is not None:
        return await _replayed(work, made)
    identity = Identity(
        id=new_id("idn"),
        kind=IdentityKind.SERVICE_ACCOUNT,
        name=checks.name(new.name),
        active=True,
        tenant_id=work.tenant.id,
        created_at=work.now,
        description=checks.description(new.description),
        limits=checks.limits(new.limits),
    )
    await replays.remember(work, "service_accounts.create", new, identity.id)
    await work.transaction.identities.add(identity)
    memberships = await give(work, identity, new.memberships)
    work.record(
        "service_account.create",
        "identity",
        identity.id,
        {
            "name": Change(None, identity.name),
            "description": Change(None, identity.description),
            "memberships": Change(None, [plain_grant(one.grant) for one in memberships]),
        }
        | given_limits(identity),
    )
    return CreatedServiceAccount(ServiceAccountView(identity, memberships))


@use_case("service_accounts.get", permission="identities:read")
async def get_service_account(work: Work, wanted: ServiceAccountId) -> ServiceAccountView:
    """One service account of the tenant."""
    return await _view(work, await _existing(work, wanted.id))


@use_case("service_accounts.list", permission="identities:read")
async def list_service_accounts(work: Work, wanted: ListServiceAccounts) -> ServiceAccountList:
    """A page of the tenant's service accounts, in the order in which they were made.

    A search finds by how names and the words in them begin, and by a whole id; letter case does not count, and a
    search for nothing finds all. Raises `InvalidValue` and, for a search that holds a token, `SecretInText`.
    """
    cursors.sound_limit(wanted.limit)
    page = await work.transaction.identities.accounts(
        work.tenant.id,
        search=None if wanted.search is None else checks.search(wanted.search),
        limit=wanted.limit,
        after=cursors.after(_ORDER, wanted.cursor, type(None)),
    )
    held = await work.transaction.memberships(work.tenant.id).of({one.id for one in page.items})
    return cursors.listed(
        _ORDER,
        page,
        (
            ServiceAccountView(one, tuple(given for given in held if given.identity_id == one.id))
            for one in page.items
        ),
    )


@use_case("service_accounts.update", permission="identities:update", changes=True, touches=True)
async def update_service_account(work: Work, wanted: ServiceAccountChanges) -> ServiceAccountView:
    """Rename, describe, limit, disable or enable a service account; a disabled one has no key that is accepted.

    Changing nothing is allowed and leaves no trace. Raises `LastAdministrator`, `OwnKey`, and `BeyondOwnRights`
    for enabling one, or letting it be used more often, that may do what the caller may not.
    """
    before = await _existing(work, wanted.id, lock=True)
    after = before
    if wanted.name is not UNSET:
        after = replace(after, name=checks.name(wanted.name))
    if wanted.description is not UNSET:
        after = replace(after, description=checks.description(wanted.description))
    if wanted.active is not UNSET:
        after = replace(after, active=wanted.active)
    if wanted.limits is not UNSET:
        after = replace(after, limits=checks.limits(wanted.limits))
    if after == before:
        work.nothing_changed = True
        return await _view(work, before)
    if before.active and not after.active:
        _spare_own_key(work, before)
        await keep_an_administrator(work, await work.transaction.all_memberships.of(before.id))
    enabled = after.active and not before.active
    if raises_limits(work, before, after) or enabled:
        # Who brings it back, or has it used more often, hands out what it may do.
        field = "active" if enabled else "limits"
        for given in await work.transaction.memberships(work.tenant.id).of([before.id]):
            work.caller.require_holds(work.tenant.id, role_set((given.grant,)).policies.policies, field)
    await work.transaction.identities.change(after)
    work.touch(after.id)
    work.record(
        "service_account.update",
        "identity",
        after.id,
        identity_changes(before, after),
    )
    return await _view(work, after)


@use_case("service_accounts.delete", permission="identities:delete", changes=True, touches=True)
async def delete_service_account(work: Work, wanted: ServiceAccountId) -> None:
    """Delete a service account for good, and its keys with it. Raises `LastAdministrator` and `OwnKey`."""
    account = await _existing(work, wanted.id, lock=True)
    _spare_own_key(work, account)
    held = await work.transaction.all_memberships.of(account.id)
    await keep_an_administrator(work, held)
    keys = await work.transaction.all_keys.delete_of(account.id, work.now)
    await work.transaction.identities.delete(account.id, work.now)
    work.touch(account.id)
    work.record(
        "service_account.delete",
        "identity",
        account.id,
        {"name": Change(account.name, None), "keys": Change(list(keys), None)},
    )


def _spare_own_key(work: Work, account: Identity) -> None:
    """Raise `OwnKey` where the key that the call was made with would be refused from then on."""
    if work.caller.identity.id == account.id:
        raise OwnKey("A key may not disable or delete the service account that it speaks for.")


async def _existing(work: Work, identity_id: str, *, lock: bool = False) -> Identity:
    found = None
    if is_id(identity_id, "idn"):
        found = await work.transaction.identities.owned(work.tenant.id, identity_id, lock=lock)
    if found is None:
        raise NotFound(_NO_ACCOUNT)
    return found


async def _view(work: Work, identity: Identity) -> ServiceAccountView:
    return ServiceAccountView(identity, await work.transaction.memberships(work.tenant.id).of([identity.id]))


async def _replayed(work: Work, identity_id: str) -> CreatedServiceAccount:
    work.nothing_changed = True
    found = await work.transaction.identities.owned(work.tenant.id, identity_id)
    if found is None:
        raise replays.gone()
    return CreatedServiceAccount(await _view(work, found), replayed=True)
