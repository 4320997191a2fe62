"""Roles over the installation, given and taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import NotFound, UnknownRole
from keywright.dialects.contember import mapping
from keywright.dialects.contember.fields import done, failed, named, root
from keywright.dialects.contember.identities import Shown
from keywright.dialects.contember.keys import stored_roles
from keywright.dialects.contember.mapping import said
from keywright.services.assignments import Assignment, assign_roles
from keywright.services.memberships import RoleInput
from keywright.services.places import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.dialects.contember.fields import Args, Request, Resolver


async def add_roles(request: Request, args: Args) -> dict[str, Any]:
    """Give an identity global roles; those that it holds stay."""
    roles = tuple(RoleInput(one) for one in dict.fromkeys(stored_roles(args["roles"])))
    return await _changed(request, args, Assignment(identity_id=_whom(args), give=roles))


async def remove_roles(request: Request, args: Args) -> dict[str, Any]:
    """Take global roles from an identity; those that it does not hold do not matter."""
    wrong = () if all(map(mapping.is_global_role, args["roles"])) else (RoleInput(""),)
    taken = tuple(one for one in stored_roles(args["roles"]) if one)
    return await _changed(request, args, Assignment(identity_id=_whom(args), give=wrong, take=taken))


def _whom(args: Args) -> str:
    return named("idn", args["identityId"])


async def _changed(request: Request, args: Args, wanted: Assignment) -> dict[str, Any]:
    words, whom = args["roles"], args["identityId"]
    wrong = next((one for one in words if not mapping.is_global_role(one)), None)
    try:
        assigned = await request.asking.run(assign_roles, wanted, tenant=EVERYWHERE)
    except (NotFound, UnknownRole):
        if wrong is not None:
            return failed("INVALID_ROLE", f"Role {said(wrong)} is not valid")
        return failed("IDENTITY_NOT_FOUND", f"Identity {said(whom)} not found")
    held = tuple(one.grant.role for one in assigned.memberships)
    return done({"identity": Shown(assigned.identity, roles_known=held)})


MUTATIONS: Final[Mapping[str, Resolver]] = {
    "addGlobalIdentityRoles": root(add_roles, "You are not allowed to add global roles"),
    "removeGlobalIdentityRoles": root(remove_roles, "You are not allowed to remove global roles"),
}
