"""Memberships: giving roles in a tenant, or (`*`) over the whole installation, and taking them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.catalog import LENIENT
from keywright.core.errors import (
    InvalidValue,
    LastAdministrator,
    MissingVariable,
    NotFound,
    UnknownRole,
    UnknownVariable,
)
from keywright.core.identities import Grant, IdentityKind
from keywright.core.ids import is_id, new_id
from keywright.core.listing import DEFAULT_PAGE
from keywright.core.roles import (
    ADMIN,
    MAX_EXPANDED,
    MAX_VALUES,
    SUPER_ADMIN,
    built_in,
    is_role_name,
    is_value,
    values_of,
)
from keywright.services import cursors, replays
from keywright.services.catalog.vocabulary import vocabulary_of
from keywright.services.cursors import Listed
from keywright.services.places import require
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keywright.core.identities import Identity, Membership, Tenant
    from keywright.core.roles import Role, Values
    from keywright.services.work import Work

_ORDER = "memberships.id"
_NO_MEMBERSHIP = "No such membership."
MAX_ROLES = 50
"""Roles that an identity can be given when it is made."""
ADMINISTRATORS = {
    ADMIN: (IdentityKind.USER, IdentityKind.SERVICE_ACCOUNT),
    SUPER_ADMIN: (IdentityKind.USER,),
}
"""The roles of which somebody must be left, and what kinds of identity count."""


@dataclass(frozen=True, slots=True)
class RoleInput:
    """A role to be given, with values for its variables, as it comes from a door."""

    role: str
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMembership:
    """Who is to be given which role."""

    identity_id: str
    role: str
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MembershipView:
    """A membership, whose it is, and the tenant that it is held in; None: it is held everywhere."""

    membership: Membership
    identity: Identity
    tenant: Tenant | None


@dataclass(frozen=True, slots=True)
class CreatedMembership:
    """A membership, and whether it was made before under the same idempotency key."""

    view: MembershipView
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class MembershipId:
    """The id of one membership."""

    id: str


@dataclass(frozen=True, slots=True)
class MembershipChanges:
    """The values that a membership's variables are to have, all of them."""

    id: str
    variables: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose memberships are asked for; None: the caller's own."""

    identity_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMemberships:
    """Which memberships to list: all, those of one identity, or those with one role."""

    identity_id: str | None = None
    role: str | None = None
    limit: int = DEFAULT_PAGE
    cursor: str | None = None


MembershipList = Listed[MembershipView]
"""A page of memberships."""


@use_case(
    "memberships.create", permission="identities:update", reach=Reach.EITHER, changes=True, touches=True
)
async def create_membership(work: Work, new: NewMembership) -> CreatedMembership:
    """Give an identity a role, of which the caller holds everything itself. Raises `MembershipHeld`."""
    made = await replays.find(work, "memberships.create", new)
    if made is not None:
        return await _replayed(work, made)
    everybody = work.caller.may(None, "identities:read")
    identity = await known_identity(work, new.identity_id, everybody=everybody)
    grant = await checked_grant(work, new.role, new.variables)
    membership_id = new_id("mem")
    await replays.remember(work, "memberships.create", new, membership_id)
    membership = await work.transaction.memberships(work.tenant_id).add(
        identity.id,
        grant,
        work.now,
        membership_id=membership_id,
        created_by=work.caller.identity.id,
    )
    work.touch(identity.id)
    work.record(
        "membership.create",
        "membership",
        membership.id,
        {"identity_id": Change(None, identity.id), "grant": Change(None, plain_grant(grant))},
    )
    return CreatedMembership(MembershipView(membership, identity, work.place))


@use_case("memberships.get", permission="identities:read", reach=Reach.EITHER)
async def get_membership(work: Work, wanted: MembershipId) -> MembershipView:
    """One membership by its id."""
    return await _view(work, await _existing(work, wanted.id))


@use_case("memberships.list", permission="identities:read", reach=Reach.EITHER)
async def list_memberships(work: Work, wanted: ListMemberships) -> MembershipList:
    """A page of memberships, in the order in which they were given."""
    cursors.sound_limit(wanted.limit)
    owner = wanted.identity_id
    page = await work.transaction.memberships(work.tenant_id).page(
        identity_id=owner if owner is None or is_id(owner, "idn") else "none",
        role_name=wanted.role if wanted.role is None or is_role_name(wanted.role) else "",
        limit=wanted.limit,
        after=cursors.after(_ORDER, wanted.cursor, type(None)),
    )
    owners = await work.transaction.identities.named({one.identity_id for one in page.items})
    return cursors.listed(
        _ORDER, page, (MembershipView(one, owners[one.identity_id], work.place) for one in page.items)
    )


