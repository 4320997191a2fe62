"""Recovery codes: for when the device is lost, each good for one login; stored as digests alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from keywright.storage.schema import recovery_code

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

_UNUSED = recovery_code.c.used_at.is_(None)


class RecoveryCodes:
    """The recovery codes of everybody."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def left(self, identity_id: str) -> int:
        """How many codes of a person are not used."""
        query = select(func.count()).where(recovery_code.c.identity_id == identity_id, _UNUSED)
        return int((await self._connection.execute(query)).scalar_one())

    async def replace(self, identity_id: str, digests: Sequence[bytes], now: datetime) -> None:
        """Give a person these codes in place of all it had; none of them takes all away."""
        await self._connection.execute(
            delete(recovery_code).where(recovery_code.c.identity_id == identity_id)
        )
        if digests:
            rows = [{"digest": digest, "identity_id": identity_id, "created_at": now} for digest in digests]
            await self._connection.execute(insert(recovery_code), rows)

    async def spend(self, identity_id: str, digest: bytes, now: datetime) -> bool | None:
        """Use a code: whether it was unused until now, or None if it is none of this person's."""
        mine = (recovery_code.c.identity_id == identity_id, recovery_code.c.digest == digest)
        spent = update(recovery_code).where(*mine, _UNUSED).values(used_at=now)
        if (await self._connection.execute(spent)).rowcount == 1:
            return True
        known = await self._connection.execute(select(recovery_code.c.digest).where(*mine))
        return None if known.first() is None else False
