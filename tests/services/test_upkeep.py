"""Upkeep: what a sweep deletes and forgets, on one node at a time, and how uses are written down."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from keywright.core.audit import SYSTEM, Change
from keywright.core.decision import Asked, Code
from keywright.core.errors import Unavailable
from keywright.core.identities import Grant
from keywright.core.instants import from_us
from keywright.core.listing import Between
from keywright.core.ports import KeyFacts
from keywright.core.roles import ADMIN
from keywright.core.usage import By
from keywright.services import upkeep as module
from keywright.services.invitations import NewInvitation, invite_user
from keywright.services.keys import NewKey, create_key
from keywright.services.memberships import RoleInput
from keywright.services.upkeep import Upkeep, every
from keywright.storage import Database, schema
from keywright.storage.migrate import upgrade
from keywright.verify import UseLog
from tests.support.facts import ACME, NOW, SOMEBODY, some_facts
from tests.support.house import KEEP_EXPIRED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from keywright.core.identities import Tenant
    from keywright.storage import Transaction
    from tests.support.house import House, Made

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
OLD = NOW - KEEP_EXPIRED - TICK


def node(home: House) -> Upkeep:
    """The upkeep of another node on the same database."""
    return Upkeep(home.database, home.clock, UseLog(), home.metrics, keep_expired=KEEP_EXPIRED)


async def expired_keys(home: House, tenant: Tenant | None, count: int, **fields: Any) -> list[Made]:
    owner = await home.identity()
    return [await home.key(tenant, owner, **{"expires_at": OLD, **fields}) for _ in range(count)]


async def count(home: House, table: Any) -> int:
    async with home.database.reader.begin() as connection:
        found: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
    return found


# The sweep


async def test_a_sweep_deletes_what_expired_long_enough_ago_and_nothing_else(each_home: House) -> None:
    home = each_home
    acme, other = await home.tenant("acme"), await home.tenant("other")
    gone = [
        *await expired_keys(home, acme, 2),
        *await expired_keys(home, acme, 1, active=False),
        *await expired_keys(home, other, 1),
        *await expired_keys(home, None, 1),
    ]
    kept = [
        *await expired_keys(home, acme, 1, expires_at=OLD + TICK),
        *await expired_keys(home, acme, 1, expires_at=NOW),
        *await expired_keys(home, acme, 1, expires_at=NOW + MINUTE),
        *await expired_keys(home, acme, 1, expires_at=None),
        *await expired_keys(home, acme, 1, expires_at=None, active=False),
    ]
    assert await home.upkeep.sweep(MINUTE) == 5
    assert await home.keys() == sorted(one.id for one in kept)
    for one in gone:
        stored = await home.stored(one.id)
        assert stored is not None
        assert (stored.deleted_at, stored.active) == (NOW, False)
    trails = {
        None: await home.trail(None),
        acme.id: await home.trail(acme),
        other.id: await home.trail(other),
    }
    for one in gone:
        (entry,) = [entry for entry in trails[one.key.tenant_id] if entry.target_id == one.id]
        assert (entry.action, entry.actor, entry.at, entry.ip) == ("key.delete", SYSTEM, NOW, None)
        state = "expired" if one.key.active else "disabled"
        assert entry.changes == {"state": Change(state, "deleted")}
    assert sum(map(len, trails.values())) == 5
    assert home.metric("keywright_sweeps_total") == 1
    assert home.metric("keywright_swept_keys_total") == 5


async def test_a_sweep_without_anything_to_do_is_one_too(home: House) -> None:
    assert await home.upkeep.sweep(MINUTE) == 0
    assert home.metric("keywright_sweeps_total") == 1


async def test_a_sweep_is_due_again_after_its_time(
    each_home: House,
) -> None:
    home = each_home
    acme = await home.tenant("acme")
    assert await home.upkeep.sweep(MINUTE) == 0
    await expired_keys(home, acme, 1)
    home.clock.advance(seconds=59)
    assert await home.upkeep.sweep(MINUTE) == 0
    assert await node(home).sweep(MINUTE) == 0
    assert home.metric("keywright_sweeps_total") == 1
    home.clock.advance(seconds=1)
    assert await node(home).sweep(MINUTE) == 1


async def test_a_backlog_is_worked_off_in_batches(
    home: House, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    await expired_keys(home, acme, 7)
    assert await home.upkeep.sweep(MINUTE) == 7
    assert len(await home.trail(acme)) == 7
    await expired_keys(home, acme, 6)
    home.clock.advance(minutes=1)
    assert await home.upkeep.sweep(MINUTE) == 6


async def test_of_many_nodes_at_once_one_sweeps(each_home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    home = each_home
    monkeypatch.setattr(module, "BATCH", 2)
    acme = await home.tenant("acme")
    await expired_keys(home, acme, 9)
    swept = await asyncio.gather(*(node(home).sweep(MINUTE) for _ in range(4)))
    assert sorted(swept) == [0, 0, 0, 9]
    assert len(await home.trail(acme)) == 9


class BetweenBatches:
    """A database that does something after each transaction that writes."""

    def __init__(self, database: Database, then: Any) -> None:
        self._database = database
        self._then = then

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        async with self._database.write() as transaction:
            yield transaction
        await self._then()


async def test_a_node_that_was_held_up_too_long_leaves_the_rest_to_the_one_that_took_over(
    home: House, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    await expired_keys(home, acme, 5)
    moments = 0

    async def held_up() -> None:
        nonlocal moments
        moments += 1
        if moments == 1:
            home.clock.advance(minutes=5)
            async with home.database.write() as transaction:
                now = home.clock.now()
                assert await transaction.jobs.take(
                    "sweep", "another", now=now, until=now + MINUTE, due_before=now
                )

    slow = node(home)
    slow._database = BetweenBatches(home.database, held_up)  # type: ignore[assignment] # what it uses of one
    assert await slow.sweep(MINUTE) == 2
    assert len(await home.keys()) == 3
    assert len(await home.trail(acme)) == 2
    assert home.metric("keywright_sweeps_total") == 0


async def test_a_long_sweep_keeps_its_turn(
    home: House, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    await expired_keys(home, acme, 7)
    tries: list[int] = []

    async def meanwhile() -> None:
        home.clock.advance(minutes=4)
        tries.append(await node(home).sweep(MINUTE))

    slow = node(home)
    slow._database = BetweenBatches(home.database, meanwhile)  # type: ignore[assignment] # what it uses of one
    assert await slow.sweep(MINUTE) == 7
    assert tries[:-1] == [0] * (len(tries) - 1)
    assert len(await home.trail(acme)) == 7


async def test_a_node_that_died_in_the_middle_is_replaced_after_five_minutes(
    home: House, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    await expired_keys(home, acme, 3)

    async def die() -> None:
        raise ZeroDivisionError

    dying = node(home)
    dying._database = BetweenBatches(home.database, die)  # type: ignore[assignment] # what it uses of one
    with pytest.raises(ZeroDivisionError):
        await dying.sweep(MINUTE)
    assert len(await home.keys()) == 1
    home.clock.advance(minutes=4, seconds=59)
    assert await home.upkeep.sweep(MINUTE) == 0
    home.clock.advance(seconds=1)
    assert await home.upkeep.sweep(MINUTE) == 1


async def test_a_sweep_forgets_idempotency_keys_and_sessions_that_are_over(home: House, acme: Tenant) -> None:
    admin = await home.admin(acme)
    await home.person("anna", "correct horse", Grant(ADMIN, acme.id))
    await home.run(create_key, admin, NewKey(name="k"), idempotency_key="k-1")
    await home.logged_in("anna", "correct horse")
    home.clock.advance(hours=24)
    await home.upkeep.sweep(MINUTE)
    assert await count(home, schema.idempotency) == 1
    home.clock.advance(minutes=1)
    await home.upkeep.sweep(MINUTE)
    assert (await count(home, schema.idempotency), await count(home, schema.session)) == (0, 1)
    home.clock.advance(days=7)
    await home.upkeep.sweep(MINUTE)
    assert await count(home, schema.session) == 0


async def test_a_sweep_forgets_invitations_long_after_their_end(home: House, acme: Tenant) -> None:
    admin = await home.admin(acme)
    new = NewInvitation(name="Ada", memberships=(RoleInput(ADMIN),), expires_in_days=1)
    await home.run(invite_user, admin, new)
    for days, left in ((91, 1), (1, 0)):
        home.clock.advance(days=days)
        await home.upkeep.sweep(MINUTE)
        assert await count(home, schema.invitation) == left


async def test_a_sweep_forgets_usage_after_its_time(
    home: House, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    made = await home.key(acme, await home.identity())
    known = KeyFacts(made.key, SOMEBODY, acme, ())
    for day in range(5):
        for action in ("a", "b"):
            asked = Asked(action=f"{action}:{day}")
            home.uses.note(known, Code.VALID, asked, home.clock.now_us())
        home.uses.note(known, Code.DISABLED, Asked(), home.clock.now_us())
        await home.upkeep.flush()
        home.clock.advance(days=1)
    for forgotten in range(6):
        assert await count(home, schema.usage) == 2 * (5 - forgotten)
        assert await count(home, schema.exercised) == 2 * (5 - forgotten)
        home.clock.advance(days=85 if forgotten == 0 else 1, microseconds=1 if forgotten == 0 else 0)
        await home.upkeep.sweep(MINUTE)


# Writing down what was used


def note(uses: UseLog, key_id: str, at_us: int, ip: str | None = None) -> None:
    """Note that a key was accepted."""
    asked = Asked(ip=None if ip is None else ip_address(ip))
    uses.note(some_facts(id=key_id), Code.VALID, asked, at_us)


async def used(home: House, key_id: str) -> tuple[Any, str | None]:
    stored = await home.stored(key_id)
    assert stored is not None
    return stored.last_used_at, stored.last_used_ip


async def test_the_last_use_is_written_down(each_home: House) -> None:
    home = each_home
    acme = await home.tenant("acme")
    owner = await home.identity()
    one, other, unused = [await home.key(acme, owner) for _ in range(3)]
    await home.caller(one, ip_address("192.0.2.7"))
    home.clock.advance(seconds=1)
    await home.caller(one, ip_address("2001:db8::1"))
    await home.caller(other)
    await home.upkeep.flush()
    later = NOW + timedelta(seconds=1)
    assert await used(home, one.id) == (later, "2001:db8::1")
    assert await used(home, other.id) == (later, None)
    assert await used(home, unused.id) == (None, None)
    note(home.uses, one.id, home.clock.now_us() - 1, "192.0.2.9")
    note(home.uses, "key_that_is_gone", home.clock.now_us())
    await home.upkeep.flush()
    assert await used(home, one.id) == (later, "2001:db8::1")
    assert home.metric('keywright_usage_flushes_total{outcome="ok"}') == 2
    assert home.metric("keywright_usage_flushed_keys_total") == 4


async def counts(home: House) -> dict[tuple[str, str], int]:
    """All counts, by key and code."""
    async with home.database.reader.begin() as connection:
        rows = (await connection.execute(select(schema.usage))).mappings()
        return {(row["key_id"], row["code"]): row["count"] for row in rows}


async def test_decisions_are_counted_and_written_down_some_keys_at_a_time(
    each_home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = each_home
    monkeypatch.setattr(module, "BATCH", 2)
    acme = await home.tenant("acme")
    owner = await home.identity()
    made = [await home.key(acme, owner) for _ in range(5)]
    for times, one in enumerate(made):
        known = KeyFacts(one.key, owner, acme, ())
        for _ in range(times + 1):
            home.uses.note(known, Code.VALID, Asked(action="article:read"), home.clock.now_us())
        home.uses.note(known, Code.RATE_LIMITED, Asked(), home.clock.now_us())
    await home.upkeep.flush()
    written = await counts(home)
    assert written == {(one.id, "VALID"): number + 1 for number, one in enumerate(made)} | {
        (one.id, "RATE_LIMITED"): 1 for one in made
    }
    async with home.database.read() as transaction:
        (exercised,) = await transaction.usage(acme.id).exercised(made[4].id)
    assert (exercised.action, exercised.count, exercised.last_at) == ("article:read", 5, NOW)
    assert home.metric('keywright_usage_flushes_total{outcome="ok"}') == 3
    assert home.metric("keywright_usage_flushed_keys_total") == 5
    await home.upkeep.flush()
    assert await counts(home) == written


class LosesSome:
    """A database that is away for some transactions: by number, before or after they are committed."""

    def __init__(self, database: Database, *, before: int | None = None, after: int | None = None) -> None:
        self._database = database
        self._before = before
        self._after = after
        self._count = 0

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        self._count += 1
        if self._count == self._before:
            raise Unavailable("Away.")
        async with self._database.write() as transaction:
            yield transaction
        if self._count == self._after:
            raise Unavailable("Away when it was about to say that it committed.")


async def test_what_was_written_before_the_database_went_away_is_not_written_again(
    home: House, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    owner = await home.identity()
    made = [await home.key(acme, owner) for _ in range(3)]

    def use_all() -> None:
        for one in made:
            home.uses.note(KeyFacts(one.key, owner, acme, ()), Code.VALID, Asked(), home.clock.now_us())

    unlucky = Upkeep(home.database, home.clock, home.uses, home.metrics, keep_expired=KEEP_EXPIRED)
    unlucky._database = LosesSome(home.database, before=2)  # type: ignore[assignment] # what it uses of one
    use_all()
    await unlucky.flush()
    assert sum((await counts(home)).values()) == 1
    assert home.metric('keywright_usage_flushes_total{outcome="failed"}') == 1
    use_all()
    await unlucky.flush()
    assert await counts(home) == {(one.id, "VALID"): 2 for one in made}
    assert home.metric("keywright_usage_dropped_total") == 0


async def test_what_may_have_been_written_is_written_again(home: House, acme: Tenant) -> None:
    """A count may then be too high; what was used is never missing."""
    made = await home.key(acme, await home.identity())
    unlucky = Upkeep(home.database, home.clock, home.uses, home.metrics, keep_expired=KEEP_EXPIRED)
    unlucky._database = LosesSome(home.database, after=1)  # type: ignore[assignment] # what it uses of one
    home.uses.note(KeyFacts(made.key, SOMEBODY, acme, ()), Code.VALID, Asked(), home.clock.now_us())
    for _ in range(3):
        await unlucky.flush()
    assert await counts(home) == {(made.id, "VALID"): 2}


async def test_nothing_used_is_nothing_written(home: House) -> None:
    await home.upkeep.flush()
    assert home.metric('keywright_usage_flushes_total{outcome="ok"}') == 0


async def test_uses_wait_while_the_database_is_away_and_are_written_when_it_is_back(
    home: House, tmp_path: Path
) -> None:
    folder = tmp_path / "not there yet"
    lost = Database.connect(f"sqlite:///{folder / 'house.db'}")
    uses = UseLog(max_keys=2)
    upkeep = Upkeep(lost, home.clock, uses, home.metrics, keep_expired=KEEP_EXPIRED)
    try:
        for number in range(3):
            note(uses, f"key_{number}", number + 1)
        for _ in range(2):
            await upkeep.flush()
        assert home.metric('keywright_usage_flushes_total{outcome="failed"}') == 2
        assert home.metric("keywright_usage_flushed_keys_total") == 0
        assert home.metric("keywright_usage_dropped_total") == 1
        note(uses, "key_1", 9)
        folder.mkdir()
        await upgrade(lost)
        await upkeep.flush()
        assert home.metric('keywright_usage_flushes_total{outcome="ok"}') == 1
        assert home.metric("keywright_usage_flushed_keys_total") == 2
        assert uses.take() == ()
        async with lost.read() as transaction:
            usage = transaction.usage(ACME.id)
            found = [await usage.of_key(f"key_{number}", Between(), By.DAY) for number in range(3)]
        assert [[one.count for one in counts] for counts in found] == [[1], [2], []]
    finally:
        await lost.close()


async def test_uses_are_kept_when_writing_fails_in_any_other_way(home: House, acme: Tenant) -> None:
    made = await home.key(acme, await home.identity())

    async def fail() -> None:
        raise ZeroDivisionError

    async def hang() -> None:
        await asyncio.sleep(60)

    note(home.uses, made.id, home.clock.now_us())
    unlucky = Upkeep(home.database, home.clock, home.uses, home.metrics, keep_expired=KEEP_EXPIRED)
    unlucky._database = BetweenBatches(home.database, fail)  # type: ignore[assignment] # what it uses of one
    with pytest.raises(ZeroDivisionError):
        await unlucky.flush()
    unlucky._database = BetweenBatches(home.database, hang)  # type: ignore[assignment] # what it uses of one
    task = asyncio.create_task(unlucky.flush())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [use.key_id for use in home.uses.take()] == [made.id]
    assert home.metric('keywright_usage_flushes_total{outcome="failed"}') == 2


async def test_a_use_at_any_moment_can_be_written(home: House, acme: Tenant) -> None:
    made = await home.key(acme, await home.identity())
    note(home.uses, made.id, 1, "2001:0db8:85a3:0000:0000:8a2e:255.255.255.255")
    await home.upkeep.flush()
    assert (await used(home, made.id))[0] == from_us(1)


# The schedule


async def test_a_schedule_outlives_what_goes_wrong_and_ends_when_it_is_cancelled() -> None:
    runs = 0
    failures: list[Exception] = []
    enough = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 4:
            enough.set()
        if runs % 2 == 0:
            raise Unavailable("Away.") if runs == 2 else ZeroDivisionError

    task = asyncio.create_task(every(0.001, work, failures.append))
    await asyncio.wait_for(enough.wait(), 10)
    await asyncio.sleep(0.02)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [type(one) for one in failures[:2]] == [Unavailable, ZeroDivisionError]
