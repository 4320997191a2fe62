"""Projects: our tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core import checks
from keywright.core.errors import KeywrightError, NotFound, SlugTaken
from keywright.core.listing import KeyQuery
from keywright.dialects.contember import identities, mapping
from keywright.dialects.contember.errors import INTERNAL, UNSEEN, bad_input, told
from keywright.dialects.contember.fields import done, failed, inner, no_project, root
from keywright.dialects.contember.mapping import uuid_of
from keywright.services.keys import ListKeys, NewKey, create_key, list_keys
from keywright.services.memberships import RoleInput
from keywright.services.roles import list_roles
from keywright.services.tenants import (
    ListTenants,
    NewTenant,
    TenantChanges,
    TenantDeletion,
    TenantSlug,
    create_tenant,
    delete_tenant,
    get_tenant,
    list_tenants,
    update_tenant,
)
from keywright.web.asking import Asking
from keywright.web.calls import call_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.core.identities import Tenant
    from keywright.dialects.contember.fields import Args, Request, Resolver
    from keywright.services.keys import CreatedKey, KeyView

_PAGE: Final = 200
_UNCHANGED_NAME: Final = TenantChanges(slug="").name
DEPLOYER_KEY: Final = "Deployer"
DEPLOYS: Final = (("catalog:**", "tenants:read"), None)
"""What a project's deployer key may do: as the role `deployer` over the installation, in the one project."""


async def projects(request: Request, _args: Args) -> list[Tenant]:
    """The projects that the caller may see."""
    return await request.asking.every(list_tenants, lambda cursor: ListTenants(limit=_PAGE, cursor=cursor))


async def project_by_slug(request: Request, args: Args) -> Tenant | None:
    """One project; null for who may not see it."""
    try:
        return await request.asking.run(get_tenant, TenantSlug(args["slug"]))
    except NotFound:
        return None


async def roles(project: Tenant, request: Request) -> list[dict[str, Any]]:
    """The roles of a project; none for who may not see them."""
    try:
        views = await request.asking.run(list_roles, None, tenant=project.slug)
    except UNSEEN:
        return []
    return [
        mapping.role_definition(one.role)
        for one in views
        if mapping.is_offered(one.role, built_in=one.defined is None)
    ]


async def api_keys(project: Tenant, request: Request) -> list[dict[str, Any]]:
    """The keys of a project, the newest first; none for who may not see them."""
    try:
        return await keys_in(request, project.slug, project)
    except UNSEEN:
        return []


async def keys_in(request: Request, named: str, place: Tenant | None) -> list[dict[str, Any]]:
    """The keys of a project, or over the installation. Raises what the list raises."""
    views = await request.asking.every(
        list_keys, lambda cursor: ListKeys(query=KeyQuery(limit=_PAGE), cursor=cursor), tenant=named
    )
    return [_key(one, place) for one in views]


def _key(view: KeyView, place: Tenant | None) -> dict[str, Any]:
    shown = mapping.api_key(view.key)
    assert view.owner is not None  # noqa: S101 - a key that is listed speaks for somebody
    return {**shown, "identity": identities.found(view.owner, place)}


def with_token(made: CreatedKey) -> dict[str, Any]:
    """A key that was just made; here, and only here, its token is revealed to this door."""
    view = made.view
    assert view.owner is not None  # noqa: S101 - it was just made for somebody
    key = view.key
    called = mapping.description_of(key.name, key.description)
    return {
        "id": uuid_of(key.id),
        "token": None if made.token is None else made.token.reveal(),
        "identity": identities.Shown(view.owner, called, view.tenant),
    }


async def create_project(request: Request, args: Args) -> dict[str, Any]:
    """Make a project, with a key that deploys to it unless that is not wanted; both or none."""
    options = args.get("options") or {}
    token_hash = options.get("deployTokenHash") or args.get("deployTokenHash")
    if args.get("secrets"):
        raise bad_input("This server keeps no secrets of projects.")
    if token_hash is not None:
        check_token_hash(token_hash)
    new = NewTenant(args["projectSlug"], args.get("name") or None)
    try:
        tenant = (await request.asking.run(create_tenant, new)).tenant
    except SlugTaken:
        return failed("ALREADY_EXISTS", "Project with given slug already exists")
    if options.get("noDeployToken"):
        return done({"deployerApiKey": None})
    # Whoever made the project may have become its administrator by that, and is somebody else than before.
    call = await call_with(request.token, request.visit, request.services)
    inside = Asking(request.services, call, request.asking.left)
    try:
        made = await inside.run(create_key, _deployer(token_hash), tenant=tenant.slug)
    except KeywrightError as error:
        await inside.run(delete_tenant, TenantDeletion(tenant.slug), tenant=tenant.slug)
        refused = told(error, "You are not allowed to create an API key for this project")
        if refused.kind == INTERNAL:
            raise
        return failed("INIT_ERROR", f"The deployer key could not be made: {refused.message}")
    return done({"deployerApiKey": with_token(made)})


def check_token_hash(text: str) -> None:
    """Raise a `UserInputError` for what is no hash of a token."""
    try:
        checks.token_hash(text)
    except KeywrightError:
        raise bad_hash() from None


def bad_hash() -> Exception:
    """The error of what is no hash of a token."""
    return bad_input("Invalid format of tokenHash. Must be hex-encoded sha256.")


def _deployer(token_hash: str | None) -> NewKey:
    return NewKey(
        name=DEPLOYER_KEY, memberships=(RoleInput("admin"),), scope=(DEPLOYS,), token_hash=token_hash
    )


async def update_project(request: Request, args: Args) -> dict[str, Any]:
    """Give a project another name; it has no other configuration here."""
    slug, name = args["projectSlug"], args.get("name")
    changes = TenantChanges(slug=slug, name=_UNCHANGED_NAME if name is None else name)
    try:
        await request.asking.run(update_tenant, changes)
    except NotFound:
        if request.may_everywhere("tenants:update"):
            return no_project(slug)
        raise
    return done()


QUERIES: Final[Mapping[str, Resolver]] = {
    "projects": root(projects),
    "projectBySlug": root(project_by_slug),
}
MUTATIONS: Final[Mapping[str, Resolver]] = {
    "createProject": root(create_project, "You are not allowed to create a project"),
    "updateProject": root(update_project, "You are not allowed to update this project"),
}
FIELDS: Final[Mapping[str, Mapping[str, Resolver]]] = {
    "Project": {
        "id": inner(lambda project, _request: uuid_of(project.id)),
        "config": inner(lambda _project, _request: {}),
        "roles": inner(roles),
        "apiKeys": inner(api_keys),
        "secrets": inner(lambda _project, _request: []),
    }
}
