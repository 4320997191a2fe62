"""The lease protocol: no order of events undoes a revocation that has returned, and every part is needed for that.

The order of events is chosen by Hypothesis, and for each part that is taken out by a search that has to find the order
that breaks the promise.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keywright.core.changes import Receipt
from keywright.services.receipts import Receipts
from keywright.verify import Memory, Node, Verifier
from tests.unit.verify.lease_world import Parts, Relayed, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.ports import KeyFacts

STEPS = 60
TRIES = 2_000


async def played(
    parts: Parts, choose: Callable[[int], int], deciding: int = 1
) -> tuple[str | None, list[str]]:
    """Play one schedule; answers the violation that it met, and what happened."""
    world = World(parts, deciding)
    happened = []
    try:
        await world.begin()
        for _ in range(STEPS):
            choices = world.choices()
            what, act = choices[choose(len(choices))]
            happened.append(what)
            await world.do(act)
            found = world.violation()
            if found is not None:
                return found, happened
    finally:
        await world.close()
    return None, happened


@settings(max_examples=100)
@given(st.data())
def test_no_order_of_events_brings_a_revoked_key_back(data: st.DataObject) -> None:
    def choose(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    violation, happened = asyncio.run(played(Parts(), choose))
    assert violation is None, "\n".join(happened)


@settings(max_examples=100)
@given(st.data())
def test_nor_at_a_node_without_a_database(data: st.DataObject) -> None:
    """Messages and answers are late, lost, or arrive after whoever waited has given up."""

    def choose(count: int) -> int:
        return data.draw(st.integers(0, count - 1))

    violation, happened = asyncio.run(played(Parts(feed=Relayed), choose))
    assert violation is None, "\n".join(happened)


@pytest.mark.parametrize("feed", [None, Relayed], ids=["on a database", "without one"])
def test_no_order_that_the_search_tries_does_either(feed: type[Relayed] | None) -> None:
    """The search of the tests below, on the protocol as it is."""
    assert searched(Parts(feed=feed), tries=250) is None


class Unfenced(Memory):
    """A fill counts as if it had been read when it arrived."""

    def put(self, digest: bytes, facts: KeyFacts) -> bool:
        return super().put(digest, replace(facts, epoch=10**9))


class LateClock(Node):
    """The clock is noted when the answer is there, not before it was asked for."""

    def _granted(self, noted: float) -> None:
        super()._granted(self.boottime())


class ReadFirst(Node):
    """The changes are read before the row is written."""

    async def renew(self) -> None:
        noted = self.boottime()
        await self._catch_up()
        if await self._feed.renew(self.id, self.applied):
            self._granted(noted)


class EarlyWord(Node):
    """What was read is acknowledged before it is applied."""

    async def _catch_up(self) -> None:
        newest, entries = await self._feed.since(self.applied)
        await self._feed.acknowledge(self.id, newest)
        self.applied = newest
        if entries is not None:
            self.memory.apply(entries)
        else:
            self.memory.forget_all(newest)


class Impatient(Receipts):
    """Nobody waits for nodes."""

    async def wait(self, epoch: int, *, wait: bool) -> Receipt:
        return Receipt(epoch, complete=True, waited_ms=0)


class AnyFlight(Verifier):
    """Whoever asks while a read is on its way takes what it brings."""

    def _is_current(self, found: object) -> bool:
        return found is not None


class Forgetful(Memory):
    """What was touched is not noted."""

    def apply(self, entries: object) -> None:
        pass


class Rash(Relayed):
    """A server forgets a node that has not applied what it could, whatever lease it may hold still."""

    forgiving = False


TAKEN_OUT = {
    "the fill fence": Parts(memory=Unfenced),
    "the clock noted before asking": Parts(node=LateClock),
    "the row written before the changes are read": Parts(node=ReadFirst),
    "the acknowledgement after they are applied": Parts(node=EarlyWord),
    "the wait for nodes": Parts(receipts=Impatient),
    "the ordered epoch": Parts(ordered=False),
    "the age of a read that somebody else began": Parts(verifier=AnyFlight),
    "dropping what was touched": Parts(memory=Forgetful),
    "the clock noted before asking a server": Parts(node=LateClock, feed=Relayed),
    "the fill fence behind a server": Parts(memory=Unfenced, feed=Relayed),
    "the row of a node that a server grants no further lease": Parts(feed=Rash),
}


@pytest.mark.parametrize("part", TAKEN_OUT)
def test_without_any_one_part_an_order_is_found_that_breaks_the_promise(part: str) -> None:
    assert searched(TAKEN_OUT[part], tries=TRIES) is not None


def searched(parts: Parts, tries: int) -> list[str] | None:
    """Try schedules until one breaks the promise: each favours some few of the things that may happen."""

    async def search() -> list[str] | None:
        for seed in range(tries):
            violation, happened = await played(parts, Biased(seed).choose)
            if violation is not None:
                return happened
        return None

    return asyncio.run(search())


class Biased:
    """Choices that are random, and the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def choose(self, count: int) -> int:
        return self._random.randrange(count)
