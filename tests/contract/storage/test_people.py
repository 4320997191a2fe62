"""People and identities: found by name or address, changed, and gone once they are deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from keywright.core.errors import LoginTaken
from keywright.core.identities import Grant, Identity, IdentityKind
from tests.contract.storage.making import NASTY, NOW, SECOND, Home, a_digest, add_home, add_key, an_identity
from tests.contract.storage.test_people_apart import a_person
from tests.support.facts import used

if TYPE_CHECKING:
    from keywright.core.listing import Position
    from keywright.storage import Database
    from keywright.storage.people import Person

pytestmark = pytest.mark.anyio


async def add(database: Database, *people: Person) -> None:
    async with database.write() as transaction:
        for one in people:
            await transaction.people.add(one)


async def by_login(database: Database, name: str) -> Person | None:
    async with database.read() as transaction:
        return await transaction.people.by_login(name)


async def test_a_person_is_found_by_name_address_and_id(database: Database) -> None:
    ada = replace(a_person("ada"), email="ada@example.org")
    bob = replace(a_person("bob@example.org"), password_hash=None)
    await add(database, ada, bob)
    for name, person in (("ada", ada), ("ada@example.org", ada), ("bob@example.org", bob)):
        assert await by_login(database, name) == person
    for absent in ("Ada", "ada ", "ADA@example.org", "ada@example", "%", "", "bob"):
        assert await by_login(database, absent) is None
    async with database.write() as transaction:
        for lock in (False, True):
            assert await transaction.people.by_id(ada.identity.id, lock=lock) == ada
            assert await transaction.people.by_id("idn_absent", lock=lock) is None
    assert "hash" not in repr(ada)
    assert "ada" not in repr(ada).replace(ada.identity.id, "")


@pytest.mark.parametrize("first", ["login", "email"])
async def test_a_login_name_goes_before_the_same_address(database: Database, first: str) -> None:
    """Whichever of the two people came first, nobody logs in as another by giving that one's name as an address."""
    named = a_person("shared@example.org")
    addressed = replace(a_person("other"), email="shared@example.org")
    await add(database, *((named, addressed) if first == "login" else (addressed, named)))
    assert await by_login(database, "shared@example.org") == named
    assert await by_login(database, "other") == addressed


@pytest.mark.parametrize("text", NASTY)
async def test_names_and_addresses_are_kept_letter_by_letter(database: Database, text: str) -> None:
    person = replace(a_person(text, name=text, description=text), email=f"{text}@example.org")
    others = [one for one in NASTY if one != text]
    await add(database, person, *(replace(a_person(one), email=f"{one}@example.org") for one in others))
    assert await by_login(database, text) == person
    assert await by_login(database, f"{text}@example.org") == person


async def test_names_and_addresses_are_taken_once(database: Database) -> None:
    ada = replace(a_person("ada"), email="ada@example.org")
    bob, carl = a_person("bob"), a_person("carl")
    await add(database, ada, bob, carl)  # two of them without an address
    with pytest.raises(LoginTaken) as taken:
        await add(database, a_person("ada"))
    assert taken.value.field == "login"
    with pytest.raises(LoginTaken) as taken:
        await add(database, replace(a_person("dora"), email="ada@example.org"))
    assert taken.value.field == "email"
    with pytest.raises(LoginTaken) as taken:
        async with database.write() as transaction:
            await transaction.people.set_email(bob.identity.id, "ada@example.org")
    assert taken.value.field == "email"
    async with database.write() as transaction:
        await transaction.people.set_email(ada.identity.id, None)
        await transaction.people.set_email(bob.identity.id, "ada@example.org")
        await transaction.people.set_password(carl.identity.id, "another")
    assert await by_login(database, "ada") == replace(ada, email=None)
    assert await by_login(database, "ada@example.org") == replace(bob, email="ada@example.org")
    assert await by_login(database, "carl") == replace(carl, password_hash="another")


async def test_a_generated_password_is_one_until_another_is_set(database: Database) -> None:
    ada, bob = replace(a_person("ada"), password_generated=True), a_person("bob")
    await add(database, ada)
    await add(database, bob)

    async def generated() -> list[bool]:
        async with database.read() as transaction:
            ids = (ada.identity.id, bob.identity.id, "idn_nobody")
            return [await transaction.people.password_generated(one) for one in ids]

    assert await by_login(database, "ada") == ada
    assert await generated() == [True, False, False]
    async with database.write() as transaction:
        await transaction.people.set_password(ada.identity.id, "chosen")
    assert await generated() == [False, False, False]
    assert await by_login(database, "ada") == replace(ada, password_hash="chosen", password_generated=False)


