"""Roles: the built-in ones, and those that tenants define."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from keywright.core import checks
from keywright.core.audit import Change
from keywright.core.errors import (
    InvalidPolicy,
    InvalidValue,
    NotFound,
    RoleInUse,
    RoleOfCatalog,
    RoleTaken,
)
from keywright.core.ids import new_id
from keywright.core.permissions import MAX_PATTERNS, MAX_POLICIES, InvalidPattern
from keywright.core.roles import (
    GLOBAL_ROLES,
    MAX_EXPANDED,
    MAX_VARIABLES,
    TENANT_ROLES,
    DefinedRole,
    PolicyTemplate,
    Role,
    Variable,
    check_pattern,
    is_built_in,
    is_role_name,
    is_variable_name,
)
from keywright.services import replays
from keywright.services.catalog.vocabulary import vocabulary_of
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from keywright.services.keys.shapes import PolicyInput
    from keywright.services.work import Work

_NO_ROLE = "No such role."


@dataclass(frozen=True, slots=True)
class VariableInput:
    """A variable as it comes from a door: free, or with ids of a type of entity as values."""

    name: str
    entity: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRole:
    """A role to be defined."""

    name: str
    description: str = ""
    variables: tuple[VariableInput, ...] = ()
    policies: tuple[PolicyInput, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanges:
    """What is to change of a role; a field that is left `UNSET` stays as it is."""

    name: str
    description: str | UnsetType = UNSET
    variables: tuple[VariableInput, ...] | UnsetType = UNSET
    policies: tuple[PolicyInput, ...] | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class RoleName:
    """The name of one role."""

    name: str


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role as readers see it. `defined` says when and where it was defined, None for a built-in one."""

    role: Role
    defined: DefinedRole | None = None

    @property
    def updated_at(self) -> datetime | None:
        """When it was last changed; None for a built-in one."""
        return None if self.defined is None else self.defined.updated_at


@dataclass(frozen=True, slots=True)
class CreatedRole:
    """A role, and whether it was made before under the same idempotency key."""

    view: RoleView
    replayed: bool = False


@use_case("roles.list", permission="roles:read", reach=Reach.EITHER)
async def list_roles(work: Work, _nothing: None) -> tuple[RoleView, ...]:
    """Every role that can be held there, the built-in ones first; a tenant has few."""
    if work.place is None:
        return tuple(RoleView(role) for role in GLOBAL_ROLES.values())
    defined = await work.transaction.roles(work.place.id).all()
    return (
        *(RoleView(role) for role in TENANT_ROLES.values()),
        *(RoleView(one.role, one) for one in defined),
    )


@use_case("roles.get", permission="roles:read", reach=Reach.EITHER)
async def get_role(work: Work, wanted: RoleName) -> RoleView:
    """One role by its name, built in or defined."""
    known = (GLOBAL_ROLES if work.place is None else TENANT_ROLES).get(wanted.name)
    if known is not None:
        return RoleView(known)
    if work.place is None:
        raise NotFound(_NO_ROLE)
    found = await _existing(work, wanted.name)
    return RoleView(found.role, found)


@use_case("roles.create", permission="roles:create", changes=True)
async def create_role(work: Work, new: NewRole) -> CreatedRole:
    """Define a role, of which the caller holds everything itself. Raises `RoleTaken` and `BeyondOwnRights`."""
    made = await replays.find(work, "roles.create", new)
    if made is not None:
        return await _replayed(work, made)
    if not is_role_name(new.name):
        raise InvalidValue(
            "A role's name has 1 to 100 lower-case letters, digits, _ and -, and begins with a letter or digit.",
            field="name",
        )
    if is_built_in(new.name):
        raise RoleTaken("A built-in role has this name.", field="name")
    checks.without_tokens(new.name, "name")
    role = Role(
        new.name,
        checks.description(new.description),
        _variables(new.variables),
        _policies(new.policies),
    )
    await _sound(work, role)
    defined = DefinedRole(
        id=new_id("rol"),
        tenant_id=work.tenant.id,
        role=role,
        by_catalog=False,
        created_at=work.now,
        updated_at=work.now,
    )
    await replays.remember(work, "roles.create", new, defined.id)
    await work.transaction.roles(work.tenant.id).add(defined)
    work.record("role.create", "role", defined.id, changes_between(None, role))
    return CreatedRole(RoleView(role, defined))


@use_case("roles.update", permission="roles:update", changes=True, touches=True)
async def update_role(work: Work, wanted: RoleChanges) -> RoleView:
    """Change a role, and with it at once what everybody may do who holds it.

    Values that memberships give to variables which are no more go with them. Changing nothing is allowed and leaves
    no trace. Raises `RoleOfCatalog` and `BeyondOwnRights`.
    """
    before = await _changeable(work, wanted.name)
    role = before.role
    if wanted.description is not UNSET:
        role = replace(role, description=checks.description(wanted.description))
    if wanted.variables is not UNSET:
        role = replace(role, variables=_variables(wanted.variables))
    if wanted.policies is not UNSET:
        role = replace(role, policies=_policies(wanted.policies))
    if role == before.role:
        work.nothing_changed = True
        return RoleView(role, before)
    if (role.variables, role.policies) != (before.role.variables, before.role.policies):
        await _sound(work, role)
        await _fit_memberships(work, role)
    after = replace(before, role=role, updated_at=work.now)
    await work.transaction.roles(work.tenant.id).change(after)
    work.touch(work.tenant.id)
    work.record("role.update", "role", after.id, changes_between(before.role, role))
    return RoleView(role, after)


