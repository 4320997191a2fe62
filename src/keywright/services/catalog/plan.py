"""What applying a catalog would change, and what stands against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keywright.core.catalog import Catalog, Vocabulary, diff, lost, parse, role_plain
from keywright.core.errors import Fault, InvalidCatalog, UnknownAction, UnknownEntity
from keywright.core.roles import MAX_EXPANDED
from keywright.services.catalog.shapes import CatalogDiff, Narrowed
from keywright.services.catalog.vocabulary import stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keywright.core.catalog import Applied
    from keywright.core.identities import Membership
    from keywright.core.permissions import Policy
    from keywright.core.roles import DefinedRole, Role, Values
    from keywright.services.work import Work

MAX_NARROWED = 100
"""Memberships that are told of one change; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a tenant has: the catalog that was applied last, and its roles by name."""

    applied: Applied | None
    catalog: Catalog
    roles: Mapping[str, DefinedRole]

    @property
    def revision(self) -> int:
        """The revision of the catalog, 0 where there is none."""
        return 0 if self.applied is None else self.applied.revision

    @property
    def outside(self) -> dict[str, Role]:
        """The roles that were made beside the catalog, by name."""
        return {name: one.role for name, one in self.roles.items() if not one.by_catalog}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done.

    `losing` are the memberships that go with their role, and `trimmed` those that give values to variables which
    their role does not declare any more, each with the values that it keeps.
    """

    catalog: Catalog
    diff: CatalogDiff
    added: tuple[Role, ...]
    changed: tuple[tuple[DefinedRole, Role], ...]
    removed: tuple[DefinedRole, ...]
    losing: tuple[Membership, ...]
    trimmed: tuple[tuple[str, Values], ...]


async def standing_of(work: Work, *, lock: bool = False) -> Standing:
    """What the call's tenant has; `lock` keeps others from changing it until the transaction ends."""
    applied = await work.transaction.catalog(work.tenant.id).get(lock=lock)
    roles = await work.transaction.roles(work.tenant.id).all(lock=lock)
    catalog = stored(None if applied is None else applied.document)
    return Standing(applied, catalog, {one.role.name: one for one in roles})


async def planned(work: Work, document: object, standing: Standing) -> Plan:
    """What applying a document changes. Raises `InvalidCatalog` where it cannot be applied."""
    catalog = parse(document)
    if catalog.tenant not in (None, work.tenant.slug):
        raise InvalidCatalog([Fault("tenant", "invalid_value", "This is the catalog of another tenant.")])
    catalog = replace(catalog, tenant=None)
    wanted = {role.name: role for role in catalog.roles}
    roles = standing.roles
    changed = tuple(
        (roles[name], role)
        for name, role in wanted.items()
        if name in roles and not (roles[name].by_catalog and role_plain(roles[name].role) == role_plain(role))
    )
    removed = tuple(one for name, one in roles.items() if one.by_catalog and name not in wanted)
    after = {name: role for name, role in standing.outside.items() if name not in wanted} | wanted
    touched = {one.role.name for one, _ in changed} | {one.role.name for one in removed}
    memberships = await _memberships(work, catalog, after, touched)
    _refuse_misfits(standing, catalog, after, memberships)
    narrowed = list(_narrowed({name: roles[name].role for name in sorted(touched)}, after, memberships))
    return Plan(
        catalog=catalog,
        diff=CatalogDiff(
            revision=standing.revision,
            changes=diff(standing.catalog, catalog, standing.outside),
            narrowed=await _told(work, narrowed[:MAX_NARROWED]),
            narrowed_total=len(narrowed),
        ),
        added=tuple(role for name, role in wanted.items() if name not in roles),
        changed=changed,
        removed=removed,
        losing=tuple(held for one in removed for held in memberships[one.role.name]),
        trimmed=tuple(_trimmed(changed, memberships)),
    )


