"""What nodes remember of keys and tenants, before and after something is done, and what the feed says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from keywright.core.changes import EVERYTHING
from keywright.storage import schema
from keywright.storage.feed import DatabaseFeed

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from keywright.core.identities import Tenant
    from keywright.core.ports import KeyFacts
    from tests.support.house import House


@dataclass(frozen=True, slots=True)
class Known:
    """All that could be remembered at a moment, by digest and by slug, and the newest epoch."""

    keys: dict[bytes, KeyFacts]
    places: dict[str, Tenant]
    epoch: int


@dataclass(frozen=True, slots=True)
class Done:
    """What something gave, and the ids that it said to have touched; None where it made no epoch."""

    result: Any
    touched: frozenset[str] | None


async def everybody_gets_keys(home: House, tenant: Tenant) -> None:
    """Give every identity two keys, one of a tenant and a global one, so that no change goes unseen."""
    async with home.database.reader.begin() as connection:
        query = select(schema.identity.c.id).where(schema.identity.c.deleted_at.is_(None))
        ids = set((await connection.execute(query)).scalars())
    async with home.database.read() as transaction:
        found = await transaction.identities.named(ids)
    for identity in found.values():
        await home.key(tenant, identity)
        if identity.tenant_id is None:
            await home.key(None, identity)


async def touching(home: House, doing: Awaitable[Any]) -> Done:
    """Do something, and look whether all that came to differ by it was touched."""
    before = await _known(home)
    result = await doing
    after = await _known(home)
    _, entries = await DatabaseFeed(home.database, home.clock).since(before.epoch)
    assert entries is not None
    touched = frozenset(one for entry in entries for one in entry.touched)
    for digest, facts in before.keys.items():
        now = after.keys.get(digest)
        if now is None or _counting(now) != _counting(facts):
            covering = _ids(facts) | (frozenset() if now is None else _ids(now))
            assert touched & (covering | {EVERYTHING}), "the facts of a key differ, and nothing says so"
    for slug, tenant in before.places.items():
        if after.places.get(slug) != tenant:
            assert touched & {tenant.id, EVERYTHING}, "a slug leads elsewhere, and nothing says so"
    return Done(result, touched if entries else None)


async def _known(home: House) -> Known:
    async with home.database.reader.begin() as connection:
        digests = list((await connection.execute(select(schema.api_key.c.digest))).scalars())
        slugs = list((await connection.execute(select(schema.tenant.c.slug))).scalars())
    async with home.database.read() as transaction:
        epoch = await transaction.changes.head()
    keys = {digest: await home.database.lookup.by_digest(digest) for digest in digests}
    places = {slug: await home.database.lookup.tenant(slug) for slug in slugs}
    return Known(
        {digest: facts for digest, facts in keys.items() if facts is not None},
        {slug: found[0] for slug, found in places.items() if found is not None},
        epoch,
    )


def _counting(facts: KeyFacts) -> tuple[object, ...]:
    """All that a decision rests on, whatever the order and the epoch of the read."""
    return facts.key, facts.identity, facts.tenant, frozenset(facts.grants)


def _ids(facts: KeyFacts) -> frozenset[str]:
    """The ids by which a node looks whether it may use what it remembers of a key."""
    key = facts.key
    places = {grant.tenant_id for grant in facts.grants} if key.tenant_id is None else {key.tenant_id}
    return frozenset({key.id, key.identity_id, *places}) - {None}
