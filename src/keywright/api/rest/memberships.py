"""`/v1/memberships`."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from keywright.api.rest import mapping
from keywright.api.rest.models import IdentityOut, In, Moment, Out, PageFilters
from keywright.api.rest.routes import Door
from keywright.services import memberships
from keywright.services.memberships import (
    CreatedMembership,
    ListMemberships,
    MembershipChanges,
    MembershipId,
    MembershipList,
    MembershipView,
    NewMembership,
)

_TAG = "Memberships"
_AN_IDENTITY = "idn_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"
_A_MEMBERSHIP = "mem_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"
MembershipPath = Annotated[str, Path(description="The membership's id.", examples=[_A_MEMBERSHIP])]


class MembershipIn(In):
    """Who is to be given which role."""

    identity_id: str = Field(
        description="A user, a service account, or an identity made for one key.", examples=[_AN_IDENTITY]
    )
    role: str = Field(json_schema_extra={"minLength": 1, "examples": ["member"]})
    variables: dict[str, list[str]] = Field({}, description="Values by the variable's name.")


class MembershipPatch(In):
    """The values that the role's variables are to have from now on."""

    variables: dict[str, list[str]] = Field(
        description="All of them: what is left out is taken away.",
        json_schema_extra={"examples": [{"language": ["cs"]}]},
    )


class MembershipOut(Out):
    """A role that an identity holds."""

    id: str
    identity: IdentityOut
    tenant: str | None = Field(description="The tenant's slug; null: over the whole installation.")
    role: str
    variables: dict[str, list[str]]
    by_sign_on: bool = Field(description="True when single sign-on gave it, by the person's groups.")
    created_at: Moment
    created_by: str | None = Field(description="The id of the identity that gave it.")


class MembershipListOut(Out):
    """A page of memberships."""

    items: list[MembershipOut]
    next_cursor: str | None


class MembershipFilters(PageFilters):
    """The query string of a list."""

    identity_id: str | None = Query(None, description="Only those of this identity.")
    role: str | None = Query(None, description="Only those with this role.")


def read_new(body: MembershipIn) -> NewMembership:
    """A role to be given."""
    return NewMembership(
        identity_id=body.identity_id, role=body.role, variables=mapping.variables(body.variables)
    )


def read_list(filters: Annotated[MembershipFilters, Query()]) -> ListMemberships:
    """A list's question from the query string."""
    return ListMemberships(
        identity_id=filters.identity_id, role=filters.role, limit=filters.limit, cursor=filters.cursor
    )


def read_one(id: MembershipPath) -> MembershipId:  # noqa: A002 - the name stands in the path
    """One membership's id from the path."""
    return MembershipId(id)


def read_changes(id: MembershipPath, body: MembershipPatch) -> MembershipChanges:  # noqa: A002 - the name stands in the path
    """The changes of a membership."""
    return MembershipChanges(id, mapping.variables(body.variables))


def show(view: MembershipView) -> MembershipOut:
    """A membership."""
    it = view.membership
    return MembershipOut(
        id=it.id,
        identity=mapping.identity(view.identity),
        tenant=None if view.tenant is None else view.tenant.slug,
        role=it.grant.role,
        variables=mapping.shown_values(it.grant.variables),
        by_sign_on=it.by_sign_on,
        created_at=it.created_at,
        created_by=it.created_by,
    )


def _created(created: CreatedMembership) -> MembershipOut:
    return show(created.view)


def _list(listed: MembershipList) -> MembershipListOut:
    return MembershipListOut(items=[show(view) for view in listed.items], next_cursor=listed.next_cursor)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of memberships."""
    door.route(
        "POST",
        "/memberships",
        memberships.create_membership,
        read=read_new,
        show=_created,
        model=MembershipOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/memberships",
        memberships.list_memberships,
        read=read_list,
        show=_list,
        model=MembershipListOut,
        refusals=(404,),
        tag=_TAG,
    )
    _declare_more(door)


def _declare_more(door: Door) -> None:
    one = "/memberships/{id}"
    door.route(
        "GET",
        one,
        memberships.get_membership,
        read=read_one,
        show=show,
        model=MembershipOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "PATCH",
        one,
        memberships.update_membership,
        read=read_changes,
        show=show,
        model=MembershipOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        one,
        memberships.delete_membership,
        read=read_one,
        show=_nothing,
        refusals=(404, 409),
        tag=_TAG,
    )
