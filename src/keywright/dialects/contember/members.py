"""Members of projects, and the memberships that mutations name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import KeywrightError, NotFound
from keywright.dialects.contember import identities, mapping
from keywright.dialects.contember.errors import UNSEEN, bad_input
from keywright.dialects.contember.fields import done, failed, no_project, root
from keywright.dialects.contember.findings import VARIABLE_EMPTY, finding_of, findings, invalid
from keywright.dialects.contember.mapping import id_of, merged, wanted_memberships
from keywright.dialects.contember.people import people_in, sliced
from keywright.services.assignments import Assignment, assign_roles
from keywright.services.memberships import ListMemberships, RoleInput, list_memberships
from keywright.services.roles import list_roles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from graphql import GraphQLResolveInfo

    from keywright.core.identities import Grant, Identity, Membership, Tenant
    from keywright.core.roles import Role
    from keywright.dialects.contember.fields import Args, Request, Resolver
    from keywright.dialects.contember.mapping import Wanted

_PAGE: Final = 200
_WHOM: Final = "identity_id"
_ADD: Final = "You are not allowed to add a project member"
_UPDATE: Final = "You are not allowed to update a project member"
_REMOVE: Final = "You are not allowed to remove a project member"


# What mutations say of memberships


async def roles_of(request: Request, slug: str) -> Mapping[str, Role] | None:
    """The roles of a project by name; None for who may not see them, or not the project."""
    try:
        views = await request.asking.run(list_roles, None, tenant=slug)
    except UNSEEN:
        return None
    return {one.role.name: one.role for one in views}


async def with_memberships(
    request: Request,
    args: Args,
    act: Callable[[tuple[RoleInput, ...]], Awaitable[dict[str, Any]]],
    *,
    leave_empty: bool = False,
) -> dict[str, Any]:
    """Do something with the memberships of a mutation, or say what is wrong with them.

    Whether the caller may do it at all, and with these roles, is for `act` to say: where something is wrong it is
    given just that, and refuses it in its own order. With `leave_empty`, memberships that lack values are left out.
    """
    wanted = wanted_memberships(args["memberships"])
    roles = await roles_of(request, args["projectSlug"])
    found = findings(wanted, roles or {}) if roles is not None else ()
    kept = wanted
    if leave_empty:
        found = tuple(one for one in found if one.code != VARIABLE_EMPTY)
        kept = tuple(one for one in wanted if _is_whole(one, roles or {}))
    given = (wanted[found[0].at],) if found else merged(kept)
    try:
        answer = await act(tuple(RoleInput(one.role, one.variables) for one in given))
    except KeywrightError as error:
        at_fault = finding_of(error, given)
        if at_fault is not None:
            return invalid(found or (at_fault,))
        if found and isinstance(error, NotFound) and error.field == _WHOM:
            return invalid(found)
        raise
    return answer if answer["ok"] or not found else invalid(found)


def _is_whole(one: Wanted, roles: Mapping[str, Role]) -> bool:
    role = roles.get(one.role)
    return role is None or all(one.variables.get(variable.name) for variable in role.variables)


# Changes


async def _assign(
    request: Request, args: Args, roles: tuple[RoleInput, ...] = (), *, only: bool = False
) -> tuple[Membership, ...]:
    """Give an identity roles in a project; answers what it holds then. With none, nothing is done but asking."""
    whom = id_of("idn", args["identityId"]) or ""
    wanted = Assignment(identity_id=whom, give=roles, only=only)
    return (await request.asking.run(assign_roles, wanted, tenant=args["projectSlug"])).memberships


def _missing(request: Request, args: Args, error: NotFound, nobody: dict[str, Any]) -> dict[str, Any]:
    """What a mutation answers where the project or the identity is not there."""
    if error.field == _WHOM:
        return nobody
    if request.may_everywhere("identities:update"):
        return no_project(args["projectSlug"])
    raise error


async def add_member(request: Request, args: Args) -> dict[str, Any]:
    """Give an identity roles in a project in which it has none."""

    async def act(roles: tuple[RoleInput, ...]) -> dict[str, Any]:
        if await _assign(request, args):
            return failed(
                "ALREADY_MEMBER",
                "This identity is already a project member. "
                "Use updateProjectMember mutation to change memberships.",
            )
        await _assign(request, args, roles)
        return done()

    try:
        return await with_memberships(request, args, act)
    except NotFound as error:
        nobody = failed("IDENTITY_NOT_FOUND", "Identity was not found")
        return _missing(request, args, error, nobody)


def _not_member() -> dict[str, Any]:
    return failed("NOT_MEMBER", "Not a project member")


async def update_member(request: Request, args: Args) -> dict[str, Any]:
    """Give an identity other roles in a project, in place of all that it has there."""

    async def act(roles: tuple[RoleInput, ...]) -> dict[str, Any]:
        if not await _assign(request, args):
            return _not_member()
        await _assign(request, args, roles, only=True)
        return done()

    try:
        return await with_memberships(request, args, act, leave_empty=True)
    except NotFound as error:
        return _missing(request, args, error, _not_member())


async def remove_member(request: Request, args: Args) -> dict[str, Any]:
    """Take all roles in a project from an identity."""
    try:
        if not await _assign(request, args):
            return _not_member()
        await _assign(request, args, only=True)
    except NotFound as error:
        return _missing(request, args, error, _not_member())
    return done()


# Lists


async def project_memberships(request: Request, args: Args) -> list[dict[str, Any]]:
    """What an identity holds in a project; nothing for who may not see it."""
    whom = id_of("idn", args["identityId"])
    if whom is None:
        return []
    return mapping.memberships(await identities.grants_in(request, args["projectSlug"], whom))


async def members(project: Tenant, info: GraphQLResolveInfo[Any], **args: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - arguments of GraphQL
    """Who holds a role in a project, in the order in which they came; nobody for who may not see them."""
    request: Request = info.context
    asked = args.get("input")
    kind = args.get("memberType")
    if asked is not None and kind is not None:
        raise bad_input("You cannot combine memberType with input, use input.filter.memberType")
    wanted: Mapping[str, Any] = (asked or {}).get("filter") or {}
    kind = kind or wanted.get("memberType")
    emails, persons = wanted.get("email"), wanted.get("personId")
    if kind == "API_KEY" and not (emails is None and persons is None):
        raise bad_input("You cannot filter API keys by email or personId")
    held = await _held(request, project)
    found = [one for one in held.values() if _is_kind(one[0], kind)]
    for texts in (wanted.get("identityId"), persons):
        if texts is not None:
            ids = {id_of("idn", text) for text in texts}
            found = [one for one in found if one[0].id in ids]
    if persons is not None or emails is not None:
        found = [one for one in found if identities.found(one[0]).is_person]
    if emails is not None:
        found = await _with_email(request, project, found, emails)
    return [
        {"identity": identities.found(identity, project), "memberships": mapping.memberships(grants)}
        for identity, grants in sliced(found, asked or {})
    ]


async def _held(request: Request, project: Tenant) -> dict[str, tuple[Identity, list[Grant]]]:
    try:
        views = await request.asking.every(
            list_memberships,
            lambda cursor: ListMemberships(limit=_PAGE, cursor=cursor),
            tenant=project.slug,
        )
    except UNSEEN:
        views = []
    held: dict[str, tuple[Identity, list[Grant]]] = {}
    for one in views:
        held.setdefault(one.identity.id, (one.identity, []))[1].append(one.membership.grant)
    return held


def _is_kind(identity: Identity, kind: str | None) -> bool:
    return kind is None or identities.found(identity).is_person is (kind == "PERSON")


async def _with_email(
    request: Request, project: Tenant, held: list[tuple[Identity, list[Grant]]], emails: Iterable[str]
) -> list[tuple[Identity, list[Grant]]]:
    wanted = {one.strip().casefold() for one in emails}
    people = await people_in(request, project.slug)
    return [one for one in held if one[0].id in people and people[one[0].id].person.email in wanted]


QUERIES: Final[Mapping[str, Resolver]] = {"projectMemberships": root(project_memberships)}
MUTATIONS: Final[Mapping[str, Resolver]] = {
    "addProjectMember": root(add_member, _ADD),
    "updateProjectMember": root(update_member, _UPDATE),
    "removeProjectMember": root(remove_member, _REMOVE),
}
FIELDS: Final[Mapping[str, Mapping[str, Resolver]]] = {"Project": {"members": members}}
