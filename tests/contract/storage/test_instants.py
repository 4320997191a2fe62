"""Instants: whatever zone they come in, the same microsecond comes back in UTC, and None keeps its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.exc import StatementError

from keywright.core.audit import SYSTEM, AuditEntry
from keywright.core.ids import new_id
from keywright.core.instants import EPOCH, LATEST
from keywright.core.listing import AuditQuery, Between, KeyQuery, KeySort
from keywright.core.sessions import Session
from tests.contract.storage.making import (
    EXAMPLES,
    NOW,
    SECOND,
    Home,
    a_digest,
    a_key,
    a_tenant,
    add_key,
    add_keys,
    all_pages,
    an_identity,
    key_by_id,
)

if TYPE_CHECKING:
    from keywright.core.keys import Key
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

MICROSECOND = timedelta(microseconds=1)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
ZONES = st.sampled_from(
    [
        UTC,
        timezone(timedelta(hours=5, minutes=45)),
        timezone(timedelta(hours=-12)),
        timezone(timedelta(hours=14)),
        timezone(timedelta(seconds=-1)),
        ZoneInfo("Europe/Prague"),
        ZoneInfo("America/St_Johns"),
        ZoneInfo("Asia/Kathmandu"),
    ]
)
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is drawn
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - the zone is drawn
    timezones=ZONES,
)


def same(stored: datetime | None, given: datetime) -> bool:
    """Whether an instant came back as itself, in UTC, to the microsecond."""
    return stored is not None and stored.tzinfo is UTC and stored - given == timedelta(0)


@EXAMPLES
@given(moment=MOMENTS, other=MOMENTS)
@example(moment=EPOCH, other=LAST)
@example(moment=LATEST, other=EPOCH + MICROSECOND)
@example(
    moment=datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Prague"), fold=1), other=EPOCH + MICROSECOND
)
async def test_instants_come_back(database: Database, moment: datetime, other: datetime) -> None:
    tenant = a_tenant(created_at=moment)
    who = an_identity(created_at=other)
    home = Home(tenant, who)
    key = a_key(home, created_at=moment, not_before=other, expires_at=moment, last_used_at=other)
    session = Session(
        id=new_id("ses"),
        identity_id=who.id,
        created_at=moment,
        seen_at=other,
        idle_at=moment,
        ends_at=other,
        created_ip=None,
        proved_at=other,
        ended_at=moment,
    )
    entry = AuditEntry(
        id=new_id("aud"),
        at=moment,
        tenant_id=None,
        actor=SYSTEM,
        action="key.create",
        target_type="key",
        target_id=key.id,
        ip=None,
        request_id=None,
        changes={},
    )
    digest = a_digest()
    async with database.write() as transaction:
        await transaction.tenants.add(tenant)
        await transaction.identities.add(who)
        await add_keys(transaction, [key])
        await transaction.sessions.add(session, digest)
        await transaction.audit(None).add(entry)
    async with database.read() as transaction:
        found_tenant = await transaction.tenants.by_id(tenant.id)
        found_key = await transaction.keys(tenant.id).by_id(key.id)
        found_session = await transaction.sessions.by_digest(digest)
        found_entry = (await transaction.audit(None).page(AuditQuery(target_id=key.id), limit=1)).items[0]
    assert found_tenant is not None
    assert found_key is not None
    assert found_session is not None
    assert same(found_tenant.created_at, moment)
    assert same(found_entry.at, moment)
    assert same(found_session[0].proved_at, other)
    assert same(found_key.created_at, moment)
    assert same(found_key.not_before, other)
    assert same(found_key.expires_at, moment)
    assert same(found_key.last_used_at, other)
    assert same(found_session[0].seen_at, other)
    assert same(found_session[0].ended_at, moment)
    assert same(found_session[1].created_at, other)


async def test_a_time_without_a_zone_is_refused(database: Database, home: Home) -> None:
    """It would be a guess which instant it is."""
    naive = NOW.replace(tzinfo=None)
    with pytest.raises((TypeError, StatementError), match="offset-naive"):
        await add_key(database, home, created_at=naive)
    with pytest.raises((TypeError, StatementError), match="offset-naive"):
        await add_key(database, home, expires_at=naive)
    assert await all_pages(database, home.tenant_id, KeyQuery()) == []


async def test_a_use_at_the_epoch_counts_as_none(database: Database, home: Home) -> None:
    """Zero stands for "never": nothing of ours was used in 1970."""
    key = await add_key(database, home, last_used_at=EPOCH)
    stored = await key_by_id(database, key)
    assert stored is not None
    assert stored.last_used_at is None


async def dated(database: Database, home: Home, field: str) -> tuple[list[Key], list[Key]]:
    """Keys with a moment in a field, in its order, and keys with None there, in the order of their ids."""
    moments = [EPOCH + MICROSECOND, NOW - SECOND, NOW, NOW + MICROSECOND, LATEST, LAST]
    with_moment = [a_key(home, **{field: moment}) for moment in moments]
    without = [a_key(home, **{field: None}) for _ in range(3)]
    async with database.write() as transaction:
        await add_keys(transaction, [without[1], *reversed(with_moment), without[2], without[0]])
    return with_moment, sorted(without, key=lambda key: key.id)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_keys_that_never_expire_are_last(database: Database, home: Home, limit: int) -> None:
    ending, endless = await dated(database, home, "expires_at")
    query = KeyQuery(sort=KeySort.EXPIRES_AT, descending=False, limit=limit)
    assert await all_pages(database, home.tenant_id, query) == [*ending, *endless]
    query = KeyQuery(sort=KeySort.EXPIRES_AT, descending=True, limit=limit)
    assert await all_pages(database, home.tenant_id, query) == [*endless[::-1], *ending[::-1]]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_keys_never_used_are_first(database: Database, home: Home, limit: int) -> None:
    used, unused = await dated(database, home, "last_used_at")
    query = KeyQuery(sort=KeySort.LAST_USED_AT, descending=False, limit=limit)
    assert await all_pages(database, home.tenant_id, query) == [*unused, *used]
    query = KeyQuery(sort=KeySort.LAST_USED_AT, descending=True, limit=limit)
    assert await all_pages(database, home.tenant_id, query) == [*used[::-1], *unused[::-1]]


@pytest.mark.parametrize(
    ("field", "span"), [("created_at", "created"), ("expires_at", "expires"), ("last_used_at", "last_used")]
)
async def test_a_span_begins_with_its_start_and_ends_before_its_end(
    database: Database, home: Home, field: str, span: str
) -> None:
    zone = timezone(timedelta(hours=7))
    moments = [NOW - MICROSECOND, NOW, NOW + MICROSECOND, NOW + 2 * MICROSECOND]
    keys = [a_key(home, **{field: moment}) for moment in moments]
    extra = [] if field == "created_at" else [a_key(home, **{field: None})]
    async with database.write() as transaction:
        await add_keys(transaction, [*keys, *extra])

    async def within(between: Between) -> set[str]:
        query = replace(KeyQuery(), **{span: between})
        return {key.id for key in await all_pages(database, home.tenant_id, query)}

    start, end = NOW.astimezone(zone), (NOW + 2 * MICROSECOND).astimezone(zone)
    assert await within(Between(start, end)) == {keys[1].id, keys[2].id}
    assert await within(Between(start, None)) == {key.id for key in keys[1:]}
    assert await within(Between(None, end)) == {key.id for key in keys[:3]}
    assert await within(Between()) == {key.id for key in (*keys, *extra)}


async def test_the_database_tells_the_time(database: Database) -> None:
    before = datetime.now(UTC)
    async with database.read() as transaction:
        told = await transaction.now()
    after = datetime.now(UTC)
    assert told.tzinfo is UTC
    assert before - timedelta(milliseconds=2) <= told <= after + timedelta(milliseconds=2)
