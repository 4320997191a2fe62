"""Tenants. Found by slug or id; an installation has few of them, each with much in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from keywright.core.errors import SlugTaken
from keywright.core.listing import Page, Position
from keywright.storage.conflicts import conflicts
from keywright.storage.rows import TENANT_COLUMNS, tenant_of
from keywright.storage.schema import tenant

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Tenant


class Tenants:
    """The tenants of an installation."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Tenant) -> None:
        """Add a tenant. Raises `SlugTaken`."""
        with conflicts({"uq_tenant_slug": SlugTaken("Another tenant has this slug.", field="slug")}):
            await self._connection.execute(
                insert(tenant).values({column.name: getattr(new, column.name) for column in TENANT_COLUMNS})
            )

    async def by_slug(self, slug: str) -> Tenant | None:
        """The tenant with this slug, or None."""
        row = (await self._connection.execute(select(*TENANT_COLUMNS).where(tenant.c.slug == slug))).first()
        return None if row is None else tenant_of(row)

    async def by_id(self, tenant_id: str) -> Tenant | None:
        """The tenant with this id, or None."""
        row = (
            await self._connection.execute(select(*TENANT_COLUMNS).where(tenant.c.id == tenant_id))
        ).first()
        return None if row is None else tenant_of(row)

    async def any(self) -> bool:
        """Whether there is a tenant at all; there is none only before the first start."""
        return (await self._connection.execute(select(tenant.c.id).limit(1))).first() is not None

    async def page(
        self, *, among: Collection[str] | None, limit: int, after: Position | None
    ) -> Page[Tenant]:
        """Tenants by slug; `among` keeps to those ids, None lists them all."""
        query = select(*TENANT_COLUMNS).order_by(tenant.c.slug).limit(limit + 1)
        if among is not None:
            query = query.where(tenant.c.id.in_(among))
        if after is not None:
            query = query.where(tenant.c.slug > after.value)
        rows = (await self._connection.execute(query)).all()
        items = tuple(tenant_of(row) for row in rows[:limit])
        return Page(items, tuple(Position(item.slug, item.id) for item in items), len(rows) > limit)
