"""Identities: everybody that a key or a session can speak for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, insert, or_, select, update

from keywright.core.identities import IdentityKind
from keywright.core.listing import Page, Position
from keywright.storage.names import accounts_called, add_name, remove_name
from keywright.storage.rows import IDENTITY_COLUMNS, identity_of, identity_values, limits_text
from keywright.storage.schema import identity, membership

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Identity

_LIVE = identity.c.deleted_at.is_(None)


class Identities:
    """Everybody that a key or a session can speak for.

    Identities are found by id or login alone: a person may belong to several tenants.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Identity) -> None:
        """Add an identity."""
        await self._connection.execute(insert(identity).values(identity_values(new)))
        await add_name(self._connection, new)

    async def change(self, changed: Identity) -> None:
        """Store an identity's name, description, limits and switch."""
        stored = await self._connection.execute(
            update(identity)
            .where(_LIVE, identity.c.id == changed.id)
            .values(
                name=changed.name,
                description=changed.description,
                active=changed.active,
                limits=limits_text(changed.limits),
            )
            .returning(*IDENTITY_COLUMNS)
        )
        row = stored.first()
        if row is None:
            return
        await remove_name(self._connection, changed.id)
        # Under the kind and the tenant that are stored, which never change.
        await add_name(self._connection, identity_of(row))

    async def delete(self, identity_id: str, now: datetime) -> None:
        """Delete an identity, with every role that it holds. Its keys are for the caller to delete."""
        await self._connection.execute(delete(membership).where(membership.c.identity_id == identity_id))
        await remove_name(self._connection, identity_id)
        await self._connection.execute(
            update(identity).where(identity.c.id == identity_id).values(deleted_at=now, active=False)
        )

    async def by_id(self, identity_id: str) -> Identity | None:
        """The identity with this id, or None."""
        query = select(*IDENTITY_COLUMNS).where(_LIVE, identity.c.id == identity_id)
        row = (await self._connection.execute(query)).first()
        return None if row is None else identity_of(row)

    async def owned(self, tenant_id: str, identity_id: str, *, lock: bool = False) -> Identity | None:
        """The service account of a tenant with this id, or None."""
        query = select(*IDENTITY_COLUMNS).where(
            _LIVE,
            identity.c.id == identity_id,
            identity.c.tenant_id == tenant_id,
            identity.c.kind == IdentityKind.SERVICE_ACCOUNT,
        )
        row = (await self._connection.execute(query.with_for_update() if lock else query)).first()
        return None if row is None else identity_of(row)

    async def in_tenant(self, tenant_id: str, identity_id: str) -> Identity | None:
        """The identity with this id if a tenant may know of it: the tenant owns it, or it holds a role there."""
        held = exists().where(membership.c.identity_id == identity.c.id, membership.c.tenant_id == tenant_id)
        query = select(*IDENTITY_COLUMNS).where(
            _LIVE, identity.c.id == identity_id, or_(identity.c.tenant_id == tenant_id, held)
        )
        row = (await self._connection.execute(query)).first()
        return None if row is None else identity_of(row)

    async def accounts(
        self, tenant_id: str, *, search: str | None = None, limit: int, after: Position | None = None
    ) -> Page[Identity]:
        """The service accounts of a tenant, in the order in which they were made.

        With `search`, those in whose name a word begins so, and who has just this id.
        """
        query = (
            select(*IDENTITY_COLUMNS)
            .where(_LIVE, identity.c.tenant_id == tenant_id, identity.c.kind == IdentityKind.SERVICE_ACCOUNT)
            .order_by(identity.c.id)
            .limit(limit + 1)
        )
        if search:
            query = query.where(identity.c.id.in_(accounts_called(tenant_id, search)))
        if after is not None:
            query = query.where(identity.c.id > after.id)
        rows = (await self._connection.execute(query)).all()
        items = tuple(map(identity_of, rows[:limit]))
        return Page(items, tuple(Position(None, item.id) for item in items), len(rows) > limit)

    async def named(self, identity_ids: set[str]) -> dict[str, Identity]:
        """The identities with these ids, by id; one query for a whole page of keys."""
        query = select(*IDENTITY_COLUMNS).where(identity.c.id.in_(identity_ids))
        rows = (await self._connection.execute(query)).all()
        return {found.id: found for found in map(identity_of, rows)}
