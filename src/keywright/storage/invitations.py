"""Invitations, found by their id where they belong, and by the digest of their token by whoever holds it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, and_, delete, insert, literal, select, tuple_, type_coerce, update

from keywright.core.identities import HeldRole
from keywright.core.instants import to_us
from keywright.core.invitations import Invitation
from keywright.core.listing import Page, Position
from keywright.core.roles import values_of
from keywright.storage.schema import invitation

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

_NAMES = tuple(field.name for field in fields(Invitation))
_COLUMNS = tuple(invitation.c[name] for name in _NAMES)
_AT = type_coerce(invitation.c.created_at, BigInteger())
_OPEN = invitation.c.accepted_at.is_(None) & invitation.c.revoked_at.is_(None)


class Invitations:
    """The invitations to one tenant (None: to the installation)."""

    __slots__ = ("_connection", "_mine", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str | None) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._mine: ColumnElement[bool] = (
            invitation.c.tenant_id.is_(None) if tenant_id is None else invitation.c.tenant_id == tenant_id
        )

    async def add(self, new: Invitation, digest: bytes) -> None:
        """Add an invitation with the digest of its token. Raises `ValueError` for one to another tenant."""
        if new.tenant_id != self._tenant_id:
            raise ValueError("The invitation is one to another tenant.")
        values = {name: getattr(new, name) for name in _NAMES} | {"memberships": _text(new.memberships)}
        await self._connection.execute(insert(invitation).values(**values, digest=digest))

    async def by_id(self, invitation_id: str, *, lock: bool = False) -> Invitation | None:
        """The invitation with this id, or None."""
        return await _one(self._connection, (self._mine, invitation.c.id == invitation_id), lock=lock)

    async def page(self, *, limit: int, after: Position | None = None) -> Page[Invitation]:
        """Invitations, the newest first."""
        order = (invitation.c.tenant_id, _AT, invitation.c.id)  # with the tenant, as for lists of keys
        query = _selected().where(self._mine).order_by(*(one.desc() for one in order)).limit(limit + 1)
        if after is not None:
            query = query.where(
                tuple_(_AT, invitation.c.id) < tuple_(literal(after.value, _AT.type), after.id)
            )
        rows = (await self._connection.execute(query)).all()
        items = tuple(map(_invitation, rows[:limit]))
        return Page(
            items, tuple(Position(to_us(item.created_at), item.id) for item in items), len(rows) > limit
        )

    async def revoke(self, invitation_id: str, now: datetime) -> None:
        """Take an invitation back."""
        await self._connection.execute(
            update(invitation).where(self._mine, invitation.c.id == invitation_id).values(revoked_at=now)
        )

    async def revoke_made_by(self, identity_id: str, now: datetime) -> None:
        """Take back what somebody has made and nobody has accepted."""
        made = and_(self._mine, _OPEN, invitation.c.created_by == identity_id)
        await self._connection.execute(update(invitation).where(made).values(revoked_at=now))


class AllInvitations:
    """What concerns the invitations to every tenant at once."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def by_digest(self, digest: bytes, *, lock: bool = False) -> Invitation | None:
        """The invitation whose token has this digest, in whatever state, or None."""
        return await _one(self._connection, (invitation.c.digest == digest,), lock=lock)

    async def accept(self, invitation_id: str, identity_id: str, now: datetime) -> None:
        """Note by whom an invitation was accepted."""
        await self._connection.execute(
            update(invitation)
            .where(invitation.c.id == invitation_id)
            .values(accepted_at=now, accepted_by=identity_id)
        )

    async def revoke_for(self, identity_id: str, now: datetime) -> None:
        """Take back what is open for a person who is there already."""
        await self._revoke(invitation.c.identity_id == identity_id, now)

    async def revoke_made_by(self, identity_id: str, now: datetime) -> None:
        """Take back what somebody has made anywhere and nobody has accepted."""
        await self._revoke(invitation.c.created_by == identity_id, now)

    async def forget_before(self, moment: datetime) -> int:
        """Remove the invitations that ended before a moment, accepted or not; answers how many."""
        over = delete(invitation).where(invitation.c.expires_at < moment)
        return (await self._connection.execute(over)).rowcount

    async def _revoke(self, which: ColumnElement[bool], now: datetime) -> None:
        await self._connection.execute(update(invitation).where(_OPEN, which).values(revoked_at=now))


def _selected() -> Select[Any]:
    return select(*_COLUMNS)


async def _one(
    connection: AsyncConnection, where: tuple[ColumnElement[bool], ...], *, lock: bool
) -> Invitation | None:
    query = _selected().where(*where)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return None if row is None else _invitation(row)


def _text(memberships: tuple[HeldRole, ...]) -> str:
    plain = [{"role": one.role, "variables": dict(one.variables)} for one in memberships]
    return json.dumps(plain, ensure_ascii=False)


def _invitation(row: Any) -> Invitation:  # noqa: ANN401 - a tuple-like row
    values = dict(zip(_NAMES, row, strict=True))
    values["memberships"] = tuple(
        HeldRole(one["role"], values_of(one["variables"])) for one in json.loads(values["memberships"])
    )
    return Invitation(**{**values, "ends_factors": bool(values["ends_factors"])})
