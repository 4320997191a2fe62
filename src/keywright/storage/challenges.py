"""Challenges: what somebody was given to answer, and is to answer once, soon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from keywright.storage.schema import challenge

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Something given out to be answered once.

    `id` is the SHA-256 in hex of what its holder was given, `purpose` what the answer is for, `identity_id`
    who is to answer, where that is known, and `payload` what only the server needs to know of it.
    """

    id: str
    purpose: str
    identity_id: str | None
    payload: str = field(repr=False)
    expires_at: datetime


class Challenges:
    """The challenges that wait for their answer."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Challenge) -> None:
        """Add a challenge."""
        await self._connection.execute(
            insert(challenge).values(
                id=new.id,
                purpose=new.purpose,
                identity_id=new.identity_id,
                payload=new.payload,
                expires_at=new.expires_at,
            )
        )

    async def take(self, challenge_id: str, purpose: str, now: datetime) -> Challenge | None:
        """The challenge, which from now on is answered; None if there is none for this purpose, or not any more.

        Of many transactions that take the same one, one gets it.
        """
        taken = (
            delete(challenge)
            .where(challenge.c.id == challenge_id, challenge.c.purpose == purpose)
            .returning(challenge.c.identity_id, challenge.c.payload, challenge.c.expires_at)
        )
        row = (await self._connection.execute(taken)).first()
        if row is None or row.expires_at <= now:
            return None
        return Challenge(
            id=challenge_id,
            purpose=purpose,
            identity_id=row.identity_id,
            payload=row.payload,
            expires_at=row.expires_at,
        )

    async def forget_before(self, moment: datetime) -> int:
        """Remove the challenges that expired before a moment; answers how many."""
        old = delete(challenge).where(challenge.c.expires_at < moment)
        return (await self._connection.execute(old)).rowcount
