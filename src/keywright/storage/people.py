"""People: identities of kind `user` that can log in, by a name or an e-mail address, and with what password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, or_, select, update

from keywright.core.errors import LoginTaken
from keywright.core.listing import Page, Position
from keywright.storage.conflicts import conflicts
from keywright.storage.names import add_name, people_called
from keywright.storage.rows import IDENTITY_COLUMNS, identity_of, identity_values
from keywright.storage.schema import (
    challenge,
    external_identity,
    identity,
    membership,
    passkey,
    person,
    recovery_code,
    totp,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.identities import Identity

_LIVE = identity.c.deleted_at.is_(None)
_OWN = (person.c.login, person.c.password_hash, person.c.email, person.c.password_generated)
_FACTORS = (totp, recovery_code, passkey, challenge)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can log in, with the hash of the password; the hash never leaves the services.

    `login` and `email` are folded. `password_hash` is None for who comes in by other ways alone, and
    `password_generated` says that Keywright made the password, so that the person is to choose another.
    """

    identity: Identity
    login: str
    password_hash: str | None
    email: str | None = None
    password_generated: bool = False

    def __repr__(self) -> str:
        """Without the hash."""
        return f"Person({self.identity.id})"


class People:
    """The people of an installation. They belong to no tenant: their memberships say where they are."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, new: Person) -> None:
        """Add a person and the identity of kind `user` that it is.

        Raises `LoginTaken` when another has the login name or the e-mail address.
        """
        values = identity_values(new.identity)
        await self._connection.execute(insert(identity).values(values))
        await add_name(self._connection, new.identity)
        with conflicts(_taken()):
            await self._connection.execute(
                insert(person).values(
                    identity_id=new.identity.id,
                    login=new.login,
                    email=new.email,
                    password_hash=new.password_hash,
                    password_generated=new.password_generated,
                )
            )

    async def by_login(self, name: str) -> Person | None:
        """The person with this (folded) login name or e-mail address, or None."""
        query = _selected().where(_called(name))
        # Both at once can be two people; then the login name counts.
        rows = (await self._connection.execute(query)).all()
        found = sorted(map(_person, rows), key=lambda one: one.login != name)
        return found[0] if found else None

    async def by_id(self, identity_id: str, *, lock: bool = False) -> Person | None:
        """The person who is this identity, or None."""
        query = _selected().where(person.c.identity_id == identity_id)
        if lock:
            query = query.with_for_update(of=person)
        row = (await self._connection.execute(query)).first()
        return None if row is None else _person(row)

    async def in_tenant(self, tenant_id: str, identity_id: str) -> Person | None:
        """The person who is this identity and holds a role in a tenant, or None."""
        query = _selected().where(person.c.identity_id == identity_id, _belongs(tenant_id))
        row = (await self._connection.execute(query)).first()
        return None if row is None else _person(row)

    async def page(
        self,
        tenant_id: str | None,
        *,
        login: str | None = None,
        search: str | None = None,
        limit: int,
        after: Position | None = None,
    ) -> Page[Person]:
        """The people of a tenant, or (None) of the installation, in the order in which they were made.

        With `login`, who has just this (folded) login name or e-mail address: at most two. With `search`, those in
        whose name a word begins so, whose login name or e-mail address does, and who has just this id.
        """
        query = _selected().order_by(person.c.identity_id).limit(limit + 1)
        if tenant_id is not None:
            query = query.where(_belongs(tenant_id))
        if login is not None:
            query = query.where(_called(login))
        if search:
            query = query.where(person.c.identity_id.in_(people_called(search)))
        if after is not None:
            query = query.where(person.c.identity_id > after.id)
        rows = (await self._connection.execute(query)).all()
        items = tuple(map(_person, rows[:limit]))
        return Page(items, tuple(Position(None, item.identity.id) for item in items), len(rows) > limit)

    async def set_password(self, identity_id: str, password_hash: str) -> None:
        """Give a person another password, which the person has chosen."""
        await self._connection.execute(
            update(person)
            .where(person.c.identity_id == identity_id)
            .values(password_hash=password_hash, password_generated=False)
        )

    async def password_generated(self, identity_id: str) -> bool:
        """Whether a person still has a password that Keywright generated."""
        query = select(person.c.password_generated).where(person.c.identity_id == identity_id)
        return (await self._connection.execute(query)).scalar() is True

    async def set_email(self, identity_id: str, email: str | None) -> None:
        """Give a person another (folded) e-mail address. Raises `LoginTaken`."""
        with conflicts(_taken()):
            await self._connection.execute(
                update(person).where(person.c.identity_id == identity_id).values(email=email)
            )

    async def with_two_factors(self, identity_ids: Collection[str]) -> frozenset[str]:
        """Those of some people whose password alone does not log them in."""
        apps = select(totp.c.identity_id).where(
            totp.c.identity_id.in_(identity_ids), totp.c.confirmed_at.is_not(None)
        )
        passkeys = select(passkey.c.identity_id).where(passkey.c.identity_id.in_(identity_ids))
        return frozenset((await self._connection.execute(apps.union(passkeys))).scalars())

    async def end_factors(self, identity_id: str) -> None:
        """Take every second factor from a person, with what was begun to set up or use one."""
        for table in _FACTORS:
            await self._connection.execute(delete(table).where(table.c.identity_id == identity_id))

    async def delete(self, identity_id: str) -> None:
        """Remove all by which a person logs in; the login name and the e-mail address are free again.

        The identity itself stays; it is for the caller to delete.
        """
        await self.end_factors(identity_id)
        for table in (external_identity, person):
            await self._connection.execute(delete(table).where(table.c.identity_id == identity_id))


def _selected() -> Select[Any]:
    return select(*_OWN, *IDENTITY_COLUMNS).join(identity, identity.c.id == person.c.identity_id).where(_LIVE)


def _called(name: str) -> ColumnElement[bool]:
    return or_(person.c.login == name, person.c.email == name)


def _belongs(tenant_id: str) -> Any:  # noqa: ANN401 - a condition
    return exists().where(
        membership.c.identity_id == person.c.identity_id, membership.c.tenant_id == tenant_id
    )


def _person(row: Any) -> Person:  # noqa: ANN401 - a tuple-like row
    return Person(identity_of(row[len(_OWN) :]), *row[: len(_OWN)])


def _taken() -> dict[str, Exception]:
    return {
        "uq_person_login": LoginTaken("Another person has this login name.", field="login"),
        "uq_person_email": LoginTaken("Another person has this e-mail address.", field="email"),
    }
