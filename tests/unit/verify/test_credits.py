"""Spending credits from memory: never one twice, whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from keywright.core.errors import Unavailable
from keywright.verify.credits import KNOWN_US, SLOW_US, CreditSpender
from tests.support.credits import CreditsInMemory, Row
from tests.support.house import ManualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable

pytestmark = pytest.mark.anyio

KEY = "key_a"
HOUR_US = 3_600_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store() -> CreditsInMemory:
    return CreditsInMemory({KEY: Row(1_000)})


@pytest.fixture
async def spender(store: CreditsInMemory, clock: ManualClock) -> CreditSpender:
    return CreditSpender(store, clock)


async def spend_all(spender: CreditSpender, cost: int = 1) -> int:
    """How many uses come through before one does not."""
    through = 0
    while await spender.spend(KEY, cost) is not None:
        through += 1
    return through


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_exactly_what_there_is_can_be_spent(spender: CreditSpender, store: CreditsInMemory) -> None:
    assert await spend_all(spender) == 1_000
    assert store.rows[KEY].credits == 0
    assert await spender.spend(KEY, 1) is None
    # Blocks grew while there was plenty, and became small in the end.
    assert store.asked < 150


async def test_the_answer_is_what_is_left_in_all(spender: CreditSpender) -> None:
    assert [await spender.spend(KEY, cost) for cost in (1, 1, 5, 0, 100)] == [999, 998, 993, 993, 893]


async def test_too_few_are_not_spent_at_all(spender: CreditSpender, store: CreditsInMemory) -> None:
    store.rows[KEY].credits = 7
    assert await spender.spend(KEY, 8) is None
    assert await spender.spend(KEY, 5) == 2
    assert await spender.spend(KEY, 3) is None
    assert await spender.spend(KEY, 2) == 0


async def test_a_block_and_the_rest_together_are_enough(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    await spender.spend(KEY, 100)
    held = spender._held[KEY]
    await spender.spend(KEY, 1)
    assert held.left > 0
    assert await spender.spend(KEY, held.left + store.rows[KEY].credits) == 0


async def test_a_look_spends_nothing(spender: CreditSpender, store: CreditsInMemory) -> None:
    assert [await spender.spend(KEY, 0) for _ in range(3)] == [1_000] * 3
    assert store.asked == 1
    assert store.rows[KEY].credits == 1_000
    await spend_all(spender)
    assert await spender.spend(KEY, 0) is None


async def test_a_look_into_an_empty_row_says_so(spender: CreditSpender, store: CreditsInMemory) -> None:
    store.rows[KEY].credits = 0
    assert await spender.spend(KEY, 0) is None


async def test_too_few_is_remembered_for_a_moment(
    spender: CreditSpender, store: CreditsInMemory, clock: ManualClock
) -> None:
    store.rows[KEY].credits = 3
    assert [await spender.spend(KEY, 4) for _ in range(5)] == [None] * 5
    assert store.asked == 1
    store.rows[KEY].credits = 4
    clock.us += KNOWN_US
    assert await spender.spend(KEY, 4) == 0


async def test_who_ask_at_one_time_share_the_blocks(spender: CreditSpender, store: CreditsInMemory) -> None:
    store.rows[KEY].credits = 10_000
    left = await asyncio.gather(*(spender.spend(KEY, 1) for _ in range(200)))
    assert None not in left
    assert store.asked < 10
    assert sum(1 for _ in left) == 10_000 - store.rows[KEY].credits - spender._held[KEY].left


async def test_of_many_at_one_time_as_many_come_through_as_there_are_credits(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    store.rows[KEY].credits = 30
    left = await asyncio.gather(*(spender.spend(KEY, 1) for _ in range(50)))
    assert sum(one is not None for one in left) == 30


async def test_blocks_shrink_when_they_last(
    spender: CreditSpender, store: CreditsInMemory, clock: ManualClock
) -> None:
    store.rows[KEY].credits = 1_000_000
    for _ in range(3_000):
        await spender.spend(KEY, 1)
    large = spender._held[KEY].size
    assert 500 <= large <= 1_000
    clock.us += SLOW_US // 2
    await spender.spend(KEY, spender._held[KEY].left + 1)
    assert spender._held[KEY].size == large
    clock.us += SLOW_US
    await spender.spend(KEY, spender._held[KEY].left + 1)
    assert spender._held[KEY].size == large // 2


async def test_an_outage_stops_spending_only_where_the_block_ends(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    for _ in range(20):
        await spender.spend(KEY, 1)
    held = spender._held[KEY].left
    assert held > 0
    store.away = True
    assert [await spender.spend(KEY, 1) is not None for _ in range(held)] == [True] * held
    for cost in (1, 0):
        with pytest.raises(Unavailable):
            await spender.spend(KEY, cost)
    both = await asyncio.gather(spender.spend(KEY, 1), spender.spend(KEY, 1), return_exceptions=True)
    assert [type(one) for one in both] == [Unavailable] * 2
    store.away = False
    assert await spend_all(spender) == 980 - held


async def test_what_lies_idle_goes_back(spender: CreditSpender, store: CreditsInMemory) -> None:
    for _ in range(10):
        await spender.spend(KEY, 1)
    await spender.give_back_idle()
    await spender.spend(KEY, 1)
    await spender.give_back_idle()
    assert store.rows[KEY].credits < 989
    await spender.give_back_idle()
    assert store.rows[KEY].credits == 989
    assert await spend_all(spender) == 989


async def test_what_cannot_go_back_now_goes_back_later(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    for _ in range(4):
        await spender.spend(KEY, 1)
    assert spender._held[KEY].left == 1
    spender.drop(KEY)
    spender.drop(KEY)
    store.away = True
    await spender.give_back_idle()
    store.away = False
    await spender.give_back_idle()
    assert store.rows[KEY].credits == 996
    asked = store.asked
    await spender.give_back_idle()
    assert store.asked == asked


async def test_credits_set_anew_void_what_was_held(spender: CreditSpender, store: CreditsInMemory) -> None:
    for _ in range(10):
        await spender.spend(KEY, 1)
    store.set(KEY, 5)
    spender.drop(KEY)
    assert await spend_all(spender) == 5
    await spender.close()
    assert store.rows[KEY].credits == 0


async def test_a_new_block_voids_an_older_one_of_other_credits(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    """As where a node whose clock is ahead has filled them up already."""
    for _ in range(10):
        await spender.spend(KEY, 1)
    held = spender._held[KEY].left
    assert held > 0
    store.set(KEY, 5)
    assert await spender.spend(KEY, held + 1) is None
    assert await spender.spend(KEY, 6) is None
    assert await spend_all(spender) == 5


async def test_a_block_on_its_way_when_the_credits_are_set_anew_is_not_used(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    store.arriving.clear()
    waiting = asyncio.gather(*(spender.spend(KEY, 1) for _ in range(3)))
    await settle()
    store.set(KEY, 2)
    spender.drop_all()
    store.arriving.set()
    assert sorted(await waiting, key=str) == [0, 1, None]
    await spender.give_back_idle()
    assert store.rows[KEY].credits == 0


async def test_a_dropped_block_on_its_way_goes_back(spender: CreditSpender, store: CreditsInMemory) -> None:
    store.arriving.clear()
    waiting = asyncio.create_task(spender.spend(KEY, 3))
    await settle()
    spender.drop(KEY)
    store.arriving.set()
    assert await waiting == 994
    await spender.close()
    assert store.rows[KEY].credits == 997


async def test_who_gives_up_waiting_leaves_the_block_to_others(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    store.arriving.clear()
    waiting = asyncio.create_task(spender.spend(KEY, 3))
    await settle()
    await spender.give_back_idle()
    await spender.give_back_idle()  # what is on its way is not idle
    waiting.cancel()
    await settle()
    store.arriving.set()
    await settle()
    store.away = True
    assert await spender.spend(KEY, 3) == 997


async def test_a_look_that_is_overtaken_changes_nothing(
    spender: CreditSpender, store: CreditsInMemory
) -> None:
    store.arriving.clear()
    look = asyncio.create_task(spender.spend(KEY, 0))
    await settle()
    use = asyncio.create_task(spender.spend(KEY, 1))
    await settle()
    store.arriving.set()
    assert (await look, await use) == (1_000, 999)
    assert await spend_all(spender) == 999


async def test_only_so_many_keys_are_held(store: CreditsInMemory, clock: ManualClock) -> None:
    names = [f"key_{n}" for n in range(5)]
    store.rows |= {name: Row(1_000) for name in names}
    spender = CreditSpender(store, clock, max_held=2)
    for name in names:
        for _ in range(4):
            await spender.spend(name, 1)
    assert list(spender._held) == names[-2:]
    await spender.give_back_idle()
    # As many as may be held may wait to be given back; more are lost, which is the safe side.
    assert sum(store.rows[name].credits == 996 for name in names[:3]) == 2
    store.arriving.clear()
    many = asyncio.gather(*(spender.spend(name, 10) for name in names))
    await settle()
    assert len(spender._held) == 5
    store.arriving.set()
    assert None not in await many


async def test_without_leave_to_hold_each_use_is_taken_from_the_database(
    store: CreditsInMemory, clock: ManualClock
) -> None:
    may = True
    spender = CreditSpender(store, clock, holds=lambda: may)
    for _ in range(10):
        await spender.spend(KEY, 1)
    may = False
    before = store.rows[KEY].credits
    assert await spender.spend(KEY, 2) == before - 2
    assert await spender.spend(KEY, 0) == before - 2
    store.set(KEY, 1)
    assert [await spender.spend(KEY, cost) for cost in (2, 1, 1, 0)] == [None, 0, None, None]
    await spender.give_back_idle()
    assert store.rows[KEY].credits == 0


async def test_everything_goes_back_at_the_end(spender: CreditSpender, store: CreditsInMemory) -> None:
    for _ in range(10):
        await spender.spend(KEY, 1)
    store.arriving.clear()
    late = asyncio.create_task(spender.spend(KEY, 200))
    await settle()
    end = asyncio.create_task(spender.close())
    await settle()
    store.arriving.set()
    await end
    assert await late is not None
    assert store.rows[KEY].credits == 790
    assert await spender.spend(KEY, 1) == 789


async def test_a_period_ends_with_what_was_held_of_it(
    spender: CreditSpender, store: CreditsInMemory, clock: ManualClock
) -> None:
    store.rows[KEY] = Row(100, amount=50, span_us=HOUR_US, ends_us=clock.us + HOUR_US)
    for _ in range(20):
        await spender.spend(KEY, 1)
    assert spender._held[KEY].left > 0
    clock.us += HOUR_US - 1
    assert await spender.spend(KEY, 1) == 79
    clock.us += 1
    assert await spend_all(spender) == 50
    clock.us += 3 * HOUR_US + HOUR_US // 2
    assert await spend_all(spender) == 50
    await spender.close()
    assert store.rows[KEY].credits == 0


async def test_a_block_that_arrives_after_its_period_is_void(
    spender: CreditSpender, store: CreditsInMemory, clock: ManualClock
) -> None:
    store.rows[KEY] = Row(100, amount=50, span_us=HOUR_US, ends_us=clock.us + 10)
    store.arriving.clear()
    waiting = asyncio.create_task(spender.spend(KEY, 10))
    await settle()
    clock.us += 10
    store.arriving.set()
    assert await waiting == 40
    await spender.close()
    assert store.rows[KEY].credits == 40


class Nodes(RuleBasedStateMachine):
    """Three nodes on one store, with uses, changes, outages, crashes and time in any order.

    What is spent of a grant of credits (as somebody sets them, or as a period begins) never exceeds it.
    """

    @initialize(credit=st.integers(0, 300), amount=st.integers(1, 200), refilled=st.booleans())
    def begin(self, credit: int, amount: int, refilled: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.refilled = refilled
        self.ends_us = self.clock.us + HOUR_US
        row = Row(credit, amount, HOUR_US, self.ends_us) if refilled else Row(credit)
        self.store = self.run(self._store(row))
        self.nodes = [self.new_node() for _ in range(3)]
        self.granted, self.spent = credit, 0

    async def _store(self, row: Row) -> CreditsInMemory:
        return CreditsInMemory({KEY: row})

    def new_node(self) -> CreditSpender:
        return CreditSpender(self.store, self.clock, max_block=20)

    def run(self, awaitable: Awaitable[Any]) -> Any:
        async def bounded() -> Any:
            return await asyncio.wait_for(awaitable, 10)

        return self.loop.run_until_complete(bounded())

    @rule(which=st.integers(0, 2), costs=st.lists(st.integers(0, 6), min_size=1, max_size=8))
    def spend(self, which: int, costs: list[int]) -> None:
        """Some uses at one time."""
        self.spent += self.run(self._spend(which, costs))

    async def _spend(self, which: int, costs: list[int]) -> int:
        answers = await asyncio.gather(
            *(self.nodes[which].spend(KEY, cost) for cost in costs), return_exceptions=True
        )
        assert all(one is None or isinstance(one, int | Unavailable) for one in answers)
        return sum(cost for cost, one in zip(costs, answers, strict=True) if isinstance(one, int))

    @rule(which=st.integers(0, 2))
    def spend_everything(self, which: int) -> None:
        while spent := self.run(self._spend(which, [1])):
            self.spent += spent

    @rule(credit=st.integers(0, 300))
    def set_anew(self, credit: int) -> None:
        """As a change does it: in the database, and every node hears of it before the change has returned."""
        self.store.set(KEY, credit, self.clock.us)
        for node in self.nodes:
            node.drop(KEY)
        self.granted, self.spent = credit, 0
        self.ends_us = self.clock.us + HOUR_US

    @rule(which=st.integers(0, 2))
    def give_back_idle(self, which: int) -> None:
        self.run(self.nodes[which].give_back_idle())

    @rule(which=st.integers(0, 2))
    def stop_and_start(self, which: int) -> None:
        self.run(self.nodes[which].close())
        self.nodes[which] = self.new_node()

    @rule(which=st.integers(0, 2))
    def crash(self, which: int) -> None:
        self.nodes[which] = self.new_node()

    @rule(minutes=st.integers(1, 150))
    def wait(self, minutes: int) -> None:
        self.clock.advance(minutes=minutes)
        if self.refilled and self.clock.us >= self.ends_us:
            self.granted, self.spent = self.store.rows[KEY].amount, 0
            self.ends_us += ((self.clock.us - self.ends_us) // HOUR_US + 1) * HOUR_US

    @rule(which=st.integers(0, 2))
    def use_in_an_outage(self, which: int) -> None:
        self.store.away = True
        self.spent += self.run(self._spend(which, [1, 2, 3]))
        self.nodes[which].drop(KEY)
        self.run(self.nodes[which].give_back_idle())
        self.store.away = False

    @rule()
    def give_everything_back(self) -> None:
        for node in self.nodes:
            self.run(node.close())
        self.nodes = [self.new_node() for _ in range(3)]
        left = self.run(self.store.left(KEY, self.clock.us)).left
        assert left <= self.granted - self.spent

    @invariant()
    def no_credit_is_spent_twice(self) -> None:
        if hasattr(self, "store"):
            assert 0 <= self.spent <= self.granted
            assert self.store.rows[KEY].credits >= 0

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()


TestNodes = Nodes.TestCase
TestNodes.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
