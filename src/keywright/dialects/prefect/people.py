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
    NewServiceAccount,
    ServiceAccountId,
    create_service_account,
    delete_service_account,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.prefect.fields import Field
    from keywright.dialects.prefect.requests import Request
    from keywright.services.memberships import MembershipView


def shown_user(request: Request, plain: dict[str, Any]) -> dict[str, Any]:
    """A user, with what is looked up where it is asked for."""
    held = [shown_membership(request, one) for one in plain["memberships"]]
    first = held[0] if held else None
    return plain | {
        "memberships": held,
        "default_membership": first,
        "default_membership_id": None if first is None else first["id"],
    }


async def known(request: Request, identity_id: str) -> dict[str, Any] | None:
    """The user that an answer names, None where the caller may not know of it."""
    plain = await request.person(identity_id)
    return None if plain is None else shown_user(request, plain)


def shown_membership(request: Request, plain: dict[str, Any]) -> dict[str, Any]:
    """A membership in the tenant of the call, with that and its role."""
    tenant = None if request.tenant is None else mapping.plain_tenant(request.tenant)
    here = tenant is not None and tenant["id"] == plain["tenant_id"]
    return plain | {"tenant": tenant if here else None, "role_detail": later(lambda: _role(request, plain))}


def shown_own(request: Request, view: MembershipView) -> dict[str, Any]:
    """A membership of the caller, wherever that is."""
    tenant = None if view.tenant is None else mapping.plain_tenant(view.tenant)
    return shown_membership(request, _plain(view)) | {"tenant": tenant}


async def user(request: Request, _args: dict[str, Any]) -> list[dict[str, Any]]:
    """The caller. Which tenant its key belongs to is known from memory, the rest is looked up where it is asked for."""
    caller = await request.caller()
    identity = caller.identity

    async def about(name: str) -> Any:  # noqa: ANN401 - any field of a user
        found = await request.person(identity.id)
        return None if found is None else found[name]

    async def memberships() -> list[dict[str, Any]]:
        return [shown_own(request, one) for one in await request.held() if one.tenant is not None]

    async def default() -> dict[str, Any] | None:
        held = await memberships()
        tenant = None if request.tenant is None else mapping.uuid_of(request.tenant.id)
        return next((one for one in held if tenant in (None, one["tenant_id"])), None)

    async def of_default(name: str) -> Any:  # noqa: ANN401 - any field of a membership
        found = await default()
        return None if found is None else found[name]

    async def role() -> dict[str, Any] | None:
        found = await default()
        return None if found is None else await _role(request, found)

    first: Any = later(default)
    if request.tenant is not None:
        tenant = mapping.plain_tenant(request.tenant)
        known = {"tenant_id": tenant["id"], "tenant": tenant, "user_id": mapping.uuid_of(identity.id)}
        first = known | {"id": later(lambda: of_default("id")), "role_detail": later(role)}
    looked_up = {
        "username": later(lambda: about("username")),
        "email": later(lambda: about("email")),
        "memberships": later(memberships),
        "default_membership_id": later(lambda: of_default("id")),
        "default_membership": first,
    }
    return [mapping.plain_user(identity, (), None, None) | looked_up]


async def user_view_same_tenant(request: Request, args: dict[str, Any]) -> list[dict[str, Any]]:
    """People and service accounts of the tenant."""
    where = args.get("where")
    one = exactly(where, "id")
    if one is not None:
        person = await request.person(mapping.id_of("idn", one))
        rows = [] if person is None else [person]
    else:
        rows = await request.everybody()
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
    return [shown_membership(request, row) for row in kept(map(_plain, views), where)]


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


def _plain(view: MembershipView) -> dict[str, Any]:
    return mapping.plain_membership(view.membership.id, view.identity.id, view.membership.grant)


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
