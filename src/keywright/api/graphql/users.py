"""The fields of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from keywright.api.graphql import mapping, uses
from keywright.api.graphql.fields import lists, runs
from keywright.api.graphql.invitations import days, invited
from keywright.services import users
from keywright.services.users import ListUsers, NewUser, UserChanges, UserId, UserReset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.api.graphql.fields import RootField
    from keywright.api.graphql.mapping import Args, Shape
    from keywright.services.users import CreatedUser, UserList, UserView


def _one(args: Args) -> UserId:
    return UserId(args["id"])


def _named(args: Args) -> UserId:
    return UserId(args["input"]["id"])


def asked(args: Args) -> ListUsers:
    """A question for a list of people; null anywhere counts as left out."""
    wanted = args.get("filter") or {}
    return ListUsers(
        login=wanted.get("login"),
        search=wanted.get("search"),
        limit=mapping.page_size(args),
        cursor=args.get("after"),
    )


def new_user(args: Args) -> NewUser:
    """What a creation asks for."""
    given = args["input"]
    return NewUser(
        login=given["login"],
        name=given["name"],
        email=given.get("email"),
        password=given.get("password"),
        limits=uses.given_limits(given.get("limits")) or (),
    )


def user_changes(args: Args) -> UserChanges:
    """What a change asks for: only the fields that were sent. Raises `InvalidType` for null."""
    given = args["input"]
    return UserChanges(
        id=given["id"],
        name=mapping.never_null("name")(given["name"]) if "name" in given else UNSET,
        email=given.get("email", UNSET),
        active=mapping.never_null("active")(given["active"]) if "active" in given else UNSET,
        limits=uses.changed_limits(given),
    )


def user_reset(args: Args) -> UserReset:
    """Whose password is to be set anew."""
    given = args["input"]
    return UserReset(id=given["id"], factors=bool(given.get("factors")), expires_in_days=days(given))


def user(view: UserView) -> Shape:
    """A person."""
    person = view.person
    return {
        "id": person.identity.id,
        "login": person.login,
        "email": person.email,
        "name": person.identity.name,
        "active": person.identity.active,
        "twoFactor": view.two_factor,
        "passwordChangeDue": view.password_change_due,
        "createdAt": person.identity.created_at,
        "memberships": [
            {"id": one.id, "role": one.grant.role, "variables": mapping.values(one.grant.variables)}
            for one in view.memberships
        ],
        "limits": uses.limits(person.identity.limits),
    }


def created_user(created: CreatedUser) -> Shape:
    """A person who was made."""
    return {"user": user(created.view), "replayed": created.replayed}


def changed_user(view: UserView) -> Shape:
    """A changed person."""
    return {"user": user(view)}


def user_page(page: UserList, wanted: ListUsers) -> Shape:
    """A page of people."""
    nodes = [user(one) for one in page.items]
    return mapping.connection(nodes, page.cursors, more=page.more, after=wanted.cursor)


def deleted_user(_result: None, wanted: UserId) -> Shape:
    """A person who was deleted."""
    return {"deletedId": wanted.id}


def removed_user(_result: None, wanted: UserId) -> Shape:
    """A person who was taken out of the tenant."""
    return {"removedId": wanted.id}


QUERIES: Final[Mapping[str, RootField]] = {
    "user": runs(users.get_user, _one, user, or_null=True),
    "users": lists(users.list_users, asked, user_page),
}
MUTATIONS: Final[Mapping[str, RootField]] = {
    "createUser": runs(users.create_user, new_user, created_user),
    "updateUser": runs(users.update_user, user_changes, changed_user),
    "deleteUser": lists(users.delete_user, _named, deleted_user),
    "removeUser": lists(users.remove_user, _named, removed_user),
    "resetUser": runs(users.reset_user, user_reset, invited),
}