async def test_people_are_listed_as_they_came(database: Database) -> None:
    homes = [await add_home(database) for _ in range(2)]
    people = [a_person(f"person {number}") for number in range(6)]
    await add(database, *people)
    async with database.write() as transaction:
        for number, one in enumerate(people):
            for home in homes[: number % 3]:
                for role in ("member", "editor"):  # two roles are one person
                    await transaction.all_memberships.add(one.identity.id, Grant(role, home.tenant_id), NOW)
    expected = [
        (None, people),
        (homes[0].tenant_id, [people[1], people[2], people[4], people[5]]),
        (homes[1].tenant_id, [people[2], people[5]]),
    ]
    for tenant_id, listed in expected:
        for limit in (1, 2, 4, 7):
            found: list[Person] = []
            after: Position | None = None
            more = True
            while more:
                async with database.read() as transaction:
                    page = await transaction.people.page(tenant_id, limit=limit, after=after)
                assert len(page.items) == len(page.positions) <= limit
                found += page.items
                more, after = page.more, page.positions[-1]
            assert found == listed


async def test_service_accounts_are_listed_as_they_were_made(database: Database, home: Home) -> None:
    tenant_id = str(home.tenant_id)
    others = [an_identity(tenant_id=tenant_id, kind=kind) for kind in (IdentityKind.KEY, IdentityKind.USER)]
    accounts = [home.identity, *(an_identity(tenant_id=tenant_id) for _ in range(4))]
    async with database.write() as transaction:
        for one in (*others, *accounts[1:]):
            await transaction.identities.add(one)
        await transaction.identities.delete(accounts[2].id, NOW)
    listed = [one for one in accounts if one is not accounts[2]]
    for limit in (1, 2, 4, 5):
        found: list[Identity] = []
        after: Position | None = None
        more = True
        while more:
            async with database.read() as transaction:
                page = await transaction.identities.accounts(tenant_id, limit=limit, after=after)
            found += page.items
            more, after = page.more, page.positions[-1]
        assert found == listed


async def test_an_identity_is_changed_in_what_may_change(database: Database, home: Home) -> None:
    who = home.identity
    wanted = replace(who, name="Other", description="two\nlines", active=False)
    async with database.write() as transaction:
        await transaction.identities.change(
            replace(wanted, kind=IdentityKind.USER, tenant_id=None, created_at=NOW + SECOND)
        )
    async with database.read() as transaction:
        assert await transaction.identities.by_id(who.id) == wanted
        assert await transaction.identities.owned(str(home.tenant_id), who.id) == wanted


async def test_a_deleted_identity_is_found_by_nobody_and_may_do_nothing(
    database: Database, home: Home
) -> None:
    tenant_id = str(home.tenant_id)
    digest = a_digest()
    key = await add_key(database, home, digest)
    ada, bob = a_person("ada"), a_person("bob")
    await add(database, ada, bob)
    async with database.write() as transaction:
        for one in (ada, bob):
            for grant in (Grant("member", tenant_id), Grant("monitor")):
                await transaction.all_memberships.add(one.identity.id, grant, NOW)
        for one in (home.identity, ada.identity):
            await transaction.identities.delete(one.id, NOW)
    async with database.write() as transaction:
        identities = transaction.identities
        for one in (home.identity, ada.identity):
            assert await identities.by_id(one.id) is None
            assert await identities.in_tenant(tenant_id, one.id) is None
            assert await transaction.all_memberships.grants(one.id) == ()
            # Nor is it brought back.
            await identities.change(replace(one, active=True))
            assert await identities.by_id(one.id) is None
        assert await identities.owned(tenant_id, home.identity.id) is None
        people = transaction.people
        assert await people.by_login("ada") is None
        assert await people.by_id(ada.identity.id) is None
        assert await people.in_tenant(tenant_id, ada.identity.id) is None
        for where in (None, tenant_id):
            assert (await people.page(where, limit=10)).items == (bob,)
        # What it did and owned still has a name, and no key of it is good for anything.
        named = await identities.named({home.identity.id})
    assert named == {home.identity.id: replace(home.identity, active=False)}
    facts = await database.lookup.by_digest(digest)
    assert facts is not None
    assert (facts.key, facts.identity.active, facts.grants) == (used(key), False, ())


async def test_a_deleted_person_gives_name_and_address_back(database: Database) -> None:
    ada = replace(a_person("ada"), email="ada@example.org")
    await add(database, ada)
    async with database.write() as transaction:
        await transaction.people.delete(ada.identity.id)
        await transaction.identities.delete(ada.identity.id, NOW)
    again = replace(a_person("ada"), email="ada@example.org")
    await add(database, again)
    assert await by_login(database, "ada") == again
    assert await by_login(database, "ada@example.org") == again
