"""What those may do who hold a role over the whole installation that is less than everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core import errors
from keywright.core.identities import Grant
from keywright.core.roles import (
    ADMIN,
    DEPLOYER,
    GLOBAL_ROLES,
    LOGIN,
    MEMBER,
    MONITOR,
    PROJECT_ADMIN,
    PROJECT_CREATOR,
    READ_ONLY,
    SUPER_ADMIN,
    PolicyTemplate,
    Role,
)
from keywright.services.catalog import NewCatalog, apply_catalog
from keywright.services.keys import (
    KeyChanges,
    KeyTransfer,
    NewKey,
    create_key,
    transfer_key,
    update_key,
)
from keywright.services.memberships import NewMembership, RoleInput, create_membership
from keywright.services.roles import NewRole, RoleChanges, create_role, update_role
from keywright.services.service_accounts import NewServiceAccount, create_service_account
from keywright.services.tenants import (
    ListTenants,
    NewTenant,
    TenantChanges,
    TenantDeletion,
    create_tenant,
    delete_tenant,
    list_tenants,
    update_tenant,
)
from keywright.services.users import (
    UserChanges,
    UserId,
    UserReset,
    delete_user,
    reset_user,
    update_user,
)

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


@pytest.fixture
async def manager(home: House, acme: Tenant) -> Caller:
    """A project administrator with a global key; the tenant is there."""
    assert acme.active
    return await home.caller(await home.key(None, await home.identity(Grant(PROJECT_ADMIN))))


async def refused(
    home: House, kind: type[errors.KeywrightError], caller: Caller, use: Any, data: Any, where: str
) -> None:
    before = await home.count_entries()
    with pytest.raises(kind):
        await home.run(use, caller, data, tenant=where)
    assert await home.count_entries() == before


async def test_a_project_admin_administers_every_tenant(home: House, acme: Tenant, manager: Caller) -> None:
    await home.tenant("other")
    for slug in ("acme", "other"):
        account = await home.run(
            create_service_account,
            manager,
            NewServiceAccount(name="Importer", memberships=(RoleInput(MEMBER),)),
            tenant=slug,
        )
        await home.run(
            create_key,
            manager,
            NewKey(name="Import", identity_id=account.view.identity.id),
            tenant=slug,
        )
        await home.run(update_tenant, manager, TenantChanges(slug=slug, name="Renamed"))
    assert [one.slug for one in (await home.run(list_tenants, manager, ListTenants())).items] == [
        "acme",
        "other",
    ]
    assert acme.slug == "acme"


async def test_a_project_admin_neither_makes_nor_deletes_tenants(home: House, manager: Caller) -> None:
    denied = errors.PermissionDenied
    await refused(home, denied, manager, create_tenant, NewTenant("new"), "*")
    await refused(home, denied, manager, delete_tenant, TenantDeletion("acme", force=True), "acme")


async def test_a_project_admin_gives_no_role_that_allows_more(
    home: House, acme: Tenant, manager: Caller
) -> None:
    somebody = await home.identity()
    mighty = Role("mighty", policies=(PolicyTemplate.of(["article:*"]),))
    await home.role(acme, mighty)
    for where, role in (
        *(("*", name) for name in (SUPER_ADMIN, MONITOR, PROJECT_CREATOR)),
        *(("acme", name) for name in (ADMIN, READ_ONLY, "mighty")),
    ):
        for whom in (somebody.id, manager.identity.id):
            new = NewMembership(identity_id=whom, role=role)
            await refused(home, errors.BeyondOwnRights, manager, create_membership, new, where)
    for where, role in (("*", LOGIN), ("*", DEPLOYER), ("*", PROJECT_ADMIN), ("acme", MEMBER)):
        await home.run(
            create_membership, manager, NewMembership(identity_id=somebody.id, role=role), tenant=where
        )


async def test_a_project_admin_reaches_nothing_through_others(
    home: House, acme: Tenant, manager: Caller
) -> None:
    """Neither by a key for somebody who may more, nor by a role, a catalog, or somebody's password."""
    root = await home.person("root", "correct horse", Grant(SUPER_ADMIN))
    admin = await home.person("berta", "correct horse", Grant(ADMIN, acme.id))
    off = await home.key(acme, admin, active=False)
    everything = ((("**",), None),)
    await home.role(acme, Role("writer", policies=(PolicyTemplate.of(["keys:read"]),)))
    plain = {"roles": {"editor": {"policies": [{"actions": ["**"]}]}}}
    mine = await home.key(acme, manager.identity)
    in_tenant: list[tuple[Any, Any]] = [
        (create_key, NewKey(name="k", identity_id=admin.id)),
        (create_key, NewKey(name="k", memberships=(RoleInput(ADMIN),))),
        (update_key, KeyChanges(id=off.id, active=True)),
        (transfer_key, KeyTransfer(mine.id, admin.id, confirm=True)),
        (create_role, NewRole(name="boss", policies=everything)),
        (update_role, RoleChanges(name="writer", policies=everything)),
        (apply_catalog, NewCatalog(document=plain)),
        (create_service_account, NewServiceAccount(name="x", memberships=(RoleInput(ADMIN),))),
    ]
    for use, data in in_tenant:
        await refused(home, errors.BeyondOwnRights, manager, use, data, "acme")
    everywhere: list[tuple[Any, Any]] = [(create_key, NewKey(name="k", identity_id=root.id))]
    for person in (root, admin):
        everywhere += [
            (update_user, UserChanges(id=person.id, email="mine@example.com")),
            (reset_user, UserReset(id=person.id)),
            (delete_user, UserId(person.id)),
        ]
    for use, data in everywhere:
        await refused(home, errors.BeyondOwnRights, manager, use, data, "*")


async def test_a_deployer_applies_catalogs_that_hand_out_no_more(home: House, acme: Tenant) -> None:
    deployer = await home.caller(await home.key(None, await home.identity(Grant(DEPLOYER))))
    plain: dict[str, object] = {"actions": [{"name": "article:read", "description": "Reading."}]}
    await home.run(apply_catalog, deployer, NewCatalog(document=plain), tenant=acme.slug)
    editor = {"roles": {"editor": {"policies": [{"actions": ["article:read"]}]}}}
    await refused(
        home, errors.BeyondOwnRights, deployer, apply_catalog, NewCatalog(document=plain | editor), "acme"
    )
    await refused(home, errors.PermissionDenied, deployer, create_key, NewKey(name="k"), "acme")


async def test_who_logs_people_in_may_nothing_by_that(home: House, acme: Tenant) -> None:
    key = await home.key(None, await home.identity(Grant(LOGIN)))
    caller = await home.caller(key)
    assert caller.roles_everywhere == (LOGIN,)
    assert GLOBAL_ROLES[LOGIN].policies == ()
    await refused(home, errors.NotFound, caller, create_key, NewKey(name="k"), acme.slug)
    await refused(home, errors.PermissionDenied, caller, create_key, NewKey(name="k"), "*")
