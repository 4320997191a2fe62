"""Whose keys are whose: found, given away and deleted by owner, and owners that live as long as a key of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.identities import Grant, Identity, IdentityKind
from keywright.core.instants import to_us
from tests.contract.storage.making import (
    NOW,
    SECOND,
    Home,
    add_home,
    add_installation,
    add_key,
    an_identity,
    fetch,
    key_by_id,
)

if TYPE_CHECKING:
    from keywright.core.keys import Key
    from keywright.storage import Database

pytestmark = pytest.mark.anyio


async def add_owner(database: Database, home: Home, kind: IdentityKind = IdentityKind.KEY) -> Home:
    """Somebody in the same place, with a role there."""
    owner = an_identity(kind=kind, tenant_id=home.tenant_id)
    async with database.write() as transaction:
        await transaction.identities.add(owner)
        await transaction.all_memberships.add(owner.id, Grant("member", home.tenant_id), NOW)
    return Home(home.tenant, owner)


async def is_there(database: Database, identity: Identity) -> bool:
    """Whether an identity is there with its role; one that is gone must have none, and cannot be active."""
    async with database.read() as transaction:
        found = await transaction.identities.by_id(identity.id)
        held = await transaction.all_memberships.of(identity.id)
    assert bool(held) is (found is not None)
    if found is None:
        query = "SELECT active, deleted_at FROM identity WHERE id = :id"
        ((active, deleted_at),) = await fetch(database, query, id=identity.id)
        assert (bool(active), deleted_at) == (False, to_us(NOW))
    return found is not None


@pytest.fixture(params=["tenant", "installation"])
async def where(request: pytest.FixtureRequest, database: Database) -> Home:
    """Where keys are, and somebody who is no key's own."""
    return await (add_home if request.param == "tenant" else add_installation)(database)


async def test_whether_there_is_a_key_at_all(database: Database, where: Home) -> None:
    other = await add_home(database)
    await add_key(database, other)

    async def any_key() -> bool:
        async with database.read() as transaction:
            return await transaction.keys(where.tenant_id).any()

    assert not await any_key()
    key = await add_key(database, where, active=False, expires_at=NOW)
    assert await any_key()
    async with database.write() as transaction:
        await transaction.keys(where.tenant_id).delete([key.id], NOW)
    assert not await any_key()


async def test_keys_by_their_owner(database: Database, where: Home) -> None:
    owner = await add_owner(database, where, IdentityKind.USER)
    mine = [await add_key(database, owner) for _ in range(3)]
    await add_key(database, where)
    elsewhere = Home((await add_home(database)).tenant, owner.identity)
    theirs = await add_key(database, elsewhere)
    async with database.write() as transaction:
        keys = transaction.keys(where.tenant_id)
        await keys.delete([mine[1].id], NOW)
        assert await keys.owned_by(owner.identity.id) == tuple(sorted([mine[0].id, mine[2].id]))
        assert await transaction.keys(elsewhere.tenant_id).owned_by(owner.identity.id) == (theirs.id,)
        assert await keys.owned_by("idn_nobody") == ()


async def test_all_keys_of_an_identity_are_deleted_wherever_they_are(database: Database, where: Home) -> None:
    owner = await add_owner(database, where, IdentityKind.USER)
    mine = [await add_key(database, owner), await add_key(database, owner, active=False)]
    elsewhere = Home((await add_home(database)).tenant, owner.identity)
    mine.append(await add_key(database, elsewhere))
    gone = await add_key(database, owner)
    left = await add_key(database, where)
    async with database.write() as transaction:
        await transaction.keys(where.tenant_id).delete([gone.id], NOW - SECOND)
    async with database.write() as transaction:
        assert await transaction.all_keys.delete_of(owner.identity.id, NOW) == tuple(
            sorted(key.id for key in mine)
        )
        assert await transaction.all_keys.delete_of(owner.identity.id, NOW) == ()
    for key in (*mine, gone):
        assert await key_by_id(database, key) is None
    assert await key_by_id(database, left) == left
    assert await is_there(database, owner.identity)


async def test_every_key_of_a_tenant_is_deleted_and_counted(database: Database, where: Home) -> None:
    lone = await add_owner(database, where)
    other = await add_home(database)
    other_lone = await add_owner(database, other)
    kept = [await add_key(database, other), await add_key(database, other_lone)]
    mine = [await add_key(database, home) for home in (where, lone, lone)]
    gone = await add_key(database, where)
    async with database.write() as transaction:
        keys = transaction.keys(where.tenant_id)
        await keys.delete([gone.id], NOW - SECOND)
        assert await keys.delete_all(NOW) == len(mine)
        assert await keys.delete_all(NOW) == 0
    for key in mine:
        assert await key_by_id(database, key) is None
    for key in kept:
        assert await key_by_id(database, key) == key
    there = [await is_there(database, home.identity) for home in (where, lone, other_lone)]
    assert there == [True, False, True]


async def test_who_was_made_for_a_key_goes_with_the_last_one(database: Database, where: Home) -> None:
    lone = await add_owner(database, where)
    keys = [await add_key(database, lone) for _ in range(2)]
    bystander = await add_owner(database, where)
    other_key = await add_key(database, bystander)
    for key, left in zip(keys, (True, False), strict=True):
        async with database.write() as transaction:
            await transaction.keys(where.tenant_id).delete([key.id], NOW)
        assert await is_there(database, lone.identity) is left
    assert await is_there(database, bystander.identity)
    assert await key_by_id(database, other_key) == other_key


async def test_who_was_made_for_a_key_stays_for_a_key_elsewhere(database: Database) -> None:
    """An identity made for a global key that a tenant has let in."""
    everywhere = await add_owner(database, await add_installation(database))
    tenant = (await add_home(database)).tenant
    here, there = (
        await add_key(database, everywhere),
        await add_key(database, Home(tenant, everywhere.identity)),
    )
    for key, left in ((there, True), (here, False)):
        async with database.write() as transaction:
            await transaction.keys(key.tenant_id).delete([key.id], NOW)
        assert await is_there(database, everywhere.identity) is left


@pytest.mark.parametrize("kind", [IdentityKind.USER, IdentityKind.SERVICE_ACCOUNT])
async def test_people_and_programs_stay_without_keys(
    database: Database, where: Home, kind: IdentityKind
) -> None:
    owner = await add_owner(database, where, kind)
    one, two, three = [await add_key(database, owner) for _ in range(3)]
    async with database.write() as transaction:
        keys = transaction.keys(where.tenant_id)
        await keys.delete([one.id], NOW)
        await keys.give(two.id, where.identity.id, NOW)
        await transaction.all_keys.delete_of(owner.identity.id, NOW)
    assert await key_by_id(database, three) is None
    assert await is_there(database, owner.identity)


async def test_a_key_given_away_leaves_nobody_behind(database: Database, where: Home) -> None:
    async def give(key: Key, to: Home) -> None:
        async with database.write() as transaction:
            await transaction.keys(where.tenant_id).give(key.id, to.identity.id, NOW)

    lone, heir = await add_owner(database, where), await add_owner(database, where)
    one, two = [await add_key(database, lone) for _ in range(2)]
    await add_key(database, heir)
    await give(one, heir)
    stored = await key_by_id(database, one)
    assert stored is not None
    assert stored.identity_id == heir.identity.id
    assert await is_there(database, lone.identity)
    await give(two, where)
    assert [await is_there(database, home.identity) for home in (lone, heir, where)] == [False, True, True]
    # Given to whoever has it, it stays, and its owner too.
    await give(one, heir)
    assert await is_there(database, heir.identity)
