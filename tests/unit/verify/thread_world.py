"""A node and a thread that asks about a key, each of which may be stopped at any step of the interpreter."""

from __future__ import annotations

import sys
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.changes import EVERYTHING, FeedEntry
from keywright.core.decision import Asked
from keywright.core.tokens import digest, mint
from keywright.verify import Glances, UseLog, bearers, glances, memory, node
from tests.support.facts import KEY, NOW, some_facts
from tests.support.house import ManualClock
from tests.support.nodes import EmptyFeed, a_node

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

    from keywright.core.decision import Decision

TOKEN = mint(random=Random(3).randrange).reveal()
DIGEST = digest(TOKEN)
OTHER_DIGEST = b"o" * 32
LEASE = 3.0


def run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run what never waits, without a loop."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


def question(action: str | None, resource: str | None) -> Asked:
    """What is asked about."""
    return Asked(action=action, resource=resource)


class Feed(EmptyFeed):
    """A feed on which one change may be waiting."""

    def __init__(self) -> None:
        self.waiting: tuple[FeedEntry, ...] = ()

    async def since(self, epoch: int) -> tuple[int, tuple[FeedEntry, ...] | None]:
        news = tuple(entry for entry in self.waiting if entry.epoch > epoch)
        return (news[-1].epoch if news else epoch), news


class Scene:
    """A node that holds a lease and remembers a key, and a thread that asks about it."""

    def __init__(self, kind: type[Glances] = Glances, **fields: Any) -> None:
        self.time = 100.0
        self.clock = ManualClock(NOW)
        self.feed = Feed()
        self.node = a_node(self.clock, self.feed, lease=LEASE, entries=2, at=lambda: self.time)
        self.uses = UseLog()
        self.calls = 0
        self.glances = kind(self.node, self.clock, self.uses, self._soon)
        self.glances.open()
        run(self.node.register())
        self.put(**fields)
        self.bearer = self.glances.bearer(TOKEN, question, lambda decision: decision)

    def _soon(self) -> None:
        self.calls += 1

    def put(self, at: bytes = DIGEST, epoch: int = 0, **fields: Any) -> None:
        assert self.node.memory.put(at, replace(some_facts(**fields), epoch=epoch))

    def ask(self, asked: Asked | None = None) -> Decision | None:
        return self.glances.at_once(TOKEN, asked or Asked())

    def ask_again(self) -> Decision | None:
        """Ask about whoever has shown the key before, for which nothing is looked up."""
        assert self.bearer is not None
        return self.bearer.decide()

    def counted(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for tally in self.uses.take():
            for counts in tally.hours.values():
                for code, number in counts.items():
                    found[str(code)] = found.get(str(code), 0) + number
        return found


def stepping(run_one: Callable[[], Any], at: int, meanwhile: Callable[[], Any]) -> tuple[Any, bool]:
    """Run something, and something else as a whole before its step `at`; whether there is such a step."""
    steps, was_there = 0, False
    files = {module.__file__ for module in (bearers, glances, memory, node, sys.modules[__name__])}

    def trace(frame: FrameType, event: str, _value: Any) -> Any:
        nonlocal steps, was_there
        if frame.f_code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if steps == at:
                was_there = True
                meanwhile()
            steps += 1
        return trace

    before = sys.gettrace()
    # Python 3.12 shows steps only where a frame had asked for them before the tracing began.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        found = run_one()
    finally:
        sys.settrace(before)
    return found, was_there


def answers(make: Callable[[], tuple[Callable[[], Any], Callable[[], Any]]]) -> list[Any]:
    """What the first of two gives with the second at each of its steps."""
    found = []
    while True:
        first, second = make()
        answer, was_there = stepping(first, len(found), second)
        if not was_there:
            return found
        found.append(answer)


def was_let_in(decision: Decision | None) -> bool:
    return decision is not None and decision.valid


def waited_out(kind: type[Glances] = Glances) -> tuple[Scene, Callable[[], None]]:
    """The key is revoked, and the node's lease has run out, for which the revocation waited; then it renews."""
    scene = Scene(kind)
    scene.feed.waiting = (FeedEntry(1, (KEY.id,)),)
    scene.time += LEASE
    return scene, lambda: run(scene.node.renew())


def heard(*then: FeedEntry) -> tuple[Scene, Callable[[], None]]:
    """The key is revoked, and the node has heard so without looking at the key again; then it hears of others."""
    scene = Scene()
    scene.feed.waiting = (FeedEntry(1, (KEY.id,)),)
    run(scene.node.catch_up())
    scene.feed.waiting += then
    return scene, lambda: run(scene.node.renew())


def left() -> tuple[Scene, Callable[[], None]]:
    """The node has left, so that nobody waits for it, and comes back."""
    scene = Scene()
    run(scene.node.leave())
    return scene, lambda: run(scene.node.register())


def read_again() -> tuple[Scene, Callable[[], None]]:
    """The key is revoked, and read again as it is now."""
    scene, _ = heard()
    return scene, lambda: scene.put(epoch=1, active=False)


def tidied() -> tuple[Scene, Callable[[], None]]:
    """The key is revoked, and then so much is heard that what was touched is not remembered any longer."""
    return heard(FeedEntry(2, tuple(f"key_{number}" for number in range(memory.MAX_TOUCHED + 1))))


SCENES: dict[str, Callable[[], tuple[Scene, Callable[[], None]]]] = {
    "waited-out": waited_out,
    "heard": heard,
    "heard-of-another": lambda: heard(FeedEntry(2, ("key_of_another",))),
    "heard-of-everything": lambda: heard(FeedEntry(2, (EVERYTHING,))),
    "tidied": tidied,
    "left": left,
    "read-again": read_again,
}
