"""Tenants. Found by slug or id; an installation has few of them, each with much in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select, update

from keywright.core.errors import SlugTaken
from keywright.core.listing import Page, Position
from keywright.storage.conflicts import conflicts
from keywright.storage.rows import TENANT_COLUMNS, tenant_of, tenant_values
from keywright.storage.schema import agent, identity, identity_name, invitation, membership, tenant

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Tenant

_LIVE = tenant.c.deleted_at.is_(None)


class Tenants:
    """The tenants of an installation."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Tenant) -> None:
        """Add a tenant. Raises `SlugTaken`."""
        with conflicts({"uq_tenant_slug": SlugTaken("Another tenant has this slug.", field="slug")}):
            await self._connection.execute(insert(tenant).values(tenant_values(new)))

    async def change(self, changed: Tenant) -> None:
        """Store a tenant's slug, name, switch and settings. Raises `SlugTaken`."""
        with conflicts({"uq_tenant_slug": SlugTaken("Another tenant has this slug.", field="slug")}):
            await self._connection.execute(
                update(tenant).where(_LIVE, tenant.c.id == changed.id).values(tenant_values(changed))
            )

    async def delete(self, tenant_id: str, now: datetime) -> None:
        """Delete a tenant: nobody finds it any more, and its slug is free.

        Its service accounts go with it, wherever they hold roles, every role that is held in it, invitations to it,
        and the agents in it. Its keys are for the caller to delete first.
        """
        owned = select(identity.c.id).where(identity.c.tenant_id == tenant_id)
        await self._connection.execute(delete(identity_name).where(identity_name.c.tenant_id == tenant_id))
        await self._connection.execute(
            delete(membership).where(
                or_(membership.c.tenant_id == tenant_id, membership.c.identity_id.in_(owned))
            )
        )
        await self._connection.execute(
            update(identity)
            .where(identity.c.tenant_id == tenant_id, identity.c.deleted_at.is_(None))
            .values(active=False, deleted_at=now)
        )
        await self._connection.execute(
            update(invitation)
            .where(invitation.c.tenant_id == tenant_id, invitation.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        await self._connection.execute(delete(agent).where(agent.c.tenant_id == tenant_id))
        await self._connection.execute(
            update(tenant)
            .where(_LIVE, tenant.c.id == tenant_id)
            .values(slug=f"deleted:{tenant_id}", active=False, deleted_at=now)
        )

    async def by_slug(self, slug: str) -> Tenant | None:
        """The tenant with this slug, or None."""
        query = select(*TENANT_COLUMNS).where(_LIVE, tenant.c.slug == slug)
        row = (await self._connection.execute(query)).first()
        return None if row is None else tenant_of(row)

    async def by_id(self, tenant_id: str, *, lock: bool = False) -> Tenant | None:
        """The tenant with this id, or None; `lock` keeps others from changing it until the transaction ends."""
        query = select(*TENANT_COLUMNS).where(_LIVE, tenant.c.id == tenant_id)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).first()
        return None if row is None else tenant_of(row)

    async def named(self, tenant_ids: Collection[str]) -> dict[str, Tenant]:
        """The tenants with these ids, by id."""
        query = select(*TENANT_COLUMNS).where(_LIVE, tenant.c.id.in_(tenant_ids))
        rows = (await self._connection.execute(query)).all()
        return {found.id: found for found in map(tenant_of, rows)}

    async def any(self) -> bool:
        """Whether there is a tenant at all; there is none only before the first start."""
        return (await self._connection.execute(select(tenant.c.id).limit(1))).first() is not None

    async def page(
        self, *, among: Collection[str] | None, limit: int, after: Position | None
    ) -> Page[Tenant]:
        """Tenants by slug; `among` keeps to those ids, None lists them all."""
        query = select(*TENANT_COLUMNS).where(_LIVE).order_by(tenant.c.slug).limit(limit + 1)
        if among is not None:
            query = query.where(tenant.c.id.in_(among))
        if after is not None:
            query = query.where(tenant.c.slug > after.value)
        rows = (await self._connection.execute(query)).all()
        items = tuple(tenant_of(row) for row in rows[:limit])
        return Page(items, tuple(Position(item.slug, item.id) for item in items), len(rows) > limit)