@use_case("roles.delete", permission="roles:delete", changes=True)
async def delete_role(work: Work, wanted: RoleName) -> None:
    """Delete a role that nobody holds. Raises `RoleInUse` and `RoleOfCatalog`."""
    role = await _changeable(work, wanted.name)
    if await work.transaction.memberships(work.tenant.id).with_role(role.role.name):
        raise RoleInUse("Somebody holds this role. Take it away from everybody first.")
    await work.transaction.roles(work.tenant.id).remove(role.id)
    work.record("role.delete", "role", role.id, {"name": Change(role.role.name, None)})


def changes_between(before: Role | None, after: Role) -> dict[str, Change]:
    """What differs between two versions of a role, in plain values; against None, all that is not empty."""
    old = {} if before is None else plain_role(before)
    new = plain_role(after)
    return {
        name: Change(old.get(name), value)
        for name, value in new.items()
        if old.get(name) != value and (value or before is not None)
    }


def plain_role(role: Role) -> dict[str, object]:
    """A role as plain JSON values."""
    return {
        "name": role.name,
        "description": role.description,
        "variables": [
            {"name": one.name, "entity": one.entity, "description": one.description} for one in role.variables
        ],
        "policies": [one.to_plain() for one in role.policies],
    }


def _variables(given: Sequence[VariableInput]) -> tuple[Variable, ...]:
    if len(given) > MAX_VARIABLES:
        raise InvalidValue(f"A role has at most {MAX_VARIABLES} variables.", field="variables")
    found: dict[str, Variable] = {}
    for index, one in enumerate(given):
        at = f"variables.{index}"
        if not is_variable_name(one.name) or one.name in found:
            raise InvalidValue(
                "A variable's name has up to 40 lower-case letters, digits and _, begins with a letter, and is "
                "there once.",
                field=f"{at}.name",
            )
        if one.entity is not None and not is_variable_name(one.entity):
            raise InvalidValue(
                "A type of entity has up to 40 lower-case letters, digits and _, and begins with a letter.",
                field=f"{at}.entity",
            )
        found[one.name] = Variable(
            one.name, one.entity, checks.description(one.description, f"{at}.description")
        )
    return tuple(found.values())


def _policies(given: Sequence[PolicyInput]) -> tuple[PolicyTemplate, ...]:
    if len(given) > MAX_POLICIES:
        raise InvalidPolicy(f"A role has at most {MAX_POLICIES} policies.", field="policies")
    found = []
    for index, (actions, resources) in enumerate(given):
        _patterns(actions, f"policies.{index}.actions")
        if resources is not None:
            _patterns(resources, f"policies.{index}.resources")
        found.append(PolicyTemplate.of(actions, resources))
    return tuple(found)


def _patterns(texts: Sequence[str], field: str) -> None:
    if not 1 <= len(texts) <= MAX_PATTERNS:
        raise InvalidPolicy(f"1 to {MAX_PATTERNS} patterns are needed here.", field=field)
    for index, text in enumerate(texts):
        try:
            check_pattern(text)
        except InvalidPattern as wrong:
            raise InvalidPolicy(str(wrong), field=f"{field}.{index}") from None
        checks.without_tokens(text, f"{field}.{index}")


async def _sound(work: Work, role: Role) -> None:
    """Raise unless its variables are declared, its names known where that matters, and all of it held by the caller."""
    declared = {one.name for one in role.variables}
    for index, policy in enumerate(role.policies):
        if not policy.variables <= declared:
            raise InvalidPolicy(
                "A variable in this policy is not one of the role's variables.", field=f"policies.{index}"
            )
    vocabulary = await vocabulary_of(work)
    for index, variable in enumerate(role.variables):
        vocabulary.check_variable(variable, f"variables.{index}.entity")
    vocabulary.check_policies(role.policies, "policies")
    work.caller.require_holds(work.tenant.id, role.widest(), "policies")


async def _fit_memberships(work: Work, role: Role) -> None:
    """Take from those who hold a role the values that it has no variable for; raise where the others are too many."""
    declared = {one.name for one in role.variables}
    memberships = work.transaction.memberships(work.tenant.id)
    for membership in await memberships.with_role(role.name):
        values = membership.grant.variables
        kept = tuple(one for one in values if one[0] in declared)
        if role.size(kept) > MAX_EXPANDED:
            raise InvalidValue(
                f"The values of a membership would make more than {MAX_EXPANDED} patterns of the role.",
                field="policies",
            )
        if kept != values:
            await memberships.set_variables(membership.id, kept)


async def _existing(work: Work, name: str, *, lock: bool = False) -> DefinedRole:
    found = None
    if is_role_name(name):
        found = await work.transaction.roles(work.tenant.id).by_name(name, lock=lock)
    if found is None:
        raise NotFound(_NO_ROLE)
    return found


async def _changeable(work: Work, name: str) -> DefinedRole:
    found = await _existing(work, name, lock=True)
    if found.by_catalog:
        raise RoleOfCatalog("The catalog defines this role. Change it there and apply the catalog.")
    return found


async def _replayed(work: Work, role_id: str) -> CreatedRole:
    work.nothing_changed = True
    for one in await work.transaction.roles(work.tenant.id).all():
        if one.id == role_id:
            return CreatedRole(RoleView(one.role, one), replayed=True)
    raise replays.gone()