@use_case("memberships.of_identity", permission=None, reach=Reach.SELF)
async def memberships_of(work: Work, wanted: Belonging) -> tuple[MembershipView, ...]:
    """All memberships of the caller, in every tenant and everywhere, in the order in which they were given.

    Those of somebody else need `identities:read` over the whole installation. What the caller may not know of is
    left out: a key confined to a tenant is told of that one alone.
    """
    caller, identity = work.caller, work.caller.identity
    if wanted.identity_id is not None and wanted.identity_id != identity.id:
        require(caller, None, "identities:read")
        found = None
        if is_id(wanted.identity_id, "idn"):
            found = await work.transaction.identities.by_id(wanted.identity_id)
        if found is None or not (found.tenant_id is None or caller.sees(found.tenant_id)):
            raise NotFound("No such identity.", field="identity_id")
        identity = found
    held = await work.transaction.all_memberships.of(identity.id)
    places = await work.transaction.tenants.named(
        {one.grant.tenant_id for one in held if one.grant.tenant_id is not None}
    )
    return tuple(
        MembershipView(one, identity, places.get(one.grant.tenant_id or ""))
        for one in held
        if (caller.bound is None if one.grant.tenant_id is None else caller.sees(one.grant.tenant_id))
    )


@use_case(
    "memberships.update", permission="identities:update", reach=Reach.EITHER, changes=True, touches=True
)
async def update_membership(work: Work, wanted: MembershipChanges) -> MembershipView:
    """Give the variables of a membership other values; changing nothing is allowed and leaves no trace."""
    before = await _existing(work, wanted.id, lock=True)
    grant = await checked_grant(work, before.grant.role, wanted.variables)
    if grant.variables == before.grant.variables:
        work.nothing_changed = True
        return await _view(work, before)
    memberships = work.transaction.memberships(work.tenant_id)
    await memberships.set_variables(before.id, grant.variables)
    work.touch(before.identity_id)
    work.record(
        "membership.update",
        "membership",
        before.id,
        {"variables": Change(_plain_values(before.grant.variables), _plain_values(grant.variables))},
    )
    return await _view(work, await _existing(work, before.id))


@use_case(
    "memberships.delete", permission="identities:update", reach=Reach.EITHER, changes=True, touches=True
)
async def delete_membership(work: Work, wanted: MembershipId) -> None:
    """Take a role away. Every key of the identity is narrowed at once. Raises `LastAdministrator`."""
    await keep_an_administrator(work, [await _existing(work, wanted.id)])
    membership = await _existing(work, wanted.id, lock=True)
    await work.transaction.memberships(work.tenant_id).remove([membership.id])
    work.touch(membership.identity_id)
    work.record(
        "membership.delete",
        "membership",
        membership.id,
        {
            "identity_id": Change(membership.identity_id, None),
            "grant": Change(plain_grant(membership.grant), None),
        },
    )


async def checked_grant(
    work: Work, role: str, variables: Mapping[str, Sequence[str]], field: str = ""
) -> Grant:
    """The grant of a role where the call is, as the caller may hand it out; `field` leads the names of fields.

    Raises `UnknownRole`, `UnknownVariable`, `MissingVariable`, `InvalidValue`, `UnknownEntity` where the
    catalog is strict, and `BeyondOwnRights` when the caller does not hold itself what the role allows.
    """
    lead = f"{field}." if field else ""
    tenant_id = work.tenant_id
    defined = None
    if tenant_id is not None and is_role_name(role):
        found = await work.transaction.roles(tenant_id).by_name(role, lock=True)
        defined = None if found is None else found.role
    definition = defined or built_in(role, tenant_id)
    if definition is None:
        raise UnknownRole("There is no role of this name that can be held here.", field=f"{lead}role")
    values = await _checked_values(work, definition, variables, f"{lead}variables")
    policies = definition.expand(values)
    work.caller.require_holds(tenant_id, policies, f"{lead}role")
    return Grant(role, tenant_id, values, defined)


async def known_identity(work: Work, identity_id: str, *, everybody: bool) -> Identity:
    """The identity with this id, as far as the call may know of it; with `everybody`, whoever it is.

    A tenant knows its own and those that hold a role in it. What belongs to one tenant stays in it: it gets no
    role and owns no key in another, nor over the whole installation. Raises `NotFound`.
    """
    found = None
    if is_id(identity_id, "idn"):
        identities = work.transaction.identities
        if work.place is not None:
            found = await identities.in_tenant(work.place.id, identity_id)
        if found is None and everybody:
            found = await identities.by_id(identity_id)
    if found is None or found.tenant_id not in (None, work.tenant_id):
        raise NotFound("No such identity.", field="identity_id")
    return found


