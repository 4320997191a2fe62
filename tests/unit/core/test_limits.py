"""Limits and credits as values: what counts as more of them, and when credits are filled up again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.limits import Credits, Every, Limit, Refill, Taken, more_credits, more_often
from tests.support.facts import NOW

TEN = Limit("a", 10, 60)
limits = st.lists(
    st.builds(Limit, st.sampled_from("abc"), st.integers(1, 20), st.integers(1, 20)),
    max_size=3,
    unique_by=lambda one: one.name,
).map(tuple)


@pytest.mark.parametrize(
    ("every", "span"),
    [
        (Every.HOUR, timedelta(hours=1)),
        (Every.DAY, timedelta(days=1)),
        (Every.WEEK, timedelta(days=7)),
        (Every.MONTH, timedelta(days=30)),
    ],
)
def test_a_refill_comes_one_period_after_the_credits_were_set(every: Every, span: timedelta) -> None:
    given_ = Credits(5, Refill(10, every))
    assert every.span == span
    assert given_.begun(NOW) == Credits(5, Refill(10, every), NOW + span)
    assert given_.begun(NOW).begun(NOW + span).refill_at == NOW + 2 * span


def test_credits_without_a_refill_are_never_filled_up() -> None:
    assert Credits(5).begun(NOW) == Credits(5)


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ((), (), False),
        ((), (TEN,), False),
        ((TEN,), (), True),
        ((TEN,), (TEN,), False),
        ((TEN,), (Limit("a", 9, 60),), False),
        ((TEN,), (Limit("a", 10, 61),), False),
        ((TEN,), (Limit("a", 11, 60),), True),
        ((TEN,), (Limit("a", 10, 59),), True),
        ((TEN,), (Limit("a", 1, 1),), True),  # fewer at once, and more in a minute
        ((TEN,), (Limit("a", 100, 3_600),), True),  # fewer in a minute, and more at once
        ((TEN,), (Limit("b", 10, 60),), True),  # another name counts from the beginning
        ((TEN,), (Limit("b", 1, 1), TEN), False),
        ((TEN, Limit("b", 1, 1)), (TEN,), True),
    ],
)
def test_limits_let_more_through_unless_each_one_stays_or_is_lowered(
    before: tuple[Limit, ...], after: tuple[Limit, ...], *, more: bool
) -> None:
    assert more_often(before, after) is more


@given(limits, limits, limits)
def test_what_is_narrowed_twice_is_narrowed(
    one: tuple[Limit, ...], two: tuple[Limit, ...], three: tuple[Limit, ...]
) -> None:
    assert not more_often(one, one)
    if not more_often(one, two) and not more_often(two, three):
        assert not more_often(one, three)


DAILY = Refill(10, Every.DAY)


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        (None, None, False),
        (None, Credits(1), False),
        (None, Credits(0, DAILY), False),
        (Credits(1), None, True),
        (Credits(1), Credits(1), False),
        (Credits(1), Credits(0), False),
        (Credits(1), Credits(2), True),
        (Credits(1), Credits(1, DAILY), True),
        (Credits(1, DAILY), Credits(1), False),
        (Credits(1, DAILY), Credits(1, Refill(10, Every.DAY)), False),
        (Credits(1, DAILY), Credits(1, Refill(9, Every.DAY)), False),
        (Credits(1, DAILY), Credits(1, Refill(11, Every.MONTH)), True),
        (Credits(1, DAILY), Credits(1, Refill(10, Every.WEEK)), False),
        (Credits(1, DAILY), Credits(1, Refill(1, Every.HOUR)), True),
    ],
)
def test_more_credits_are_more_now_or_more_or_sooner_later(
    before: Credits | None, after: Credits | None, *, more: bool
) -> None:
    assert more_credits(before, after) is more


def test_a_use_is_let_through_unless_a_limit_refuses() -> None:
    assert Taken(()).allowed
