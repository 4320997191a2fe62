"""`/v1/invitations`."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import Field

from keywright.api.rest import mapping
from keywright.api.rest.models import (
    GivenRoleIn,
    IdentityOut,
    In,
    Moment,
    Out,
    PageFilters,
    RoleOut,
)
from keywright.api.rest.reading import check_query
from keywright.api.rest.routes import REQUEST_ID, Door, problems
from keywright.core.identities import HeldRole
from keywright.core.invitations import DEFAULT_DAYS
from keywright.services import invitations
from keywright.services.invitations import (
    Acceptance,
    Accepted,
    InvitationId,
    InvitationList,
    InvitationView,
    Invited,
    ListInvitations,
    NewInvitation,
)
from keywright.web.calls import visitor_of
from keywright.web.visit import visit_of

_TAG = "Invitations"
_LOGIN: dict[str, Any] = {"minLength": 1, "maxLength": 100, "examples": ["ada"]}
_NAME: dict[str, Any] = {"minLength": 1, "maxLength": 255, "examples": ["Ada Lovelace"]}
InvitationPath = Annotated[
    str, Path(description="The invitation's id.", examples=["inv_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"])
]


class InvitationIn(In):
    """Who is to be invited, and to which roles."""

    name: str = Field(json_schema_extra=_NAME)
    login: str | None = Field(None, description="Left out, the person chooses it.", json_schema_extra=_LOGIN)
    email: str | None = Field(
        None,
        description="The person's address; the link is sent there where a mail server is set up.",
        json_schema_extra={"minLength": 3, "maxLength": 254, "examples": ["ada@example.com"]},
    )
    memberships: list[GivenRoleIn] = Field(
        [],
        description="The roles; the caller must hold all of them itself. To a tenant at least one.",
        json_schema_extra={"maxItems": 50, "examples": [[{"role": "member"}]]},
    )
    expires_in_days: int = Field(DEFAULT_DAYS, json_schema_extra={"minimum": 1, "maximum": 30})


class InvitationOut(Out):
    """An invitation, or (`identity_id`) a link by which somebody who is here sets a new password."""

    id: str
    tenant: str | None = Field(description="The tenant's slug; null: to the installation.")
    state: str = Field(description="`open`, `accepted`, `revoked` or `expired`.")
    identity_id: str | None = Field(description="Whose password the link sets.")
    ends_factors: bool = Field(description="Whether it takes the second factors away.")
    login: str | None
    email: str | None
    name: str
    memberships: list[RoleOut]
    created_at: Moment
    created_by: IdentityOut | None
    expires_at: Moment
    accepted_at: Moment | None
    accepted_by: str | None = Field(description="The id of who accepted it.")
    revoked_at: Moment | None


class InvitedOut(Out):
    """An invitation that was made, with its link, which is in this answer and never again."""

    invitation: InvitationOut
    token: str | None = Field(description="Null when the same request had made it before.")
    link: str | None = Field(description="What the person opens; holds the token.")
    mailed: bool = Field(description="Whether the link was sent by mail.")
    mail_problem: str | None = Field(
        description="Why not: `not_set_up`, `no_address`, `unreachable`, `not_secure`, `login_refused` or `refused`."
    )
    replayed: bool


class InvitationListOut(Out):
    """A page of invitations."""

    items: list[InvitationOut]
    next_cursor: str | None


class AcceptanceIn(In):
    """The token of an invitation, and what somebody who is not logged in chooses."""

    token: str = Field(json_schema_extra={"maxLength": 512, "writeOnly": True})
    login: str | None = Field(
        None, description="Needed where the invitation has none.", json_schema_extra=_LOGIN
    )
    name: str | None = Field(None, description="In place of the invitation's.", json_schema_extra=_NAME)
    password: str | None = Field(
        None,
        description="Left out by who is logged in, and chosen by everybody else.",
        json_schema_extra={"minLength": 10, "maxLength": 1024, "writeOnly": True},
    )


class AcceptedOut(Out):
    """Who accepted, and what came of it."""

    identity: IdentityOut
    login: str
    tenant: str | None
    memberships: list[RoleOut] = Field(description="The roles that were given.")
    already_held: list[str] = Field(description="Roles that were held before, and stay as they were.")
    skipped: list[str] = Field(description="Roles that are not there any more.")


def read_new(body: InvitationIn) -> NewInvitation:
    """Who is to be invited."""
    return NewInvitation(
        name=body.name,
        login=body.login,
        email=body.email,
        memberships=mapping.given_roles(body.memberships),
        expires_in_days=body.expires_in_days,
    )


def read_list(filters: Annotated[PageFilters, Query()]) -> ListInvitations:
    """A list's question from the query string."""
    return ListInvitations(limit=filters.limit, cursor=filters.cursor)


