"""Who there is in the tenant, and who holds which role: read once in a request, when first asked for."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from keywright.core.errors import InvalidValue, NotFound, PermissionDenied
from keywright.core.identities import IdentityKind, grants_in
from keywright.core.listing import MAX_PAGE
from keywright.dialects.cloudtower.lists import MAX_LISTED
from keywright.dialects.cloudtower.mapping import PRESETS, program_row, role_row, user_row
from keywright.services.memberships import ListMemberships, list_memberships
from keywright.services.places import EVERYWHERE
from keywright.services.users import ListUsers, UserId, get_user, list_users

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

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
        if len(found) >= MAX_LISTED and len(found) != most:
            raise InvalidValue(f"There are more than {MAX_LISTED} of these. Ask for the first of them.")
    return found


class _Once(Generic[Item]):
    """Something that is read once, however many fields of an answer ask for it at a time; so is that it is denied."""

    def __init__(self, read: Callable[[], Awaitable[Item]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._found: Item | None = None
        self._denied: PermissionDenied | None = None

    async def get(self) -> Item:
        """What was read. Raises `PermissionDenied` each time if it was denied."""
        async with self._lock:
            if self._denied is not None:
                raise self._denied
            if self._found is None:
                try:
                    self._found = await self._read()
                except PermissionDenied as denied:
                    self._denied = denied
                    raise
            return self._found


class Directory:
    """The people, roles and holders of roles of one tenant, as far as the caller may know of them.

    The roles that are held over the whole installation and have a preset count in it too, where the caller may read
    who holds them. Each method raises `PermissionDenied` for a caller who may not read the tenant's.
    """

    def __init__(self, asking: Asking, tenant: Tenant) -> None:
        self._asking = asking
        self._tenant = tenant
        self._roles: dict[str, Row] = {}
        self._people = _Once(self._read_people)
        self._held = _Once(self._read_held)
        self._everywhere = _Once(self._read_everywhere)

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
        return await self._people.get()

    async def roles_of(self, identity: Identity) -> list[Row]:
        """The roles of whoever a key speaks for; a caller's own are known without asking."""
        caller = self._asking.call.caller
        if identity.id == caller.identity.id:
            return self._of(caller.grants)
        return self._of((await self._held.get()).get(identity.id, ()))

    async def caller(self) -> Row:
        """Whoever is asking, as a user; a program is one too in its own eyes."""
        identity = self._asking.call.caller.identity
        known = await self._person_here(identity.id) if identity.kind is IdentityKind.USER else None
        roles = await self.roles_of(identity)
        return program_row(identity, roles) if known is None else user_row(known, roles)

    async def _read_people(self) -> dict[str, Row]:
        views = {
            view.person.identity.id: view
            for view in await everything(
                self._asking, list_users, lambda size, cursor: ListUsers(limit=size, cursor=cursor)
            )
        }
        everywhere = await self._everywhere.get()
        for identity_id, held in everywhere.items():
            if identity_id not in views and held[0].identity.kind is IdentityKind.USER:
                view = await self._person(identity_id, EVERYWHERE)
                if view is not None:
                    views[identity_id] = view
        return {
            identity_id: user_row(view, self._roles_in(view, everywhere.get(identity_id, [])))
            for identity_id, view in sorted(views.items())
        }

    async def _read_held(self) -> dict[str, list[Grant]]:
        """The roles that each identity holds, people and programs alike."""
        views = await everything(
            self._asking,
            list_memberships,
            lambda size, cursor: ListMemberships(limit=size, cursor=cursor),
        )
        held: dict[str, list[Grant]] = {}
        for view in itertools.chain(views, *(await self._everywhere.get()).values()):
            held.setdefault(view.identity.id, []).append(view.membership.grant)
        return held

    async def _read_everywhere(self) -> dict[str, list[MembershipView]]:
        """Who holds a role over the installation that counts here; nobody for who may not know."""
        found: dict[str, list[MembershipView]] = {}
        with suppress(PermissionDenied):
            for view in await everything(
                self._asking,
                list_memberships,
                lambda size, cursor: ListMemberships(limit=size, cursor=cursor),
                tenant=EVERYWHERE,
            ):
                if view.membership.grant.role in PRESETS:
                    found.setdefault(view.identity.id, []).append(view)
        return found

    def _roles_in(self, view: UserView, everywhere: Sequence[MembershipView]) -> list[Row]:
        held = (*view.memberships, *(one.membership for one in everywhere))
        return self._of([one.grant for one in held])

    def _of(self, grants: Sequence[Grant]) -> list[Row]:
        counting = grants_in(tuple(grants), self._tenant.id)
        return [self.role(grant.role, grant.definition) for grant in counting]

    async def _person_here(self, identity_id: str) -> UserView | None:
        """Somebody by a role in the tenant or over the installation, None where the caller may not know."""
        return await self._person(identity_id, None) or await self._person(identity_id, EVERYWHERE)

    async def _person(self, identity_id: str, tenant: str | None) -> UserView | None:
        """Somebody; None who is not there, as one who was just deleted, or may not be seen."""
        try:
            return await self._asking.run(get_user, UserId(identity_id), tenant=tenant)
        except (NotFound, PermissionDenied):
            return None
