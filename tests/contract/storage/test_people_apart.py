"""Two tenants in every method that holds what a tenant alone has: its roles, its service accounts and its people.

Each public method of `Roles`, and each of `Identities` and `People` that takes a tenant, has a case here.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.identities import Grant, Identity, IdentityKind
from keywright.core.listing import Position
from keywright.storage.identities import Identities
from keywright.storage.people import People, Person
from keywright.storage.roles import Roles
from tests.contract.storage.making import NOW, a_role, a_tenant, an_identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.roles import DefinedRole
    from keywright.storage import Database, Transaction

pytestmark = pytest.mark.anyio

MAX_ID = "zzz"


@dataclass(frozen=True, slots=True)
class Side:
    """A tenant with a role, a service account and a person of its own."""

    tenant_id: str
    role: DefinedRole
    account: Identity
    person: Person


@dataclass(frozen=True, slots=True)
class Two:
    """Whoever acts, somebody else who looks just alike, and a guest who belongs to both."""

    database: Database
    mine: Side
    theirs: Side
    guest: Person


def a_person(login: str, **changes: Any) -> Person:
    return Person(an_identity(kind=IdentityKind.USER, **changes), login, "hash")


async def a_side(transaction: Transaction, login: str) -> Side:
    tenant = a_tenant()
    side = Side(tenant.id, a_role(tenant.id, "editor"), an_identity(tenant_id=tenant.id), a_person(login))
    await transaction.tenants.add(tenant)
    await transaction.roles(tenant.id).add(side.role)
    await transaction.identities.add(side.account)
    await transaction.people.add(side.person)
    for who in (side.account, side.person.identity):
        await transaction.all_memberships.add(who.id, Grant("editor", tenant.id), NOW)
    return side


@pytest.fixture
async def two(database: Database) -> Two:
    async with database.write() as transaction:
        mine, theirs = [await a_side(transaction, login) for login in ("ada", "bob")]
        guest = a_person("guest")
        await transaction.people.add(guest)
        for side in (mine, theirs):
            await transaction.all_memberships.add(guest.identity.id, Grant("editor", side.tenant_id), NOW)
    return Two(database, mine, theirs, guest)


async def roles_add(two: Two) -> None:
    with pytest.raises(ValueError, match="another tenant"):
        async with two.database.write() as transaction:
            await transaction.roles(two.mine.tenant_id).add(a_role(two.theirs.tenant_id))


async def roles_by_name(two: Two) -> None:
    for lock in (False, True):
        async with two.database.write() as transaction:
            found = await transaction.roles(two.mine.tenant_id).by_name("editor", lock=lock)
        assert found == two.mine.role


async def roles_all(two: Two) -> None:
    for lock in (False, True):
        async with two.database.write() as transaction:
            assert await transaction.roles(two.mine.tenant_id).all(lock=lock) == (two.mine.role,)


async def roles_page(two: Two) -> None:
    async with two.database.read() as transaction:
        roles = transaction.roles(two.mine.tenant_id)
        for after in (None, Position("a", MAX_ID)):
            assert (await roles.page(limit=10, after=after)).items == (two.mine.role,)


async def roles_change(two: Two) -> None:
    other = replace(two.mine.role.role, description="mine now")
    async with two.database.write() as transaction:
        roles = transaction.roles(two.mine.tenant_id)
        await roles.change(replace(two.theirs.role, role=other))
        await roles.change(replace(two.theirs.role, role=other, tenant_id=two.mine.tenant_id))
        # A change cannot move a role to another tenant either.
        await roles.change(replace(two.mine.role, tenant_id=two.theirs.tenant_id))
        assert await roles.all() == (two.mine.role,)


async def roles_remove(two: Two) -> None:
    async with two.database.write() as transaction:
        roles = transaction.roles(two.mine.tenant_id)
        await roles.remove(two.theirs.role.id)
        assert await roles.all() == (two.mine.role,)
        await roles.remove(two.mine.role.id)
        assert await roles.all() == ()


async def identities_owned(two: Two) -> None:
    for lock in (False, True):
        async with two.database.write() as transaction:
            identities = transaction.identities
            assert (
                await identities.owned(two.mine.tenant_id, two.mine.account.id, lock=lock) == two.mine.account
            )
            # No service account of this tenant: another's, people, and who only holds a role there.
            for who in (two.theirs.account, two.mine.person.identity, two.guest.identity):
                assert await identities.owned(two.mine.tenant_id, who.id, lock=lock) is None


async def identities_in_tenant(two: Two) -> None:
    async with two.database.write() as transaction:
        identities = transaction.identities
        for who in (two.mine.account, two.mine.person.identity, two.guest.identity):
            assert await identities.in_tenant(two.mine.tenant_id, who.id) == who
        for who in (two.theirs.account, two.theirs.person.identity):
            assert await identities.in_tenant(two.mine.tenant_id, who.id) is None
        memberships = transaction.memberships(two.mine.tenant_id)
        held = await memberships.of([two.guest.identity.id, two.mine.account.id])
        await memberships.remove([one.id for one in held])
        # The tenant knows of a guest while that one holds a role there, and always of what it owns.
        assert await identities.in_tenant(two.mine.tenant_id, two.guest.identity.id) is None
        assert await identities.in_tenant(two.mine.tenant_id, two.mine.account.id) == two.mine.account


async def identities_accounts(two: Two) -> None:
    async with two.database.read() as transaction:
        accounts = transaction.identities.accounts
        assert (await accounts(two.mine.tenant_id, limit=10)).items == (two.mine.account,)
        after = Position(None, two.theirs.account.id)
        assert (await accounts(two.mine.tenant_id, limit=10, after=after)).items == ()
        assert (await accounts(two.mine.tenant_id, search="identity", limit=10)).items == (two.mine.account,)
        for theirs in (two.theirs.account.name, two.theirs.account.id):
            assert (await accounts(two.mine.tenant_id, search=theirs, limit=10)).items == ()
            assert (await accounts(two.theirs.tenant_id, search=theirs, limit=10)).items == (
                two.theirs.account,
            )


async def people_in_tenant(two: Two) -> None:
    async with two.database.read() as transaction:
        in_tenant = transaction.people.in_tenant
        for person in (two.mine.person, two.guest):
            assert await in_tenant(two.mine.tenant_id, person.identity.id) == person
        for who in (two.theirs.person.identity, two.theirs.account, two.mine.account):
            assert await in_tenant(two.mine.tenant_id, who.id) is None


async def people_page(two: Two) -> None:
    async with two.database.read() as transaction:
        page = transaction.people.page
        assert (await page(two.mine.tenant_id, limit=10)).items == (two.mine.person, two.guest)
        everybody = (two.mine.person, two.theirs.person, two.guest)
        assert (await page(None, limit=10)).items == everybody
        after = Position(None, two.theirs.person.identity.id)
        assert (await page(two.mine.tenant_id, limit=10, after=after)).items == (two.guest,)
        theirs = two.theirs.person.login
        assert (await page(two.mine.tenant_id, login=theirs, limit=10)).items == ()
        assert (await page(None, login=theirs, limit=10)).items == (two.theirs.person,)
        mine_and_guest = (two.mine.person, two.guest)
        assert (await page(two.mine.tenant_id, search="identity", limit=10)).items == mine_and_guest
        assert (await page(None, search="identity", limit=10)).items == everybody
        for text in (theirs, two.theirs.person.identity.name, two.theirs.person.identity.id):
            assert (await page(two.mine.tenant_id, search=text, limit=10)).items == ()
            assert (await page(None, search=text, limit=10)).items == (two.theirs.person,)


CASES: dict[tuple[type[Any], str], Callable[[Two], Awaitable[None]]] = {
    (Roles, "add"): roles_add,
    (Roles, "by_name"): roles_by_name,
    (Roles, "all"): roles_all,
    (Roles, "page"): roles_page,
    (Roles, "change"): roles_change,
    (Roles, "remove"): roles_remove,
    (Identities, "owned"): identities_owned,
    (Identities, "in_tenant"): identities_in_tenant,
    (Identities, "accounts"): identities_accounts,
    (People, "in_tenant"): people_in_tenant,
    (People, "page"): people_page,
}
METHODS = [
    (repository, name)
    for repository in (Roles, Identities, People)
    for name, method in inspect.getmembers(repository, inspect.isfunction)
    if not name.startswith("_")
    and (repository is Roles or "tenant_id" in inspect.signature(method).parameters)
]


async def their_things(two: Two) -> list[object]:
    """All that the other tenant has."""
    async with two.database.read() as transaction:
        return [
            await transaction.roles(two.theirs.tenant_id).all(),
            await transaction.identities.accounts(two.theirs.tenant_id, limit=10),
            await transaction.people.page(two.theirs.tenant_id, limit=10),
            await transaction.memberships(two.theirs.tenant_id).page(limit=10),
        ]


@pytest.mark.parametrize(
    ("repository", "name"), METHODS, ids=[f"{repository.__name__}.{name}" for repository, name in METHODS]
)
async def test_a_method_keeps_to_its_tenant(two: Two, repository: type[Any], name: str) -> None:
    case = CASES.get((repository, name))
    assert case is not None, f"{repository.__name__}.{name} needs a case with two tenants"
    before = await their_things(two)
    await case(two)
    assert await their_things(two) == before


def test_every_case_has_its_method() -> None:
    assert set(CASES) == set(METHODS)


async def test_a_role_that_another_tenant_defines_by_the_same_name_is_another(two: Two) -> None:
    """The guest's two memberships, read together, each have the definition of their own tenant."""
    wider = replace(two.theirs.role.role, description="theirs", variables=())
    async with two.database.write() as transaction:
        await transaction.roles(two.theirs.tenant_id).change(replace(two.theirs.role, role=wider))
        grants = await transaction.all_memberships.grants(two.guest.identity.id)
    assert grants == (
        Grant("editor", two.mine.tenant_id, (), two.mine.role.role),
        Grant("editor", two.theirs.tenant_id, (), wider),
    )
