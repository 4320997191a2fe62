"""The fields of memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keywright.api.graphql import mapping
from keywright.api.graphql.fields import lists, runs
from keywright.services import memberships
from keywright.services.memberships import ListMemberships, MembershipChanges, MembershipId, NewMembership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.memberships import CreatedMembership, MembershipList, MembershipView


def _one(args: Args) -> MembershipId:
    return MembershipId(args["id"])


def _deletion(args: Args) -> MembershipId:
    return MembershipId(args["input"]["id"])


def asked(args: Args) -> ListMemberships:
    """A question for a list of memberships; null anywhere counts as left out."""
    wanted = args.get("filter") or {}
    return ListMemberships(
        identity_id=wanted.get("identityId"),
        role=wanted.get("role"),
        limit=mapping.page_size(args),
        cursor=args.get("after"),
    )


def new_membership(args: Args) -> NewMembership:
    """A role to be given."""
    given = args["input"]
    return NewMembership(
        identity_id=given["identityId"],
        role=given["role"],
        variables=mapping.given_values(given.get("variables")),
    )


def membership_changes(args: Args) -> MembershipChanges:
    """Other values for the variables of a membership."""
    given = args["input"]
    return MembershipChanges(given["id"], mapping.given_values(given["variables"]))


def membership(view: MembershipView) -> Shape:
    """A membership."""
    it = view.membership
    return {
        "id": it.id,
        "identity": mapping.identity(view.identity),
        "tenant": None if view.tenant is None else mapping.tenant(view.tenant),
        "role": it.grant.role,
        "variables": mapping.values(it.grant.variables),
        "bySignOn": it.by_sign_on,
        "createdAt": it.created_at,
        "createdBy": it.created_by,
    }


def created_membership(created: CreatedMembership) -> Shape:
    """A membership that was given."""
    return {"membership": membership(created.view), "replayed": created.replayed}


def changed_membership(view: MembershipView) -> Shape:
    """A changed membership."""
    return {"membership": membership(view)}


def membership_page(page: MembershipList, wanted: ListMemberships) -> Shape:
    """A page of memberships."""
    nodes = [membership(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=wanted.cursor)


def deleted_membership(_result: None, wanted: MembershipId) -> Shape:
    """A membership that was taken away."""
    return {"deletedId": wanted.id}


QUERIES: Final[Mapping[str, RootField]] = {
    "membership": runs(memberships.get_membership, _one, membership, or_null=True),
    "memberships": lists(memberships.list_memberships, asked, membership_page),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createMembership": runs(memberships.create_membership, new_membership, created_membership),
    "updateMembership": runs(memberships.update_membership, membership_changes, changed_membership),
    "deleteMembership": lists(memberships.delete_membership, _deletion, deleted_membership),
}
