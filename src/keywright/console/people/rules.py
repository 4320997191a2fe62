"""What the pages about one person have in common: who it is, where they hold roles, and what the reader may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.errors import BeyondOwnRights, NotFound
from keywright.core.identities import grants_in, role_set
from keywright.services.memberships import Belonging, memberships_of
from keywright.services.users import UserId, get_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.console.asking import Ask
    from keywright.core.identities import Identity
    from keywright.services.memberships import MembershipView
    from keywright.services.users import UserView


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person, and every role that they hold anywhere, where the reader may know that; else None."""

    view: UserView
    anywhere: tuple[MembershipView, ...] | None

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return self.view.person.identity


def everywhere(ask: Ask) -> bool:
    """Whether the page is about the whole installation."""
    return ask.place is not None and ask.place.tenant is None


def only_everywhere(ask: Ask) -> None:
    """Raise `NotFound` on a page of a tenant: what it does is done over the whole installation."""
    if not everywhere(ask):
        raise NotFound("This is done over the whole installation.")


def only_in_tenant(ask: Ask) -> None:
    """Raise `NotFound` on a page of the installation."""
    if everywhere(ask):
        raise NotFound("This is done in a tenant.")


async def somebody(ask: Ask) -> Somebody:
    """The person of the path. Raises `NotFound`."""
    view = await ask.run(get_user, UserId(ask.variable("id")))
    anywhere = None
    if ask.may_everywhere("identities:read"):
        anywhere = await ask.run(memberships_of, Belonging(view.person.identity.id))
    return Somebody(view, anywhere)


def holds_all(ask: Ask, held: Sequence[MembershipView] | None) -> bool:
    """Whether the reader holds everything that these memberships allow, without which nothing of theirs is changed."""
    grants = tuple(one.membership.grant for one in held or ())
    try:
        for place in {None, *(grant.tenant_id for grant in grants)}:
            ask.caller.require_holds(place, role_set(grants_in(grants, place)).policies.policies, "id")
    except BeyondOwnRights:
        return False
    return held is not None
