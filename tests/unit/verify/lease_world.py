"""A world for the lease protocol: nodes, a database and a clock, of which a schedule moves one at a time.

The nodes, their memories, verifiers and receipts are the real ones. Only what they meet is played: every call to the
database stops before it takes effect, and where it matters again before its answer arrives, and goes on when the
schedule says so. A node without a database asks by way of a server: each call and each answer is on its way for as long
as the schedule says, and whoever waits for it may give up, though it arrives later. One node changes the key and waits
for receipts, and its own calls are answered at once; the others decide.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keywright.core.changes import FeedEntry, NodeState
from keywright.core.decision import Code
from keywright.core.errors import Unavailable
from keywright.ops.metrics import Metrics
from keywright.services.receipts import Receipts
from keywright.verify import Label, Memory, Node, Strangers, Terms, UseLog, Verifier
from keywright.verify.node import GONE_SECONDS
from tests.support.facts import some_facts
from tests.support.house import ManualClock
from tests.support.uncounted import uncounted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from keywright.core.identities import Tenant
    from keywright.core.ports import KeyFacts

DIGEST = b"d" * 32
LEASE = 2.0
MOST_TICKS, MOST_SWITCHES, MOST_QUESTIONS = 9, 4, 3
_SPINS = 12


@dataclass(slots=True)
class Asked:
    """One verification: when it was sent, and whether it was answered VALID."""

    sent: int
    valid: bool | None = None


@dataclass(slots=True)
class Switched:
    """One change of the key: off or on, and when it began and when its receipt returned."""

    active: bool
    began: int
    returned: int | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What the world is built of; a test takes one part out by putting another in its place."""

    node: type[Node] = Node
    memory: type[Memory] = Memory
    receipts: type[Receipts] = Receipts
    verifier: type[Verifier] = Verifier
    feed: type[Feed] | None = None
    ordered: bool = True


