"""The catalog of a tenant: its document as it was last applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from keywright.core.catalog import Applied
from keywright.core.errors import CatalogChanged
from keywright.storage.conflicts import conflicts
from keywright.storage.rows import routes_text
from keywright.storage.schema import catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.routes import Route

_COLUMNS = tuple(catalog.c[name] for name in ("document", "revision", "applied_at", "applied_by"))


class Catalogs:
    """The catalog of one tenant."""

    __slots__ = ("_connection", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def get(self, *, lock: bool = False) -> Applied | None:
        """What was applied last, or None; `lock` keeps others from applying until the transaction ends."""
        query = select(*_COLUMNS).where(catalog.c.tenant_id == self._tenant_id)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).first()
        return None if row is None else Applied(*row)

    async def put(self, applied: Applied, routes: Sequence[Route]) -> None:
        """Store the revision that follows the one that is there, and its routes beside it.

        Raises `CatalogChanged` when another revision is there.
        """
        changed = CatalogChanged(
            "The catalog was applied by somebody else meanwhile. Look at the difference anew."
        )
        values = {column.name: getattr(applied, column.name) for column in _COLUMNS}
        values["routes"] = routes_text(routes)
        if applied.revision == 1:
            with conflicts({"pk_catalog": changed}):
                await self._connection.execute(insert(catalog).values(tenant_id=self._tenant_id, **values))
            return
        before = catalog.c.revision == applied.revision - 1
        found = await self._connection.execute(
            update(catalog).where(catalog.c.tenant_id == self._tenant_id, before).values(values)
        )
        if not found.rowcount:
            raise changed
