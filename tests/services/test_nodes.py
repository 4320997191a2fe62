"""Nodes on real databases: leases, receipts, and what a node does when something goes wrong."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from keywright.core.changes import EVERYTHING, NodeOutcome
from keywright.core.decision import Asked, Code
from keywright.core.errors import Unavailable
from keywright.core.limits import Bucket, Credits, Level, Limit
from keywright.core.tokens import mint
from keywright.ops.metrics import Metrics
from keywright.services import deciding as service
from keywright.services.counting import counted_at, counting
from keywright.services.deciding import Deciding, Room, ground_of
from keywright.services.keys import KeyChanges, KeyIds, NewKey, create_key, delete_keys, update_key
from keywright.services.receipts import Receipts
from keywright.services.work import Call
from keywright.storage import feed
from keywright.storage.counters import MemoryCounters, SharedCounters, counters_of
from keywright.storage.feed import DatabaseFeed
from keywright.verify import CreditSpender, Label, Terms
from keywright.verify import node as module
from tests.support.nodes import a_node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from keywright.core.identities import Tenant
    from keywright.services.callers import Caller
    from keywright.verify import Node
    from tests.support.house import House

pytestmark = pytest.mark.anyio


class Now:
    """A boot time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def deciding(home: House, *, lease: float = 60.0, grace: float = 0.0) -> AsyncIterator[Deciding]:
    """Another node on the same database, kept alive as a server keeps it."""
    one = Deciding(
        ground_of(home.database, home.clock),
        home.clock,
        MemoryCounters(),
        Metrics(),
        label=Label(name="other", kind="server", version="0"),
        terms=Terms(lease=lease, grace=grace),
        room=Room(entries=100, bytes=1_000_000),
    )
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds; a test that waits for what never comes is ended by its runner."""
    while not holds():  # noqa: ASYNC110 - some of it is told by nobody
        await asyncio.sleep(0.005)


async def rows(home: House) -> dict[str, int]:
    """The nodes in the database, with the epoch that each has applied."""
    async with home.database.read() as transaction:
        return {row.id: row.applied for row in await transaction.nodes.all()}


async def test_a_node_that_starts_is_known_and_one_that_stops_is_not(home: House) -> None:
    assert await rows(home) == {}
    async with deciding(home) as one:
        assert await rows(home) == {one.node.id: 0}
        assert one.node.holds_lease
        assert 0 <= one.node.lease_age < 60
    assert not one.node.holds_lease
    assert await rows(home) == {}


async def test_a_key_is_read_once_and_a_change_of_it_is_heard(home: House, admin: Caller) -> None:
    made = await home.services.run(create_key, Call(caller=admin), NewKey(name="A key"))
    assert made.token is not None
    token = made.token.reveal()
    async with deciding(home) as one, deciding(home) as two:
        for deciding_node in (one, two, one, two):
            assert (await deciding_node.verifier.verify(token)).valid
        assert one.node.cached_keys == two.node.cached_keys == 1
        assert one.node.cached_bytes > 0
        changes = KeyChanges(id=made.view.key.id, active=False)
        changed = await home.services.change(update_key, Call(caller=admin), changes)
        receipt = changed.receipt
        assert receipt is not None
        assert receipt.complete
        assert {node.id: node.outcome for node in receipt.nodes} == {
            one.node.id: NodeOutcome.ACKNOWLEDGED,
            two.node.id: NodeOutcome.ACKNOWLEDGED,
        }
        for deciding_node in (one, two):
            assert (await deciding_node.verifier.verify(token)).code is Code.DISABLED
            assert deciding_node.node.applied == receipt.epoch


async def test_a_call_that_does_not_wait_is_told_when_it_will_be_true(home: House, admin: Caller) -> None:
    made = await home.services.run(create_key, Call(caller=admin), NewKey(name="A key"))
    stopped = a_node(home.clock, DatabaseFeed(home.database, home.clock), lease=5.0, grace=2.0)
    await stopped.register()
    call = Call(caller=admin, wait=False)
    receipt = (await home.services.change(delete_keys, call, KeyIds((made.view.key.id,)))).receipt
    assert receipt is not None
    assert not receipt.complete
    assert [node.outcome for node in receipt.nodes] == [NodeOutcome.PENDING]
    assert receipt.effective_by is not None
    ahead = (receipt.effective_by - home.clock.now()).total_seconds()
    assert 7.0 < ahead < 8.0


async def test_a_node_that_says_nothing_is_waited_out(home: House, admin: Caller) -> None:
    made = await home.services.run(create_key, Call(caller=admin), NewKey(name="A key"))
    frozen = a_node(home.clock, DatabaseFeed(home.database, home.clock), lease=0.3)
    await frozen.register()
    receipt = (
        await home.services.change(delete_keys, Call(caller=admin), KeyIds((made.view.key.id,)))
    ).receipt
    assert receipt is not None
    assert receipt.complete
    assert [node.outcome for node in receipt.nodes] == [NodeOutcome.EXPIRED]
    assert receipt.waited_ms >= 300


async def test_a_node_that_was_seen_to_stand_still_is_not_waited_for_again(home: House) -> None:
    now = Now()
    frozen = a_node(home.clock, DatabaseFeed(home.database, home.clock), lease=3.0)
    await frozen.register()
    watching = a_node(home.clock, DatabaseFeed(home.database, home.clock), at=now)
    await watching.look()
    now.seconds += 10
    receipts = Receipts(watching, home.clock, now, home.metrics)
    async with home.database.write() as transaction:
        epoch = await transaction.changes.add(["key_one"], home.clock.now())
    receipt = await receipts.wait(epoch, wait=True)
    assert (receipt.complete, receipt.waited_ms) == (True, 0)
    assert await frozen._feed.renew(frozen.id, 0)  # it was not dead after all
    now.seconds += 1
    receipt = await receipts.wait(epoch, wait=False)
    assert [node.outcome for node in receipt.nodes] == [NodeOutcome.PENDING]


async def test_a_node_that_was_forgotten_begins_anew_under_another_name(home: House) -> None:
    heard: list[object] = []
    node = a_node(home.clock, DatabaseFeed(home.database, home.clock), heard=heard.append)
    await node.register()
    before = node.id
    await node._feed.leave(before)
    await node.renew()
    assert node.id != before
    assert list(await rows(home)) == [node.id]
    assert node.holds_lease
    assert heard == [None, None]


async def test_what_is_long_gone_is_forgotten(home: House) -> None:
    now = Now()
    gone = a_node(home.clock, DatabaseFeed(home.database, home.clock), lease=1.0)
    await gone.register()
    node = a_node(home.clock, DatabaseFeed(home.database, home.clock), at=now, lease=1.0)
    await node.register()
    await node._attempt(renewing=True)
    assert set(await rows(home)) == {gone.id, node.id}
    now.seconds += module.GONE_SECONDS + 2
    await node._attempt(renewing=True)
    assert list(await rows(home)) == [node.id]


async def test_a_gap_in_the_feed_drops_everything(home: House) -> None:
    heard: list[object] = []
    node = a_node(home.clock, DatabaseFeed(home.database, home.clock), heard=heard.append)
    await node.register()
    for one in ("key_a", "key_b", EVERYTHING):
        async with home.database.write() as transaction:
            epoch = await transaction.changes.add([one], home.clock.now())
    home.clock.advance(hours=2)
    async with home.database.write() as transaction:
        await transaction.changes.forget_before(home.clock.now())
    await node.catch_up()
    assert node.applied == epoch == 3
    assert heard == [None, None]
    async with home.database.write() as transaction:
        await transaction.changes.add(["key_c"], home.clock.now())
    await node.catch_up()
    assert heard == [None, None, {"key_c"}]
    assert await rows(home) == {node.id: 4}


async def test_the_lease_is_kept_by_renewing_it(home: House) -> None:
    async with deciding(home, lease=0.2) as one:
        first = one.node.lease_end
        await eventually(lambda: one.node.lease_end > first + 0.2)
        assert one.node.holds_lease


async def test_without_the_database_a_lease_runs_out_and_heals_by_itself(home: House, admin: Caller) -> None:
    made = await home.services.run(create_key, Call(caller=admin), NewKey(name="A key"))
    assert made.token is not None
    token = made.token.reveal()
    async with deciding(home, lease=0.2, grace=30.0) as graceful, deciding(home, lease=0.2) as strict:
        for one in (graceful, strict):
            assert (await one.verifier.verify(token)).valid
            assert await one.verifier.tenant("acme") is not None
        with away(home):
            await eventually(lambda: not (graceful.node.holds_lease or strict.node.holds_lease))
            assert (await graceful.verifier.verify(token)).valid
            assert (await strict.verifier.verify(token)).code is Code.STALE
            assert (await graceful.verifier.verify(mint().reveal())).code is Code.STALE
            assert await graceful.verifier.tenant("acme") is not None
            for lost, slug in ((graceful, "nowhere"), (strict, "acme")):
                with pytest.raises(Unavailable):
                    await lost.verifier.tenant(slug)
        await eventually(lambda: graceful.node.holds_lease and strict.node.holds_lease)
        assert (await strict.verifier.verify(token)).valid


@contextmanager
def away(home: House) -> Iterator[None]:
    """The database is away while the block lasts."""

    async def unavailable(*_arguments: object) -> None:
        raise Unavailable("Away.")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("renew", "since"):
            patch.setattr(DatabaseFeed, name, unavailable)
        for name in ("by_digest", "tenant"):
            patch.setattr(home.database.lookup, name, unavailable)
        yield


async def test_whatever_goes_wrong_the_lease_is_tried_again(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = a_node(home.clock, DatabaseFeed(home.database, home.clock), lease=0.2)
    await node.register()

    async def broken(*_arguments: object) -> None:
        raise RuntimeError("A defect.")

    async def hanging(*_arguments: object) -> None:
        await asyncio.sleep(3600)

    for failure in (broken, hanging):
        with monkeypatch.context() as patch:
            patch.setattr(DatabaseFeed, "renew", failure)
            await node._attempt(renewing=True)
    before = node.lease_end
    await node._attempt(renewing=True)
    assert node.lease_end > before


async def test_limits_and_credits_are_asked_in_this_order_and_refused_uses_cost_nothing(
    home: House, admin: Caller
) -> None:
    made = await home.services.run(create_key, Call(caller=admin), NewKey(name="A key"))
    assert made.token is not None
    token, key = made.token.reveal(), made.view.key
    await _count(home, key.id, limits=(Limit("burst", 3, 3600),), credits_left=2)
    async with deciding(home) as one:
        codes = [(await one.verifier.verify(token)).code for _ in range(3)]
        assert codes == [Code.VALID, Code.VALID, Code.CREDITS_EXHAUSTED]
        # The third use was given back to the limit.
        looked = await one.verifier.verify(token, Asked(cost=0))
        assert looked.limits is not None
        assert looked.limits.states[0].remaining == 1
        refused = await one.verifier.verify(token, Asked(cost=2, explain=True))
        assert refused.code is Code.RATE_LIMITED
        assert refused.explanation is not None
        assert refused.explanation.check == "limits"
        assert refused.credits_left is None
        exhausted = await one.verifier.verify(token, Asked(cost=1, explain=True))
        assert exhausted.code is Code.CREDITS_EXHAUSTED
        assert exhausted.explanation is not None
        assert exhausted.explanation.check == "credits"


async def test_who_cannot_know_the_credits_gives_the_limit_its_use_back(
    home: House, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await home.services.run(create_key, Call(caller=admin), NewKey(name="A key"))
    assert made.token is not None
    await _count(home, made.view.key.id, limits=(Limit("burst", 3, 3600),), credits_left=2)
    async with deciding(home) as one:
        token = made.token.reveal()
        assert (await one.verifier.verify(token)).valid

        async def unknown(_self: object, _key_id: str, _cost: int) -> int:
            raise Unavailable("Away.")

        with monkeypatch.context() as patch:
            patch.setattr(CreditSpender, "spend", unknown)
            for _ in range(5):
                assert (await one.verifier.verify(token)).code is Code.STALE
        decision = await one.verifier.verify(token)
        assert decision.valid
        assert decision.limits is not None
        assert decision.limits.states[0].remaining == 1


async def _count(home: House, key_id: str, *, limits: tuple[Limit, ...], credits_left: int) -> None:
    """Give a key limits and credits."""
    async with home.database.write() as transaction:
        tenant = await transaction.tenants.by_slug("acme")
        assert tenant is not None
        keys = transaction.keys(tenant.id)
        key = await keys.by_id(key_id)
        assert key is not None
        await keys.change(replace(key, limits=limits, credits=Credits(credits_left)), recounted=True)


async def test_a_node_forgets_credits_that_a_change_touched(home: House, admin: Caller) -> None:
    made = await home.services.run(create_key, Call(caller=admin), NewKey(name="A key"))
    assert made.token is not None
    await _count(home, made.view.key.id, limits=(), credits_left=100)
    async with deciding(home) as one:
        first = await one.verifier.verify(made.token.reveal())
        assert first.credits_left == 99
        await _count(home, made.view.key.id, limits=(), credits_left=1)
        async with home.database.write() as transaction:
            epoch = await transaction.changes.add([made.view.key.id], home.clock.now())
        assert (
            await Receipts(one.node, home.clock, one.node.boottime, home.metrics).wait(epoch, wait=True)
        ).complete
        assert (await one.verifier.verify(made.token.reveal())).credits_left == 0
        assert (await one.verifier.verify(made.token.reveal())).code is Code.CREDITS_EXHAUSTED
        one._heard(None)


async def test_a_receipt_waits_for_a_database_that_went_away(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Now()
    node: Node = a_node(home.clock, DatabaseFeed(home.database, home.clock), at=now)
    receipts = Receipts(node, home.clock, now, home.metrics)
    calls = 0
    look = node.look

    async def sometimes() -> object:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise Unavailable("Away.")
        return await look()

    monkeypatch.setattr(node, "look", sometimes)
    assert (await receipts.wait(1, wait=True)).complete
    assert calls == 3

    async def never() -> object:
        now.seconds += 61
        raise Unavailable("Away.")

    monkeypatch.setattr(node, "look", never)
    with pytest.raises(Unavailable, match="is stored"):
        await receipts.wait(1, wait=True)


async def test_a_node_that_cannot_say_goodbye_stops_all_the_same(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unheard(_self: object, _node_id: str) -> None:
        raise Unavailable("Away.")

    async with deciding(home) as one:
        monkeypatch.setattr(DatabaseFeed, "leave", unheard)
    assert not one.node.holds_lease
    monkeypatch.undo()
    assert one.node.id in await rows(home)


async def test_a_tenant_is_read_once_and_its_change_is_heard(home: House, acme: Tenant) -> None:
    async with deciding(home) as one:
        assert await one.verifier.tenant("acme") == acme
        async with home.database.write() as transaction:
            await transaction.tenants.change(replace(acme, name="Renamed"))
            assert (await one.verifier.tenant("acme")) == acme
            epoch = await transaction.changes.add([acme.id], home.clock.now())
        await Receipts(one.node, home.clock, one.node.boottime, home.metrics).wait(epoch, wait=True)
        found = await one.verifier.tenant("acme")
        assert found is not None
        assert found.name == "Renamed"
        assert await one.verifier.tenant("nowhere") is None


async def test_credits_that_cannot_be_given_back_are_told_in_the_log(
    home: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_self: object) -> None:
        raise RuntimeError("A defect.")

    monkeypatch.setattr(CreditSpender, "give_back_idle", broken)
    monkeypatch.setattr(service, "IDLE_SECONDS", 0.01)
    async with deciding(home):
        await eventually(lambda: "scheduled_work_failed" in caplog.text)


async def test_shared_counters_are_let_go_of(home: House, tmp_path: Path) -> None:
    async with counting(tmp_path):
        counters = counters_of(None, Metrics(), host=counted_at(tmp_path))
        assert isinstance(counters, SharedCounters)
        bucket = Bucket(Level.KEY, "key_one", Limit("burst", 1, 60))
        assert (await counters.take((bucket,), 1)).allowed
        one = Deciding(
            ground_of(home.database, home.clock),
            home.clock,
            counters,
            Metrics(),
            label=Label(name="other", kind="server", version="0"),
            terms=Terms(lease=60.0),
            room=Room(entries=100, bytes=1_000_000),
        )
        await one.start()
        await one.stop()
    assert (await counters.take((bucket,), 1)).local


async def test_who_is_far_behind_drops_everything(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_ENTRIES", 1)
    node = a_node(home.clock, DatabaseFeed(home.database, home.clock))
    await node.leave()  # it was never there
    await node.register()
    for one in ("key_a", "key_b"):
        async with home.database.write() as transaction:
            await transaction.changes.add([one], home.clock.now())
    await node.catch_up()
    assert node.applied == 2
    async with home.database.write() as transaction:
        await transaction.changes.add(["key_c"], home.clock.now())
    await node.catch_up()
    assert node.applied == 3


async def test_whoever_pauses_is_woken_once(home: House) -> None:
    node = a_node(home.clock)
    pausing = asyncio.create_task(node.pause(3600))
    await asyncio.sleep(0)
    node.stir()
    node.hint()
    await pausing
    await node.pause(0)
