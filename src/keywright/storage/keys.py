"""API keys: those of one tenant, and the few questions that concern all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    alias,
    and_,
    bindparam,
    delete,
    insert,
    select,
    true,
    union,
    union_all,
    update,
)

from keywright.core.errors import HandleTaken, TokenHashTaken
from keywright.core.identities import IdentityKind
from keywright.core.listing import KeySort, Page, Position, fold
from keywright.storage.conflicts import conflicts
from keywright.storage.key_lists import ENDS, few_of, filters, listing, of_tenant
from keywright.storage.names import beginning
from keywright.storage.rows import KEY_COLUMNS, key_of, key_values
from keywright.storage.schema import api_key, identity, membership

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, CompoundSelect, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from keywright.core.keys import Key
    from keywright.core.listing import KeyQuery

_CHANGEABLE = (
    "name",
    "name_folded",
    "handle",
    "description",
    "not_before",
    "expires_at",
    "active",
    "scope",
    "allowed_cidrs",
    "metadata",
    "limits",
)
_CREDITS = ("credits", "refill_amount", "refill_every", "refill_at")


class Keys:
    """The keys of one tenant (None: the global ones). Deleted keys are not found by anything here."""

    __slots__ = ("_connection", "_mine", "_tenant_id")

    def __init__(self, connection: AsyncConnection, tenant_id: str | None) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._mine = and_(of_tenant(api_key, tenant_id), api_key.c.deleted_at.is_(None))

    async def add(self, key: Key, digest: bytes) -> None:
        """Add a key with the digest of its token.

        Raises `HandleTaken` or `TokenHashTaken`, and `ValueError` for a key of another tenant.
        """
        if key.tenant_id != self._tenant_id:
            raise ValueError("The key belongs to another tenant.")
        with conflicts(_taken()):
            await self._connection.execute(insert(api_key).values(**key_values(key), digest=digest))

    async def add_all(self, keys: Sequence[tuple[Key, bytes]]) -> None:
        """Add keys with the digests of their tokens, in few statements. Raises as `add` does, and adds none then."""
        if any(key.tenant_id != self._tenant_id for key, _ in keys):
            raise ValueError("A key belongs to another tenant.")
        rows = [{**key_values(key), "digest": digest} for key, digest in keys]
        with conflicts(_taken()):
            await self._connection.execute(insert(api_key), rows)

    async def handles_among(self, handles: Collection[str]) -> set[str]:
        """Those of some handles that keys have."""
        query = select(api_key.c.handle).where(self._mine, api_key.c.handle.in_(handles))
        return set((await self._connection.execute(query)).scalars())

    async def by_id(self, key_id: str, *, lock: bool = False) -> Key | None:
        """The key with this id, or None; `lock` keeps others from changing it until the transaction ends."""
        query = select(*KEY_COLUMNS).where(self._mine, api_key.c.id == key_id)
        row = (await self._connection.execute(query.with_for_update() if lock else query)).first()
        return None if row is None else key_of(row)

    async def by_digest(self, digest: bytes) -> Key | None:
        """The key whose token has this digest, or None."""
        query = select(*KEY_COLUMNS).where(self._mine, api_key.c.digest == digest)
        row = (await self._connection.execute(query)).first()
        return None if row is None else key_of(row)

    async def by_ids(self, key_ids: Collection[str], *, lock: bool = False) -> dict[str, Key]:
        """Those of the named keys that are there, by id, locked in a fixed order when asked to."""
        query = select(*KEY_COLUMNS).where(self._mine, api_key.c.id.in_(key_ids)).order_by(api_key.c.id)
        rows = (await self._connection.execute(query.with_for_update() if lock else query)).all()
        return {key.id: key for key in map(key_of, rows)}

    async def page(self, query: KeyQuery, now: datetime) -> Page[Key]:
        """One page of a list, from an index, in a time that does not grow with how many keys there are."""
        listed = listing(query, self._tenant_id).where(*filters(query, now))
        few = await few_of(self._connection, self._mine, query, now)
        # Then without the tenant, which is in the inner query, or SQLite would walk through all keys of it.
        mine = self._mine if few is None else api_key.c.id.in_(few)
        statement = self._searched(listed, query, mine) if query.search else listed.where(mine)
        rows = (await self._connection.execute(statement)).all()
        items = tuple(key_of(row[1:]) for row in rows[: query.limit])
        positions = tuple(Position(row[0], key.id) for row, key in zip(rows, items, strict=False))
        return Page(items, positions, len(rows) > query.limit)

    def _searched(
        self, statement: Select[Any], query: KeyQuery, mine: ColumnElement[bool]
    ) -> CompoundSelect[Any]:
        """Those rows of a list that a search finds: by name, and by what names a key exactly, each from its index."""
        text = query.search or ""
        exact = (api_key.c.id == text, api_key.c.handle == text, api_key.c.hint == text)
        known = union_all(*(select(api_key.c.id).where(self._mine, one) for one in exact))
        ways = (
            statement.where(mine, *beginning(api_key.c.name_folded, fold(text))),
            # Without the tenant, which is in the inner query, or SQLite would walk through all keys of it.
            statement.where(api_key.c.id.in_(known)),
        )
        found = union(*(select(way.subquery()) for way in ways))
        place = found.selected_columns["created_at" if query.sort is KeySort.CREATED_AT else "place"]
        order = (place, found.selected_columns["id"])
        return found.order_by(*(one.desc() if query.descending else one.asc() for one in order)).limit(
            query.limit + 1
        )

    async def change(self, key: Key, *, recounted: bool = False) -> None:
        """Store what may change of a key; `recounted` its credits too, and what nodes took of them before is void.

        Without that the credits stay as they are in the row, where nodes spend from them. Raises `HandleTaken`.
        """
        values = key_values(key)
        changes: dict[str, object] = {name: values[name] for name in _CHANGEABLE}
        if recounted:
            changes |= {name: values[name] for name in _CREDITS}
            changes["credits_version"] = api_key.c.credits_version + 1
        with conflicts(_taken()):
            await self._connection.execute(
                update(api_key).where(self._mine, api_key.c.id == key.id).values(changes)
            )

    async def delete(self, key_ids: Collection[str], now: datetime) -> None:
        """Mark keys as deleted, for good: the digest stays taken, so that the token cannot come back.

        An identity that was made for a key alone goes with the last key that speaks for it.
        """
        await self._connection.execute(
            update(api_key).where(self._mine, api_key.c.id.in_(key_ids)).values(deleted_at=now, active=False)
        )
        await self._forget_owners(api_key.c.id.in_(key_ids), now)

    async def give(self, key_id: str, identity_id: str, now: datetime) -> None:
        """Make a key speak for another identity; one that was made for it alone is deleted."""
        which = and_(self._mine, api_key.c.id == key_id)
        former = (await self._connection.execute(select(api_key.c.identity_id).where(which))).scalar_one()
        await self._connection.execute(update(api_key).where(which).values(identity_id=identity_id))
        await _forget(self._connection, identity.c.id == former, now)

    async def any(self) -> bool:
        """Whether there is a key at all."""
        return (
            await self._connection.execute(select(api_key.c.id).where(self._mine).limit(1))
        ).first() is not None

    async def owned_by(self, identity_id: str) -> tuple[str, ...]:
        """The ids of an identity's keys, locked until the transaction ends."""
        query = (
            select(api_key.c.id)
            .where(self._mine, api_key.c.identity_id == identity_id)
            .order_by(api_key.c.id)
            .with_for_update()
        )
        return tuple((await self._connection.execute(query)).scalars())

    async def delete_all(self, now: datetime) -> int:
        """Delete every key; answers how many there were."""
        done = await self._connection.execute(
            update(api_key).where(self._mine).values(deleted_at=now, active=False)
        )
        await self._forget_owners(true(), now)
        return done.rowcount

    async def _forget_owners(self, which: ColumnElement[bool], now: datetime) -> None:
        """Delete the owners of some keys that have just been deleted, where they were made for those alone."""
        owners = select(api_key.c.identity_id).where(of_tenant(api_key, self._tenant_id), which)
        await _forget(self._connection, identity.c.id.in_(owners), now)


