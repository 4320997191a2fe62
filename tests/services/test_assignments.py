"""Roles that are given and taken together: all or none, and no more than single calls could do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import (
    BeyondOwnRights,
    InvalidValue,
    LastAdministrator,
    NotFound,
    UnknownRole,
)
from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.roles import ADMIN, MEMBER, PROJECT_ADMIN, READ_ONLY, SUPER_ADMIN
from keywright.services.assignments import Assignment, assign_roles
from keywright.services.memberships import RoleInput
from tests.services.asking import a_role, refused

if TYPE_CHECKING:
    from keywright.core.identities import Identity, Tenant
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

CS, EN = {"language": ("cs",)}, {"language": ("en",)}


@pytest.fixture
async def editor(home: House, acme: Tenant) -> Identity:
    """Somebody who holds two roles in the tenant."""
    role = a_role("editor", (["article:*"], ["article:${language}"]), variables=["language"])
    await home.role(acme, role)
    holder = await home.service_account(acme)
    await home.give(acme, holder, "editor", CS)
    await home.give(acme, holder, MEMBER)
    return holder


def assignment(whom: Identity, *give: RoleInput, **more: Any) -> Assignment:
    return Assignment(identity_id=whom.id, give=give, **more)


async def held(home: House, tenant: Tenant | None, whom: Identity) -> dict[str, dict[str, tuple[str, ...]]]:
    async with home.database.read() as transaction:
        found = await transaction.memberships(None if tenant is None else tenant.id).of([whom.id])
    return {one.grant.role: dict(one.grant.variables) for one in found}


async def actions(home: House, tenant: Tenant) -> list[str]:
    return sorted(one.action for one in await home.trail(tenant))


async def test_some_are_given_changed_and_taken_in_one_go(
    home: House, acme: Tenant, admin: Caller, editor: Identity
) -> None:
    wanted = assignment(editor, RoleInput("editor", EN), RoleInput(READ_ONLY), take=(MEMBER, "unheard-of"))
    assigned = await home.run(assign_roles, admin, wanted)
    assert assigned.identity == editor
    assert [one.grant.role for one in assigned.memberships] == ["editor", READ_ONLY]
    assert await held(home, acme, editor) == {"editor": EN, READ_ONLY: {}}
    assert await actions(home, acme) == ["membership.create", "membership.delete", "membership.update"]


async def test_with_only_all_others_go(home: House, acme: Tenant, admin: Caller, editor: Identity) -> None:
    await home.run(assign_roles, admin, assignment(editor, RoleInput("editor", CS), only=True))
    assert await held(home, acme, editor) == {"editor": CS}
    assert await actions(home, acme) == ["membership.delete"]
    assert (await home.run(assign_roles, admin, assignment(editor, only=True))).memberships == ()
    assert await held(home, acme, editor) == {}


async def test_what_is_so_already_leaves_no_trace(
    home: House, acme: Tenant, admin: Caller, editor: Identity
) -> None:
    await home.run(assign_roles, admin, assignment(editor, RoleInput("editor", CS), take=("unheard-of",)))
    assert await home.trail(acme) == ()
    assert await held(home, acme, editor) == {"editor": CS, MEMBER: {}}


async def test_one_that_cannot_be_given_stops_all(home: House, acme: Tenant, editor: Identity) -> None:
    await home.role(acme, a_role("manager", (["identities:update", "article:**"], None)))
    manager = await home.caller(
        await home.key(acme, await home.identity(Grant("manager", acme.id, (), None)))
    )
    wanted = assignment(editor, RoleInput("editor", EN), RoleInput(ADMIN), take=(MEMBER,))
    assert (await refused(home, BeyondOwnRights, assign_roles, manager, wanted)).field == "memberships.1.role"
    unknown = assignment(editor, RoleInput("editor", EN), RoleInput("unheard-of"))
    assert (await refused(home, UnknownRole, assign_roles, manager, unknown)).field == "memberships.1.role"


async def test_a_role_is_named_once(home: House, admin: Caller, editor: Identity) -> None:
    twice = assignment(editor, RoleInput(MEMBER), RoleInput(MEMBER))
    assert (await refused(home, InvalidValue, assign_roles, admin, twice)).field == "memberships.1.role"
    both = assignment(editor, RoleInput(MEMBER), take=(MEMBER,))
    assert (await refused(home, InvalidValue, assign_roles, admin, both)).field == "memberships.0.role"
    many = assignment(editor, *(RoleInput(f"role-{number}") for number in range(51)))
    assert (await refused(home, InvalidValue, assign_roles, admin, many)).field == "memberships"


async def test_who_is_not_there_or_elsewhere_is_missing(home: House, admin: Caller) -> None:
    elsewhere = await home.service_account(await home.tenant("other"))
    for identity_id in (elsewhere.id, new_id("idn"), "idn_x", ""):
        wanted = Assignment(identity_id=identity_id, give=(RoleInput(MEMBER),))
        assert (await refused(home, NotFound, assign_roles, admin, wanted)).detail == "No such identity."


async def test_the_last_administrator_stays(home: House, acme: Tenant, admin: Caller) -> None:
    for more in ({"take": (ADMIN,)}, {"only": True}):
        wanted = assignment(admin.identity, RoleInput(MEMBER), **more)
        await refused(home, LastAdministrator, assign_roles, admin, wanted)
    other = await home.identity(Grant(ADMIN, acme.id))
    await home.run(assign_roles, admin, assignment(other, only=True))
    assert await held(home, acme, other) == {}


async def test_roles_over_the_installation(home: House) -> None:
    root = await home.caller(await home.key(None, await home.identity(Grant(SUPER_ADMIN))))
    holder = await home.identity()
    wanted = assignment(holder, RoleInput("login"), RoleInput(PROJECT_ADMIN))
    await home.run(assign_roles, root, wanted, tenant="*")
    assert await held(home, None, holder) == {"login": {}, PROJECT_ADMIN: {}}
    above = await home.caller(await home.key(None, holder))
    other = await home.identity()
    mixed = assignment(other, RoleInput("login"), RoleInput(SUPER_ADMIN))
    await refused(home, BeyondOwnRights, assign_roles, above, mixed, tenant="*")
    await home.run(assign_roles, above, assignment(other, RoleInput("login")), tenant="*")
    assert await held(home, None, other) == {"login": {}}
    for more in ({"take": (SUPER_ADMIN,)}, {"only": True}):
        wanted = assignment(root.identity, **more)
        await refused(home, BeyondOwnRights, assign_roles, above, wanted, tenant="*")
    await home.run(assign_roles, above, assignment(other, take=("login",)), tenant="*")
    assert await held(home, None, other) == {}


async def test_both_engines_give_change_and_take(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    admin = await home.admin(acme)
    role = a_role("editor", (["article:*"], ["article:${language}"]), variables=["language"])
    await home.role(acme, role)
    holder = await home.service_account(acme)
    for give, take in (
        ((RoleInput("editor", CS), RoleInput(MEMBER)), ()),
        ((RoleInput("editor", EN),), (MEMBER,)),
    ):
        await home.run(assign_roles, admin, assignment(holder, *give, take=take))
    assert await held(home, acme, holder) == {"editor": EN}
    other = await home.identity(Grant(ADMIN, acme.id))
    await home.run(assign_roles, admin, assignment(other, only=True))
    assert await held(home, acme, other) == {}
