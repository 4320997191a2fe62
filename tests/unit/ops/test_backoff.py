"""Pauses between tries."""

from __future__ import annotations

from keywright.ops.backoff import Backoff


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(1.0, 5.0)
    for _ in range(2):
        for length in (1.0, 2.0, 4.0, 5.0, 5.0):
            assert length / 2 <= backoff.pause() <= length
        backoff.reset()


def test_no_two_are_in_step() -> None:
    assert len({Backoff(1.0, 5.0).pause() for _ in range(20)}) > 10
