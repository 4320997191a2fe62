"""Who there is in the tenant, and who holds which role: read once in a request, when first asked for."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeVar

from keywright.core.errors import InvalidValue, NotFound, PermissionDenied
from keywright.core.identities import IdentityKind, grants_in
from keywright.core.listing import MAX_PAGE
from keywright.dialects.cloudtower.lists import MAX_LISTED
from keywright.dialects.cloudtower.mapping import PRESETS, program_row, role_row, user_row
from keywright.services.memberships import ListMemberships, list_memberships
from keywright.services.places import EVERYWHERE
from keywright.services.users import ListUsers, UserId, get_user, list_users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from keywright.core.identities import Grant, Identity, Tenant
    from keywright.core.roles import Role
    from keywright.dialects.cloudtower.mapping import Row
    from keywright.services.cursors import Listed
    from keywright.services.memberships import MembershipView
    from keywright.services.users import UserView
    from keywright.services.work import UseCase
    from keywright.web.asking import Asking

In = TypeVar("In")
Item = TypeVar("Item")


async def everything(
    asking: Asking,
    use: UseCase[In, Listed[Item]],
    page: Callable[[int, str | None], In],
    *,
    most: int | None = None,
    tenant: str | None = None,
) -> list[Item]:
    """All items of a list, or the first so many; `page` makes the use case's input for a size and a cursor.

    Raises `InvalidValue` where there are more than are looked at.
    """
    found: list[Item] = []
    cursor: str | None = None
    while most is None or len(found) < most:
        size = MAX_PAGE if most is None else min(MAX_PAGE, most - len(found))
        listed = await asking.run(use, page(size, cursor), tenant=tenant)
        found += listed.items
        cursor = listed.next_cursor
        if cursor is None:
            break
        if len(found) >= MAX_LISTED:
            raise InvalidValue(f"There are more than {MAX_LISTED} of these. Ask for the first of them.")
    return found


class Directory:
    """The people, roles and holders of roles of one tenant, as far as the caller may know of them.

    The roles that are held over the whole installation and have a preset count in it too, where the caller may read
    who holds them. Each method raises `PermissionDenied` for a caller who may not read the tenant's.
    """

    def __init__(self, asking: Asking, tenant: Tenant) -> None:
        self._asking = asking
        self._tenant = tenant
        self._roles: dict[str, Row] = {}
        self._people: dict[str, Row] | None = None
        self._held: dict[str, list[Grant]] | None = None
        self._everywhere: dict[str, list[MembershipView]] | None = None

    def role(self, name: str, definition: Role | None) -> Row:
        """The row of a role; one row for all who hold it."""
        if name not in self._roles:
            self._roles[name] = role_row(name, definition)
        return self._roles[name]

    async def fill_in_users(self) -> None:
        """Put into each role that was spoken of who holds it, and None where the caller may not know."""
        try:
            people = await self.people()
        except PermissionDenied:
            for role in self._roles.values():
                role["users"] = None
            return
        for role in self._roles.values():
            role["users"] = []
        for person in people.values():
            for role in person["roles"]:
                role["users"].append(person)

    async def people(self) -> Mapping[str, Row]:
        """Everybody who can log in and holds a role, by the id of their identity, the oldest first."""
        if self._people is None:
            views = {
                view.person.identity.id: view
                for view in await everything(
                    self._asking, list_users, lambda size, cursor: ListUsers(limit=size, cursor=cursor)
                )
            }
            everywhere = await self._over_the_installation()
            for identity_id, held in everywhere.items():
                if identity_id not in views and held[0].identity.kind is IdentityKind.USER:
                    view = await self._person(identity_id)
                    if view is not None:
                        views[identity_id] = view
            self._people = {
                identity_id: user_row(view, self._rows(identity_id, view))
                for identity_id, view in sorted(views.items())
            }
        return self._people

    async def roles_of(self, identity: Identity) -> list[Row]:
        """The roles of whoever a key speaks for; a caller's own are known without asking."""
        caller = self._asking.call.caller
        if identity.id == caller.identity.id:
            return self._of(caller.grants)
        if self._held is None:
            views = await everything(
                self._asking,
                list_memberships,
                lambda size, cursor: ListMemberships(limit=size, cursor=cursor),
            )
            everywhere = await self._over_the_installation()
            self._held = {}
            for view in itertools.chain(views, *everywhere.values()):
                self._held.setdefault(view.identity.id, []).append(view.membership.grant)
        return self._of(self._held.get(identity.id, ()))

    async def caller(self) -> Row:
        """Whoever is asking, as a user; a program is one too in its own eyes."""
        identity = self._asking.call.caller.identity
        try:
            known = (await self._person_here(identity.id)) if identity.kind is IdentityKind.USER else None
        except (NotFound, PermissionDenied):
            known = None
        roles = await self.roles_of(identity)
        return program_row(identity, roles) if known is None else user_row(known, roles)

    def _rows(self, identity_id: str, view: UserView) -> list[Row]:
        everywhere = (self._everywhere or {}).get(identity_id, [])
        held = (*view.memberships, *(one.membership for one in everywhere))
        return self._of([one.grant for one in held])

    def _of(self, grants: Sequence[Grant]) -> list[Row]:
        counting = grants_in(tuple(grants), self._tenant.id)
        return [self.role(grant.role, grant.definition) for grant in counting]

    async def _over_the_installation(self) -> dict[str, list[MembershipView]]:
        """Who holds a role over the installation that counts here; nobody for who may not know."""
        if self._everywhere is None:
            self._everywhere = {}
            try:
                views = await everything(
                    self._asking,
                    list_memberships,
                    lambda size, cursor: ListMemberships(limit=size, cursor=cursor),
                    tenant=EVERYWHERE,
                )
            except PermissionDenied:
                views = []
            for view in views:
                if view.membership.grant.role in PRESETS:
                    self._everywhere.setdefault(view.identity.id, []).append(view)
        return self._everywhere

    async def _person_here(self, identity_id: str) -> UserView:
        try:
            return await self._asking.run(get_user, UserId(identity_id))
        except NotFound:
            return await self._asking.run(get_user, UserId(identity_id), tenant=EVERYWHERE)

    async def _person(self, identity_id: str) -> UserView | None:
        """Somebody wherever they are; None who was deleted just now."""
        try:
            return await self._asking.run(get_user, UserId(identity_id), tenant=EVERYWHERE)
        except NotFound:
            return None
