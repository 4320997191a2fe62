"""All memberships of one identity, over all tenants, as far as the caller may know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import KeywrightError, NotFound, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, MONITOR, PROJECT_CREATOR, SUPER_ADMIN
from keywright.services.memberships import Belonging, memberships_of
from keywright.services.tenants import TenantDeletion, delete_tenant

if TYPE_CHECKING:
    from keywright.core.identities import Identity
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


async def told(home: House, caller: Caller, identity: Identity | None = None) -> list[tuple[str | None, str]]:
    """The memberships of an identity: where, and which role."""
    wanted = Belonging(None if identity is None else identity.id)
    found = await home.run(memberships_of, caller, wanted)
    whose = caller.identity if identity is None else identity
    assert all(one.identity == whose and one.membership.identity_id == whose.id for one in found)
    assert all(one.membership.grant.tenant_id == (one.tenant and one.tenant.id) for one in found)
    return [(one.tenant and one.tenant.slug, one.membership.grant.role) for one in found]


async def refused(home: House, caller: Caller, identity_id: str) -> tuple[type, str, str | None]:
    with pytest.raises(KeywrightError) as caught:
        await home.run(memberships_of, caller, Belonging(identity_id))
    return type(caught.value), caught.value.detail, caught.value.field


async def test_one_s_own_are_told_with_their_tenants(each_home: House) -> None:
    home = each_home
    one, two, closed = [await home.tenant(slug) for slug in ("one", "two", "closed")]
    ada = await home.person(
        "ada",
        PASSWORD,
        Grant(MEMBER, one.id),
        Grant(PROJECT_CREATOR),
        Grant(ADMIN, two.id),
        Grant(MEMBER, two.id),
        Grant(MEMBER, closed.id),
    )
    await home.disable(closed.id)
    await home.person("bea", PASSWORD, Grant(ADMIN, one.id))
    expected = [("one", MEMBER), (None, PROJECT_CREATOR), ("two", ADMIN), ("two", MEMBER), ("closed", MEMBER)]
    for caller in (await home.logged_in("ada", PASSWORD), await home.caller(await home.key(None, ada))):
        assert await told(home, caller) == expected
        assert await told(home, caller, ada) == expected
    nobody = await home.caller(await home.key(None, await home.identity()))
    assert await told(home, nobody) == []


async def test_a_key_confined_to_a_tenant_is_told_of_that_one(home: House) -> None:
    one, two = await home.tenant("one"), await home.tenant("two")
    owner = await home.identity(Grant(MEMBER, one.id), Grant(ADMIN, two.id), Grant(SUPER_ADMIN))
    other = await home.identity(Grant(MEMBER, one.id))
    bound = await home.caller(await home.key(one, owner))
    assert await told(home, bound) == [("one", MEMBER)]
    assert (await refused(home, bound, other.id))[0] is PermissionDenied


async def test_those_of_others_are_for_who_reads_identities_everywhere(each_home: House) -> None:
    home = each_home
    one, two = await home.tenant("one"), await home.tenant("two")
    ada = await home.identity(Grant(MEMBER, one.id), Grant(ADMIN, two.id), Grant(MONITOR))
    account = await home.service_account(two, Grant(MEMBER, two.id))
    monitor = await home.caller(await home.key(None, await home.identity(Grant(MONITOR))))
    assert await told(home, monitor, ada) == [("one", MEMBER), ("two", ADMIN), (None, MONITOR)]
    assert await told(home, monitor, account) == [("two", MEMBER)]

    admin = await home.caller(await home.key(None, await home.identity(Grant(ADMIN, one.id))))
    scoped = await home.caller(
        await home.key(None, await home.identity(Grant(SUPER_ADMIN)), scope=[(["keys:read"], None)])
    )
    denied = (PermissionDenied, "This needs the permission identities:read.", None)
    for caller in (admin, scoped):
        for identity_id in (ada.id, new_id("idn"), "", "\0"):
            assert await refused(home, caller, identity_id) == denied
    missing = (NotFound, "No such identity.", "identity_id")
    for identity_id in (new_id("idn"), "", "idn", "\0", "\ud800"):
        assert await refused(home, monitor, identity_id) == missing


async def test_what_is_in_tenants_that_the_caller_may_not_see_is_left_out(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No built-in role reads identities everywhere and not tenants; one that does is told of its own tenants alone."""
    one, two = await home.tenant("one"), await home.tenant("two")
    ada = await home.identity(Grant(MEMBER, one.id), Grant(ADMIN, two.id))
    account = await home.service_account(two, Grant(MEMBER, two.id))
    reader = await home.caller(
        await home.key(None, await home.identity(Grant(MONITOR), Grant(MEMBER, one.id)))
    )
    monkeypatch.setattr(type(reader), "sees_every_tenant", False)
    assert await told(home, reader, ada) == [("one", MEMBER)]
    assert await refused(home, reader, account.id) == (NotFound, "No such identity.", "identity_id")


async def test_a_deleted_tenant_is_in_nobody_s_list(home: House) -> None:
    gone = await home.tenant("gone")
    stays = await home.tenant("stays")
    ada = await home.identity(Grant(MEMBER, gone.id), Grant(MEMBER, stays.id))
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    await home.run(delete_tenant, root, TenantDeletion("gone"))
    assert await told(home, root, ada) == [("stays", MEMBER)]
