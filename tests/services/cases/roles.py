"""The use cases of roles and memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.ids import new_id
from keywright.core.roles import PolicyTemplate, Role, Variable
from keywright.services.assignments import Assignment
from keywright.services.memberships import (
    Belonging,
    ListMemberships,
    MembershipChanges,
    MembershipId,
    NewMembership,
    RoleInput,
)
from keywright.services.roles import NewRole, RoleChanges, RoleName
from tests.support.cases import Case, Place, nothing

if TYPE_CHECKING:
    from tests.support.house import House

EDITOR = Role(
    "editor",
    variables=(Variable("language"),),
    policies=(PolicyTemplate.of(["identities:update"], ["article:${language}"]),),
)
CS = {"language": ("cs",)}


async def a_role(home: House, place: Place) -> None:
    """A role that nobody holds, and somebody who could."""
    if "editor" in place.things:
        return
    place.things["editor"] = await home.role(place.tenant, EDITOR)
    place.things["holder"] = await home.service_account(place.tenant)


async def a_membership(home: House, place: Place) -> None:
    """Somebody who holds the role."""
    await a_role(home, place)
    if "held" in place.things:
        return
    place.things["held"] = await home.give(place.tenant, place.things["holder"], "editor", CS)


CASES = {
    "roles.list": Case(nothing, nothing, yields=True),
    "roles.get": Case(lambda _: RoleName("editor"), lambda: RoleName("editor"), prepare=a_role),
    "roles.create": Case(
        lambda _: NewRole(name="other", policies=((("roles:create",), None),)),
        lambda: NewRole(name="Other"),
        ("role.create",),
        yields=True,
    ),
    "roles.update": Case(
        lambda _: RoleChanges(name="editor", description="Other"),
        lambda: RoleChanges(name="nothing", description="Other"),
        ("role.update",),
        prepare=a_role,
    ),
    "roles.delete": Case(
        lambda _: RoleName("editor"), lambda: RoleName("nothing"), ("role.delete",), prepare=a_role
    ),
    "memberships.create": Case(
        lambda place: NewMembership(identity_id=place.things["holder"].id, role="editor", variables=CS),
        lambda: NewMembership(identity_id=new_id("idn"), role="editor", variables=CS),
        ("membership.create",),
        prepare=a_role,
    ),
    "memberships.assign": Case(
        lambda place: Assignment(
            identity_id=place.things["holder"].id, give=(RoleInput("editor", CS),), take=("nothing",)
        ),
        lambda: Assignment(identity_id=new_id("idn"), give=(RoleInput("editor", CS),)),
        ("membership.create",),
        prepare=a_role,
    ),
    "memberships.get": Case(
        lambda place: MembershipId(place.things["held"].id),
        lambda: MembershipId(new_id("mem")),
        prepare=a_membership,
    ),
    "memberships.list": Case(lambda _: ListMemberships(), ListMemberships, yields=True),
    "memberships.of_identity": Case(lambda _: Belonging(), Belonging, yields=True),
    "memberships.update": Case(
        lambda place: MembershipChanges(place.things["held"].id, {"language": ("en",)}),
        lambda: MembershipChanges(new_id("mem"), {"language": ("en",)}),
        ("membership.update",),
        prepare=a_membership,
    ),
    "memberships.delete": Case(
        lambda place: MembershipId(place.things["held"].id),
        lambda: MembershipId(new_id("mem")),
        ("membership.delete",),
        prepare=a_membership,
    ),
}
