"""Whose factors: those of the person who is logged in, and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.errors import PermissionDenied

if TYPE_CHECKING:
    from keywright.core.sessions import Session
    from keywright.services.callers import Caller
    from keywright.services.work import Work
    from keywright.storage.people import Person


def own_session(caller: Caller) -> Session:
    """The caller's session. Raises `PermissionDenied` for a key, which has no login to look after."""
    if caller.session is None:
        raise PermissionDenied("Only a person who is logged in may do this; an API key may not.")
    return caller.session


async def own_person(work: Work) -> Person:
    """The person who is logged in, kept from other changes until the transaction ends."""
    own_session(work.caller)
    person = await work.transaction.people.by_id(work.caller.identity.id, lock=True)
    if person is None:
        raise PermissionDenied("Only a person who is logged in may do this.")
    return person
