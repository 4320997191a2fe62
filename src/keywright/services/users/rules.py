"""What must hold before somebody is changed by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.errors import NotFound, OwnKey
from keywright.core.identities import grants_in, role_set
from keywright.core.ids import is_id
from keywright.services.users.shapes import UserView

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from keywright.core.identities import Membership
    from keywright.services.work import Work
    from keywright.storage.people import Person


def no_user() -> NotFound:
    """The one answer for somebody who is not there or may not be known of."""
    return NotFound("No such user.")


async def known_person(work: Work, identity_id: str) -> Person:
    """The person with this id, as far as the call may know of them. Raises `NotFound`."""
    found = None
    if is_id(identity_id, "idn"):
        people = work.transaction.people
        if work.place is None:
            found = await people.by_id(identity_id)
        else:
            found = await people.in_tenant(work.place.id, identity_id)
    if found is None:
        raise no_user()
    return found


async def changeable(work: Work, identity_id: str) -> tuple[Person, tuple[Membership, ...]]:
    """A person with all roles that they hold anywhere, kept from other changes until the transaction ends.

    Raises `NotFound`, and `BeyondOwnRights` unless the caller holds everywhere what the person holds there:
    whoever can change how somebody logs in can log in as that one.
    """
    person = (
        await work.transaction.people.by_id(identity_id, lock=True) if is_id(identity_id, "idn") else None
    )
    if person is None:
        raise no_user()
    held = await work.transaction.all_memberships.of(person.identity.id)
    grants = tuple(one.grant for one in held)
    places = {None, *(grant.tenant_id for grant in grants)}
    for place in sorted(places, key=lambda one: one or ""):
        work.caller.require_holds(place, role_set(grants_in(grants, place)).policies.policies, "id")
    return person, held


def spare_own_key(work: Work, key_ids: Collection[str]) -> None:
    """Raise `OwnKey` where the key that the call was made with would be deleted by it."""
    if work.caller.key is not None and work.caller.key.id in key_ids:
        raise OwnKey("This would delete the key that the call was made with.")


async def views(work: Work, people: Sequence[Person]) -> tuple[UserView, ...]:
    """People as readers see them."""
    ids = [one.identity.id for one in people]
    held = await work.transaction.memberships(work.tenant_id).of(ids)
    doubly = await work.transaction.people.with_two_factors(ids)
    return tuple(
        UserView(
            one,
            tuple(given for given in held if given.identity_id == one.identity.id),
            one.identity.id in doubly,
        )
        for one in people
    )