class AllKeys:
    """What concerns keys of every tenant at once; what a door shows of them is judged in their tenant first."""

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def by_digest(self, digest: bytes) -> Key | None:
        """The key that has, or before it was deleted had, a token with this digest, or None."""
        return (await self.by_digests([digest])).get(digest)

    async def by_digests(self, digests: Collection[bytes]) -> dict[bytes, Key]:
        """The keys that have, or before they were deleted had, tokens with these digests, by digest."""
        query = select(api_key.c.digest, *KEY_COLUMNS).where(api_key.c.digest.in_(digests))
        return {row[0]: key_of(row[1:]) for row in await self._connection.execute(query)}

    async def by_id(self, key_id: str) -> Key | None:
        """The key with this id, whosever it is, or None; deleted ones are not found."""
        query = select(*KEY_COLUMNS).where(api_key.c.id == key_id, api_key.c.deleted_at.is_(None))
        row = (await self._connection.execute(query)).first()
        return None if row is None else key_of(row)

    async def tenants_of(self, key_ids: Collection[str]) -> dict[str, str | None]:
        """Those of the named keys that are there, each with the id of its tenant."""
        query = select(api_key.c.id, api_key.c.tenant_id)
        query = query.where(api_key.c.id.in_(key_ids), api_key.c.deleted_at.is_(None))
        rows = (await self._connection.execute(query)).all()
        return {row.id: row.tenant_id for row in rows}

    async def delete_of(self, identity_id: str, now: datetime) -> tuple[str, ...]:
        """Delete every key of an identity, in every tenant and global; answers their ids."""
        mine = and_(api_key.c.identity_id == identity_id, api_key.c.deleted_at.is_(None))
        query = select(api_key.c.id).where(mine).order_by(api_key.c.id).with_for_update()
        ids = tuple((await self._connection.execute(query)).scalars())
        await self._connection.execute(update(api_key).where(mine).values(deleted_at=now, active=False))
        return ids

    async def expired_before(self, moment: datetime, limit: int) -> tuple[Key, ...]:
        """Some of the keys whose expiry lies before a moment, the longest expired first.

        They are locked until the transaction ends; those that somebody is changing now are left out.
        """
        query = (
            select(*KEY_COLUMNS)
            .where(api_key.c.deleted_at.is_(None), ENDS, api_key.c.expires_at < moment)
            .order_by(api_key.c.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return tuple(map(key_of, (await self._connection.execute(query)).all()))

    async def touch(self, uses: Sequence[tuple[str, datetime, str | None]]) -> None:
        """Store when and from where keys were last used; a use older than the stored one changes nothing."""
        if not uses:
            return
        # In one order everywhere, so that no two batches wait for each other.
        ordered = sorted(uses, key=lambda use: use[:2])
        await self._connection.execute(
            update(api_key)
            .where(api_key.c.id == bindparam("used_id"), api_key.c.last_used_at < bindparam("used_at"))
            .values(last_used_at=bindparam("used_at"), last_used_ip=bindparam("used_ip")),
            [{"used_id": key_id, "used_at": at, "used_ip": ip} for key_id, at, ip in ordered],
        )


async def _forget(connection: AsyncConnection, which: ColumnElement[bool], now: datetime) -> None:
    """Delete identities that were made for a key and have none left, with the roles that they hold.

    A key made with such a key speaks for the same identity, which lives as long as either.
    """
    left = alias(api_key)
    keys_left = select(left.c.id).where(left.c.identity_id == identity.c.id, left.c.deleted_at.is_(None))
    owners = (
        select(identity.c.id)
        .where(
            identity.c.kind == IdentityKind.KEY, identity.c.deleted_at.is_(None), which, ~keys_left.exists()
        )
        .scalar_subquery()
    )
    await connection.execute(delete(membership).where(membership.c.identity_id.in_(owners)))
    await connection.execute(
        update(identity).where(identity.c.id.in_(owners)).values(deleted_at=now, active=False)
    )


def _taken() -> dict[str, Exception]:
    """What each unique index stands for; made anew each time, since an exception keeps where it was raised."""
    handle = HandleTaken("Another key of the tenant has this handle.", field="handle")
    digest = TokenHashTaken("A key with this token hash exists or existed.", field="token_hash")
    return {"uq_api_key_handle": handle, "uq_api_key_global_handle": handle, "uq_api_key_digest": digest}
