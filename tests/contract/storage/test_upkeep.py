"""Sessions, replays and job leases: rows with an end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from keywright.core.ids import new_id
from keywright.core.sessions import PASSWORD, TOTP, Session
from keywright.storage.idempotency import Replay
from tests.contract.storage.making import NOW, SECOND, Home, a_digest

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.identities import Identity
    from keywright.storage import Database

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


def a_session(who: Identity, **changes: datetime | str | tuple[str, ...] | None) -> Session:
    made = Session(
        id=new_id("ses"),
        identity_id=who.id,
        created_at=NOW,
        seen_at=NOW,
        idle_at=NOW + MINUTE,
        ends_at=NOW + 10 * MINUTE,
        created_ip="192.0.2.1",
        proved_at=NOW,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # each test gives fields of their own types


async def test_a_session_from_login_to_logout(database: Database, home: Home) -> None:
    digest, session = a_digest(), a_session(home.identity)
    other_digest, other = a_digest(), a_session(home.identity, created_ip=None, proofs=(PASSWORD, TOTP))
    async with database.write() as transaction:
        await transaction.sessions.add(session, digest)
        await transaction.sessions.add(other, other_digest)
    async with database.write() as transaction:
        sessions = transaction.sessions
        assert await sessions.by_digest(a_digest()) is None
        assert await sessions.by_digest(digest) == (session, home.identity)

        await sessions.seen(session.id, seen_at=NOW + SECOND, idle_at=NOW + 2 * MINUTE)
        seen = replace(session, seen_at=NOW + SECOND, idle_at=NOW + 2 * MINUTE)
        assert await sessions.by_digest(digest) == (seen, home.identity)

        await sessions.end(session.id, NOW + MINUTE)
        ended = replace(seen, ended_at=NOW + MINUTE)
        assert await sessions.by_digest(digest) == (ended, home.identity)
        assert await sessions.by_digest(other_digest) == (other, home.identity)


async def test_sessions_that_are_over_are_forgotten(database: Database, home: Home) -> None:
    """By whichever end came first; just then, one is not over before that moment."""
    moment = NOW + MINUTE
    over = [
        a_session(home.identity, ended_at=moment - SECOND),
        a_session(home.identity, idle_at=moment - SECOND),
        a_session(home.identity, ends_at=moment - SECOND),
    ]
    kept = [
        a_session(home.identity, idle_at=moment, ends_at=moment),
        a_session(home.identity, ended_at=moment, idle_at=moment),
    ]
    digests = {session.id: a_digest() for session in (*over, *kept)}
    async with database.write() as transaction:
        for session in (*over, *kept):
            await transaction.sessions.add(session, digests[session.id])
    async with database.write() as transaction:
        assert await transaction.sessions.forget_before(moment) == 3
        assert await transaction.sessions.forget_before(moment) == 0
        for session in (*over, *kept):
            found = await transaction.sessions.by_digest(digests[session.id])
            assert (found is None) is (session in over)


async def test_a_replay_lives_until_its_moment(database: Database, home: Home) -> None:
    made = Replay(
        caller_id=home.identity.id,
        tenant_id=None,
        key="a" * 64,
        fingerprint=bytes(range(32)),
        result_id="key_1",
        created_at=NOW,
    )

    async def find(since: datetime) -> Replay | None:
        async with database.write() as transaction:
            return await transaction.replays.find(made.caller_id, None, made.key, since)

    assert await find(NOW) is None
    async with database.write() as transaction:
        await transaction.replays.add(made)
    assert await find(NOW - MINUTE) == made
    assert await find(NOW) == made
    assert await find(NOW + SECOND) is None
    # From then on it is as if it had never been, and the key is free again.
    assert await find(NOW - MINUTE) is None
    async with database.write() as transaction:
        await transaction.replays.add(replace(made, result_id="key_2"))
    assert await find(NOW) == replace(made, result_id="key_2")


async def test_old_replays_are_forgotten(database: Database, home: Home) -> None:
    made = [
        Replay(
            caller_id=home.identity.id,
            tenant_id=home.tenant_id,
            key=str(age) * 64,
            fingerprint=b"f" * 32,
            result_id=f"key_{age}",
            created_at=NOW - age * SECOND,
        )
        for age in range(4)
    ]
    async with database.write() as transaction:
        for one in made:
            await transaction.replays.add(one)
    async with database.write() as transaction:
        assert await transaction.replays.forget_before(NOW - SECOND) == 2
        assert await transaction.replays.forget_before(NOW - SECOND) == 0
        long_ago = NOW - MINUTE
        for one in made:
            found = await transaction.replays.find(one.caller_id, one.tenant_id, one.key, long_ago)
            assert found == (one if one.created_at >= NOW - SECOND else None)


async def take(
    database: Database, holder: str, at: datetime, *, due_before: datetime = NOW, name: str = "sweep"
) -> bool:
    async with database.write() as transaction:
        return await transaction.jobs.take(name, holder, now=at, until=at + 5 * MINUTE, due_before=due_before)


async def done(database: Database, holder: str, at: datetime) -> None:
    async with database.write() as transaction:
        await transaction.jobs.done("sweep", holder, at)


async def test_a_job_has_one_holder_at_a_time(database: Database) -> None:
    assert await take(database, "one", NOW)
    assert not await take(database, "two", NOW + MINUTE)
    assert await take(database, "one", NOW + MINUTE), "its holder may take it again, to hold it longer"
    assert not await take(database, "two", NOW + 6 * MINUTE - SECOND)
    assert await take(database, "two", NOW + MINUTE, name="another"), "jobs know nothing of each other"


async def test_a_lease_ends_with_its_holder(database: Database) -> None:
    """A node that died comes to its end by the clock; when it comes back, the job is another's."""
    assert await take(database, "one", NOW)
    assert await take(database, "two", NOW + 5 * MINUTE)
    await done(database, "one", NOW + 6 * MINUTE)
    for holder in ("one", "three"):
        assert not await take(database, holder, NOW + 6 * MINUTE, due_before=NOW + 6 * MINUTE)
    assert await take(database, "three", NOW + 10 * MINUTE)


async def test_a_job_that_ran_is_not_due(database: Database) -> None:
    assert await take(database, "one", NOW)
    await done(database, "one", NOW + MINUTE)
    for holder in ("one", "two"):
        assert not await take(database, holder, NOW + 2 * MINUTE, due_before=NOW + MINUTE - SECOND)
    assert await take(database, "two", NOW + 2 * MINUTE, due_before=NOW + MINUTE)


async def test_what_is_not_there_can_be_ended(database: Database) -> None:
    async with database.write() as transaction:
        await transaction.sessions.end("ses_absent", NOW)
        await transaction.sessions.seen("ses_absent", seen_at=NOW, idle_at=NOW)
        await transaction.jobs.done("absent", "one", NOW)
