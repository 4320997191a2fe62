"""Bearers who were met before: that they are told what `at_once` tells, for how long, and how they are counted."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.changes import EVERYTHING, FeedEntry
from keywright.core.decision import Code
from keywright.core.identities import Grant
from keywright.core.limits import Limit
from keywright.core.permissions import Policy
from keywright.core.roles import ADMIN
from keywright.core.usage import HOUR_US
from keywright.verify import Bearer, bearers, glances
from tests.support.facts import ACME, KEY, NOW
from tests.unit.verify.thread_world import (
    DIGEST,
    LEASE,
    OTHER_DIGEST,
    TOKEN,
    Scene,
    answers,
    question,
    waited_out,
    was_let_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.decision import Decision


def bearer_of(scene: Scene) -> Bearer[Decision] | None:
    return scene.glances.bearer(TOKEN, question, lambda decision: decision)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"active": False},
        {"grants": [Grant(ADMIN, ACME.id)], "scope": (Policy.parse(["article:read"], ["article:cs:**"]),)},
        {"scope": ()},
        {"not_before": NOW - timedelta(days=1), "expires_at": NOW + timedelta(days=1)},
    ],
    ids=["plain", "disabled", "narrowed", "without-any-right", "with-a-span"],
)
def test_what_is_told_is_what_is_told_to_whoever_shows_the_token(fields: dict[str, Any]) -> None:
    scene = Scene(**fields)
    assert scene.bearer is not None
    for asked in (
        (None, None),
        ("article:read", None),
        ("article:read", "article:cs:1"),
        ("article:edit", None),
    ):
        for _ in range(2):
            assert scene.bearer.decide(*asked) == scene.ask(question(*asked))


def test_it_is_made_once_of_the_same_decision_also_where_that_is_a_no() -> None:
    scene = Scene()
    made: list[Decision] = []

    def told(decision: Decision) -> int:
        made.append(decision)
        return len(made)

    bearer = scene.glances.bearer(TOKEN, question, told)
    assert bearer is not None
    assert [
        bearer.decide(),
        bearer.decide("article:read"),
        bearer.decide(),
        bearer.decide("article:read"),
    ] == [1, 2, 1, 2]
    assert [one.code for one in made] == [Code.VALID, Code.INSUFFICIENT_PERMISSIONS]
    assert scene.counted() == {"VALID": 2, "INSUFFICIENT_PERMISSIONS": 2}
    assert scene.counted() == {}


def test_so_many_answers_are_kept_and_those_that_are_not_are_counted_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bearers, "MAX_ANSWERS", 2)
    scene = Scene()
    made: list[Decision] = []
    bearer = scene.glances.bearer(TOKEN, question, made.append)
    assert bearer is not None
    for action in ("a:a", "b:b", "c:c", "a:a", "c:c"):
        bearer.decide(action)
    assert [one.action for one in made] == ["a:a", "b:b", "c:c", "a:a"]
    assert scene.counted() == {"INSUFFICIENT_PERMISSIONS": 5}


def unknown(scene: Scene) -> None:
    scene.node.memory.forget_all(0)


def late(scene: Scene) -> None:
    scene.time += LEASE


@pytest.mark.parametrize("what", [unknown, late], ids=lambda one: one.__name__)
def test_nobody_is_known_whom_memory_does_not_know(what: Callable[[Scene], None]) -> None:
    scene = Scene()
    what(scene)
    assert bearer_of(scene) is None


def test_nobody_is_known_by_a_session_or_by_a_key_whose_uses_are_limited() -> None:
    scene = Scene()
    assert scene.glances.bearer("kws_x", question, bool) is None
    assert Scene(limits=(Limit("slow", 1, 60),)).bearer is None


def test_facts_under_the_digest_of_a_session_token_make_no_bearer() -> None:
    scene = Scene()
    scene.put(glances.digest("kws_x"))
    assert scene.glances.bearer("kws_x", question, bool) is None


def revoked(scene: Scene) -> None:
    scene.node.memory.apply((FeedEntry(1, (KEY.id,)),))


def everything_touched(scene: Scene) -> None:
    scene.node.memory.apply((FeedEntry(1, (EVERYTHING,)),))


def read_again(scene: Scene) -> None:
    scene.put()


def pushed_out(scene: Scene) -> None:
    scene.put(OTHER_DIGEST)
    scene.put(b"n" * 32)


def closed(scene: Scene) -> None:
    scene.glances.close()


def given_up(scene: Scene) -> None:
    scene.node.give_up()


def hour_over(scene: Scene) -> None:
    scene.clock.advance(hours=1)


def clock_set_back(scene: Scene) -> None:
    scene.clock.advance(hours=-1)


@pytest.mark.parametrize(
    "what",
    [
        unknown,
        late,
        revoked,
        everything_touched,
        read_again,
        pushed_out,
        closed,
        given_up,
        hour_over,
        clock_set_back,
    ],
    ids=lambda one: one.__name__,
)
def test_the_token_has_to_be_shown_again(what: Callable[[Scene], None]) -> None:
    scene = Scene()
    assert scene.ask_again() is not None
    what(scene)
    assert scene.ask_again() is None
    assert scene.counted() == {"VALID": 1}


def test_after_a_change_elsewhere_it_has_to_be_shown_once() -> None:
    scene = Scene()
    scene.node.memory.apply((FeedEntry(1, ("key_of_another",)),))
    assert scene.ask_again() is None
    assert scene.node.memory.get(DIGEST) is not None
    assert scene.ask_again() is not None


def test_nothing_is_told_before_the_span_of_validity_or_after_it() -> None:
    scene = Scene(not_before=NOW + timedelta(seconds=1), expires_at=NOW + timedelta(seconds=2))
    assert scene.bearer is not None
    told = []
    for _ in range(3):
        told.append(scene.ask_again())
        scene.clock.advance(seconds=1)
    assert [was_let_in(one) for one in told] == [False, True, False]
    assert [one is None for one in told] == [True, False, True]


def test_each_hour_has_its_own_uses_and_the_last_of_them_is_the_last_use() -> None:
    scene = Scene()
    for hour in range(2):
        bearer = bearer_of(scene)
        assert bearer is not None
        for _ in range(hour + 2):
            scene.clock.advance(seconds=1)
            assert was_let_in(bearer.decide())
        last_us = scene.clock.now_us()
        scene.clock.advance(hours=1)
    (tally,) = scene.uses.take()
    first = min(tally.hours)
    assert {at: dict(counts) for at, counts in tally.hours.items()} == {
        first: {"VALID": 2},
        first + HOUR_US: {"VALID": 3},
    }
    assert tally.at_us == last_us


def test_a_bearer_who_is_told_often_is_not_forgotten_first() -> None:
    scene = Scene()
    scene.put(OTHER_DIGEST)
    assert scene.ask_again() is not None
    scene.glances.hand_over()
    scene.put(b"n" * 32)
    assert scene.ask_again() is not None
    assert scene.node.memory.get(OTHER_DIGEST) is None


def test_the_loop_is_called_before_too_many_uses_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "HAND_OVER_AT", 2)
    monkeypatch.setattr(glances, "MAX_WAITING", 4)
    scene = Scene()
    assert [scene.ask_again() is not None for _ in range(6)] == [True, True, True, True, False, False]
    assert scene.calls == 1
    scene.glances.hand_over()
    assert [scene.ask_again() is not None for _ in range(4)] == [True, True, True, True]
    assert scene.calls == 2
    assert scene.counted() == {"VALID": 8}


def test_nothing_is_counted_twice_or_lost_between_threads() -> None:
    scene = Scene()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    told: list[int] = []

    def ask() -> None:
        told.append(sum(scene.ask_again() is not None for _ in range(5_000)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        counted = 0
        while any(thread.is_alive() for thread in threads):
            counted += scene.counted().get("VALID", 0)
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert counted + scene.counted().get("VALID", 0) == sum(told) > 0


class ComparedFirst(Bearer[Any]):
    """What was heard is looked at before the lease is."""

    def decide(self, action: str | None = None, resource: str | None = None) -> Any:
        stands = self._facts.compared == self._memory.heard
        if not stands or not self._node.holds_lease:
            return None
        return self._judged(action, resource, self._now_us())[0]


def test_the_order_of_lease_and_facts_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "Bearer", ComparedFirst)

    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        scene, loop = waited_out()
        return scene.ask_again, loop

    assert any(was_let_in(one) for one in answers(make))
