"""Credits are never overspent: nodes are killed while they spend, cut off, and their database is killed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.faults.trial import LEASE, SEED
from tests.support.cluster import LONG_SECONDS, postgres_cluster, sqlite_cluster
from tests.support.faults import kill, postgres_is_killed, restart, severed, silent
from tests.support.history import VALID
from tests.support.load import Load, code_of, may
from tests.support.wire import Broken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.cluster import Cluster, Node
    from tests.support.faults import Fault
    from tests.support.load import Question
    from tests.support.mortal_postgres import MortalPostgres

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("faults-2")]

EXHAUSTED = "CREDITS_EXHAUSTED"
SPENDERS = 2


async def new_question(cluster: Cluster, uses: int) -> Question:
    """Whether a new key may be used, which costs one of its credits each time."""
    made = await cluster.make(cluster.nodes[0], "/v1/keys", {"name": "one", "credits": {"remaining": uses}})
    return may("credits", made["token"])


async def spend(node: Node, question: Question, answers: Counter[str | None], stop: asyncio.Event) -> None:
    """Use a key through a node again and again, until told to stop or there is nothing left."""
    while not stop.is_set():
        try:
            code = code_of(await node.ask(question.request))
        except Broken:
            await asyncio.sleep(0.02)
            continue
        answers[code] += 1
        if code == EXHAUSTED:
            return
        await asyncio.sleep(0.001)


async def spend_everywhere(
    cluster: Cluster, question: Question, answers: Counter[str | None], faults: Sequence[Fault] = ()
) -> None:
    """Use a key through every node while one fault after the other goes on, and then until nothing is left."""
    load = Load(cluster, random.Random(SEED))
    stop = asyncio.Event()
    async with asyncio.timeout(LONG_SECONDS), asyncio.TaskGroup() as group:
        for node in cluster.nodes:
            for _ in range(SPENDERS):
                group.create_task(spend(node, question, answers, stop))
        for fault in faults:
            await asyncio.sleep(0.2)
            await fault(load)
            await cluster.until_ready()


async def test_sound_nodes_spend_together_exactly_what_there_is(tmp_path: Path) -> None:
    # A node that is too busy to renew its lease would let go of what it holds.
    async with sqlite_cluster(tmp_path, size=3, lease=30.0) as cluster:
        question, answers = await new_question(cluster, 250), Counter[str | None]()
        await spend_everywhere(cluster, question, answers)
        assert answers[VALID] == 250
        # What a node holds when it is told to stop is given back.
        question, answers = await new_question(cluster, 500), Counter()
        await spend_everywhere(cluster, question, answers, (restart,))
        # Of those who ask a node that stops some get no answer, though it was charged.
        assert 500 - SPENDERS <= answers[VALID] <= 500


async def test_killed_nodes_take_credits_with_them_and_never_spend_them_twice(
    tmp_path: Path, mortal: MortalPostgres
) -> None:
    async with postgres_cluster(tmp_path, mortal, size=3, lease=LEASE) as cluster:
        for fault in (kill, silent, kill, severed, postgres_is_killed):
            question, answers = await new_question(cluster, 1_000), Counter[str | None]()
            await spend_everywhere(cluster, question, answers, (fault,))
            assert 0 < answers[VALID] <= 1_000, fault


async def test_credits_that_nobody_takes_are_found_to_be_overspent(tmp_path: Path) -> None:
    """The two above can fail."""
    async with sqlite_cluster(tmp_path, size=1, lease=LEASE, without="taking credits") as cluster:
        question, answers = await new_question(cluster, 20), Counter[str | None]()
        async with asyncio.timeout(LONG_SECONDS):
            while answers[VALID] <= 20:
                code = code_of(await cluster.nodes[0].ask(question.request))
                assert code != EXHAUSTED
                answers[code] += 1