class World:
    """Some nodes on one database, and everything that has happened, counted in steps."""

    def __init__(self, parts: Parts, deciding: int = 1) -> None:
        self.now = self.began = 100.0
        self.step = 0
        self.active = True
        self.metrics = Metrics()
        self.rows: dict[str, NodeState] = {}
        self.feed: list[FeedEntry] = []
        self._epochs = itertools.count(1)
        self._late: list[tuple[FeedEntry, bool]] = []
        self.gates: list[tuple[str, asyncio.Future[None]]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self.asked: list[Asked] = []
        self.switched: list[Switched] = []
        self.ordered = parts.ordered
        self.members = [Member(self, parts, number) for number in range(deciding + 1)]

    @property
    def head(self) -> int:
        return max((entry.epoch for entry in self.feed), default=0)

    def boottime(self) -> float:
        return self.now

    async def begin(self) -> None:
        """All that decide are registered and hold a lease, the first one has seen them, and nothing is remembered."""
        for member in self.members[1:]:
            await member.node.register()
            member.settled = True
        await self.members[0].node.look()

    async def turn(self, what: str) -> None:
        """Stop until the schedule lets this go on."""
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gates.append((what, gate))
        await gate

    async def next_step(self) -> None:
        """Stop until anything else has happened."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def choices(self) -> list[tuple[str, Callable[[], None]]]:
        """What may happen next, by name."""
        found: list[tuple[str, Callable[[], None]]] = []
        found += [("tick", self._tick)] if self.now < self.began + MOST_TICKS else []
        found += [(what, lambda gate=gate: self._open(gate)) for what, gate in self.gates if not gate.done()]  # type: ignore[misc] # mypy cannot infer a lambda with a default
        found += [("late commit", self._commit_late)] if self._late else []
        if len(self.switched) < MOST_SWITCHES:
            found += [(f"switch {'off' if self.active else 'on'}", self._switch)]
        for member in self.members[1:]:
            found += member.choices()
        return found

    async def do(self, act: Callable[[], None]) -> None:
        """Let one thing happen, and everything that follows from it without the schedule."""
        self.step += 1
        act()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
        for _ in range(_SPINS):
            await asyncio.sleep(0)
        for task in self.tasks:
            if task.done():
                task.result()
        self.tasks = [task for task in self.tasks if not task.done()]

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def violation(self) -> str | None:
        """A verification that was sent after a revocation returned, with no way back since, and was VALID."""
        for one in self.asked:
            if not one.valid:
                continue
            for index, change in enumerate(self.switched):
                if change.active or change.returned is None or change.returned >= one.sent:
                    continue
                if not any(later.active for later in self.switched[index + 1 :]):
                    return f"revoked at {change.began}, returned at {change.returned}, sent at {one.sent}"
        return None

    def _tick(self) -> None:
        self.now += 1.0

    def _open(self, gate: asyncio.Future[None]) -> None:
        self.gates = [(what, other) for what, other in self.gates if other is not gate]
        if not gate.done():
            gate.set_result(None)

    def _switch(self) -> None:
        """Commit the opposite of what is; where epochs are not ordered, one may be taken now and commit later."""
        entry = FeedEntry(next(self._epochs), (some_facts().key.id,))
        change = Switched(not self.active, self.step)
        self.switched.append(change)
        if not self.ordered and not self._late:
            self._late.append((entry, change.active))
            self.start(self._receipt(change, entry.epoch, self._committed(entry)))
            return
        self.active = change.active
        self.feed.append(entry)
        self.start(self._receipt(change, entry.epoch, None))

    def _commit_late(self) -> None:
        entry, active = self._late.pop()
        self.active = active
        self.feed.append(entry)

    async def _committed(self, entry: FeedEntry) -> None:
        while entry not in self.feed:
            await self.next_step()

    async def _receipt(self, change: Switched, epoch: int, first: Coroutine[Any, Any, None] | None) -> None:
        if first is not None:
            await first
        receipt = await self.members[0].receipts.wait(epoch, wait=True)
        assert receipt.complete
        change.returned = self.step


class Feed:
    """The database's change feed."""

    def __init__(self, world: World, member: Member) -> None:
        self._world = world
        self._member = member

    async def _call(self, what: str, effect: Callable[[], Any]) -> Any:
        if self._member.number == 0 or not self._member.settled:
            return effect()
        await self._world.turn(f"{self._member.name} {what}")
        result = effect()
        if what == "acknowledge":  # whose answer arrives later than somebody else sees what it did
            await self._world.turn(f"{self._member.name} {what} answered")
        return result

    async def register(self, node: NodeState) -> None:
        await self._call("register", lambda: self._world.rows.update({node.id: node}))

    async def renew(self, node_id: str, applied: int) -> bool:
        def effect() -> bool:
            row = self._world.rows.get(node_id)
            if row is None:
                return False
            self._world.rows[node_id] = replace(row, applied=applied, beat=row.beat + 1)
            return True

        return bool(await self._call("renew", effect))

    async def since(self, epoch: int) -> tuple[int, tuple[FeedEntry, ...] | None]:
        def effect() -> tuple[int, tuple[FeedEntry, ...]]:
            entries = sorted(
                (one for one in self._world.feed if one.epoch > epoch), key=lambda one: one.epoch
            )
            return self._world.head, tuple(entries)

        head, entries = await self._call("since", effect)
        return head, entries if len(entries) == head - epoch else None

    async def acknowledge(self, node_id: str, applied: int) -> None:
        def effect() -> None:
            row = self._world.rows.get(node_id)
            if row is not None and row.applied < applied:
                self._world.rows[node_id] = replace(row, applied=applied)

        await self._call("acknowledge", effect)

    async def leave(self, node_id: str) -> None:
        await self._call("leave", lambda: self._world.rows.pop(node_id, None))

    async def nodes(self) -> tuple[NodeState, ...]:
        found = await self._call("nodes", lambda: tuple(self._world.rows.values()))
        assert isinstance(found, tuple)
        return found

    async def forget(self, node_id: str, beat: int) -> None:
        def effect() -> None:
            if node_id in self._world.rows and self._world.rows[node_id].beat == beat:
                del self._world.rows[node_id]

        await self._call("forget", effect)


class Relayed(Feed):
    """The same by way of a server, which does it on the database in the node's place."""

    forgiving = True
    """Whether the row of a node that has not applied all that there is stays when it gets no further lease."""

    def __init__(self, world: World, member: Member) -> None:
        super().__init__(world, member)
        self._before = ""

    async def _call(self, what: str, effect: Callable[[], Any]) -> Any:
        world, name = self._world, self._member.name
        if not self._member.settled:
            return effect()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def deliver() -> None:
            await world.turn(f"{name} {what} arrives")
            result = effect()
            await world.turn(f"{name} {what} answered")
            if not answer.done():
                answer.set_result(result)

        async def give_up() -> None:
            await world.turn(f"{name} {what} given up")
            if not answer.done():
                answer.set_exception(Unavailable("No answer has come."))

        world.start(deliver())
        giving_up = asyncio.create_task(give_up())
        try:
            return await answer
        finally:
            giving_up.cancel()

    async def register(self, node: NodeState) -> None:
        before, self._before = self._before, node.id

        def effect() -> None:
            self._world.rows.pop(before, None)
            self._world.rows[node.id] = replace(node, applied=self._world.head)

        await self._call("register", effect)

    async def renew(self, node_id: str, applied: int) -> bool:
        def effect() -> bool:
            rows = self._world.rows
            if node_id not in rows:
                return False
            # The server finds a node that has not applied what it could by clocks, which may be wrong by any time.
            if applied < self._world.head:
                if not self.forgiving:
                    del rows[node_id]
                return False
            rows[node_id] = replace(rows[node_id], applied=applied, beat=rows[node_id].beat + 1)
            return True

        return bool(await self._call("renew", effect))


class Lookup:
    """The database's keys: one of them, which is active or not."""

    def __init__(self, world: World, member: Member) -> None:
        self._world = world
        self._member = member

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        assert digest == DIGEST
        await self._world.turn(f"{self._member.name} read")
        facts = replace(some_facts(active=self._world.active), epoch=self._world.head)
        await self._world.turn(f"{self._member.name} read answered")
        return facts

    async def tenant(self, slug: str) -> tuple[Tenant, int] | None:
        raise AssertionError(slug)


@dataclass(slots=True)
class Member:
    """One node with its memory and verifier. The first one changes the key, and the others decide."""

    world: World
    parts: Parts
    number: int
    node: Node = field(init=False)
    verifier: Verifier = field(init=False)
    receipts: Receipts = field(init=False)
    busy: bool = False
    settled: bool = False

    @property
    def name(self) -> str:
        return f"n{self.number}"

    def __post_init__(self) -> None:
        world, name, clock = self.world, self.name, ManualClock()
        feed = Feed if self.parts.feed is None or self.number == 0 else self.parts.feed
        self.node = self.parts.node(
            feed(world, self),
            self.parts.memory(max_entries=10, max_bytes=1_000_000),
            clock,
            world.boottime,
            label=Label(name=name, kind="server", version="0"),
            terms=Terms(lease=LEASE),
        )

        async def pause(_seconds: float) -> None:
            await world.next_step()

        self.node.pause = pause  # type: ignore[method-assign] # real time has no place here
        self.receipts = self.parts.receipts(self.node, clock, world.boottime, world.metrics)
        self.verifier = self.parts.verifier(
            Lookup(world, self),
            clock,
            UseLog(),
            node=self.node,
            strangers=Strangers(world.boottime),
            **uncounted(),
        )

    def choices(self) -> list[tuple[str, Callable[[], None]]]:
        name = self.name
        found: list[tuple[str, Callable[[], None]]] = []
        if sum(asked.valid is None for asked in self.world.asked) < MOST_QUESTIONS:
            found += [(f"{name} verify", self._verify)]
        if not self.busy:
            found += [(f"{name} begin renewal", lambda: self._begin(self.node.renew()))]
            found += [(f"{name} begin to catch up", lambda: self._begin(self.node.catch_up()))]
        if self._may_be_swept():
            found += [(f"{name} swept", self._sweep)]
        return found

    def _sweep(self) -> None:
        del self.world.rows[self.node.id]

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                with suppress(Unavailable):
                    await work
            finally:
                self.busy = False

        self.busy = True
        self.world.start(run())

    def _may_be_swept(self) -> bool:
        """A row may go at any time after its node's lease has run out, which is sooner than any node would do it."""
        assert GONE_SECONDS > 0
        return self.node.id in self.world.rows and self.world.now > self.node.lease_end and not self.busy

    def _verify(self) -> None:
        asked = Asked(self.world.step)
        self.world.asked.append(asked)

        async def run() -> None:
            decision = await self.verifier.verify_digest(DIGEST)
            asked.valid = decision.code is Code.VALID

        self.world.start(run())
