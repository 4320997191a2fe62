"""Memberships: which roles an identity holds in a tenant, and which everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from keywright.core.errors import MembershipHeld
from keywright.core.identities import IdentityKind, Membership
from keywright.core.ids import new_id
from keywright.core.listing import Page, Position
from keywright.storage.conflicts import conflicts
from keywright.storage.rows import DEFINED, GRANT_COLUMNS, grant_of, values_text
from keywright.storage.schema import identity, membership, role

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Grant
    from keywright.core.roles import Values

_OWN = tuple(membership.c[name] for name in ("id", "identity_id", "by_sign_on", "created_at", "created_by"))


class Memberships:
    """The memberships in one tenant (None: the roles held everywhere)."""

    __slots__ = ("_connection", "_mine", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str | None) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._mine: ColumnElement[bool] = (
            membership.c.tenant_id.is_(None) if tenant_id is None else membership.c.tenant_id == tenant_id
        )

    async def add(
        self,
        identity_id: str,
        grant: Grant,
        now: datetime,
        *,
        membership_id: str | None = None,
        created_by: str | None = None,
        by_sign_on: bool = False,
    ) -> Membership:
        """Give an identity a role. Raises `MembershipHeld`, and `ValueError` for a grant of another tenant."""
        if grant.tenant_id != self._tenant_id:
            raise ValueError("The grant is one of another tenant.")
        made = Membership(
            id=membership_id or new_id("mem"),
            identity_id=identity_id,
            grant=grant,
            by_sign_on=by_sign_on,
            created_at=now,
            created_by=created_by,
        )
        held = MembershipHeld("The identity holds this role already; change its membership.", field="role")
        with conflicts({"uq_membership_identity_id_tenant_id_role": held, "uq_membership_global": held}):
            await self._connection.execute(
                insert(membership).values(
                    id=made.id,
                    identity_id=identity_id,
                    tenant_id=grant.tenant_id,
                    role=grant.role,
                    variables=values_text(grant.variables),
                    by_sign_on=by_sign_on,
                    created_at=now,
                    created_by=created_by,
                )
            )
        return made

    async def by_id(self, membership_id: str, *, lock: bool = False) -> Membership | None:
        """The membership with this id, or None."""
        query = _selected().where(self._mine, membership.c.id == membership_id)
        if lock:
            query = query.with_for_update(of=membership)
        row = (await self._connection.execute(query)).first()
        return None if row is None else _membership(row)

    async def of(self, identity_ids: Collection[str]) -> tuple[Membership, ...]:
        """The memberships of some identities, in the order in which they were given."""
        query = _selected().where(self._mine, membership.c.identity_id.in_(identity_ids))
        rows = (await self._connection.execute(query.order_by(membership.c.id))).all()
        return tuple(map(_membership, rows))

    async def page(
        self,
        *,
        identity_id: str | None = None,
        role_name: str | None = None,
        limit: int,
        after: Position | None = None,
    ) -> Page[Membership]:
        """Memberships in the order in which they were given, of one identity or with one role if asked."""
        order = (membership.c.tenant_id, membership.c.id)  # with the tenant, as for lists of keys
        query = _selected().where(self._mine).order_by(*order).limit(limit + 1)
        if identity_id is not None:
            query = query.where(membership.c.identity_id == identity_id)
        if role_name is not None:
            query = query.where(membership.c.role == role_name)
        if after is not None:
            query = query.where(membership.c.id > after.id)
        rows = (await self._connection.execute(query)).all()
        items = tuple(map(_membership, rows[:limit]))
        return Page(items, tuple(Position(None, item.id) for item in items), len(rows) > limit)

    async def with_role(self, name: str) -> tuple[Membership, ...]:
        """Every membership with a role: those that a change of the role concerns."""
        query = _selected().where(self._mine, membership.c.role == name).order_by(membership.c.id)
        return tuple(map(_membership, (await self._connection.execute(query)).all()))

    async def set_variables(self, membership_id: str, values: Values) -> None:
        """Give a membership's variables other values."""
        await self._connection.execute(
            update(membership)
            .where(self._mine, membership.c.id == membership_id)
            .values(variables=values_text(values))
        )

    async def remove(self, membership_ids: Collection[str]) -> None:
        """Take roles away."""
        await self._connection.execute(
            delete(membership).where(self._mine, membership.c.id.in_(membership_ids))
        )

    async def holders(self, name: str, kinds: Collection[IdentityKind]) -> tuple[str, ...]:
        """The memberships by which active identities of these kinds hold a role, by id.

        Those of inactive ones too are locked until the transaction ends, in one order: of two who would each
        take away the last but one, the second waits and sees what the first has left. Whoever asks must have
        locked none of them before.
        """
        query = (
            select(membership.c.id)
            .join(identity, identity.c.id == membership.c.identity_id)
            .where(self._mine, membership.c.role == name, identity.c.kind.in_(kinds))
            .order_by(membership.c.id)
        )
        await self._connection.execute(query.with_for_update(of=membership))
        # Asked anew: a statement that has waited sees the locked rows as they are, and identities as they were.
        active = query.where(identity.c.active, identity.c.deleted_at.is_(None))
        return tuple((await self._connection.execute(active)).scalars())


class AllMemberships:
    """What concerns the roles of an identity in every tenant at once."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, identity_id: str, grant: Grant, now: datetime) -> Membership:
        """Give an identity a role where the grant says. Raises `MembershipHeld`."""
        return await Memberships(self._connection, grant.tenant_id).add(identity_id, grant, now)

    async def of(self, identity_id: str) -> tuple[Membership, ...]:
        """All memberships of an identity, in every tenant and everywhere."""
        query = _selected().where(membership.c.identity_id == identity_id).order_by(membership.c.id)
        return tuple(map(_membership, (await self._connection.execute(query)).all()))

    async def grants(self, identity_id: str) -> tuple[Grant, ...]:
        """All roles that an identity holds, in every tenant and everywhere."""
        query = (
            select(*GRANT_COLUMNS)
            .select_from(membership.outerjoin(role, DEFINED))
            .where(membership.c.identity_id == identity_id)
            .order_by(membership.c.id)
        )
        return tuple(map(grant_of, (await self._connection.execute(query)).all()))


def _selected() -> Select[Any]:
    return select(*_OWN, *GRANT_COLUMNS).select_from(membership.outerjoin(role, DEFINED))


def _membership(row: Any) -> Membership:  # noqa: ANN401 - a tuple-like row
    id_, identity_id, by_sign_on, created_at, created_by = row[: len(_OWN)]
    return Membership(
        id=id_,
        identity_id=identity_id,
        grant=grant_of(row[len(_OWN) :]),
        by_sign_on=bool(by_sign_on),
        created_at=created_at,
        created_by=created_by,
    )
