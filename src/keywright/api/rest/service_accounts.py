"""`/v1/service-accounts`."""

from typing import Annotated

from fastapi import Path, Query
from msgspec import UNSET
from pydantic import ConfigDict, Field

from keywright.api.rest import mapping
from keywright.api.rest.models import (
    GivenRoleIn,
    In,
    LimitIn,
    LimitOut,
    Moment,
    Out,
    PageFilters,
    without_defaults,
)
from keywright.api.rest.routes import Door
from keywright.core.limits import MAX_LIMITS
from keywright.services import service_accounts
from keywright.services.service_accounts import (
    CreatedServiceAccount,
    ListServiceAccounts,
    NewServiceAccount,
    ServiceAccountChanges,
    ServiceAccountId,
    ServiceAccountList,
    ServiceAccountView,
)

_TAG = "Service accounts"
AccountPath = Annotated[
    str,
    Path(description="The service account's id.", examples=["idn_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"]),
]


class ServiceAccountIn(In):
    """A service account to be made, with its roles."""

    name: str = Field(json_schema_extra={"minLength": 1, "maxLength": 255, "examples": ["Nightly jobs"]})
    description: str = Field("", json_schema_extra={"maxLength": 2000})
    memberships: list[GivenRoleIn] = Field(
        [],
        description="Roles that it is given; the caller must hold all of them itself.",
        json_schema_extra={"maxItems": 50, "examples": [[{"role": "member"}]]},
    )
    limits: list[LimitIn] = Field(
        [],
        description="Limits for all uses of its keys together.",
        json_schema_extra={"maxItems": MAX_LIMITS},
    )


class ServiceAccountPatch(In):
    """What is to change; a field left out stays. Its roles are changed by its memberships."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    name: str = Field("", json_schema_extra={"minLength": 1, "maxLength": 255})
    description: str = Field("", json_schema_extra={"maxLength": 2000})
    active: bool = Field(True, description="False has none of its keys accepted, true enables it again.")  # noqa: FBT003 - the default
    limits: list[LimitIn] = Field(
        [],
        description="Limits for all uses of its keys together; they replace those before.",
        json_schema_extra={"maxItems": MAX_LIMITS},
    )


class GivenRoleOut(Out):
    """A role that is held, with the id of its membership."""

    id: str
    role: str
    variables: dict[str, list[str]]


class ServiceAccountOut(Out):
    """A service account: an identity for programs, owned by its tenant."""

    id: str
    name: str
    description: str
    active: bool
    created_at: Moment
    memberships: list[GivenRoleOut]
    limits: list[LimitOut] = Field(description="For all uses of its keys together.")


class ServiceAccountListOut(Out):
    """A page of service accounts."""

    items: list[ServiceAccountOut]
    next_cursor: str | None


class ServiceAccountFilters(PageFilters):
    """The query string of a list."""

    search: str | None = Query(
        None,
        description="The beginning of the name or of a word in it, or the whole id; letter case does not count.",
    )


def read_new(body: ServiceAccountIn) -> NewServiceAccount:
    """A service account to be made."""
    return NewServiceAccount(
        name=body.name,
        description=body.description,
        memberships=mapping.given_roles(body.memberships),
        limits=mapping.limits(body.limits),
    )


def read_list(filters: Annotated[ServiceAccountFilters, Query()]) -> ListServiceAccounts:
    """A list's question from the query string."""
    return ListServiceAccounts(search=filters.search, limit=filters.limit, cursor=filters.cursor)


def read_one(id: AccountPath) -> ServiceAccountId:  # noqa: A002 - the name stands in the path
    """One service account's id from the path."""
    return ServiceAccountId(id)


def read_changes(id: AccountPath, body: ServiceAccountPatch) -> ServiceAccountChanges:  # noqa: A002 - the name stands in the path
    """The changes of a service account: only the fields that were sent."""
    sent = body.model_fields_set
    return ServiceAccountChanges(
        id=id,
        name=body.name if "name" in sent else UNSET,
        description=body.description if "description" in sent else UNSET,
        active=body.active if "active" in sent else UNSET,
        limits=mapping.limits(body.limits) if "limits" in sent else UNSET,
    )


def show(view: ServiceAccountView) -> ServiceAccountOut:
    """A service account."""
    it = view.identity
    return ServiceAccountOut(
        id=it.id,
        name=it.name,
        description=it.description,
        active=it.active,
        created_at=it.created_at,
        memberships=[
            GivenRoleOut(id=one.id, role=one.grant.role, variables=mapping.shown_values(one.grant.variables))
            for one in view.memberships
        ],
        limits=mapping.shown_limits(it.limits),
    )


def _created(created: CreatedServiceAccount) -> ServiceAccountOut:
    return show(created.view)


def _list(listed: ServiceAccountList) -> ServiceAccountListOut:
    return ServiceAccountListOut(items=[show(view) for view in listed.items], next_cursor=listed.next_cursor)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of service accounts."""
    door.route(
        "POST",
        "/service-accounts",
        service_accounts.create_service_account,
        read=read_new,
        show=_created,
        model=ServiceAccountOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "GET",
        "/service-accounts",
        service_accounts.list_service_accounts,
        read=read_list,
        show=_list,
        model=ServiceAccountListOut,
        refusals=(404,),
        tag=_TAG,
    )
    _declare_more(door)


def _declare_more(door: Door) -> None:
    one = "/service-accounts/{id}"
    door.route(
        "GET",
        one,
        service_accounts.get_service_account,
        read=read_one,
        show=show,
        model=ServiceAccountOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route(
        "PATCH",
        one,
        service_accounts.update_service_account,
        read=read_changes,
        show=show,
        model=ServiceAccountOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        one,
        service_accounts.delete_service_account,
        read=read_one,
        show=_nothing,
        refusals=(404, 409),
        tag=_TAG,
    )
