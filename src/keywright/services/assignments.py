"""Several roles of one identity at once, for doors whose calls give and take them together or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keywright.core.audit import Change
from keywright.core.errors import InvalidValue
from keywright.core.identities import role_set
from keywright.services.memberships import (
    MAX_ROLES,
    checked_grant,
    keep_an_administrator,
    known_identity,
    plain_grant,
)
from keywright.services.work import Reach, use_case

if TYPE_CHECKING:
    from collections.abc import Collection

    from keywright.core.identities import Grant, Identity, Membership
    from keywright.services.memberships import RoleInput
    from keywright.services.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which roles an identity is to hold where the call is.

    Those of `give` with just these values, and none of `take`, whether it held them before or not; with `only` no
    others than those of `give`.
    """

    identity_id: str
    give: tuple[RoleInput, ...] = ()
    take: tuple[str, ...] = ()
    only: bool = False


@dataclass(frozen=True, slots=True)
class Assigned:
    """An identity, and the memberships that it holds where the call is."""

    identity: Identity
    memberships: tuple[Membership, ...]


@use_case(
    "memberships.assign", permission="identities:update", reach=Reach.EITHER, changes=True, touches=True
)
async def assign_roles(work: Work, wanted: Assignment) -> Assigned:
    """Give an identity roles and take others from it, all together or none; answers those that it holds then.

    The caller holds everything itself that it gives, and over the installation also what it takes. Changing nothing
    is allowed and leaves no trace. Raises what giving and taking one role raises, and `InvalidValue` for a role that
    is there twice.
    """
    if len(wanted.give) > MAX_ROLES:
        raise InvalidValue(f"At most {MAX_ROLES} roles are given at once.", field="memberships")
    everybody = work.caller.may(None, "identities:read")
    identity = await known_identity(work, wanted.identity_id, everybody=everybody)
    grants: dict[str, Grant] = {}
    for index, one in enumerate(wanted.give):
        if one.role in grants or one.role in wanted.take:
            raise InvalidValue("This role is there twice.", field=f"memberships.{index}.role")
        grants[one.role] = await checked_grant(work, one.role, one.variables, f"memberships.{index}")
    memberships = work.transaction.memberships(work.tenant_id)
    losing = _losing(await memberships.of([identity.id]), wanted, grants)
    if losing:
        await keep_an_administrator(work, losing)
    held = await _locked(work, identity.id)
    # Told anew, since others may have given and taken some before the lock.
    losing = [one for one in _losing(held, wanted, grants) if one.id in {lost.id for lost in losing}]
    await _take(work, losing)
    standing = {one.grant.role: one for one in held}
    for role, grant in grants.items():
        await _give(work, identity.id, standing.get(role), grant)
    if work.entries:
        work.touch(identity.id)
    else:
        work.nothing_changed = True
    return Assigned(identity, await memberships.of([identity.id]))


def _losing(held: Collection[Membership], wanted: Assignment, grants: Collection[str]) -> list[Membership]:
    """What is taken of the memberships that there are."""
    return [
        one for one in held if one.grant.role in wanted.take or (wanted.only and one.grant.role not in grants)
    ]


async def _locked(work: Work, identity_id: str) -> list[Membership]:
    """The identity's memberships where the call is, kept from other changes until the transaction ends."""
    memberships = work.transaction.memberships(work.tenant_id)
    found = [await memberships.by_id(one.id, lock=True) for one in await memberships.of([identity_id])]
    return [one for one in found if one is not None]


async def _take(work: Work, losing: Collection[Membership]) -> None:
    for one in losing if work.place is None else ():
        work.caller.require_holds(None, role_set((one.grant,)).policies.policies, "take")
    await work.transaction.memberships(work.tenant_id).remove([one.id for one in losing])
    for one in losing:
        changes = {
            "identity_id": Change(one.identity_id, None),
            "grant": Change(plain_grant(one.grant), None),
        }
        work.record("membership.delete", "membership", one.id, changes)


async def _give(work: Work, identity_id: str, standing: Membership | None, grant: Grant) -> None:
    memberships = work.transaction.memberships(work.tenant_id)
    if standing is None:
        made = await memberships.add(identity_id, grant, work.now, created_by=work.caller.identity.id)
        changes = {"identity_id": Change(None, identity_id), "grant": Change(None, plain_grant(grant))}
        work.record("membership.create", "membership", made.id, changes)
    elif standing.grant.variables != grant.variables:
        await memberships.set_variables(standing.id, grant.variables)
        before, after = plain_grant(standing.grant), plain_grant(grant)
        changes = {"variables": Change(before["variables"], after["variables"])}
        work.record("membership.update", "membership", standing.id, changes)
