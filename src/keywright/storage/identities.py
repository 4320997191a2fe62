"""Identities, the people among them, and the roles they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from keywright.core.ids import new_id
from keywright.storage.conflicts import conflicts
from keywright.storage.rows import GRANT_COLUMNS, IDENTITY_COLUMNS, grant_of, identity_of
from keywright.storage.schema import identity, membership, person

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Grant, Identity


class LoginTaken(Exception):
    """Another person logs in with this name."""


class GrantHeld(Exception):
    """The identity holds this role already, in this tenant or everywhere."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can log in, with the hash of the password; the hash never leaves the services."""

    identity: Identity
    login: str
    password_hash: str | None

    def __repr__(self) -> str:
        """Without the hash."""
        return f"Person({self.identity.id})"


class Identities:
    """Everybody that a key or a session can speak for.

    Identities are found by id or login alone: a person may belong to several tenants.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Identity) -> None:
        """Add an identity."""
        await self._connection.execute(
            insert(identity).values({column.name: getattr(new, column.name) for column in IDENTITY_COLUMNS})
        )

    async def add_person(self, new: Identity, *, login: str, password_hash: str) -> None:
        """Add an identity of kind `user` that logs in with a (folded) name and a password.

        Raises `LoginTaken`.
        """
        await self.add(new)
        with conflicts({"uq_person_login": LoginTaken()}):
            await self._connection.execute(
                insert(person).values(identity_id=new.id, login=login, password_hash=password_hash)
            )

    async def by_id(self, identity_id: str) -> Identity | None:
        """The identity with this id, or None."""
        query = select(*IDENTITY_COLUMNS).where(identity.c.id == identity_id)
        row = (await self._connection.execute(query)).first()
        return None if row is None else identity_of(row)

    async def named(self, identity_ids: set[str]) -> dict[str, Identity]:
        """The identities with these ids, by id; one query for a whole page of keys."""
        query = select(*IDENTITY_COLUMNS).where(identity.c.id.in_(identity_ids))
        rows = (await self._connection.execute(query)).all()
        return {found.id: found for found in map(identity_of, rows)}

    async def person(self, login: str) -> Person | None:
        """The person who logs in with this (folded) name, or None."""
        query = (
            select(person.c.login, person.c.password_hash, *IDENTITY_COLUMNS)
            .join(identity, identity.c.id == person.c.identity_id)
            .where(person.c.login == login)
        )
        row = (await self._connection.execute(query)).first()
        return None if row is None else Person(identity_of(row[2:]), row[0], row[1])

    async def grant(self, identity_id: str, grant: Grant, now: datetime) -> None:
        """Give an identity a role. Raises `GrantHeld`."""
        held = GrantHeld()
        with conflicts({"uq_membership_identity_id_tenant_id_role": held, "uq_membership_global": held}):
            await self._connection.execute(
                insert(membership).values(
                    id=new_id("mem"),
                    identity_id=identity_id,
                    tenant_id=grant.tenant_id,
                    role=grant.role,
                    created_at=now,
                )
            )

    async def grants(self, identity_id: str) -> tuple[Grant, ...]:
        """All roles that an identity holds, in every tenant and everywhere."""
        query = (
            select(*GRANT_COLUMNS).where(membership.c.identity_id == identity_id).order_by(membership.c.id)
        )
        return tuple(map(grant_of, (await self._connection.execute(query)).all()))
