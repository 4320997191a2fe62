"""The fields of invitations. Accepting one needs no credential: it is what makes somebody known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import OpenField, lists, runs
from keywright.core.identities import HeldRole
from keywright.core.invitations import DEFAULT_DAYS
from keywright.services import invitations
from keywright.services.invitations import Acceptance, InvitationId, ListInvitations, NewInvitation
from keywright.web.calls import visitor_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import Resolver, RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.invitations import Accepted, InvitationList, InvitationView, Invited
    from keywright.services.service import Services
    from keywright.web.visit import Visit


def _named(args: Args) -> InvitationId:
    return InvitationId(args["input"]["id"])


def asked(args: Args) -> ListInvitations:
    """A question for a list of invitations."""
    return ListInvitations(limit=mapping.page_size(args), cursor=args.get("after"))


def days(given: Mapping[str, int | None]) -> int:
    """For how many days a link is to stand."""
    wanted = given.get("expiresInDays")
    return DEFAULT_DAYS if wanted is None else wanted


def new_invitation(args: Args) -> NewInvitation:
    """Who is to be invited."""
    given = args["input"]
    return NewInvitation(
        name=given["name"],
        login=given.get("login"),
        email=given.get("email"),
        memberships=mapping.given_roles(given.get("memberships")),
        expires_in_days=days(given),
    )


def acceptance(args: Args) -> Acceptance:
    """What somebody accepts an invitation with."""
    given = args["input"]
    return Acceptance(
        token=given["token"],
        login=given.get("login"),
        name=given.get("name"),
        password=given.get("password"),
    )


def invitation(view: InvitationView) -> Shape:
    """An invitation."""
    it = view.invitation
    return {
        "id": it.id,
        "tenant": None if view.tenant is None else mapping.tenant(view.tenant),
        "state": view.state,
        "identityId": it.identity_id,
        "endsFactors": it.ends_factors,
        "login": it.login,
        "email": it.email,
        "name": it.name,
        "memberships": mapping.roles(it.memberships),
        "createdAt": it.created_at,
        "createdBy": None if view.maker is None else mapping.identity(view.maker),
        "expiresAt": it.expires_at,
        "acceptedAt": it.accepted_at,
        "acceptedBy": it.accepted_by,
        "revokedAt": it.revoked_at,
    }


def invited(made: Invited) -> Shape:
    """A new invitation; here, and only here, its token is revealed to GraphQL."""
    return {
        "invitation": invitation(made.view),
        "token": None if made.token is None else made.token.reveal(),
        "link": made.link,
        "mailed": made.mailed,
        "mailProblem": made.mail_problem,
        "replayed": made.replayed,
    }


def invitation_page(page: InvitationList, wanted: ListInvitations) -> Shape:
    """A page of invitations."""
    nodes = [invitation(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=wanted.cursor)


def revoked_invitation(_result: None, wanted: InvitationId) -> Shape:
    """An invitation that was taken back."""
    return {"revokedId": wanted.id}


def accepted(found: Accepted) -> Shape:
    """Who accepted an invitation."""
    return {
        "identity": mapping.identity(found.identity),
        "login": found.login,
        "tenant": None if found.tenant is None else mapping.tenant(found.tenant),
        "memberships": mapping.roles([HeldRole(one.role, one.variables) for one in found.given]),
        "alreadyHeld": list(found.held),
        "skipped": list(found.skipped),
    }


async def _accept(services: Services, visit: Visit, args: Args) -> Shape:
    visitor = await visitor_of(visit, services)
    return accepted(await services.accept_invitation(acceptance(args), visitor))


QUERIES: Final[Mapping[str, RootField]] = {
    "invitations": lists(invitations.list_invitations, asked, invitation_page),
}
MUTATIONS: Final[Mapping[str, Resolver]] = {
    "inviteUser": runs(invitations.invite_user, new_invitation, invited),
    "revokeInvitation": lists(invitations.revoke_invitation, _named, revoked_invitation),
    "acceptInvitation": OpenField(_accept),
}
