"""What goes into and comes out of the use cases of users."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from keywright.core.invitations import DEFAULT_DAYS
from keywright.core.listing import DEFAULT_PAGE
from keywright.services.cursors import Listed

if TYPE_CHECKING:
    from keywright.core.identities import Membership
    from keywright.services.limits import LimitInput
    from keywright.storage.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A person to be made; without a password they come in by a reset link or by single sign-on."""

    login: str
    name: str
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    limits: tuple[LimitInput, ...] = ()
    """For all uses of their keys together, wherever those are."""


@dataclass(frozen=True, slots=True)
class UserView:
    """A person, with the roles that they hold where the call is, and whether their password alone does not do."""

    person: Person
    memberships: tuple[Membership, ...]
    two_factor: bool

    @property
    def password_change_due(self) -> bool:
        """Whether they still have a password that Keywright generated, and are to choose one of their own."""
        return self.person.password_generated


@dataclass(frozen=True, slots=True)
class CreatedUser:
    """A person, and whether they were made before under the same idempotency key."""

    view: UserView
    replayed: bool = False


UserList = Listed[UserView]
"""A page of people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsers:
    """Which people to list: all, or those that are searched for; how many, after which cursor.

    `login` is a whole login name or e-mail address. `search` is the beginning of a login name, of an e-mail address,
    of a name or of a word in it, or a whole id.
    """

    login: str | None = None
    search: str | None = None
    limit: int = DEFAULT_PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class UserId:
    """The id of one person."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanges:
    """What is to change of a person; a field that is left `UNSET` stays as it is."""

    id: str
    name: str | UnsetType = UNSET
    email: str | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
    limits: tuple[LimitInput, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReset:
    """Whose password is to be set anew, by a link, and whether the second factors go with the old one."""

    id: str
    factors: bool = False
    expires_in_days: int = DEFAULT_DAYS
