"""TOTP: the secrets that people share with their authenticator apps, and the last code that was accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from keywright.storage.schema import totp
from keywright.storage.upserts import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpSecret:
    """One person's secret in base32; `confirmed_at` is None until a code of it was shown."""

    identity_id: str
    secret: str = field(repr=False)
    created_at: datetime
    confirmed_at: datetime | None
    last_step: int


class Totp:
    """The secrets of everybody, one a person."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, identity_id: str) -> TotpSecret | None:
        """A person's secret, confirmed or not, or None."""
        query = select(totp).where(totp.c.identity_id == identity_id)
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else TotpSecret(**row)

    async def set_up(self, identity_id: str, secret: str, now: datetime) -> bool:
        """Give a person a secret that is still to be confirmed, in place of another such.

        Answers False, and changes nothing, where the person has a confirmed one.
        """
        given = (
            upsert(self._connection, totp)
            .values(identity_id=identity_id, secret=secret, created_at=now, last_step=0)
            .on_conflict_do_update(
                index_elements=[totp.c.identity_id],
                set_={"secret": secret, "created_at": now, "last_step": 0},
                where=totp.c.confirmed_at.is_(None),
            )
        )
        return (await self._connection.execute(given)).rowcount == 1

    async def confirm(self, identity_id: str, now: datetime) -> None:
        """Let the secret count from now on."""
        await self._connection.execute(
            update(totp).where(totp.c.identity_id == identity_id).values(confirmed_at=now)
        )

    async def spend(self, identity_id: str, step: int) -> bool:
        """Accept the code of a time step, and with it no code of this step or an earlier one any more.

        Answers whether it could be accepted: of many at once with the same code, one is told so.
        """
        spent = (
            update(totp)
            .where(totp.c.identity_id == identity_id, totp.c.last_step < step)
            .values(last_step=step)
        )
        return (await self._connection.execute(spent)).rowcount == 1

    async def remove(self, identity_id: str) -> None:
        """Take a person's secret away."""
        await self._connection.execute(delete(totp).where(totp.c.identity_id == identity_id))
