"""Replays: which creations were already made under an idempotency key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from keywright.storage.conflicts import conflicts
from keywright.storage.schema import idempotency

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


class ReplayRace(Exception):
    """Another transaction used the same idempotency key at this moment; a second attempt finds its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A creation that was made: who asked, in which tenant, under what key, for what, and what came of it."""

    caller_id: str
    tenant_id: str | None
    key: str
    fingerprint: bytes
    result_id: str
    created_at: datetime


class Replays:
    """Creations by caller, tenant and idempotency key."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, caller_id: str, tenant_id: str | None, key: str, since: datetime) -> Replay | None:
        """The creation under this key, unless it is older than `since`; then it is forgotten."""
        mine = (
            idempotency.c.caller_id == caller_id,
            idempotency.c.tenant_id == (tenant_id or ""),
            idempotency.c.key == key,
        )
        row = (await self._connection.execute(select(idempotency).where(*mine))).mappings().first()
        if row is None:
            return None
        if row["created_at"] < since:
            # Only what is too old: another transaction may have done the same and used the key anew by now.
            await self._connection.execute(delete(idempotency).where(*mine, idempotency.c.created_at < since))
            return None
        return Replay(**{**row, "tenant_id": row["tenant_id"] or None})

    async def add(self, made: Replay) -> None:
        """Remember a creation. Raises `ReplayRace` when another transaction was faster."""
        with conflicts({"pk_idempotency": ReplayRace()}):
            await self._connection.execute(
                insert(idempotency).values(
                    caller_id=made.caller_id,
                    tenant_id=made.tenant_id or "",
                    key=made.key,
                    fingerprint=made.fingerprint,
                    result_id=made.result_id,
                    created_at=made.created_at,
                )
            )

    async def forget_before(self, moment: datetime) -> int:
        """Remove what is older than a moment; answers how many."""
        old = delete(idempotency).where(idempotency.c.created_at < moment)
        return (await self._connection.execute(old)).rowcount
