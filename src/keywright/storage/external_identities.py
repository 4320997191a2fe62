"""External identities: who somebody is to an identity provider, by issuer and subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, insert, select

from keywright.storage.conflicts import conflicts
from keywright.storage.schema import external_identity

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


class LinkRace(Exception):
    """Another transaction linked the same account at this moment; a second attempt finds whom to."""


class ExternalIdentities:
    """Which person is which account of a provider. Letter case counts in both issuer and subject."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, issuer: str, subject: str) -> str | None:
        """The id of the identity that is this account, deleted or not, or None."""
        query = select(external_identity.c.identity_id).where(
            external_identity.c.issuer == issuer, external_identity.c.subject == subject
        )
        found: str | None = (await self._connection.execute(query)).scalar_one_or_none()
        return found

    async def linked(self, issuer: str, identity_id: str) -> bool:
        """Whether an identity is an account of this provider already."""
        query = select(
            exists().where(
                external_identity.c.issuer == issuer, external_identity.c.identity_id == identity_id
            )
        )
        return bool((await self._connection.execute(query)).scalar_one())

    async def add(self, issuer: str, subject: str, identity_id: str, now: datetime) -> None:
        """Note that an account is this identity. Raises `LinkRace` when another transaction was faster."""
        race = LinkRace("This account was linked at this moment.")
        with conflicts({"pk_external_identity": race}):
            await self._connection.execute(
                insert(external_identity).values(
                    issuer=issuer, subject=subject, identity_id=identity_id, created_at=now
                )
            )
