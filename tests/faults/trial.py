"""A run: load on every node, changes throughout, one fault after the other, and then the checker."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.cluster import LONG_SECONDS, Refused
from tests.support.gates import KINDS, READ, ROLE, WRITE, Gate, Keeper
from tests.support.history import VALID
from tests.support.load import Load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.cluster import Cluster
    from tests.support.faults import Fault
    from tests.support.history import Finding

ROUNDS = int(os.environ.get("KEYWRIGHT_TEST_FAULT_ROUNDS", "1"))
SEED = int(os.environ.get("KEYWRIGHT_TEST_FAULT_SEED", "1"))
LEASE = 0.7
"""Seconds, so that waiting for one to run out does not take long."""
SHOWN = 3


@dataclass(slots=True)
class Found:
    """What the checker found over a run, told."""

    seed: int
    violations: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    more: int = 0
    """How many findings are not told, since others of the same time are."""
    asked: int = 0
    closed: dict[str, int] = field(default_factory=dict)
    """How many revocations returned, by the kind of the gate."""

    def assert_sound(self) -> None:
        """Nothing was found, and there was something to find it in: every kind of revocation has returned."""
        assert not self.violations, f"{self.more} more, and\n\n" + "\n\n".join(self.violations)
        assert not self.refusals, f"{self.more} more, and\n\n" + "\n\n".join(self.refusals)
        assert min(self.closed.values()) > 0, self.closed


class _Steady(Gate):
    """A key that nobody touches."""

    kind = "steady"

    async def make(self, node: object) -> None:
        made = await self.make_key(self.cluster.nodes[0], memberships=[{"role": ROLE}])
        self.questions = self.may(self.name, made["token"], READ)


class Trial:
    """A run on a cluster. `kinds` are the gates to be changed, `keepers` how many of each at a time."""

    def __init__(
        self, cluster: Cluster, seed: int, kinds: Sequence[type[Gate]] = KINDS, keepers: int = 1
    ) -> None:
        self.load = Load(cluster, random.Random(seed))
        self._cluster = cluster
        self._keepers = [Keeper(self.load, kind, number) for kind in kinds for number in range(keepers)]
        self._found = Found(seed)

    async def run(self, faults: Sequence[Fault]) -> Found:
        """Do one fault after the other, and wait after each until all nodes serve.

        Raises `AssertionError` for what takes so long that it must be a deadlock.
        """
        steady = await self._prepared()
        stop = asyncio.Event()
        async with self.load.running(), asyncio.TaskGroup() as group:
            for keeper in self._keepers:
                group.create_task(keeper.keep(stop))
            try:
                for fault in faults:
                    await asyncio.sleep(0.3 * self._cluster.lease)
                    await fault(self.load)
                    await self._healed(steady)
                    self._check()
                await asyncio.sleep(0.3 * self._cluster.lease)
            finally:
                stop.set()
        self._check()
        self._found.closed = {keeper.name: keeper.closed for keeper in self._keepers}
        return self._found

    async def _prepared(self) -> _Steady:
        node = self._cluster.nodes[0]
        with suppress(Refused):  # a run before has made it
            await self._cluster.make(
                node, "/v1/roles", {"name": ROLE, "policies": [{"actions": [READ, WRITE]}]}
            )
        self._cluster.caller = await self._cluster.make_caller(node)
        steady = _Steady(self._cluster, "steady")
        await steady.make(node)
        self.load.add(steady.questions)
        return steady

    async def _healed(self, steady: _Steady) -> None:
        """Every node says that it serves, and serves."""
        await self._cluster.until_ready()
        try:
            async with asyncio.timeout(LONG_SECONDS):
                await self.load.on_every_node(steady.questions[0], VALID)
        except TimeoutError:
            logs = "\n".join(node.log() for node in self._cluster.nodes)
            raise AssertionError(f"A good key is not accepted again on every node.\n{logs}") from None
        self.load.note("all nodes serve")

    def _check(self) -> None:
        """Judge what was asked since the last time; answers are dropped then, changes count to the end."""
        history = self.load.history
        self._found.asked += len(history.asked)
        for found, told in (
            (history.violations(), self._found.violations),
            (history.refusals(), self._found.refusals),
        ):
            told += [self._tell(one) for one in found[:SHOWN]]
            self._found.more += max(0, len(found) - SHOWN)
        history.asked.clear()

    def _tell(self, finding: Finding) -> str:
        return f"seed {self._found.seed}\n{self.load.history.around(finding)}"