def read_one(id: InvitationPath) -> InvitationId:  # noqa: A002 - the name stands in the path
    """One invitation's id from the path."""
    return InvitationId(id)


def show(view: InvitationView) -> InvitationOut:
    """An invitation."""
    it = view.invitation
    return InvitationOut(
        id=it.id,
        tenant=None if view.tenant is None else view.tenant.slug,
        state=view.state,
        identity_id=it.identity_id,
        ends_factors=it.ends_factors,
        login=it.login,
        email=it.email,
        name=it.name,
        memberships=[mapping.held_role(one) for one in it.memberships],
        created_at=it.created_at,
        created_by=None if view.maker is None else mapping.identity(view.maker),
        expires_at=it.expires_at,
        accepted_at=it.accepted_at,
        accepted_by=it.accepted_by,
        revoked_at=it.revoked_at,
    )


def show_invited(made: Invited) -> InvitedOut:
    """A new invitation; here, and only here, its token is revealed to REST."""
    return InvitedOut(
        invitation=show(made.view),
        token=None if made.token is None else made.token.reveal(),
        link=made.link,
        mailed=made.mailed,
        mail_problem=made.mail_problem,
        replayed=made.replayed,
    )


def show_accepted(accepted: Accepted) -> AcceptedOut:
    """Who accepted."""
    return AcceptedOut(
        identity=mapping.identity(accepted.identity),
        login=accepted.login,
        tenant=None if accepted.tenant is None else accepted.tenant.slug,
        memberships=[mapping.held_role(HeldRole(one.role, one.variables)) for one in accepted.given],
        already_held=list(accepted.held),
        skipped=list(accepted.skipped),
    )


def _list(listed: InvitationList) -> InvitationListOut:
    return InvitationListOut(items=[show(view) for view in listed.items], next_cursor=listed.next_cursor)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of invitations. Accepting one needs no credential: it is what makes somebody known."""
    door.route(
        "POST",
        "/invitations",
        invitations.invite_user,
        read=read_new,
        show=show_invited,
        model=InvitedOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/invitations",
        invitations.list_invitations,
        read=read_list,
        show=_list,
        model=InvitationListOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        "/invitations/{id}",
        invitations.revoke_invitation,
        read=read_one,
        show=_nothing,
        status=204,
        refusals=(404, 410),
        tag=_TAG,
    )
    _declare_more(door)


def _declare_more(door: Door) -> None:
    services = door.services

    async def accept(request: Request, body: AcceptanceIn) -> AcceptedOut:
        """Accept an invitation, or set the new password that a link is for.

        Without a credential somebody new comes in, with the login name and the password that they choose. Who
        is logged in sends the token alone, and gets the roles beside their own. Either way nobody is logged in
        by it. A link works once.
        """
        check_query(request.query_params, None)
        wanted = Acceptance(token=body.token, login=body.login, name=body.name, password=body.password)
        visitor = await visitor_of(visit_of(request.scope), services)
        return show_accepted(await services.accept_invitation(wanted, visitor))

    door.router.add_api_route(
        "/invitations/accept",
        accept,
        methods=["POST"],
        operation_id="invitations.accept",
        summary="Accept an invitation, or set the new password that a link is for.",
        responses={
            200: {"headers": REQUEST_ID},
            **problems(400, 401, 403, 404, 409, 410, 413, 422, 429, 503),
        },
        tags=[_TAG],
        openapi_extra={"security": [{}, {"bearer": []}, {"apiKey": []}]},
    )
