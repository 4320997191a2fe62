"""Users, of whom service accounts are some, with their memberships and roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keywright.core.errors import NotFound, UnknownRole
from keywright.core.listing import MAX_PAGE
from keywright.core.permissions import compile_policies
from keywright.core.roles import ADMIN, is_built_in
from keywright.dialects.prefect import mapping
from keywright.dialects.prefect.fields import later
from keywright.dialects.prefect.hasura import exactly, kept, ordered
from keywright.services.memberships import (
    ListMemberships,
    MembershipId,
    RoleInput,
    get_membership,
    list_memberships,
)
from keywright.services.service_accounts import (
    ListServiceAccounts,
    NewServiceAccount,
    ServiceAccountId,
    create_service_account,
    delete_service_account,
    list_service_accounts,
)
from keywright.services.users import ListUsers, list_users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.prefect.fields import Field
    from keywright.dialects.prefect.requests import Request


def shown_user(request: Request, plain: dict[str, Any]) -> dict[str, Any]:
    """A user, with what is looked up where it is asked for."""
    held = [shown_membership(request, one) for one in plain["memberships"]]
    first = held[0] if held else None
    return plain | {
        "memberships": held,
        "default_membership": first,
        "default_membership_id": None if first is None else first["id"],
    }


def shown_membership(request: Request, plain: dict[str, Any]) -> dict[str, Any]:
    """A membership with its tenant and role."""
    tenant = None if request.tenant is None else mapping.plain_tenant(request.tenant)
    here = tenant is not None and tenant["id"] == plain["tenant_id"]
    return plain | {"tenant": tenant if here else None, "role_detail": later(lambda: _role(request, plain))}


async def user(request: Request, _args: dict[str, Any]) -> list[dict[str, Any]]:
    """The caller. Which tenant it belongs to is known from memory, the rest is looked up where it is asked for."""
    caller = await request.caller()
    identity = caller.identity

    async def own(name: str) -> Any:  # noqa: ANN401 - any field of a user
        found = await request.person(identity.id)
        return None if found is None else shown_user(request, found)[name]

    async def own_id() -> str | None:
        first = await own("default_membership")
        return None if first is None else first["id"]

    async def own_role() -> Any:  # noqa: ANN401 - a role
        first = await own("default_membership")
        return None if first is None else await _role(request, first)

    tenant = None if request.tenant is None else mapping.plain_tenant(request.tenant)
    membership = None
    if tenant is not None:
        membership = {
            "id": later(own_id),
            "tenant_id": tenant["id"],
            "tenant": tenant,
            "user_id": mapping.uuid_of(identity.id),
            "role_detail": later(own_role),
        }
    known = mapping.plain_user(identity, (), None, None)
    looked_up = {
        "username": later(lambda: own("username")),
        "email": later(lambda: own("email")),
        "memberships": later(lambda: own("memberships")),
    }
    default = {"default_membership_id": later(own_id), "default_membership": membership}
    return [known | looked_up | default]


async def user_view_same_tenant(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """People and service accounts of the tenant."""
    asking = await request.asking()
    where = args.get("where")
    one = exactly(where, "id")
    if one is not None:
        person = await request.person(mapping.id_of("idn", one))
        rows = [] if person is None else [person]
    else:
        people = await asking.every(list_users, lambda at: ListUsers(limit=MAX_PAGE, cursor=at))
        accounts = await asking.every(
            list_service_accounts, lambda at: ListServiceAccounts(limit=MAX_PAGE, cursor=at)
        )
        rows = [
            mapping.plain_user(one.person.identity, one.memberships, one.person.login, one.person.email)
            for one in people
        ]
        rows += [mapping.plain_user(one.identity, one.memberships, None, None) for one in accounts]
    found = ordered(kept(rows, where), args.get("order_by"))
    return [shown_user(request, row) for row in found]


async def membership(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """Who holds which role in the tenant."""
    asking = await request.asking()
    where = args.get("where")
    one = exactly(where, "id")
    if one is not None:
        try:
            views = [await asking.run(get_membership, MembershipId(mapping.id_of("mem", one)))]
        except NotFound:
            views = []
    else:
        views = await asking.every(
            list_memberships, lambda cursor: ListMemberships(limit=MAX_PAGE, cursor=cursor)
        )
    rows = [
        mapping.plain_membership(one.membership.id, one.identity.id, one.membership.grant) for one in views
    ]
    return [shown_membership(request, row) for row in kept(rows, where)]


async def auth_role(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """The roles that can be held in the tenant."""
    rows = [mapping.plain_role(view, compile_policies(view.role.widest())) for view in await request.roles()]
    return ordered(kept(rows, args.get("where")), args.get("order_by"))


async def make_service_account(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """A service account with one role."""
    given = args["input"]
    asking = await request.asking()
    elsewhere = await request.elsewhere(given["tenant_id"])
    role = await _wanted_role(request, given.get("role_id"))
    new = NewServiceAccount(name=given["name"], memberships=(RoleInput(role),))
    made = await asking.run(create_service_account, new, tenant=elsewhere)
    return {"id": mapping.uuid_of(made.view.identity.id)}


async def remove_service_account(request: Request, args: dict[str, Any]) -> dict[str, Any]:
    """Delete a service account and all of its keys."""
    asking = await request.asking()
    account = ServiceAccountId(mapping.id_of("idn", args["input"]["user_id"]))
    try:
        await asking.run(delete_service_account, account)
    except NotFound:
        return {"success": False, "error": "No such service account."}
    return {"success": True, "error": None}


async def _wanted_role(request: Request, role_id: str | None) -> str:
    """The role with a UUID, the administrator's where none is named. Raises `UnknownRole`."""
    if role_id is None:
        return ADMIN
    for role in mapping.ROLES:
        if mapping.built_in_id(role) == role_id:
            return role
    for view in await request.roles():
        if view.defined is not None and mapping.uuid_of(view.defined.id) == role_id:
            return view.role.name
    raise UnknownRole("There is no role of this id that can be held here.", field="role_id")


async def _role(request: Request, held: dict[str, Any]) -> dict[str, Any]:
    """The role of a membership."""
    name: str = held["role"]
    found = None
    if is_built_in(name):
        found = mapping.built_in_id(name)
    else:
        for view in await request.roles():
            if view.defined is not None and view.role.name == name:
                found = mapping.uuid_of(view.defined.id)
    return {"id": found, "name": mapping.role_name(name), "permissions": held["permissions"]}


QUERIES: Mapping[str, Field] = {
    "user": user,
    "user_view_same_tenant": user_view_same_tenant,
    "membership": membership,
    "auth_role": auth_role,
}
MUTATIONS: Mapping[str, Field] = {
    "create_service_account": make_service_account,
    "delete_service_account": remove_service_account,
}