async def checked_roles(work: Work, roles: Sequence[RoleInput]) -> tuple[Grant, ...]:
    """The grants of a new identity where the call is; raises what `checked_grant` raises, located in `memberships`."""
    if len(roles) > MAX_ROLES:
        raise InvalidValue(f"At most {MAX_ROLES} roles are given at once.", field="memberships")
    grants: list[Grant] = []
    for index, one in enumerate(roles):
        grant = await checked_grant(work, one.role, one.variables, f"memberships.{index}")
        if any(other.role == grant.role for other in grants):
            raise InvalidValue("This role is there twice.", field=f"memberships.{index}.role")
        grants.append(grant)
    return tuple(grants)


async def give(work: Work, identity: Identity, roles: Sequence[RoleInput]) -> tuple[Membership, ...]:
    """Give a new identity roles where the call is; raises what `checked_roles` raises."""
    memberships = work.transaction.memberships(work.tenant_id)
    return tuple(
        [
            await memberships.add(identity.id, grant, work.now, created_by=work.caller.identity.id)
            for grant in await checked_roles(work, roles)
        ]
    )


async def _checked_values(
    work: Work, role: Role, variables: Mapping[str, Sequence[str]], field: str
) -> Values:
    known = {variable.name: variable for variable in role.variables}
    if not variables.keys() <= known.keys():
        # The name was made up by the caller and could be anything, so it is not told.
        raise UnknownVariable("The role has no variable of this name.", field=field)
    # Most roles have no variables, and then nothing is asked of the catalog.
    vocabulary = await vocabulary_of(work) if known else LENIENT
    for name, variable in known.items():
        given = variables.get(name, ())
        at = f"{field}.{name}"
        if not given:
            raise MissingVariable(f"The role needs at least one value for its variable {name}.", field=at)
        if len(given) > MAX_VALUES:
            raise InvalidValue(f"A variable has at most {MAX_VALUES} values.", field=at)
        for index, value in enumerate(given):
            if not is_value(value):
                raise InvalidValue(
                    "A value is 1 to 100 characters without spaces, colons and wildcards.",
                    field=f"{at}.{index}",
                )
            checks.without_tokens(value, f"{at}.{index}")
        vocabulary.check_values(variable, given, at)
    values = values_of(variables)
    if role.size(values) > MAX_EXPANDED:
        raise InvalidValue(f"These values make more than {MAX_EXPANDED} patterns of the role.", field=field)
    return values


async def keep_an_administrator(work: Work, losing: Iterable[Membership]) -> None:
    """Raise `LastAdministrator` if nobody administered a tenant, or the installation, without some memberships.

    To be called before they are locked, taken away or their identities disabled. A tenant is administered by people
    and service accounts, the installation by people; both only while they are active.
    """
    lost: dict[tuple[str, str | None], set[str]] = {}
    for membership in losing:
        if membership.grant.role in ADMINISTRATORS:
            lost.setdefault((membership.grant.role, membership.grant.tenant_id), set()).add(membership.id)
    for (role, tenant_id), ids in sorted(lost.items(), key=lambda one: (one[0][0], one[0][1] or "")):
        holders = await work.transaction.memberships(tenant_id).holders(role, ADMINISTRATORS[role])
        if holders and not set(holders) - ids:
            whose = "the installation" if tenant_id is None else "the tenant"
            raise LastAdministrator(f"Nobody would be left who can administer {whose}.")


def plain_grant(grant: Grant) -> dict[str, object]:
    """A grant as plain JSON values, for the audit trail."""
    return {"role": grant.role, "variables": _plain_values(grant.variables)}


def _plain_values(values: Values) -> dict[str, list[str]]:
    return {name: list(given) for name, given in values}


async def _existing(work: Work, membership_id: str, *, lock: bool = False) -> Membership:
    found = None
    if is_id(membership_id, "mem"):
        found = await work.transaction.memberships(work.tenant_id).by_id(membership_id, lock=lock)
    if found is None:
        raise NotFound(_NO_MEMBERSHIP)
    return found


async def _view(work: Work, membership: Membership) -> MembershipView:
    owners = await work.transaction.identities.named({membership.identity_id})
    return MembershipView(membership, owners[membership.identity_id], work.place)


async def _replayed(work: Work, membership_id: str) -> CreatedMembership:
    work.nothing_changed = True
    found = await work.transaction.memberships(work.tenant_id).by_id(membership_id)
    if found is None:
        raise replays.gone()
    return CreatedMembership(await _view(work, found), replayed=True)
