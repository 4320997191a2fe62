"""Decisions of other threads: what they are, what they leave to the loop, and wherever a thread may be stopped.

A thread may be stopped between any two steps of the interpreter, and the loop's as well. Each test of this takes a
scene in which a revocation has returned, and lets the one run as a whole at every step of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.changes import FeedEntry
from keywright.core.decision import Asked, Code, decide
from keywright.core.limits import Limit
from keywright.core.tokens import digest
from keywright.verify import Glances, Memory, glances
from tests.unit.verify.thread_world import (
    DIGEST,
    LEASE,
    OTHER_DIGEST,
    SCENES,
    Scene,
    answers,
    heard,
    run,
    waited_out,
    was_let_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.decision import Decision


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


WAYS = {"shown": Scene.ask, "known": Scene.ask_again}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("scene_of", SCENES.values(), ids=SCENES)
def test_wherever_a_thread_is_stopped_a_revocation_that_has_returned_is_true(
    scene_of: Callable[[], tuple[Scene, Callable[[], None]]], way: Callable[[Scene], Any]
) -> None:
    def thread_first() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene, loop = scene_of()
        return lambda: way(scene), loop

    met = answers(thread_first)
    assert len(met) > 15
    assert not any(was_let_in(one) for one in met)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("scene_of", SCENES.values(), ids=SCENES)
def test_wherever_the_loop_is_stopped_it_is_too(
    scene_of: Callable[[], tuple[Scene, Callable[[], None]]], way: Callable[[Scene], Any]
) -> None:
    met: list[Decision | None] = []

    def loop_first() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene, loop = scene_of()
        return loop, lambda: met.append(way(scene))

    answers(loop_first)
    assert len(met) > 15
    assert not any(was_let_in(one) for one in met)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_key_that_nobody_revoked_is_let_in_wherever_a_thread_is_stopped(
    way: Callable[[Scene], Any],
) -> None:
    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene = Scene()
        return lambda: way(scene), lambda: run(scene.node.renew())

    assert all(was_let_in(one) for one in answers(make))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_wherever_a_thread_is_stopped_at_the_end_what_it_has_answered_is_counted(
    way: Callable[[Scene], Any],
) -> None:
    scenes: list[Scene] = []

    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scenes.append(Scene())
        return lambda: way(scenes[-1]), scenes[-1].glances.close

    met = answers(make)
    counted = [scene.counted().get("VALID", 0) for scene in scenes[: len(met)]]
    assert {(was_let_in(one), number) for one, number in zip(met, counted, strict=True)} == {
        # Stopped before it counts, and between that and its answer, of which nothing is lost but an answer.
        (False, 0),
        (False, 1),
        (True, 1),
    }


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
