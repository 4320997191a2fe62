"""Memberships: who holds which role where, with which values, and what the role says at this moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.errors import MembershipHeld
from keywright.core.identities import Grant, Identity, IdentityKind, Membership
from keywright.core.ids import new_id
from keywright.core.roles import values_of
from tests.contract.storage.making import (
    EXAMPLES,
    NASTY,
    NOW,
    Home,
    a_digest,
    a_role,
    add_home,
    add_installation,
    add_key,
    an_identity,
)

if TYPE_CHECKING:
    from keywright.core.roles import Values
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

CZECH = values_of({"language": ["cs"]})
VALUES = st.dictionaries(
    st.sampled_from(["language", "section", "v"]), st.lists(st.sampled_from(NASTY), max_size=3), max_size=2
).map(values_of)


async def add_people(database: Database, count: int) -> list[Identity]:
    people = [an_identity() for _ in range(count)]
    async with database.write() as transaction:
        for one in people:
            await transaction.identities.add(one)
    return people


@pytest.fixture(params=["tenant", "installation"])
async def where(request: pytest.FixtureRequest, database: Database) -> str | None:
    """Where roles are held, and somebody holds one already."""
    home = await (add_home if request.param == "tenant" else add_installation)(database)
    return home.tenant_id


@EXAMPLES
@given(values=VALUES, other=VALUES, by_sign_on=st.booleans(), created_by=st.none() | st.just("idn_maker"))
async def test_a_membership_comes_back_as_it_was_given(
    database: Database, values: Values, other: Values, by_sign_on: bool, created_by: str | None
) -> None:
    home = await add_home(database)
    (who,) = await add_people(database, 1)
    id_ = new_id("mem")
    given = Membership(
        id=id_,
        identity_id=who.id,
        grant=Grant("editor", home.tenant_id, values),
        by_sign_on=by_sign_on,
        created_at=NOW,
        created_by=created_by,
    )
    async with database.write() as transaction:
        memberships = transaction.memberships(home.tenant_id)
        made = await memberships.add(
            who.id, given.grant, NOW, membership_id=id_, created_by=created_by, by_sign_on=by_sign_on
        )
        assert made == given
        assert await memberships.by_id(id_) == given
        assert await transaction.all_memberships.of(who.id) == (given,)
        await memberships.set_variables(id_, other)
        changed = replace(given, grant=replace(given.grant, variables=other))
        assert await memberships.by_id(id_, lock=True) == changed


async def test_a_role_is_held_once_in_a_place(database: Database, where: str | None) -> None:
    (who,) = await add_people(database, 1)
    async with database.write() as transaction:
        await transaction.memberships(where).add(who.id, Grant("editor", where), NOW)
        await transaction.memberships(where).add(who.id, Grant("Editor", where), NOW)
    with pytest.raises(MembershipHeld) as held:
        async with database.write() as transaction:
            await transaction.memberships(where).add(who.id, Grant("editor", where, CZECH), NOW)
    assert held.value.field == "role"
    other = await (add_installation if where else add_home)(database)
    async with database.write() as transaction:
        await transaction.all_memberships.add(who.id, Grant("editor", other.tenant_id), NOW)
        grants = await transaction.all_memberships.grants(who.id)
    assert grants == tuple(
        Grant(role, at) for role, at in (("editor", where), ("Editor", where), ("editor", other.tenant_id))
    )


async def test_memberships_are_listed_as_they_were_given(database: Database, where: str | None) -> None:
    people = await add_people(database, 3)
    async with database.write() as transaction:
        mine = transaction.memberships(where)
        given = list((await mine.page(limit=10)).items)
        given += [
            await mine.add(one.id, Grant(role, where), NOW) for one in people for role in ("writer", "editor")
        ]
    async with database.read() as transaction:
        mine = transaction.memberships(where)
        for limit in (1, 2, 7, 8):
            for identity_id in (None, people[1].id, "idn_absent"):
                for role_name in (None, "editor", "absent"):
                    found: list[Membership] = []
                    page = await mine.page(identity_id=identity_id, role_name=role_name, limit=limit)
                    found += page.items
                    while page.more:
                        page = await mine.page(
                            identity_id=identity_id,
                            role_name=role_name,
                            limit=limit,
                            after=page.positions[-1],
                        )
                        found += page.items
                    assert found == [
                        one
                        for one in given
                        if identity_id in (None, one.identity_id) and role_name in (None, one.grant.role)
                    ]
        two = [people[2].id, people[0].id]
        assert list(await mine.of(two)) == [one for one in given if one.identity_id in two]
        assert await mine.of([]) == ()
        assert list(await mine.with_role("editor")) == [one for one in given if one.grant.role == "editor"]
        assert await mine.with_role("EDITOR") == ()


async def test_roles_are_taken_away(database: Database, where: str | None) -> None:
    (who,) = await add_people(database, 1)
    async with database.write() as transaction:
        mine = transaction.memberships(where)
        first, second, third = [
            await mine.add(who.id, Grant(role, where), NOW) for role in ("one", "two", "three")
        ]
        await mine.remove([])
        await mine.remove([first.id, third.id, "mem_absent"])
        assert await mine.of([who.id]) == (second,)
        await mine.add(who.id, Grant("one", where), NOW)


async def test_holders_are_those_that_can_act(database: Database, where: str | None) -> None:
    kinds = (*IdentityKind, IdentityKind.USER, IdentityKind.USER)
    people = [an_identity(kind=kind, active=number != 3) for number, kind in enumerate(kinds)]
    async with database.write() as transaction:
        for one in people:
            await transaction.identities.add(one)
            await transaction.all_memberships.add(one.id, Grant("owner", where), NOW)
        # Deleted by itself, with the role still held: by what deletes the identity, no role is left.
        await transaction.identities.delete(people[4].id, NOW)
        gone = await transaction.memberships(where).of([people[4].id])
        held = {one.identity_id: one.id for one in await transaction.memberships(where).with_role("owner")}
        holders = transaction.memberships(where).holders
        for asked in ([IdentityKind.USER], [IdentityKind.SERVICE_ACCOUNT, IdentityKind.KEY], []):
            expected = [held[one.id] for one in people[:3] if one.kind in asked]
            assert sorted(await holders("owner", asked)) == sorted(expected)
        assert await holders("absent", list(IdentityKind)) == ()
    assert gone == ()


async def test_a_membership_says_what_its_role_says_now(database: Database, home: Home) -> None:
    """Defined after it was given, changed and removed: each reading finds what the tenant defines at that moment."""
    tenant_id = str(home.tenant_id)
    who = home.identity
    digest = a_digest()
    await add_key(database, home, digest)
    role = a_role(tenant_id, "editor")
    async with database.write() as transaction:
        made = await transaction.memberships(tenant_id).add(who.id, Grant("editor", tenant_id, CZECH), NOW)

    async def definitions() -> set[object]:
        """The definition by each way of reading it."""
        async with database.read() as transaction:
            mine = transaction.memberships(tenant_id)
            by_id = await mine.by_id(made.id)
            assert by_id is not None
            read = [
                by_id,
                *await mine.with_role("editor"),
                *(await mine.page(role_name="editor", limit=5)).items,
            ]
            read += [one for one in await mine.of([who.id]) if one.grant.role == "editor"]
            read += [
                one for one in await transaction.all_memberships.of(who.id) if one.grant.role == "editor"
            ]
            assert read == [read[0]] * 5
            grants = await transaction.all_memberships.grants(who.id)
        facts = await database.lookup.by_digest(digest)
        assert facts is not None
        assert set(facts.grants) == set(grants)
        assert read[0].grant in grants
        assert read[0].grant.variables == CZECH
        return {one.grant.defined for one in read}

    assert await definitions() == {None}
    async with database.write() as transaction:
        await transaction.roles(tenant_id).add(role)
    assert await definitions() == {role.role}
    changed = replace(role, role=replace(role.role, policies=()))
    async with database.write() as transaction:
        await transaction.roles(tenant_id).change(changed)
    assert await definitions() == {changed.role}
    async with database.write() as transaction:
        await transaction.roles(tenant_id).remove(role.id)
    assert await definitions() == {None}


async def test_a_role_held_everywhere_is_no_role_of_a_tenant(database: Database, home: Home) -> None:
    """Whatever a tenant defines by the name of a role that somebody holds over the installation."""
    installation = await add_installation(database)
    role = a_role(str(home.tenant_id), "super_admin")
    async with database.write() as transaction:
        await transaction.roles(role.tenant_id).add(role)
        assert await transaction.all_memberships.grants(installation.identity.id) == (Grant("super_admin"),)
        (held,) = await transaction.memberships(None).with_role("super_admin")
    assert held.grant.defined is None
