"""The fields of service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from keywright.api.graphql import mapping, uses
from keywright.api.graphql.fields import lists, runs
from keywright.services import service_accounts
from keywright.services.service_accounts import (
    ListServiceAccounts,
    NewServiceAccount,
    ServiceAccountChanges,
    ServiceAccountId,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.service_accounts import (
        CreatedServiceAccount,
        ServiceAccountList,
        ServiceAccountView,
    )


def _one(args: Args) -> ServiceAccountId:
    return ServiceAccountId(args["id"])


def _deletion(args: Args) -> ServiceAccountId:
    return ServiceAccountId(args["input"]["id"])


def asked(args: Args) -> ListServiceAccounts:
    """A question for a list of service accounts; null anywhere counts as left out."""
    wanted = args.get("filter") or {}
    return ListServiceAccounts(
        search=wanted.get("search"), limit=mapping.page_size(args), cursor=args.get("after")
    )


def new_account(args: Args) -> NewServiceAccount:
    """What a creation asks for."""
    given = args["input"]
    return NewServiceAccount(
        name=given["name"],
        description=given.get("description") or "",
        memberships=mapping.given_roles(given.get("memberships")),
        limits=uses.given_limits(given.get("limits")) or (),
    )


def account_changes(args: Args) -> ServiceAccountChanges:
    """What a change asks for: only the fields that were sent. Raises `InvalidType` for null."""
    given = args["input"]
    return ServiceAccountChanges(
        id=given["id"],
        **{
            name: mapping.never_null(name)(given[name]) if name in given else UNSET
            for name in ("name", "description", "active")
        },
        limits=uses.changed_limits(given),
    )


def account(view: ServiceAccountView) -> Shape:
    """A service account."""
    it = view.identity
    return {
        "id": it.id,
        "name": it.name,
        "description": it.description,
        "active": it.active,
        "createdAt": it.created_at,
        "memberships": [
            {"id": one.id, "role": one.grant.role, "variables": mapping.values(one.grant.variables)}
            for one in view.memberships
        ],
        "limits": uses.limits(it.limits),
    }


def created_account(created: CreatedServiceAccount) -> Shape:
    """A service account that was made."""
    return {"serviceAccount": account(created.view), "replayed": created.replayed}


def changed_account(view: ServiceAccountView) -> Shape:
    """A changed service account."""
    return {"serviceAccount": account(view)}


def account_page(page: ServiceAccountList, wanted: ListServiceAccounts) -> Shape:
    """A page of service accounts."""
    nodes = [account(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=wanted.cursor)


def deleted_account(_result: None, wanted: ServiceAccountId) -> Shape:
    """A service account that was deleted."""
    return {"deletedId": wanted.id}


QUERIES: Final[Mapping[str, RootField]] = {
    "serviceAccount": runs(service_accounts.get_service_account, _one, account, or_null=True),
    "serviceAccounts": lists(service_accounts.list_service_accounts, asked, account_page),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createServiceAccount": runs(service_accounts.create_service_account, new_account, created_account),
    "updateServiceAccount": runs(service_accounts.update_service_account, account_changes, changed_account),
    "deleteServiceAccount": lists(service_accounts.delete_service_account, _deletion, deleted_account),
}
