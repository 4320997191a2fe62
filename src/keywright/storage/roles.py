"""Roles that tenants define."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from keywright.core.errors import RoleTaken
from keywright.core.listing import Page, Position
from keywright.core.roles import DefinedRole
from keywright.storage.conflicts import conflicts
from keywright.storage.rows import role_of, role_values
from keywright.storage.schema import role

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = tuple(
    role.c[name]
    for name in (
        "id",
        "tenant_id",
        "name",
        "description",
        "variables",
        "policies",
        "by_catalog",
        "created_at",
        "updated_at",
    )
)


class Roles:
    """The roles that one tenant defines."""

    __slots__ = ("_connection", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def add(self, new: DefinedRole) -> None:
        """Add a role. Raises `RoleTaken`, and `ValueError` for a role of another tenant."""
        if new.tenant_id != self._tenant_id:
            raise ValueError("The role belongs to another tenant.")
        taken = RoleTaken("Another role of the tenant has this name.", field="name")
        with conflicts({"uq_role_tenant_id_name": taken}):
            await self._connection.execute(
                insert(role).values(
                    id=new.id,
                    tenant_id=new.tenant_id,
                    by_catalog=new.by_catalog,
                    created_at=new.created_at,
                    updated_at=new.updated_at,
                    **role_values(new.role),
                )
            )

    async def by_name(self, name: str, *, lock: bool = False) -> DefinedRole | None:
        """The role of this name, or None; `lock` keeps others from changing it until the transaction ends."""
        query = select(*_COLUMNS).where(role.c.tenant_id == self._tenant_id, role.c.name == name)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).first()
        return None if row is None else _defined(row)

    async def all(self, *, lock: bool = False) -> tuple[DefinedRole, ...]:
        """Every role, by name; a tenant has few."""
        query = select(*_COLUMNS).where(role.c.tenant_id == self._tenant_id).order_by(role.c.name)
        rows = (await self._connection.execute(query.with_for_update() if lock else query)).all()
        return tuple(map(_defined, rows))

    async def page(self, *, limit: int, after: Position | None = None) -> Page[DefinedRole]:
        """Roles by name."""
        query = (
            select(*_COLUMNS)
            .where(role.c.tenant_id == self._tenant_id)
            .order_by(role.c.name)
            .limit(limit + 1)
        )
        if after is not None:
            query = query.where(role.c.name > after.value)
        rows = (await self._connection.execute(query)).all()
        items = tuple(map(_defined, rows[:limit]))
        positions = tuple(Position(item.role.name, item.id) for item in items)
        return Page(items, positions, len(rows) > limit)

    async def change(self, changed: DefinedRole) -> None:
        """Store what a role says and who defines it; its name stays."""
        values = role_values(changed.role) | {
            "by_catalog": changed.by_catalog,
            "updated_at": changed.updated_at,
        }
        del values["name"]
        await self._connection.execute(
            update(role).where(role.c.tenant_id == self._tenant_id, role.c.id == changed.id).values(values)
        )

    async def remove(self, role_id: str) -> None:
        """Remove a role. Who holds it is for the caller to look at."""
        await self._connection.execute(
            delete(role).where(role.c.tenant_id == self._tenant_id, role.c.id == role_id)
        )


def _defined(row: Any) -> DefinedRole:  # noqa: ANN401 - a tuple-like row
    id_, tenant_id, name, description, variables, policies, by_catalog, created_at, updated_at = row
    return DefinedRole(
        id=id_,
        tenant_id=tenant_id,
        role=role_of(name, description, variables, policies),
        by_catalog=bool(by_catalog),
        created_at=created_at,
        updated_at=updated_at,
    )
