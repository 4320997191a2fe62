"""A store of credits in memory: what `CreditStore` promises, as plainly as can be, and with faults on demand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keywright.core.errors import Unavailable
from keywright.core.limits import CREDIT_SHARE, CreditBlock

if TYPE_CHECKING:
    from keywright.core.limits import UnspentCredits


@dataclass(slots=True)
class Row:
    """The credits of one key; `span_us` 0 means that nothing fills them up."""

    credits: int
    amount: int = 0
    span_us: int = 0
    ends_us: int | None = None
    version: int = 0


@dataclass(slots=True)
class CreditsInMemory:
    """`granted` is every credit that ever was in a row, as set or filled up, less those that this took out of it."""

    rows: dict[str, Row] = field(default_factory=dict)
    away: bool = False
    asked: int = 0
    # Cleared, a call has done what it does and its answer does not arrive.
    arriving: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.arriving.set()

    async def take(self, key_id: str, need: int, wish: int, now_us: int) -> CreditBlock:
        """See `CreditStore`."""
        self._ask()
        row = self._filled(key_id, now_us)
        taken = next(
            (one for one, floor in ((wish, wish * CREDIT_SHARE), (need, need)) if row.credits >= floor), 0
        )
        row.credits -= taken
        block = CreditBlock(taken, row.credits, row.version, row.ends_us)
        await self.arriving.wait()
        return block

    async def left(self, key_id: str, now_us: int) -> CreditBlock:
        """See `CreditStore`."""
        self._ask()
        row = self._filled(key_id, now_us)
        block = CreditBlock(0, row.credits, row.version, row.ends_us)
        await self.arriving.wait()
        return block

    async def give_back(self, unspent: tuple[UnspentCredits, ...]) -> None:
        """See `CreditStore`."""
        self._ask()
        for one in unspent:
            row = self.rows[one.key_id]
            if row.version == one.version:
                row.credits += one.amount

    def set(self, key_id: str, credit: int, now_us: int = 0) -> None:
        """Set credits anew, as people do; a period of their refill begins."""
        row = self.rows[key_id]
        row.credits = credit
        row.version += 1
        if row.ends_us is not None:
            row.ends_us = now_us + row.span_us

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("The database cannot be reached.")

    def _filled(self, key_id: str, now_us: int) -> Row:
        row = self.rows[key_id]
        if row.ends_us is not None and row.ends_us <= now_us:
            row.credits = row.amount
            row.ends_us += ((now_us - row.ends_us) // row.span_us + 1) * row.span_us
            row.version += 1
        return row
