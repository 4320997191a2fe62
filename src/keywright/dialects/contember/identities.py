"""Identities: who asks, and whoever else is shown; most of it is looked up only where it is selected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import PermissionDenied
from keywright.core.identities import IdentityKind, role_set
from keywright.dialects.contember import mapping
from keywright.dialects.contember.errors import UNSEEN
from keywright.dialects.contember.fields import inner
from keywright.dialects.contember.mapping import date_time, uuid_of
from keywright.services.memberships import Belonging, ListMemberships, list_memberships, memberships_of
from keywright.services.places import EVERYWHERE
from keywright.services.sessions import ListSessions, list_sessions
from keywright.services.tenants import ListTenants, list_tenants

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keywright.core.identities import Grant, Identity, Tenant
    from keywright.dialects.contember.fields import Request, Resolver
    from keywright.services.sessions import SessionView

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """An identity as a field shows it.

    `place` is the project in which it was found, if in one. `as_own` says that it is the caller's, and shown as that.
    """

    identity: Identity
    description: str | None = None
    place: Tenant | None = None
    as_own: bool = False
    roles_known: tuple[str, ...] | None = None

    @property
    def id(self) -> str:
        """The identity's UUID."""
        return uuid_of(self.identity.id)

    @property
    def is_person(self) -> bool:
        """Whether it is a person's."""
        return self.identity.kind is IdentityKind.USER


def found(identity: Identity, place: Tenant | None = None) -> Shown:
    """An identity that was looked up: what it is called is its description, but for a person."""
    called = mapping.description_of(identity.name, identity.description)
    return Shown(identity, None if identity.kind is IdentityKind.USER else called, place)


def me(request: Request) -> Shown:
    """Who asks, from memory. There it has no description."""
    return Shown(request.caller.identity, as_own=True)


def is_own(shown: Shown, request: Request) -> bool:
    """Whether it is the caller."""
    return shown.as_own or shown.identity.id == request.caller.identity.id


async def global_grants(shown: Shown, request: Request) -> tuple[Grant, ...] | None:
    """The roles that it holds over the installation, None for who may not see them."""
    if is_own(shown, request):
        caller = request.caller
        return (
            () if caller.bound is not None else tuple(one for one in caller.grants if one.tenant_id is None)
        )
    asked = shown.identity.id
    try:
        views = await request.asking.every(
            list_memberships,
            lambda cursor: ListMemberships(identity_id=asked, limit=_PAGE, cursor=cursor),
            tenant=EVERYWHERE,
        )
    except PermissionDenied:
        return None
    return tuple(one.membership.grant for one in views)


async def roles(shown: Shown, request: Request) -> list[str] | None:
    """The global roles in Contember's words."""
    if shown.roles_known is not None:
        return mapping.role_words(shown.roles_known, person=shown.is_person)
    grants = await global_grants(shown, request)
    return None if grants is None else mapping.named_roles(grants, person=shown.is_person)


async def permissions(shown: Shown, request: Request) -> dict[str, bool] | None:
    """What it may do over the installation, None for who may not see that."""
    if is_own(shown, request):
        may = request.may_everywhere
    else:
        grants = await global_grants(shown, request)
        if grants is None:
            return None
        may = role_set(grants).policies.allows
    return {"canCreateProject": may("tenants:create"), "canDeployEntrypoint": may("catalog:update")}


async def projects(shown: Shown, request: Request) -> list[dict[str, Any]]:
    """The projects that it belongs to, as far as the caller may know of them."""
    if is_own(shown, request):
        return await _own_projects(request)
    try:
        views = await request.asking.run(memberships_of, Belonging(shown.identity.id))
    except UNSEEN:
        return await _projects_here(shown, request)
    return _relations((one.tenant, one.membership.grant) for one in views)


async def _own_projects(request: Request) -> list[dict[str, Any]]:
    if mapping.is_administrator(request.caller.grants):
        every = await request.asking.every(
            list_tenants, lambda cursor: ListTenants(limit=_PAGE, cursor=cursor)
        )
        return [{"project": one, "memberships": [mapping.ADMIN_MEMBERSHIP]} for one in every]
    views = await request.asking.run(memberships_of, Belonging())
    return _relations((one.tenant, one.membership.grant) for one in views)


async def _projects_here(shown: Shown, request: Request) -> list[dict[str, Any]]:
    """Its memberships in the project in which it was found, for who sees no others."""
    if shown.place is None:
        return []
    grants = await grants_in(request, shown.place.slug, shown.identity.id)
    return _relations((shown.place, one) for one in grants)


async def grants_in(request: Request, slug: str, identity_id: str) -> tuple[Grant, ...]:
    """The roles that an identity holds in a project; none for who may not see them."""
    try:
        views = await request.asking.every(
            list_memberships,
            lambda cursor: ListMemberships(identity_id=identity_id, limit=_PAGE, cursor=cursor),
            tenant=slug,
        )
    except UNSEEN:
        return ()
    return tuple(one.membership.grant for one in views)


def _relations(held: Iterable[tuple[Tenant | None, Grant]]) -> list[dict[str, Any]]:
    """Memberships by their project, in the order in which the projects come up."""
    places: dict[str, tuple[Tenant, list[Grant]]] = {}
    for tenant, grant in held:
        if tenant is not None:
            places.setdefault(tenant.id, (tenant, []))[1].append(grant)
    return [
        {"project": tenant, "memberships": mapping.memberships(grants)} for tenant, grants in places.values()
    ]


async def sessions(shown: Shown, request: Request) -> list[dict[str, Any]]:
    """The caller's own logins that are not over; nobody sees those of somebody else."""
    if not is_own(shown, request) or request.caller.session is None:
        return []
    views = await request.asking.every(list_sessions, lambda cursor: ListSessions(limit=_PAGE, cursor=cursor))
    return [_session(one) for one in views]


def _session(view: SessionView) -> dict[str, Any]:
    session = view.session
    return {
        "id": uuid_of(session.id),
        "createdAt": date_time(session.created_at),
        "expiresAt": date_time(min(session.idle_at, session.ends_at)),
        "lastUsedAt": date_time(session.seen_at),
        "createdIp": session.created_ip,
        "isCurrent": view.current,
        "trustForwardedClientInfo": False,
    }


QUERIES: Final[Mapping[str, Resolver]] = {"me": inner(lambda _root, request: me(request))}
FIELDS: Final[Mapping[str, Mapping[str, Resolver]]] = {
    "Identity": {
        "apiKey": inner(lambda _shown, _request: None),
        "roles": inner(roles),
        "permissions": inner(permissions),
        "projects": inner(projects),
        "sessions": inner(sessions),
    }
}
