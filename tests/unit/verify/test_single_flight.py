"""One look-up for all who ask about a token at the same time, and none that is older than the question it answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from random import Random
from typing import TYPE_CHECKING

import pytest

from keywright.core.boottime import boottime
from keywright.core.decision import Asked, Code
from keywright.core.errors import Unavailable
from keywright.core.identities import Grant
from keywright.core.roles import SUPER_ADMIN
from keywright.core.tokens import digest, mint
from keywright.verify import Strangers, UseLog, Verifier
from keywright.verify.strangers import BURST
from tests.support.facts import ACME, some_facts
from tests.support.house import ManualClock
from tests.support.nodes import a_node
from tests.support.uncounted import uncounted

if TYPE_CHECKING:
    from keywright.core.identities import Tenant
    from keywright.core.ports import KeyFacts
    from keywright.verify import Node

pytestmark = pytest.mark.anyio

TOKEN = mint(random=Random(3).randrange).reveal()
KEY = digest(TOKEN)


class Slow:
    """A look-up whose answers arrive when a test says so."""

    def __init__(self) -> None:
        self.reads: list[asyncio.Future[KeyFacts | None]] = []

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        read: asyncio.Future[KeyFacts | None] = asyncio.get_running_loop().create_future()
        self.reads.append(read)
        return await read

    async def tenant(self, slug: str) -> tuple[Tenant, int] | None:
        raise AssertionError(slug)


class Bench:
    def __init__(self, *, lease: float = 60.0) -> None:
        self.slow = Slow()
        self.looked_up = 0
        clock = ManualClock()
        self.node: Node = a_node(clock, lease=lease)
        self.verifier = Verifier(
            self.slow,
            clock,
            UseLog(),
            node=self.node,
            strangers=Strangers(boottime),
            looked_up=self._count,
            **uncounted(),
        )

    def _count(self) -> None:
        self.looked_up += 1

    async def ask(self) -> asyncio.Task[Code]:
        """Somebody asks, and waits by now."""

        async def run() -> Code:
            return (await self.verifier.verify(TOKEN)).code

        task = asyncio.create_task(run())
        await self.settle()
        return task

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def answer(self, facts: KeyFacts | None, read: int = -1) -> None:
        self.slow.reads[read].set_result(facts)
        await self.settle()


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.node.register()
    return made


async def test_all_who_ask_at_once_share_one_look_up(bench: Bench) -> None:
    tasks = [await bench.ask() for _ in range(3)]
    assert len(bench.slow.reads) == 1
    await bench.answer(some_facts())
    assert [await task for task in tasks] == [Code.VALID] * 3
    assert (await bench.verifier.verify(TOKEN)).valid
    assert bench.looked_up == len(bench.slow.reads) == 1


async def test_without_a_lease_nobody_takes_what_began_before_they_asked() -> None:
    bench = Bench()  # it has never registered
    first, second, third = [await bench.ask() for _ in range(3)]
    await bench.answer(some_facts())
    assert await first is Code.VALID
    assert not second.done()
    assert len(bench.slow.reads) == 2  # one that began after both asked, for both
    await bench.answer(some_facts(active=False))
    assert [await second, await third] == [Code.DISABLED] * 2


async def test_who_asks_after_a_key_was_made_is_not_told_that_it_was_not_there(bench: Bench) -> None:
    first, second = [await bench.ask() for _ in range(2)]
    await bench.answer(None)
    assert await first is Code.NOT_FOUND
    await bench.answer(some_facts())
    assert await second is Code.VALID


async def test_a_read_that_a_change_overtook_is_read_again(bench: Bench) -> None:
    first, second = [await bench.ask() for _ in range(2)]
    bench.node.memory.forget_all(5)
    for epoch in (1, 2, 4):
        await bench.answer(replace(some_facts(), epoch=epoch))
    assert await first is Code.VALID  # it began after the question, so that it answers it all the same
    await bench.answer(replace(some_facts(active=False), epoch=5))
    assert await second is Code.DISABLED
    assert bench.node.memory.get(KEY) is not None


async def test_who_gives_up_leaves_the_others_their_answer(bench: Bench) -> None:
    first, second, third = [await bench.ask() for _ in range(3)]
    first.cancel()
    await bench.settle()
    assert len(bench.slow.reads) == 2
    second.cancel()
    await bench.settle()
    third_read = len(bench.slow.reads) - 1
    await bench.answer(some_facts(), third_read)
    assert await third is Code.VALID


async def test_an_outage_is_everybodys(bench: Bench) -> None:
    tasks = [await bench.ask() for _ in range(3)]
    bench.slow.reads[-1].set_exception(Unavailable("Away."))
    assert [await task for task in tasks] == [Code.STALE] * 3
    alone = await bench.ask()
    bench.slow.reads[-1].set_exception(Unavailable("Away."))
    assert await alone is Code.STALE


@pytest.mark.parametrize("tenant", [ACME, None], ids=["of a tenant", "global"])
@pytest.mark.parametrize("charge", [True, False])
async def test_what_is_remembered_is_judged_like_what_is_read(
    bench: Bench, tenant: Tenant | None, charge: bool
) -> None:
    facts = some_facts(tenant=tenant, grants=[Grant(SUPER_ADMIN)])
    first = await bench.ask()
    await bench.answer(facts)
    assert await first is Code.VALID
    read = Bench()
    for asked in (Asked(), Asked(action="keys:read"), Asked(tenant="!"), Asked(action="a b", explain=True)):
        for sees in (lambda _tenant: True, lambda _tenant: False):
            found = await bench.verifier.verify(TOKEN, asked, sees, charge=charge)
            task = asyncio.create_task(read.verifier.verify(TOKEN, asked, sees, charge=charge))
            await read.settle()
            await read.answer(facts)
            assert found == await task
    assert bench.looked_up == 1


async def test_an_address_that_guesses_is_held_back_and_what_is_known_is_not(bench: Bench) -> None:
    here = ip_address("192.0.2.7")
    known = await bench.ask()
    await bench.answer(some_facts())
    assert await known is Code.VALID
    guesses = [
        asyncio.create_task(bench.verifier.verify(mint().reveal(), Asked(ip=here))) for _ in range(BURST)
    ]
    await bench.settle()
    for read in bench.slow.reads[1:]:
        read.set_result(None)
    assert {(await guess).code for guess in guesses} == {Code.NOT_FOUND}
    before = len(bench.slow.reads)
    refused = await bench.verifier.verify(mint().reveal(), Asked(ip=here, explain=True))
    assert refused.code is Code.RATE_LIMITED
    assert refused.facts is None
    assert refused.explanation is not None
    assert len(bench.slow.reads) == before
    assert (await bench.verifier.verify(TOKEN, Asked(ip=here))).valid
    elsewhere = asyncio.create_task(bench.verifier.verify(mint().reveal(), Asked(ip=ip_address("192.0.2.8"))))
    await bench.settle()
    await bench.answer(None)
    assert (await elsewhere).code is Code.NOT_FOUND
