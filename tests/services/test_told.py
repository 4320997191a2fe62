"""What writes beside the use cases tells the nodes too, and a call returns when what it says is true on each."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.changes import NodeOutcome, NodeState
from keywright.core.errors import NotFound, PermissionDenied
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, MONITOR, SUPER_ADMIN
from keywright.core.sign_on import RoleRule
from keywright.core.tokens import digest, mint
from keywright.services.first_start import prepare
from keywright.services.invitations import Acceptance, NewInvitation, Visitor, invite_user
from keywright.services.keys import (
    KeyChanges,
    KeyId,
    KeyIds,
    NewKey,
    create_key,
    delete_keys,
    get_key,
    update_key,
)
from keywright.services.memberships import NewMembership, RoleInput, create_membership
from keywright.services.nodes import Standing, list_nodes
from keywright.services.users import UserReset, reset_user
from keywright.services.work import Call
from keywright.storage.feed import DatabaseFeed
from tests.services.sign_on import logged_in, sign_on
from tests.services.touching import everybody_gets_keys, touching
from tests.support.house import KEEP_EXPIRED
from tests.support.provider import identity_provider

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "a long way to Tipperary"


async def link(home: House, admin: Caller, *roles: str) -> str:
    """The token of an invitation to roles."""
    new = NewInvitation(name="Ada", login="ada", memberships=tuple(RoleInput(role) for role in roles))
    token = (await home.run(invite_user, admin, new)).token
    assert token is not None
    return token.reveal()


async def test_roles_that_an_invitation_gives_are_told(home: House, acme: Tenant, admin: Caller) -> None:
    person = await home.person("berta", PASSWORD)
    await everybody_gets_keys(home, acme)
    visitor = Visitor(caller=await home.logged_in("berta", PASSWORD))
    wanted = Acceptance(token=await link(home, admin, MEMBER))
    done = await touching(home, home.services.accept_invitation(wanted, visitor))
    assert done.touched == frozenset({person.id})
    again = Acceptance(token=await link(home, admin, MEMBER))
    assert (await touching(home, home.services.accept_invitation(again, visitor))).touched is None


async def test_whoever_comes_in_anew_has_no_key_that_a_node_could_know(
    home: House, acme: Tenant, admin: Caller
) -> None:
    await everybody_gets_keys(home, acme)
    wanted = Acceptance(token=await link(home, admin, MEMBER), password=PASSWORD)
    assert (await touching(home, home.services.accept_invitation(wanted, Visitor()))).touched is None


async def test_a_new_password_touches_no_key(home: House, acme: Tenant) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    person = await home.person("berta", PASSWORD)
    await everybody_gets_keys(home, acme)
    made = (await home.run(reset_user, root, UserReset(id=person.id))).token
    assert made is not None
    wanted = Acceptance(token=made.reveal(), password="wandering battery")
    assert (await touching(home, home.services.accept_invitation(wanted, Visitor()))).touched is None


async def test_roles_by_groups_are_told(home: House) -> None:
    blog = await home.tenant("blog")
    with identity_provider() as idp:
        service = sign_on(home, idp, roles=(RoleRule("staff", MEMBER, "blog"), RoleRule("ops", MONITOR)))
        idp.person["groups"] = ["staff"]
        first = await touching(home, logged_in(service, idp))
        assert first.touched is None
        await everybody_gets_keys(home, blog)
        same = await touching(home, logged_in(service, idp))
        assert same.touched is None
        for groups in (["staff", "ops"], ["ops"], []):
            idp.person["groups"] = groups
            done = await touching(home, logged_in(service, idp))
            assert done.touched == frozenset({done.result.identity.id})
        await service.close()


async def test_keys_that_are_swept_are_told(home: House, acme: Tenant, admin: Caller) -> None:
    owner = await home.identity()
    ended = home.clock.now() - KEEP_EXPIRED - timedelta(seconds=1)
    gone = [await home.key(place, owner, expires_at=ended) for place in (acme, None)]
    await everybody_gets_keys(home, acme)
    done = await touching(home, home.upkeep.sweep(timedelta(minutes=1)))
    assert done.touched == frozenset(one.id for one in gone)
    home.clock.advance(hours=1)
    assert (await touching(home, home.upkeep.sweep(timedelta(minutes=1)))).touched is None


async def test_the_root_key_that_is_replaced_is_told(home: House) -> None:
    async def start(token: str) -> Any:
        return await prepare(
            home.database,
            home.passwords,
            home.clock.now(),
            admin_password=PASSWORD,
            root_token_hash=digest(token),
        )

    old, new = mint().reveal(), mint().reveal()
    assert (await touching(home, start(old))).touched is None
    assert (await touching(home, start(old))).touched is None
    root = await home.caller(old)
    assert root.key is not None
    assert (await touching(home, start(new))).touched == frozenset({root.key.id})


# Receipts


async def another_node(home: House, **fields: Any) -> NodeState:
    """A node that registered and does not speak."""
    now = home.clock.now()
    node = NodeState(
        id=new_id("nod"),
        name="other",
        kind="embedded",
        version="0",
        started_at=now,
        renewed_at=now,
        beat=0,
        applied=0,
        lease_us=1_000,
        grace_us=0,
    )
    node = replace(node, **fields)
    await DatabaseFeed(home.database, home.clock).register(node)
    return node


async def changed(home: House, use: Any, caller: Caller, data: Any, **call: Any) -> Any:
    return (await home.services.change(use, Call(caller=caller, **call), data)).receipt


HOUR_US = 3_600_000_000


async def test_only_what_touches_has_a_receipt(each_home: House) -> None:
    home = each_home
    tenant = await home.tenant("acme")
    admin = await home.admin(tenant)
    assert await changed(home, create_key, admin, NewKey(name="New")) is None
    target = await home.key(tenant, await home.identity())
    assert await changed(home, get_key, admin, KeyId(target.id)) is None
    assert (await changed(home, update_key, admin, KeyChanges(id=target.id, name="Other"))).complete


async def test_what_was_so_already_is_true_everywhere_too(home: House, acme: Tenant, admin: Caller) -> None:
    target = await home.key(acme, await home.identity())
    silent = await another_node(home, lease_us=HOUR_US)
    off = KeyChanges(id=target.id, active=False)
    first = await changed(home, update_key, admin, off, wait=False)
    second = await changed(home, update_key, admin, off, wait=False)
    described = await changed(
        home, update_key, admin, KeyChanges(id=target.id, description="Other"), wait=False
    )
    assert first.epoch == second.epoch == described.epoch
    for receipt in (first, second, described):
        assert not receipt.complete
        assert {one.id: one.outcome for one in receipt.nodes}[silent.id] is NodeOutcome.PENDING
        assert receipt.effective_by > home.clock.now() + timedelta(hours=1)


async def test_a_repeated_creation_waits_as_the_first_did(home: House, acme: Tenant, admin: Caller) -> None:
    holder = await home.service_account(acme)
    new = NewMembership(identity_id=holder.id, role=MEMBER)
    first = await changed(home, create_membership, admin, new, idempotency_key="once")
    again = await changed(home, create_membership, admin, new, idempotency_key="once")
    assert again.epoch == first.epoch


async def test_that_something_is_gone_is_told_when_it_is_true_everywhere(
    home: House, acme: Tenant, admin: Caller
) -> None:
    target = await home.key(acme, await home.identity())
    silent = await another_node(home, lease_us=HOUR_US)
    gone = KeyIds((target.id,))
    await home.run(delete_keys, admin, gone, wait=False)
    again = asyncio.create_task(home.run(delete_keys, admin, gone))
    for refused in (
        home.run(delete_keys, admin, gone, wait=False),
        home.run(get_key, admin, KeyId(target.id)),
    ):
        with pytest.raises(NotFound):
            await refused
    assert not again.done()
    await DatabaseFeed(home.database, home.clock).acknowledge(silent.id, 1)
    with pytest.raises(NotFound):
        await again


# Nodes


async def test_nodes_are_listed_with_how_they_stand(each_home: House) -> None:
    home = each_home
    tenant = await home.tenant("acme")
    root = await home.caller(await home.key(None, await home.identity(Grant(MONITOR))))
    assert await home.run(list_nodes, root, None) == ()
    await home.node.register()
    target = await home.key(tenant, await home.identity())
    admin = await home.admin(tenant)
    await home.run(update_key, admin, KeyChanges(id=target.id, name="Other"), wait=False)
    late = await another_node(
        home, lease_us=HOUR_US, grace_us=5_000_000, renewed_at=home.clock.now() - timedelta(hours=2)
    )
    ahead = await another_node(
        home, lease_us=HOUR_US, applied=7, renewed_at=home.clock.now() + timedelta(hours=2)
    )
    lost = await another_node(home)
    while (found := await home.run(list_nodes, root, None))[-1].standing is not Standing.GONE:
        pass
    own, second, third, last = found
    assert (own.node.id, own.standing) == (home.node.id, Standing.SERVING)
    assert (second.node, second.standing) == (late, Standing.LATE)
    assert (second.head, second.lag, second.lease_age) == (1, 1, timedelta(hours=2))
    assert (third.node, third.standing, third.lag) == (ahead, Standing.SERVING, 0)
    assert third.lease_age == timedelta(0)
    assert (last.node, last.standing) == (lost, Standing.GONE)


async def test_nodes_are_nothing_to_an_administrator_of_a_tenant(home: House) -> None:
    for slug in ("acme", "other"):
        tenant = await home.tenant(slug)
        everywhere = await home.key(None, await home.identity(Grant(ADMIN, tenant.id)))
        for caller in (await home.admin(tenant), await home.caller(everywhere)):
            with pytest.raises(PermissionDenied):
                await home.run(list_nodes, caller, None)
