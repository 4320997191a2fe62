"""The credits of a database as nodes take them: every call is a transaction of its own."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from keywright.core.errors import Unavailable
from keywright.storage.away import Undone

if TYPE_CHECKING:
    from keywright.core.limits import CreditBlock, UnspentCredits
    from keywright.storage.database import Database

ATTEMPTS = 3


class DatabaseCredits:
    """The credits in a database; see `CreditStore`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, key_id: str, need: int, wish: int, now_us: int) -> CreditBlock:
        """See `CreditStore`."""
        for _ in range(ATTEMPTS - 1):
            with suppress(Undone):
                return await self._take(key_id, need, wish, now_us)
        return await self._take(key_id, need, wish, now_us)

    async def left(self, key_id: str, now_us: int) -> CreditBlock:
        """See `CreditStore`."""
        async with self._database.read() as transaction:
            return await transaction.credits.left(key_id, now_us)

    async def give_back(self, unspent: tuple[UnspentCredits, ...]) -> None:
        """See `CreditStore`."""
        ending = False
        try:
            async with self._database.write() as transaction:
                await transaction.credits.give_back(unspent)
                ending = True
        except Undone:
            raise
        except Unavailable:
            if not ending:
                raise

    async def _take(self, key_id: str, need: int, wish: int, now_us: int) -> CreditBlock:
        async with self._database.write() as transaction:
            return await transaction.credits.take(key_id, need, wish, now_us)
