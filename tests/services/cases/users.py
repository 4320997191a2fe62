"""The use cases of people and their invitations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.identities import Grant
from keywright.core.ids import new_id
from keywright.core.roles import READ_ONLY, PolicyTemplate, Role
from keywright.services.invitations import InvitationId, ListInvitations, NewInvitation, invite_user
from keywright.services.memberships import RoleInput
from keywright.services.users import ListUsers, NewUser, UserChanges, UserId, UserReset
from tests.support.cases import Case, Place

if TYPE_CHECKING:
    from keywright.services.invitations import Invited
    from tests.support.house import House

PASSWORD = "a long way to Tipperary"


async def a_role(home: House, place: Place) -> None:
    """A role that whoever may invite holds itself."""
    name = place.things["role"] = new_id("rol")
    await home.role(place.tenant, Role(name, policies=(PolicyTemplate.of(["identities:create"]),)))


async def an_invitation(home: House, place: Place) -> None:
    await a_role(home, place)
    invited = await home.run(invite_user, place.admin, an_invitee(place))
    place.things["invitation"] = invited.view.invitation.id


async def a_member(home: House, place: Place) -> None:
    """Somebody who holds a role in the tenant."""
    place.things["member"] = await home.person(new_id("idn"), PASSWORD, Grant(READ_ONLY, place.tenant.id))


async def somebody(home: House, place: Place) -> None:
    """Somebody who holds no role anywhere."""
    place.things["person"] = await home.person(new_id("idn"), PASSWORD)


def an_invitee(place: Place | None = None) -> NewInvitation:
    role = "of-no-place" if place is None else place.things["role"]
    return NewInvitation(name="Ada", login="ada", memberships=(RoleInput(role),))


def secrets_of(invited: Invited) -> list[str]:
    assert invited.token is not None
    assert invited.link is not None
    return [invited.token.reveal(), invited.link]


CASES = {
    "users.invite": Case(
        an_invitee,
        an_invitee,
        ("invitation.create",),
        prepare=a_role,
        secrets=secrets_of,
    ),
    "invitations.list": Case(
        lambda _: ListInvitations(), ListInvitations, prepare=an_invitation, yields=True
    ),
    "invitations.revoke": Case(
        lambda place: InvitationId(place.things["invitation"]),
        lambda: InvitationId(new_id("inv")),
        ("invitation.revoke",),
        prepare=an_invitation,
    ),
    "users.get": Case(
        lambda place: UserId(place.things["member"].id), lambda: UserId(new_id("idn")), prepare=a_member
    ),
    "users.list": Case(lambda _: ListUsers(), ListUsers, prepare=a_member, yields=True),
    "users.remove": Case(
        lambda place: UserId(place.things["member"].id),
        lambda: UserId(new_id("idn")),
        ("user.remove",),
        prepare=a_member,
    ),
    "users.create": Case(
        lambda _: NewUser(login="ada", name="Ada", password=PASSWORD),
        lambda: NewUser(login="ada", name="Ada", password=PASSWORD),
        ("user.create",),
        secrets=lambda _: [PASSWORD],
    ),
    "users.update": Case(
        lambda place: UserChanges(id=place.things["person"].id, name="Other"),
        lambda: UserChanges(id=new_id("idn"), name="Other"),
        ("user.update",),
        prepare=somebody,
    ),
    "users.delete": Case(
        lambda place: UserId(place.things["person"].id),
        lambda: UserId(new_id("idn")),
        ("user.delete",),
        prepare=somebody,
    ),
    "users.reset": Case(
        lambda place: UserReset(id=place.things["person"].id),
        lambda: UserReset(id=new_id("idn")),
        ("user.reset",),
        prepare=somebody,
        secrets=secrets_of,
    ),
}
