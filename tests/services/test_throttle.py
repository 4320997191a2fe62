"""The brake on guessing, by a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.errors import TooManyAttempts
from keywright.services.throttle import FREE_FAILURES, LONGEST_WAIT, MAX_SUBJECTS, Throttle
from tests.support.house import ManualClock


def wait(throttle: Throttle, *subjects: str) -> int:
    """How long these have to wait, 0 when they may try."""
    try:
        throttle.check(subjects)
    except TooManyAttempts as held:
        return held.retry_after
    return 0


def test_the_first_failures_are_free_and_then_the_wait_doubles_up_to_five_minutes() -> None:
    clock = ManualClock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(FREE_FAILURES + 11):
        waits.append(wait(throttle, "login:a"))
        throttle.failed(["login:a"])
    assert waits == [0] * FREE_FAILURES + [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert wait(throttle, "login:b") == 0


def test_the_wait_runs_down_by_the_clock() -> None:
    clock = ManualClock()
    throttle = Throttle(clock)
    for _ in range(FREE_FAILURES + 3):
        throttle.failed(["login:a"])
    for left in (8, 7, 6):
        assert wait(throttle, "login:a") == left
        clock.advance(seconds=1)
    clock.advance(seconds=4.9)
    assert wait(throttle, "login:a") == 1
    clock.advance(seconds=0.1)
    assert wait(throttle, "login:a") == 0


def test_of_several_subjects_the_longest_wait_counts() -> None:
    throttle = Throttle(ManualClock())
    for _ in range(FREE_FAILURES):
        throttle.failed(["login:a", "ip:1"])
    throttle.failed(["ip:1"])
    assert wait(throttle, "login:a", "ip:1") == 2
    assert wait(throttle, "login:a") == 1
    assert wait(throttle) == 0


def test_a_success_forgets_the_account_and_not_the_address() -> None:
    throttle = Throttle(ManualClock())
    for _ in range(FREE_FAILURES):
        throttle.failed(["login:a", "ip:1"])
    throttle.succeeded("login:a")
    throttle.succeeded("login:never failed")
    assert wait(throttle, "login:a") == 0
    assert wait(throttle, "ip:1") == 1


@pytest.mark.parametrize(("quiet", "held"), [(3599, True), (3600, False)])
def test_what_was_quiet_for_an_hour_begins_anew(quiet: int, held: bool) -> None:
    clock = ManualClock()
    throttle = Throttle(clock)
    for _ in range(FREE_FAILURES):
        throttle.failed(["login:a"])
    clock.advance(seconds=quiet)
    throttle.failed(["login:a"])
    assert (wait(throttle, "login:a") > 0) is held


def test_years_of_guessing_wait_no_longer_than_the_longest_wait() -> None:
    throttle = Throttle(ManualClock())
    for _ in range(10_000):
        throttle.failed(["login:a"])
    assert wait(throttle, "login:a") == LONGEST_WAIT


def test_the_memory_is_bounded_and_the_longest_untouched_goes_first() -> None:
    throttle = Throttle(ManualClock())
    for _ in range(FREE_FAILURES):
        throttle.failed(["login:first", "login:kept"])
    for number in range(MAX_SUBJECTS - 2):
        throttle.failed([f"login:{number}"])
    throttle.failed(["login:kept"])
    assert wait(throttle, "login:first") == 1
    throttle.failed(["login:one more"])
    assert wait(throttle, "login:first") == 0
    assert wait(throttle, "login:kept") == 2


@given(st.lists(st.integers(0, 4_000), max_size=40))
def test_a_wait_is_never_longer_than_the_longest_and_ends(steps: list[int]) -> None:
    clock = ManualClock()
    throttle = Throttle(clock)
    for step in steps:
        clock.advance(seconds=step)
        throttle.failed(["login:a"])
    left = wait(throttle, "login:a")
    assert 0 <= left <= LONGEST_WAIT
    clock.advance(seconds=left)
    assert wait(throttle, "login:a") == 0
