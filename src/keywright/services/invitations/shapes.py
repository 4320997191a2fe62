"""What goes into and comes out of the use cases of invitations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core.invitations import DEFAULT_DAYS
from keywright.core.listing import DEFAULT_PAGE
from keywright.services.cursors import Listed

if TYPE_CHECKING:
    from keywright.core.identities import Grant, Identity, Tenant
    from keywright.core.invitations import Invitation, InvitationState
    from keywright.core.tokens import Token
    from keywright.services.mail import MailProblem
    from keywright.services.memberships import RoleInput


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvitation:
    """Who is to be invited, and to which roles; the login name may be left to the one who accepts."""

    name: str
    login: str | None = None
    email: str | None = None
    memberships: tuple[RoleInput, ...] = ()
    expires_in_days: int = DEFAULT_DAYS


@dataclass(frozen=True, slots=True)
class InvitationView:
    """An invitation with what a reader wants beside it: the tenant (None: the installation), and who made it."""

    invitation: Invitation
    state: InvitationState
    tenant: Tenant | None
    maker: Identity | None


@dataclass(frozen=True, slots=True)
class Invited:
    """A new invitation; its token and link are shown this once.

    Both are None where the same request made it before under its idempotency key (`replayed`). `mailed` says
    whether it was sent by mail, and `mail_problem` why not.
    """

    view: InvitationView
    token: Token | None
    link: str | None = field(default=None, repr=False)
    mailed: bool = False
    mail_problem: MailProblem | None = None
    replayed: bool = False


InvitationList = Listed[InvitationView]
"""A page of invitations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInvitations:
    """How many invitations to list, and after which cursor."""

    limit: int = DEFAULT_PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class InvitationId:
    """The id of one invitation."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What somebody accepts an invitation with.

    Who is logged in shows the token alone. Everybody else chooses a password, and a login name where the
    invitation has none.
    """

    token: str = field(repr=False)
    login: str | None = None
    name: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who accepted, and what came of each role: given, held already and left as it was, or not there any more."""

    identity: Identity
    login: str
    tenant: Tenant | None
    given: tuple[Grant, ...] = ()
    held: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
