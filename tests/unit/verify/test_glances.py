"""Decisions of other threads: what they are, what they leave to the loop, and wherever a thread may be stopped.

A thread may be stopped between any two steps of the interpreter, and the loop's as well. Each test of this takes a
scene in which a revocation has returned, and lets the one run as a whole at every step of the other.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.changes import EVERYTHING, FeedEntry
from keywright.core.decision import Asked, Code, decide
from keywright.core.limits import Limit
from keywright.core.tokens import digest, mint
from keywright.verify import Glances, Memory, UseLog, glances, memory, node
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

    def _soon(self) -> None:
        self.calls += 1

    def put(self, at: bytes = DIGEST, epoch: int = 0, **fields: Any) -> None:
        assert self.node.memory.put(at, replace(some_facts(**fields), epoch=epoch))

    def ask(self, asked: Asked | None = None) -> Decision | None:
        return self.glances.at_once(TOKEN, asked or Asked())

    def counted(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for tally in self.uses.take():
            for counts in tally.hours.values():
                for code, number in counts.items():
                    found[str(code)] = found.get(str(code), 0) + number
        return found


def test_a_decision_is_made_and_counted_once() -> None:
    scene = Scene()
    decision = scene.ask()
    assert decision is not None
    assert (decision.code, decision.facts) == (Code.VALID, scene.node.memory.get(DIGEST))
    refused = scene.ask(Asked(action="article:read"))
    assert refused is not None
    assert refused.code is Code.INSUFFICIENT_PERMISSIONS
    assert scene.counted() == {"VALID": 1, "INSUFFICIENT_PERMISSIONS": 1}
    assert scene.counted() == {}


def test_a_session_token_is_no_key() -> None:
    found = Scene().glances.at_once("kws_x", Asked())
    assert found is not None
    assert found.code is Code.NOT_FOUND


def forgotten(scene: Scene) -> None:
    scene.node.memory.forget_all(0)


def late(scene: Scene) -> None:
    scene.time += LEASE


def changed_elsewhere(scene: Scene) -> None:
    scene.node.memory.apply((FeedEntry(1, ("key_of_another",)),))


def closed(scene: Scene) -> None:
    scene.glances.close()


@pytest.mark.parametrize("what", [forgotten, late, changed_elsewhere, closed], ids=lambda one: one.__name__)
def test_what_memory_alone_cannot_tell_is_left_to_the_loop(what: Callable[[Scene], None]) -> None:
    scene = Scene()
    what(scene)
    assert scene.ask() is None
    assert scene.counted() == {}


def test_a_key_with_limits_is_left_to_the_loop() -> None:
    assert Scene(limits=(Limit("slow", 1, 60),)).ask() is None


def test_a_key_that_the_loop_has_compared_again_is_decided_here_again() -> None:
    scene = Scene()
    changed_elsewhere(scene)
    assert scene.node.memory.get(DIGEST) is not None
    assert scene.ask() is not None


def test_what_was_decided_before_the_end_is_counted_and_nothing_after_it() -> None:
    scene = Scene()
    scene.ask()
    scene.glances.close()
    assert scene.ask() is None
    assert scene.counted() == {"VALID": 1}
    scene.glances.open()
    assert scene.ask() is not None


def test_the_loop_is_called_before_too_many_uses_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "HAND_OVER_AT", 2)
    monkeypatch.setattr(glances, "MAX_WAITING", 3)
    scene = Scene()
    assert [scene.ask() is not None for _ in range(5)] == [True, True, True, False, False]
    assert scene.calls == 1
    scene.glances.hand_over()
    assert scene.ask() is not None
    assert scene.counted() == {"VALID": 4}


def test_a_key_that_threads_alone_use_is_not_forgotten_first() -> None:
    scene = Scene()
    scene.put(OTHER_DIGEST)
    scene.ask()
    scene.glances.hand_over()
    scene.put(b"n" * 32)
    assert scene.node.memory.get(DIGEST) is not None
    assert scene.node.memory.get(OTHER_DIGEST) is None


def stepping(run_one: Callable[[], Any], at: int, meanwhile: Callable[[], Any]) -> tuple[Any, bool]:
    """Run something, and something else as a whole before its step `at`; whether there is such a step."""
    steps, was_there = 0, False
    files = {module.__file__ for module in (glances, memory, node, sys.modules[__name__])}

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


@pytest.mark.parametrize("scene_of", SCENES.values(), ids=SCENES)
def test_wherever_a_thread_is_stopped_a_revocation_that_has_returned_is_true(
    scene_of: Callable[[], tuple[Scene, Callable[[], None]]],
) -> None:
    def thread_first() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene, loop = scene_of()
        return scene.ask, loop

    met = answers(thread_first)
    assert len(met) > 30
    assert not any(was_let_in(one) for one in met)


@pytest.mark.parametrize("scene_of", SCENES.values(), ids=SCENES)
def test_wherever_the_loop_is_stopped_it_is_too(
    scene_of: Callable[[], tuple[Scene, Callable[[], None]]],
) -> None:
    met: list[Decision | None] = []

    def loop_first() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene, loop = scene_of()
        return loop, lambda: met.append(scene.ask())

    answers(loop_first)
    assert len(met) > 30
    assert not any(was_let_in(one) for one in met)


def test_a_key_that_nobody_revoked_is_let_in_or_left_to_the_loop_wherever_a_thread_is_stopped() -> None:
    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene = Scene()
        return scene.ask, lambda: run(scene.node.renew())

    assert all(was_let_in(one) for one in answers(make))


class FactsFirst(Glances):
    """The facts are taken up before the lease is looked at."""

    def at_once(self, token: str, asked: Asked) -> Decision | None:
        facts = self._node.memory.glimpse(digest(token))
        if facts is None or not self._node.holds_lease:
            return None
        return decide(facts, asked, self._now_us(), None)


def test_the_order_of_lease_and_facts_is_needed() -> None:
    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene, loop = waited_out(FactsFirst)
        return scene.ask, loop

    assert any(was_let_in(one) for one in answers(make))


def test_the_comparison_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "glimpse", lambda self, digest: self._entries.get(digest))
    scene, _ = heard()
    assert was_let_in(scene.ask())
