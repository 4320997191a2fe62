"""Owners of API keys: from a user's canonical to an identity of ours, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.errors import NotFound, PermissionDenied
from keywright.core.listing import MAX_PAGE
from keywright.core.people import fold_login
from keywright.dialects.cycloid import mapping
from keywright.dialects.cycloid.errors import invalid
from keywright.services.users import ListUsers, UserId, get_user, list_users

if TYPE_CHECKING:
    from keywright.core.identities import Identity
    from keywright.dialects.cycloid.asked import Asked
    from keywright.dialects.cycloid.mapping import Plain

NOBODY = "none"
"""In place of an id: no identity has it."""


class Owners:
    """Looks owners up for one request, each once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._known: dict[str, Plain | None] = {}

    async def of(self, identity: Identity | None) -> Plain | None:
        """Cycloid's User for an owner; None for a program, and where the caller may not read who it is."""
        if identity is None or not mapping.is_person(identity):
            return None
        if identity.id not in self._known:
            self._known[identity.id] = await self._looked_up(identity.id)
        return self._known[identity.id]

    async def _looked_up(self, identity_id: str) -> Plain | None:
        try:
            return mapping.user(await self._asked.run(get_user, UserId(identity_id)))
        except (NotFound, PermissionDenied):
            return None

    async def all_names(self) -> dict[str, str]:
        """The user canonicals of everybody in the organization, by id."""
        found = await self._asked.walk(
            list_users,
            lambda cursor: ListUsers(limit=MAX_PAGE, cursor=cursor),
            tenant=self._asked.organization,
        )
        return {view.person.identity.id: view.person.login for view in found}

    async def id_of(self, canonical: str) -> str:
        """The id of the user with this canonical, or `NOBODY`."""
        found = await self._asked.run(list_users, ListUsers(login=canonical))
        wanted = fold_login(canonical)
        return next((one.person.identity.id for one in found.items if one.person.login == wanted), NOBODY)

    async def wanted(self, canonical: str) -> str:
        """The id of the user who is to own a key. Raises `Declined` where the organization has none like that."""
        found = await self.id_of(canonical)
        if found == NOBODY:
            raise invalid("owner in body should be the canonical of a user of the organization")
        return found
