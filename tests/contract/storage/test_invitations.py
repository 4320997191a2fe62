"""Invitations: where they belong, how their token finds them, and how they end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.identities import Grant, HeldRole, IdentityKind
from keywright.core.ids import new_id
from keywright.core.invitations import Invitation
from keywright.storage.people import Person
from tests.contract.storage.making import NOW, SECOND, a_digest, add_home, an_identity, execute, fetch

if TYPE_CHECKING:
    from keywright.core.listing import Position
    from keywright.storage import Database
    from tests.contract.storage.making import Home

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


def an_invitation(tenant_id: str | None, **changes: Any) -> Invitation:
    made = Invitation(
        id=new_id("inv"),
        tenant_id=tenant_id,
        identity_id=None,
        login="ada",
        email="ada@example.com",
        name="Ada",
        memberships=(HeldRole("editor", (("language", ("cs", "en")),)), HeldRole("member")),
        ends_factors=False,
        created_at=NOW,
        created_by="idn_maker",
        expires_at=NOW + DAY,
    )
    return replace(made, **changes)


async def add(database: Database, *invitations: Invitation) -> None:
    async with database.write() as transaction:
        for one in invitations:
            await transaction.invitations(one.tenant_id).add(one, a_digest())


async def stored(database: Database, one: Invitation) -> Invitation | None:
    async with database.read() as transaction:
        return await transaction.invitations(one.tenant_id).by_id(one.id)


@pytest.mark.parametrize("everywhere", [False, True], ids=["tenant", "installation"])
async def test_an_invitation_is_kept_as_it_is(database: Database, home: Home, *, everywhere: bool) -> None:
    tenant_id = None if everywhere else home.tenant_id
    plain = an_invitation(tenant_id, login=None, email=None, memberships=(), created_by=None)
    full = an_invitation(
        tenant_id,
        identity_id=home.identity.id,
        ends_factors=True,
        accepted_at=NOW + SECOND,
        accepted_by=home.identity.id,
        revoked_at=NOW + 2 * SECOND,
    )
    digest = a_digest()
    async with database.write() as transaction:
        await transaction.invitations(tenant_id).add(plain, digest)
        await transaction.invitations(tenant_id).add(full, a_digest())
    for one in (plain, full):
        assert await stored(database, one) == one
    for lock in (False, True):
        async with database.write() as transaction:
            assert await transaction.all_invitations.by_digest(digest, lock=lock) == plain
            assert await transaction.all_invitations.by_digest(a_digest(), lock=lock) is None
            assert await transaction.invitations(tenant_id).by_id(plain.id, lock=lock) == plain
            assert await transaction.invitations(tenant_id).by_id("inv_absent", lock=lock) is None


async def test_the_newest_are_listed_first_page_by_page(database: Database, home: Home) -> None:
    made = [an_invitation(home.tenant_id, created_at=NOW + number // 2 * SECOND) for number in range(7)]
    await add(database, *made)
    expected = sorted(made, key=lambda one: (one.created_at, one.id), reverse=True)
    for limit in (1, 2, 3, 7, 8):
        found: list[Invitation] = []
        after: Position | None = None
        async with database.read() as transaction:
            while True:
                page = await transaction.invitations(home.tenant_id).page(limit=limit, after=after)
                found += page.items
                if not page.more:
                    break
                after = page.positions[-1]
        assert found == expected


async def test_nobody_sees_or_changes_the_invitations_of_another(database: Database, home: Home) -> None:
    other = await add_home(database)
    places = (home.tenant_id, other.tenant_id, None)
    made = {place: an_invitation(place) for place in places}
    await add(database, *made.values())
    for mine in places:
        async with database.write() as transaction:
            invitations = transaction.invitations(mine)
            assert (await invitations.page(limit=10)).items == (made[mine],)
            for theirs in set(places) - {mine}:
                assert await invitations.by_id(made[theirs].id) is None
                await invitations.revoke(made[theirs].id, NOW)
                with pytest.raises(ValueError, match="another tenant"):
                    await invitations.add(an_invitation(theirs), a_digest())
    for one in made.values():
        assert await stored(database, one) == one


async def test_they_are_accepted_and_revoked(database: Database, home: Home) -> None:
    first, second, third = (an_invitation(home.tenant_id) for _ in range(3))
    await add(database, first, second, third)
    async with database.write() as transaction:
        await transaction.all_invitations.accept(first.id, home.identity.id, NOW + SECOND)
        await transaction.invitations(home.tenant_id).revoke(second.id, NOW + SECOND)
    accepted = replace(first, accepted_at=NOW + SECOND, accepted_by=home.identity.id)
    assert await stored(database, first) == accepted
    assert await stored(database, second) == replace(second, revoked_at=NOW + SECOND)
    assert await stored(database, third) == third


async def test_what_is_open_for_a_person_is_taken_back(database: Database, home: Home) -> None:
    other = an_identity(kind=IdentityKind.USER)
    async with database.write() as transaction:
        await transaction.identities.add(other)
    mine = an_invitation(None, identity_id=home.identity.id)
    spent = an_invitation(None, identity_id=home.identity.id, accepted_at=NOW)
    gone = an_invitation(None, identity_id=home.identity.id, revoked_at=NOW)
    theirs = an_invitation(None, identity_id=other.id)
    await add(database, mine, spent, gone, theirs)
    async with database.write() as transaction:
        await transaction.all_invitations.revoke_for(home.identity.id, NOW + SECOND)
    assert await stored(database, mine) == replace(mine, revoked_at=NOW + SECOND)
    for one in (spent, gone, theirs):
        assert await stored(database, one) == one


async def test_what_somebody_made_is_taken_back_in_a_place_or_everywhere(
    database: Database, home: Home
) -> None:
    here, there = (an_invitation(place, created_by="idn_a") for place in (home.tenant_id, None))
    spent = an_invitation(home.tenant_id, created_by="idn_a", accepted_at=NOW)
    other = an_invitation(home.tenant_id, created_by="idn_b")
    await add(database, here, there, spent, other)
    async with database.write() as transaction:
        await transaction.invitations(home.tenant_id).revoke_made_by("idn_a", NOW + SECOND)
    assert await stored(database, here) == replace(here, revoked_at=NOW + SECOND)
    for one in (there, spent, other):
        assert await stored(database, one) == one
    async with database.write() as transaction:
        await transaction.all_invitations.revoke_made_by("idn_a", NOW + 2 * SECOND)
    assert await stored(database, there) == replace(there, revoked_at=NOW + 2 * SECOND)
    assert await stored(database, here) == replace(here, revoked_at=NOW + SECOND)
    for one in (spent, other):
        assert await stored(database, one) == one


async def test_the_old_ones_are_forgotten(database: Database, home: Home) -> None:
    old, still = (an_invitation(home.tenant_id, expires_at=NOW + age * SECOND) for age in (0, 1))
    await add(database, old, still)
    async with database.write() as transaction:
        assert await transaction.all_invitations.forget_before(NOW + SECOND) == 1
    assert await stored(database, old) is None
    assert await stored(database, still) == still


FACTORS = {
    "totp": "INSERT INTO totp VALUES ('{id}', 'SECRET', 0, {confirmed}, 0)",
    "passkey": "INSERT INTO passkey VALUES ('pky_{id}', '{id}', {blob}, {blob}, 0, 'Key', '', 0, NULL)",
    "recovery_code": "INSERT INTO recovery_code VALUES ({blob}, '{id}', 0, NULL)",
    "challenge": "INSERT INTO challenge VALUES ('{id}', 'login', '{id}', '', 0)",
    "external_identity": "INSERT INTO external_identity VALUES ('https://issuer', '{id}', '{id}', 0)",
}


async def somebody(database: Database, url: str, number: int, *tables: str, confirmed: str = "0") -> Person:
    person = Person(an_identity(kind=IdentityKind.USER), f"ada{number}", "hash", f"ada{number}@example.com")
    async with database.write() as transaction:
        await transaction.people.add(person)
        await transaction.all_memberships.add(person.identity.id, Grant("super_admin"), NOW)
    blob = f"X'{number:064x}'" if url.startswith("sqlite") else f"'\\x{number:064x}'::bytea"
    for table in tables:
        statement = FACTORS[table].format(id=person.identity.id, blob=blob, confirmed=confirmed)
        await execute(url, statement)
    return person


async def rows_of(database: Database, identity_id: str) -> set[str]:
    return {
        table
        for table in (*FACTORS, "person")
        if await fetch(database, f"SELECT 1 FROM {table} WHERE identity_id = :id", id=identity_id)
    }


async def test_who_has_two_factors(database: Database, url: str) -> None:
    people = [
        await somebody(database, url, 1),
        await somebody(database, url, 2, "totp"),
        await somebody(database, url, 3, "totp", confirmed="NULL"),
        await somebody(database, url, 4, "passkey"),
        await somebody(database, url, 5, "totp", "passkey"),
        await somebody(database, url, 6, "recovery_code", "challenge"),
    ]
    ids = [one.identity.id for one in people]
    async with database.read() as transaction:
        assert await transaction.people.with_two_factors(ids) == {ids[1], ids[3], ids[4]}
        assert await transaction.people.with_two_factors(ids[:2]) == {ids[1]}
        assert await transaction.people.with_two_factors([]) == frozenset()


async def test_factors_end_and_people_are_deleted_for_one_alone(database: Database, url: str) -> None:
    ada = await somebody(database, url, 1, *FACTORS)
    bob = await somebody(database, url, 2, *FACTORS)
    async with database.write() as transaction:
        await transaction.people.end_factors(ada.identity.id)
    assert await rows_of(database, ada.identity.id) == {"external_identity", "person"}
    async with database.write() as transaction:
        await transaction.people.delete(ada.identity.id)
    assert await rows_of(database, ada.identity.id) == set()
    assert await rows_of(database, bob.identity.id) == {*FACTORS, "person"}
    async with database.write() as transaction:
        assert await transaction.people.by_login("ada1") is None
        assert await transaction.identities.by_id(ada.identity.id) == ada.identity
        await transaction.people.add(
            Person(an_identity(kind=IdentityKind.USER), "ada1", None, "ada1@example.com")
        )