async def _memberships(
    work: Work, catalog: Catalog, after: Mapping[str, Role], touched: set[str]
) -> dict[str, tuple[Membership, ...]]:
    """Who holds the roles that change, and those whose values a strict catalog has to know."""
    judged = {
        name for name, role in after.items() if catalog.strict and any(one.entity for one in role.variables)
    }
    memberships = work.transaction.memberships(work.tenant.id)
    return {name: await memberships.with_role(name) for name in sorted(touched | judged)}


def _refuse_misfits(
    standing: Standing,
    catalog: Catalog,
    after: Mapping[str, Role],
    memberships: Mapping[str, Sequence[Membership]],
) -> None:
    """Raise `InvalidCatalog` where roles beside the catalog, or memberships, cannot stand with it."""
    vocabulary = Vocabulary.of(catalog)
    faults = []
    for name in sorted(standing.outside.keys() & after.keys() - {role.name for role in catalog.roles}):
        if not _knows(vocabulary, after[name]):
            detail = "This role was made beside the catalog, and names what the catalog does not know."
            faults.append(Fault(f"roles.{name}", UnknownEntity.code, detail))
    for name in sorted(memberships.keys() & after.keys()):
        role = after[name]
        given = [_declared(role, held.grant.variables) for held in memberships[name]]
        too_many = sum(role.size(values) > MAX_EXPANDED for values in given)
        if too_many:
            detail = (
                f"Memberships whose values would make more than {MAX_EXPANDED} patterns of it: {too_many}."
            )
            faults.append(Fault(f"roles.{name}", "invalid_value", detail))
        kinds = {one.name: one for one in role.variables}
        unknown = sum(not all(vocabulary.knows_values(kinds[n], v) for n, v in values) for values in given)
        if unknown:
            detail = f"Memberships whose values the catalog does not know: {unknown}."
            faults.append(Fault(f"roles.{name}", UnknownEntity.code, detail))
    if faults:
        raise InvalidCatalog(faults)


def _knows(vocabulary: Vocabulary, role: Role) -> bool:
    """Whether a role could be made with this vocabulary."""
    try:
        vocabulary.check_policies(role.policies)
        for variable in role.variables:
            vocabulary.check_variable(variable, "")
    except UnknownAction:
        return False
    return True


def _declared(role: Role, values: Values) -> Values:
    """The values of the variables that a role declares."""
    names = {variable.name for variable in role.variables}
    return tuple(one for one in values if one[0] in names)


def _narrowed(
    before: Mapping[str, Role], after: Mapping[str, Role], memberships: Mapping[str, Sequence[Membership]]
) -> Iterator[tuple[Membership, tuple[Policy, ...]]]:
    """The memberships that are left with less, each with the policies that it loses."""
    for name, role in before.items():
        known: dict[Values, tuple[Policy, ...]] = {}
        for held in memberships[name]:
            values = held.grant.variables
            if values not in known:
                known[values] = lost(role, after.get(name), values)
            if known[values]:
                yield held, known[values]


async def _told(
    work: Work, narrowed: Sequence[tuple[Membership, tuple[Policy, ...]]]
) -> tuple[Narrowed, ...]:
    if not work.caller.may(work.tenant.id, "identities:read"):
        return ()
    found = await work.transaction.identities.named({held.identity_id for held, _ in narrowed})
    return tuple(
        Narrowed(
            identity_id=held.identity_id,
            identity_name=found[held.identity_id].name,
            role=held.grant.role,
            lost=policies,
        )
        for held, policies in narrowed
    )


def _trimmed(
    changed: Sequence[tuple[DefinedRole, Role]], memberships: Mapping[str, Sequence[Membership]]
) -> Iterator[tuple[str, Values]]:
    """The memberships to trim, by id."""
    for _, role in changed:
        for held in memberships[role.name]:
            values = _declared(role, held.grant.variables)
            if values != held.grant.variables:
                yield held.id, values
