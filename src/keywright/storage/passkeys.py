"""Passkeys: whose they are, found by the id that their device gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, or_, select, update

from keywright.core.errors import FactorExists
from keywright.core.passkeys import Passkey
from keywright.storage.conflicts import conflicts
from keywright.storage.schema import passkey

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


class Passkeys:
    """The passkeys of everybody; what is done to one is done with its person's id."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Passkey) -> None:
        """Add a passkey. Raises `FactorExists` when its credential is registered already."""
        with conflicts(
            {
                "uq_passkey_credential_id": FactorExists(
                    "This passkey is registered already.", field="credential"
                )
            }
        ):
            await self._connection.execute(
                insert(passkey).values(
                    id=new.id,
                    identity_id=new.identity_id,
                    credential_id=new.credential_id,
                    public_key=new.public_key,
                    sign_count=new.sign_count,
                    name=new.name,
                    transports=",".join(new.transports),
                    created_at=new.created_at,
                    last_used_at=new.last_used_at,
                )
            )

    async def of(self, identity_id: str) -> tuple[Passkey, ...]:
        """A person's passkeys, in the order in which they were added."""
        query = select(passkey).where(passkey.c.identity_id == identity_id).order_by(passkey.c.id)
        return tuple(map(_passkey, (await self._connection.execute(query)).mappings()))

    async def by_credential(self, credential_id: bytes) -> Passkey | None:
        """The passkey with this credential id, whoever has it, or None."""
        query = select(passkey).where(passkey.c.credential_id == credential_id)
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _passkey(row)

    async def by_id(self, identity_id: str, passkey_id: str) -> Passkey | None:
        """A person's passkey by its id, or None."""
        query = select(passkey).where(passkey.c.identity_id == identity_id, passkey.c.id == passkey_id)
        row = (await self._connection.execute(query)).mappings().first()
        return None if row is None else _passkey(row)

    async def used(self, passkey_id: str, sign_count: int, now: datetime) -> bool:
        """Note a use; answers False where the count of signatures does not go on, as that of a copy would not.

        A device that does not count always says 0.
        """
        goes_on = or_(passkey.c.sign_count < sign_count, passkey.c.sign_count == 0)
        noted = (
            update(passkey)
            .where(passkey.c.id == passkey_id, goes_on)
            .values(sign_count=sign_count, last_used_at=now)
        )
        return (await self._connection.execute(noted)).rowcount == 1

    async def rename(self, identity_id: str, passkey_id: str, name: str) -> None:
        """Give a person's passkey another name."""
        mine = (passkey.c.identity_id == identity_id, passkey.c.id == passkey_id)
        await self._connection.execute(update(passkey).where(*mine).values(name=name))

    async def remove(self, identity_id: str, passkey_id: str) -> None:
        """Take a person's passkey away."""
        mine = (passkey.c.identity_id == identity_id, passkey.c.id == passkey_id)
        await self._connection.execute(delete(passkey).where(*mine))


def _passkey(row: Any) -> Passkey:  # noqa: ANN401 - a mapping-like row
    return Passkey(**{**row, "transports": tuple(filter(None, row["transports"].split(",")))})
