"""The use cases of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.identities import Grant
from keywright.core.roles import ADMIN
from tests.support.cases import Case, Place, nothing

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House


async def logged_in(home: House, place: Place) -> Caller:
    """An administrator of the place, by a session."""
    await home.person("anna", "correct horse", Grant(ADMIN, place.tenant.id))
    return await home.logged_in("anna", "correct horse")


CASES = {"sessions.end": Case(nothing, nothing, ("session.end",), who=logged_in, yields=True)}
