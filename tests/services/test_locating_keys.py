"""Where a key is, for calls that name a key and no tenant; and a key that disables itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.audit import Change
from keywright.core.errors import NotFound, Unauthenticated
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, SUPER_ADMIN
from keywright.services.keys import KeyId, KeyIds, KeyPlace, delete_keys, locate_key
from keywright.services.revocation import disable_own_key, revoke_key
from tests.services.asking import refused

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio


async def missing(home: House, caller: Caller, key_id: str) -> None:
    assert (await refused(home, NotFound, locate_key, caller, KeyId(key_id))).detail == "No such key."


async def test_a_key_is_found_in_the_tenant_that_it_is_in(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    owner = await home.identity(Grant(ADMIN, acme.id), Grant(ADMIN, other.id))
    here, there = await home.key(acme, owner), await home.key(other, owner, active=False)
    everywhere = await home.key(None, owner)
    bound, unbound = await home.caller(here), await home.caller(everywhere)
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    for caller in (bound, unbound, root):
        assert await home.run(locate_key, caller, KeyId(here.id)) == KeyPlace(acme, "acme")
    for caller in (unbound, root):
        assert await home.run(locate_key, caller, KeyId(there.id)) == KeyPlace(other, "other")
    assert await home.run(locate_key, root, KeyId(everywhere.id)) == KeyPlace(None, "*")
    await missing(home, bound, there.id)
    for caller in (bound, unbound):
        await missing(home, caller, everywhere.id)


async def test_whoever_reads_its_own_keys_alone_finds_those(home: House, acme: Tenant) -> None:
    person = await home.identity(Grant(MEMBER, acme.id))
    member = await home.caller(await home.key(None, person))
    own = await home.key(acme, person)
    assert (await home.run(locate_key, member, KeyId(own.id))).named == "acme"
    await missing(home, member, (await home.key(acme, await home.identity(Grant(ADMIN, acme.id)))).id)


async def test_a_scope_on_one_key_opens_that_key_alone(home: House, acme: Tenant) -> None:
    owner = await home.identity(Grant(ADMIN, acme.id))
    one, two = await home.key(acme, owner), await home.key(acme, owner)
    scoped = await home.caller(await home.key(acme, owner, scope=[(["keys:read"], [f"key:{one.id}"])]))
    assert (await home.run(locate_key, scoped, KeyId(one.id))).named == "acme"
    await missing(home, scoped, two.id)


async def test_what_is_deleted_unknown_or_no_id_is_missing(home: House, acme: Tenant, admin: Caller) -> None:
    deleted = await home.key(acme, admin.identity)
    await home.run(delete_keys, admin, KeyIds((deleted.id,)))
    for key_id in (deleted.id, new_id("key"), new_id("idn"), "key_x", "", "\0", "\ud800", "x" * 9_999):
        await missing(home, admin, key_id)


async def test_a_key_disables_itself_and_is_refused_from_then_on(home: House, acme: Tenant) -> None:
    made = await home.key(acme, await home.identity())
    holder = await home.caller(made)
    await home.run(disable_own_key, holder, None)
    stored = await home.stored(made.id)
    assert stored is not None
    assert not stored.active
    (entry,) = await home.trail(acme)
    assert (entry.action, entry.actor, entry.changes) == (
        "key.disable",
        holder.actor,
        {"active": Change(before=True, after=False)},
    )
    with pytest.raises(Unauthenticated):
        await home.caller(made)
    assert await home.services.disabled_at(made.token) == home.clock.now()
    await home.run(disable_own_key, holder, None)
    assert len(await home.trail(acme)) == 1


async def test_a_deleted_key_is_not_disabled_and_a_session_is_none(home: House, acme: Tenant) -> None:
    holder = await home.caller(await home.key(acme, await home.identity()))
    await home.run(revoke_key, holder, None)
    await home.run(disable_own_key, holder, None)
    assert [one.action for one in await home.trail(acme)] == ["key.revoke"]
    await home.person("anna", "correct horse")
    session = await home.logged_in("anna", "correct horse")
    await refused(home, NotFound, disable_own_key, session, None)
