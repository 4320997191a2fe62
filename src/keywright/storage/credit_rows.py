"""Credits: taken out of a key's row in blocks, put back when they were not spent, and filled up when it is time.

Each of these is one statement that finds the row as it is and changes it, so that no two nodes ever take the same
credit, on either engine. Filling up is part of taking: the first who takes anything after the time sets the row to the
refill's amount and counts `credits_version` up, so that nothing that was taken before can come back after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, String, and_, bindparam, case, select, type_coerce, update

from keywright.core.limits import CREDIT_SHARE, CreditBlock, Every
from keywright.storage.schema import api_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.limits import UnspentCredits

_now, _amount, _floor, _version = (
    bindparam(name, type_=BigInteger()) for name in ("now", "amount", "floor", "version")
)
_refill_at = type_coerce(api_key.c.refill_at, BigInteger())
_due = and_(api_key.c.refill_amount.is_not(None), _refill_at <= _now)
_span = case(
    {every.value: int(every.span.total_seconds()) * 1_000_000 for every in Every},
    value=api_key.c.refill_every,
)
_credits = case((_due, api_key.c.refill_amount), else_=api_key.c.credits)
# The first end of a period that is still to come, however many have passed.
_ends = case((_due, _refill_at + ((_now - _refill_at) // _span + 1) * _span), else_=_refill_at)
_counted = case((_due, api_key.c.credits_version + 1), else_=api_key.c.credits_version)
_metered = and_(
    api_key.c.id == bindparam("key_id", type_=String()),
    api_key.c.deleted_at.is_(None),
    api_key.c.credits.is_not(None),
)

_TAKE = (
    update(api_key)
    .where(_metered, _credits >= _floor)
    .values(credits=_credits - _amount, refill_at=_ends, credits_version=_counted)
    .returning(api_key.c.credits, api_key.c.credits_version, _refill_at)
)
_LEFT = select(_credits, _counted, _ends).where(_metered)
_GIVE_BACK = (
    update(api_key)
    .where(_metered, api_key.c.credits_version == _version)
    .values(credits=api_key.c.credits + _amount)
)


class CreditRows:
    """The credits of keys of every tenant; for nodes, which know a key's tenant already."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take(self, key_id: str, need: int, wish: int, now_us: int) -> CreditBlock:
        """See `CreditStore`; `wish` is taken where that leaves plenty for others."""
        for amount, floor in ((wish, wish * CREDIT_SHARE), (need, need)):
            if amount >= need:
                values = {"key_id": key_id, "now": now_us, "amount": amount, "floor": floor}
                row = (await self._connection.execute(_TAKE, values)).first()
                if row is not None:
                    return CreditBlock(amount, *row)
        return await self.left(key_id, now_us)

    async def left(self, key_id: str, now_us: int) -> CreditBlock:
        """See `CreditStore`; nothing for a key without credits, or that is not there."""
        row = (await self._connection.execute(_LEFT, {"key_id": key_id, "now": now_us})).first()
        return CreditBlock(0, 0, 0) if row is None else CreditBlock(0, *row)

    async def give_back(self, unspent: Sequence[UnspentCredits]) -> None:
        """See `CreditStore`."""
        # In one order everywhere, so that no two nodes wait for each other.
        ordered = sorted(unspent, key=lambda one: one.key_id)
        values = [{"key_id": one.key_id, "amount": one.amount, "version": one.version} for one in ordered]
        await self._connection.execute(_GIVE_BACK, values)
