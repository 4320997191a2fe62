"""`/v1/users`."""

from typing import Annotated, Any

from fastapi import Path, Query
from msgspec import UNSET
from pydantic import ConfigDict, Field

from keywright.api.rest import mapping
from keywright.api.rest.invitations import InvitedOut, show_invited
from keywright.api.rest.models import In, LimitIn, LimitOut, Moment, Out, PageFilters, without_defaults
from keywright.api.rest.routes import Door
from keywright.api.rest.service_accounts import GivenRoleOut
from keywright.core.invitations import DEFAULT_DAYS
from keywright.core.limits import MAX_LIMITS
from keywright.services import users
from keywright.services.users import (
    CreatedUser,
    ListUsers,
    NewUser,
    UserChanges,
    UserId,
    UserList,
    UserReset,
    UserView,
)

_TAG = "Users"
_NAME: dict[str, Any] = {"minLength": 1, "maxLength": 255, "examples": ["Ada Lovelace"]}
_EMAIL: dict[str, Any] = {"minLength": 3, "maxLength": 254, "examples": ["ada@example.com"]}
UserPath = Annotated[
    str, Path(description="The user's id.", examples=["idn_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"])
]


class UserIn(In):
    """A person to be made."""

    login: str = Field(
        description="Name to log in with; letter case does not count.",
        json_schema_extra={"minLength": 1, "maxLength": 100, "examples": ["ada"]},
    )
    name: str = Field(json_schema_extra=_NAME)
    email: str | None = Field(None, description="To log in with, too.", json_schema_extra=_EMAIL)
    password: str | None = Field(
        None,
        description="Left out, the person comes in by a reset link or by single sign-on.",
        json_schema_extra={"minLength": 10, "maxLength": 1024, "writeOnly": True},
    )
    limits: list[LimitIn] = Field(
        [],
        description="Limits for all uses of their keys together.",
        json_schema_extra={"maxItems": MAX_LIMITS},
    )


class UserPatch(In):
    """What is to change; a field left out stays, and null clears the e-mail address."""

    model_config = ConfigDict(json_schema_extra=without_defaults)

    name: str = Field("", json_schema_extra=_NAME)
    email: str | None = Field(None, json_schema_extra=_EMAIL)
    active: bool = Field(True, description="False ends all sessions and refuses all keys.")  # noqa: FBT003 - the default
    limits: list[LimitIn] = Field(
        [],
        description="Limits for all uses of their keys together; they replace those before.",
        json_schema_extra={"maxItems": MAX_LIMITS},
    )


class ResetIn(In):
    """What the link is to do beyond setting a new password."""

    factors: bool = Field(False, description="True takes the second factors away when it is used.")  # noqa: FBT003 - the default
    expires_in_days: int = Field(DEFAULT_DAYS, json_schema_extra={"minimum": 1, "maximum": 30})


class UserOut(Out):
    """A person."""

    id: str
    login: str
    email: str | None
    name: str
    active: bool
    two_factor: bool = Field(description="Whether the password alone does not log them in.")
    password_change_due: bool = Field(
        description="Whether they still have a password that Keywright generated."
    )
    created_at: Moment
    memberships: list[GivenRoleOut] = Field(
        description="The roles held in the tenant of the call, or over the installation."
    )
    limits: list[LimitOut] = Field(description="For all uses of their keys together.")


class UserListOut(Out):
    """A page of people."""

    items: list[UserOut]
    next_cursor: str | None


class UserFilters(PageFilters):
    """The query string of a list."""

    login: str | None = Query(
        None, description="Only who has just this login name or e-mail address; letter case does not count."
    )
    search: str | None = Query(
        None,
        description="The beginning of the name or of a word in it, of the login name or of the e-mail address, or "
        "the whole id; letter case does not count.",
    )


def read_new(body: UserIn) -> NewUser:
    """A person to be made."""
    return NewUser(
        login=body.login,
        name=body.name,
        email=body.email,
        password=body.password,
        limits=mapping.limits(body.limits),
    )


def read_list(filters: Annotated[UserFilters, Query()]) -> ListUsers:
    """A list's question from the query string."""
    return ListUsers(login=filters.login, search=filters.search, limit=filters.limit, cursor=filters.cursor)


def read_one(id: UserPath) -> UserId:  # noqa: A002 - the name stands in the path
    """One person's id from the path."""
    return UserId(id)


def read_changes(id: UserPath, body: UserPatch) -> UserChanges:  # noqa: A002 - the name stands in the path
    """The changes of a person: only the fields that were sent."""
    sent = body.model_fields_set
    return UserChanges(
        id=id,
        name=body.name if "name" in sent else UNSET,
        email=body.email if "email" in sent else UNSET,
        active=body.active if "active" in sent else UNSET,
        limits=mapping.limits(body.limits) if "limits" in sent else UNSET,
    )


def read_reset(id: UserPath, body: ResetIn) -> UserReset:  # noqa: A002 - the name stands in the path
    """Whose password is to be set anew."""
    return UserReset(id=id, factors=body.factors, expires_in_days=body.expires_in_days)


def show(view: UserView) -> UserOut:
    """A person."""
    person = view.person
    return UserOut(
        id=person.identity.id,
        login=person.login,
        email=person.email,
        name=person.identity.name,
        active=person.identity.active,
        two_factor=view.two_factor,
        password_change_due=view.password_change_due,
        created_at=person.identity.created_at,
        memberships=[
            GivenRoleOut(id=one.id, role=one.grant.role, variables=mapping.shown_values(one.grant.variables))
            for one in view.memberships
        ],
        limits=mapping.shown_limits(person.identity.limits),
    )


def _created(created: CreatedUser) -> UserOut:
    return show(created.view)


def _list(listed: UserList) -> UserListOut:
    return UserListOut(items=[show(view) for view in listed.items], next_cursor=listed.next_cursor)


def _nothing(_result: None) -> None:
    return None


def declare(door: Door) -> None:
    """Declare the routes of people."""
    every, one = "/users", "/users/{id}"
    door.route(
        "POST",
        every,
        users.create_user,
        read=read_new,
        show=_created,
        model=UserOut,
        status=201,
        refusals=(409,),
        tag=_TAG,
    )
    door.route(
        "GET",
        every,
        users.list_users,
        read=read_list,
        show=_list,
        model=UserListOut,
        refusals=(404,),
        tag=_TAG,
    )
    door.route("GET", one, users.get_user, read=read_one, show=show, model=UserOut, refusals=(404,), tag=_TAG)
    _declare_more(door)


def _declare_more(door: Door) -> None:
    one = "/users/{id}"
    door.route(
        "PATCH",
        one,
        users.update_user,
        read=read_changes,
        show=show,
        model=UserOut,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "DELETE",
        one,
        users.delete_user,
        read=read_one,
        show=_nothing,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "POST",
        f"{one}/remove",
        users.remove_user,
        read=read_one,
        show=_nothing,
        refusals=(404, 409),
        tag=_TAG,
    )
    door.route(
        "POST",
        f"{one}/reset",
        users.reset_user,
        read=read_reset,
        show=show_invited,
        model=InvitedOut,
        status=201,
        refusals=(404, 409),
        tag=_TAG,
    )
