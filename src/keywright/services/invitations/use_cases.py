"""The use cases of invitations that somebody is needed for: making, listing and taking back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from keywright.core import checks, people
from keywright.core.audit import Change
from keywright.core.errors import InvalidValue, InvitationUsed, MissingField, NotFound
from keywright.core.identities import HeldRole
from keywright.core.ids import is_id, new_id
from keywright.core.invitations import MAX_DAYS, Invitation, InvitationState
from keywright.core.tokens import INVITATION_PREFIX, mint
from keywright.services import cursors, replays
from keywright.services.invitations import letters
from keywright.services.invitations.shapes import InvitationList, InvitationView, Invited
from keywright.services.memberships import MAX_ROLES, checked_grant, plain_grant
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keywright.core.identities import Grant
    from keywright.services.invitations.shapes import InvitationId, ListInvitations, NewInvitation
    from keywright.services.memberships import RoleInput
    from keywright.services.work import Work

_ORDER = "invitations.newest"


@use_case(
    "users.invite",
    permission="identities:create",
    reach=Reach.EITHER,
    changes=True,
    after=letters.send,
)
async def invite_user(work: Work, new: NewInvitation) -> Invited:
    """Invite somebody to roles of which the caller holds everything itself, by a link that works once.

    The link is in the answer, and sent by mail where a mail server is set up and an address is given. Whether
    the login name or the address is taken is not said here; whoever accepts is told.
    """
    made = await replays.find(work, "users.invite", new)
    if made is not None:
        return await _replayed(work, made)
    if work.place is not None and not new.memberships:
        raise MissingField("An invitation to a tenant gives at least one role there.", field="memberships")
    grants = await _grants(work, new.memberships)
    invitation = Invitation(
        id=new_id("inv"),
        tenant_id=work.tenant_id,
        identity_id=None,
        login=None if new.login is None else people.login_name(new.login),
        email=None if new.email is None else people.email(new.email),
        name=checks.name(new.name),
        memberships=tuple(HeldRole(grant.role, grant.variables) for grant in grants),
        ends_factors=False,
        created_at=work.now,
        created_by=work.caller.identity.id,
        expires_at=work.now + lifetime(new.expires_in_days),
    )
    await replays.remember(work, "users.invite", new, invitation.id)
    changes = {
        "name": Change(None, invitation.name),
        "login": Change(None, invitation.login),
        "email": Change(None, invitation.email),
        "memberships": Change(None, [plain_grant(grant) for grant in grants]),
        "expires_at": Change(None, invitation.expires_at.isoformat()),
    }
    return await issue(work, invitation, "invitation.create", changes)


@use_case("invitations.list", permission="identities:read", reach=Reach.EITHER)
async def list_invitations(work: Work, wanted: ListInvitations) -> InvitationList:
    """A page of invitations, the newest first. They are forgotten 90 days after their end."""
    cursors.sound_limit(wanted.limit)
    page = await work.transaction.invitations(work.tenant_id).page(
        limit=wanted.limit,
        after=cursors.after(_ORDER, wanted.cursor, int),
    )
    makers = await work.transaction.identities.named(
        {one.created_by for one in page.items if one.created_by is not None}
    )
    return cursors.listed(
        _ORDER,
        page,
        (
            InvitationView(one, one.state(work.now), work.place, makers.get(one.created_by or ""))
            for one in page.items
        ),
    )


@use_case("invitations.revoke", permission="identities:delete", reach=Reach.EITHER, changes=True)
async def revoke_invitation(work: Work, wanted: InvitationId) -> None:
    """Take an invitation back; its link is worth nothing from then on. Raises `InvitationUsed`.

    Doing so again, or after its end, is allowed and leaves no trace.
    """
    invitations = work.transaction.invitations(work.tenant_id)
    found = await invitations.by_id(wanted.id, lock=True) if is_id(wanted.id, "inv") else None
    if found is None:
        raise NotFound("No such invitation.")
    match found.state(work.now):
        case InvitationState.ACCEPTED:
            raise InvitationUsed("The invitation has been accepted; take the memberships back instead.")
        case InvitationState.OPEN:
            await invitations.revoke(found.id, work.now)
            work.record("invitation.revoke", "invitation", found.id, {})
        case _:
            work.nothing_changed = True


def lifetime(days: int) -> timedelta:
    """How long an invitation stands. Raises `InvalidValue` for none, and for more than 30 days."""
    if not 1 <= days <= MAX_DAYS:
        raise InvalidValue(f"An invitation stands for 1 to {MAX_DAYS} days.", field="expires_in_days")
    return timedelta(days=days)


async def issue(work: Work, invitation: Invitation, action: str, changes: dict[str, Change]) -> Invited:
    """Store an invitation with a new token, and note it in the trail."""
    token = mint(INVITATION_PREFIX)
    await work.transaction.invitations(invitation.tenant_id).add(invitation, token.digest)
    work.record(action, "invitation", invitation.id, changes)
    view = InvitationView(invitation, invitation.state(work.now), work.place, work.caller.identity)
    return Invited(view, token)


async def _grants(work: Work, roles: Sequence[RoleInput]) -> tuple[Grant, ...]:
    if len(roles) > MAX_ROLES:
        raise InvalidValue(f"At most {MAX_ROLES} roles are given at once.", field="memberships")
    grants: dict[str, Grant] = {}
    for index, one in enumerate(roles):
        grant = await checked_grant(work, one.role, one.variables, f"memberships.{index}")
        if grant.role in grants:
            raise InvalidValue("This role is there twice.", field=f"memberships.{index}.role")
        grants[grant.role] = grant
    return tuple(grants.values())


async def _replayed(work: Work, invitation_id: str) -> Invited:
    work.nothing_changed = True
    found = await work.transaction.invitations(work.tenant_id).by_id(invitation_id)
    if found is None:
        raise replays.gone()
    return Invited(
        InvitationView(found, found.state(work.now), work.place, work.caller.identity), None, replayed=True
    )
