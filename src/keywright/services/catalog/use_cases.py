"""The use cases of the catalog."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keywright.core.audit import Change
from keywright.core.catalog import Applied, EntityType, canonical, to_plain
from keywright.core.errors import CatalogChanged
from keywright.core.ids import new_id
from keywright.core.roles import DefinedRole
from keywright.services.catalog.plan import Standing, planned, standing_of
from keywright.services.catalog.shapes import AppliedCatalog, CatalogDiff, CatalogView
from keywright.services.work import use_case

if TYPE_CHECKING:
    from keywright.core.catalog import Catalog
    from keywright.core.roles import Role
    from keywright.services.catalog.plan import Plan
    from keywright.services.catalog.shapes import CatalogDocument, NewCatalog
    from keywright.services.work import Work

MAX_AUDITED = 200
"""Differences, and memberships taken away, that one audit entry spells out; the rest are counted."""
_AT_ONCE = 1_000


@use_case("catalog.get", permission="catalog:read")
async def get_catalog(work: Work, _nothing: None) -> CatalogView:
    """The tenant's catalog, completed with the roles that were made beside it."""
    return _view(work, await standing_of(work))


@use_case("catalog.diff", permission="catalog:read")
async def diff_catalog(work: Work, proposed: CatalogDocument) -> CatalogDiff:
    """What applying a catalog would change. Raises `InvalidCatalog` where it could not be applied."""
    plan = await planned(work, proposed.document, await standing_of(work))
    return plan.diff


@use_case("catalog.apply", permission="catalog:update", changes=True, touches=True)
async def apply_catalog(work: Work, new: NewCatalog) -> AppliedCatalog:
    """Make a catalog the tenant's, with its roles; applying the one that stands changes nothing.

    Roles that it does not name any more go, and their memberships with them; those made beside it stay. Raises
    `InvalidCatalog`, `CatalogChanged`, and `BeyondOwnRights` for roles that allow more than the caller holds.
    """
    standing = await standing_of(work, lock=True)
    if new.expected_revision not in (None, standing.revision):
        raise CatalogChanged(
            "The catalog is at another revision. Look at the difference anew.", field="expected_revision"
        )
    plan = await planned(work, new.document, standing)
    if not plan.diff.changes:
        work.nothing_changed = True
        return AppliedCatalog(_view(work, standing), plan.diff)
    for role in _granted(plan):
        work.caller.require_holds(work.tenant.id, role.widest(), f"roles.{role.name}.policies")
    await _store(work, plan)
    work.touch(work.tenant.id)
    work.record("catalog.apply", "catalog", work.tenant.id, _changes(plan))
    return AppliedCatalog(_view(work, await standing_of(work)), plan.diff)


def _granted(plan: Plan) -> list[Role]:
    """The roles that come to allow something else than before."""
    changed = [
        role
        for before, role in plan.changed
        if (before.role.variables, before.role.policies) != (role.variables, role.policies)
    ]
    return sorted([*plan.added, *changed], key=lambda role: role.name)


async def _store(work: Work, plan: Plan) -> None:
    tenant_id, now = work.tenant.id, work.now
    # First, so that of two who apply at once the second is refused here.
    await work.transaction.catalog(tenant_id).put(
        Applied(canonical(plan.catalog), plan.diff.revision + 1, now, work.caller.identity.id),
        plan.catalog.routes,
    )
    roles = work.transaction.roles(tenant_id)
    for role in plan.added:
        await roles.add(
            DefinedRole(
                id=new_id("rol"),
                tenant_id=tenant_id,
                role=role,
                by_catalog=True,
                created_at=now,
                updated_at=now,
            )
        )
    for before, role in plan.changed:
        await roles.change(replace(before, role=role, by_catalog=True, updated_at=now))
    memberships = work.transaction.memberships(tenant_id)
    for membership_id, values in plan.trimmed:
        await memberships.set_variables(membership_id, values)
    for start in range(0, len(plan.losing), _AT_ONCE):
        await memberships.remove([held.id for held in plan.losing[start : start + _AT_ONCE]])
    for gone in plan.removed:
        await roles.remove(gone.id)


def _changes(plan: Plan) -> dict[str, Change]:
    """What the audit trail says of the change."""
    revision = plan.diff.revision
    changes = {"revision": Change(revision, revision + 1)}
    for one in plan.diff.changes[:MAX_AUDITED]:
        changes[f"{one.section}.{one.name}" if one.name else one.section] = Change(one.before, one.after)
    if len(plan.diff.changes) > MAX_AUDITED:
        changes["more"] = Change(None, len(plan.diff.changes) - MAX_AUDITED)
    if plan.losing:
        held = [{"identity_id": one.identity_id, "role": one.grant.role} for one in plan.losing[:MAX_AUDITED]]
        changes["memberships"] = Change(held, [])
        changes["memberships_removed"] = Change(None, len(plan.losing))
    return changes


def _view(work: Work, standing: Standing) -> CatalogView:
    applied = standing.applied
    return CatalogView(
        document=to_plain(_completed(standing, work.tenant.slug)),
        api_roles=tuple(sorted(standing.outside)),
        revision=standing.revision,
        applied_at=None if applied is None else applied.applied_at,
        applied_by=None if applied is None else applied.applied_by,
    )


def _completed(standing: Standing, slug: str) -> Catalog:
    """The catalog with the roles that were made beside it, and with the types of entity that these speak of."""
    outside = standing.outside.values()
    catalog = standing.catalog
    known = {kind.name for kind in catalog.entities}
    missing = {one.entity for role in outside for one in role.variables if one.entity is not None} - known
    entities = (*catalog.entities, *(EntityType(name) for name in missing))
    return replace(
        catalog,
        tenant=slug,
        roles=tuple(sorted((*catalog.roles, *outside), key=lambda role: role.name)),
        entities=tuple(sorted(entities, key=lambda kind: kind.name)),
    )
