"""People and service accounts found by name: what plain Python finds among all of them, and none of another tenant."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.identities import Grant, Identity, IdentityKind
from keywright.core.listing import beginnings, fold
from keywright.core.people import fold_login
from keywright.storage.people import Person
from tests.contract.storage.making import EXAMPLES, NASTY, NOW, Home, a_tenant, add_home, an_identity
from tests.contract.storage.test_people_apart import a_person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.listing import Page, Position
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

WORDS = st.sampled_from(["ada", "Ada", "ad", "b", "\u200b", *NASTY])
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
SEARCHES = WORDS | NAMES | st.sampled_from(["a", "ada.", "1", "@", "_", "%"])

_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Draft:
    """Somebody to be made; `here` says whether the tenant that is asked about knows them."""

    name: str
    login: str
    email: str | None
    here: bool


DRAFTS = st.lists(
    st.builds(Draft, name=NAMES, login=WORDS, email=st.none() | WORDS, here=st.booleans()), max_size=8
)


def made(draft: Draft) -> Person:
    """With a login name and an address of their own, folded as the services fold them."""
    number = next(_serial)
    email = None if draft.email is None else fold_login(f"{draft.email}.{number}@example.org")
    return replace(a_person(fold_login(f"{draft.login}{number}"), name=draft.name), email=email)


def is_called(person: Person, text: str) -> bool:
    """Whether a search finds somebody, said in other words than the statement has."""
    login = fold_login(text)
    names = any(one.startswith(fold(text)) for one in beginnings(person.identity.name))
    logins = bool(login) and any(one.startswith(login) for one in (person.login, person.email or ""))
    return names or logins or person.identity.id == text


async def walked(ask: Callable[[Position | None], Awaitable[Page[Person] | Page[Identity]]]) -> list[str]:
    """The ids of a whole list, page by page."""
    found: list[str] = []
    after: Position | None = None
    while True:
        page = await ask(after)
        found += [one.identity.id if isinstance(one, Person) else one.id for one in page.items]
        if not page.more:
            return found
        after = page.positions[-1]


async def people_found(
    database: Database, tenant_id: str | None, text: str, limit: int = 50, **more: str
) -> list[str]:
    async with database.read() as transaction:
        return await walked(
            lambda after: transaction.people.page(tenant_id, search=text, limit=limit, after=after, **more)
        )


async def accounts_found(database: Database, tenant_id: str | None, text: str, limit: int = 50) -> list[str]:
    async with database.read() as transaction:
        return await walked(
            lambda after: transaction.identities.accounts(
                str(tenant_id), search=text, limit=limit, after=after
            )
        )


@EXAMPLES
@given(drafts=DRAFTS, text=SEARCHES, limit=st.integers(1, 4))
async def test_a_search_finds_those_who_are_called_so(
    database: Database, drafts: list[Draft], text: str, limit: int
) -> None:
    home, guests = await add_home(database), await add_home(database)
    people = [made(draft) for draft in drafts]
    async with database.write() as transaction:
        for one, draft in zip(people, drafts, strict=True):
            await transaction.people.add(one)
            where = home if draft.here else guests
            await transaction.all_memberships.add(one.identity.id, Grant("member", where.tenant_id), NOW)
    expected = [one.identity.id for one in people if is_called(one, text)]
    here = {one.identity.id for one, draft in zip(people, drafts, strict=True) if draft.here}
    assert await people_found(database, home.tenant_id, text, limit) == [
        one for one in expected if one in here
    ]
    everybody = await people_found(database, None, text, limit)
    assert [one for one in everybody if one in {one.identity.id for one in people}] == expected


@EXAMPLES
@given(names=st.lists(st.tuples(NAMES, st.booleans()), max_size=8), text=SEARCHES, limit=st.integers(1, 4))
async def test_a_search_finds_the_service_accounts_that_are_called_so(
    database: Database, names: list[tuple[str, bool]], text: str, limit: int
) -> None:
    mine, theirs = a_tenant(), a_tenant()
    accounts = [an_identity(name=name, tenant_id=(mine if here else theirs).id) for name, here in names]
    async with database.write() as transaction:
        for tenant in (mine, theirs):
            await transaction.tenants.add(tenant)
        for account in accounts:
            await transaction.identities.add(account)
    for tenant in (mine, theirs):
        assert await accounts_found(database, tenant.id, text, limit) == [
            one.id
            for one in accounts
            if one.tenant_id == tenant.id
            and any(name.startswith(fold(text)) for name in beginnings(one.name))
        ]


async def test_a_whole_id_finds_who_has_it_there(database: Database, home: Home) -> None:
    other = await add_home(database)
    ada, bob = a_person("ada"), a_person("bob")
    async with database.write() as transaction:
        for person, where in ((ada, home), (bob, other)):
            await transaction.people.add(person)
            await transaction.all_memberships.add(person.identity.id, Grant("member", where.tenant_id), NOW)
    ids = [ada.identity.id, bob.identity.id]
    for one, here, everywhere in (
        (ids[0], [ids[0]], [ids[0]]),
        (ids[1], [], [ids[1]]),
        (ids[0][:-1], [], []),
    ):
        assert await people_found(database, home.tenant_id, one) == here
        assert await people_found(database, None, one) == everywhere
    assert await accounts_found(database, home.tenant_id, home.identity.id) == [home.identity.id]
    for absent in (other.identity.id, ids[0], home.identity.id[:-1]):
        assert await accounts_found(database, home.tenant_id, absent) == []
    # No person has the id of a service account.
    assert await people_found(database, home.tenant_id, home.identity.id) == []


async def test_what_cannot_be_seen_finds_nobody_by_login_name(database: Database) -> None:
    """It folds to nothing, and everything begins with nothing."""
    ada, blank = a_person("ada"), a_person("blank", name="\u200bAda")
    async with database.write() as transaction:
        for one in (ada, blank):
            await transaction.people.add(one)
    assert await people_found(database, None, "\u200b") == [blank.identity.id]


async def test_a_search_for_nothing_finds_everybody_and_conditions_hold_together(database: Database) -> None:
    home = await add_home(database)
    people = [a_person(login, name="Ada") for login in ("ada", "adam")]
    async with database.write() as transaction:
        for one in people:
            await transaction.people.add(one)
    ids = [one.identity.id for one in people]
    assert await people_found(database, None, "") == await people_found(database, None, "ad") == ids
    assert await people_found(database, None, "ada", login="adam") == ids[1:]
    assert await accounts_found(database, home.tenant_id, "") == [home.identity.id]


async def test_whoever_changes_name_or_address_is_found_by_the_new_one_alone(
    database: Database, home: Home
) -> None:
    ada = replace(a_person("login-1", name="Ada Lovelace"), email="ada@example.org")
    async with database.write() as transaction:
        await transaction.people.add(ada)
        await transaction.identities.change(replace(ada.identity, name="Ada King"))
        await transaction.people.set_email(ada.identity.id, "countess@example.org")
        # The kind and the tenant never change, whatever a caller says of them.
        moved = replace(home.identity, name="Robby", tenant_id=None, kind=IdentityKind.KEY)
        await transaction.identities.change(moved)
    for text, found in (("king", True), ("ada", True), ("count", True), ("lovelace", False), ("ada@", False)):
        assert await people_found(database, None, text) == ([ada.identity.id] if found else [])
    assert await accounts_found(database, home.tenant_id, "robby") == [home.identity.id]
    assert await accounts_found(database, home.tenant_id, "identity") == []
    assert await people_found(database, None, "robby") == []


async def test_who_is_deleted_is_not_found_nor_is_their_name_kept(database: Database, home: Home) -> None:
    ada = a_person("ada", name="Ada Lovelace")
    other = await add_home(database)
    kept = an_identity(kind=IdentityKind.KEY, name="Key", tenant_id=home.tenant_id)
    async with database.write() as transaction:
        await transaction.people.add(ada)
        await transaction.identities.add(kept)
        await transaction.identities.delete(ada.identity.id, NOW)
        await transaction.identities.change(replace(ada.identity, name="Ada again"))
        await transaction.tenants.delete(str(home.tenant_id), NOW)
    assert await people_found(database, None, "ada") == []
    assert await accounts_found(database, home.tenant_id, "identity") == []
    async with database.reader.connect() as connection:
        left = (await connection.exec_driver_sql("SELECT identity_id, folded FROM identity_name")).all()
    # Nor is one made for a key alone found by name.
    assert {tuple(row) for row in left} == {
        (other.identity.id, one) for one in beginnings(other.identity.name)
    }
