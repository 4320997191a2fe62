"""The things that can be listed: how each is read, and what REST shows of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from keywright.dialects.cloudtower import keys
from keywright.dialects.cloudtower.lists import asked_of
from keywright.dialects.cloudtower.mapping import EVERYWHERE, key_out, role_out, user_out
from keywright.services.roles import list_roles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keywright.dialects.cloudtower.lists import Asked
    from keywright.dialects.cloudtower.mapping import Row
    from keywright.dialects.cloudtower.request import Request


@dataclass(frozen=True, slots=True)
class Noun:
    """One kind of thing.

    `rows` reads all of them, or as many as the list needs, with the fields that it looks at; `finish` fills in
    those that REST shows beside; `shown` is what it shows.
    """

    kind: str
    rows: Callable[[Request, Asked], Awaitable[list[Row]]]
    finish: Callable[[Request, list[Row]], Awaitable[None]]
    shown: Callable[[Row], Row]

    async def listed(self, request: Request, given: Mapping[str, Any]) -> list[Row]:
        """What a list with these arguments holds."""
        asked = asked_of(self.kind, given)
        return asked.window(await self.rows(request, asked))

    async def counted(self, request: Request, given: Mapping[str, Any]) -> int:
        """How many things pass the filter; the window does not count."""
        asked = replace(asked_of(self.kind, given), first=None)
        return len(asked.counted(await self.rows(request, asked)))

    async def shown_list(self, request: Request, given: Mapping[str, Any]) -> list[Row]:
        """The list as REST shows it."""
        rows = await self.listed(request, given)
        await self.finish(request, rows)
        return [self.shown(row) for row in rows]


async def _users(request: Request, asked: Asked) -> list[Row]:
    rows = list((await request.directory.people()).values())
    if asked.touches("UserRoleNext", "users"):
        await request.directory.fill_in_users()
    return rows


async def _roles(request: Request, asked: Asked) -> list[Row]:
    views = await request.asking.run(list_roles, None)
    roles = (*EVERYWHERE, *(view.role for view in views))
    rows = [request.directory.role(role.name, role) for role in roles]
    if asked.touches("UserRoleNext", "users"):
        await request.directory.fill_in_users()
    return rows


async def _nothing(_request: Request, _rows: list[Row]) -> None:
    return


async def _with_users(request: Request, _rows: list[Row]) -> None:
    await request.directory.fill_in_users()


API_KEYS: Final = Noun("ApiKey", keys.rows, keys.fill_in, key_out)
USERS: Final = Noun("User", _users, _nothing, user_out)
ROLES: Final = Noun("UserRoleNext", _roles, _with_users, role_out)
