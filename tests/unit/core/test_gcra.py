"""Rate limits against a slow reference in fractions, and the rule that the documentation promises."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.gcra import SECOND_US, judge
from keywright.core.limits import Bucket, Level, Limit, LimitState

LIMITS = st.builds(
    Limit, st.just("a"), st.integers(1, 40) | st.just(999_983), st.integers(1, 60) | st.just(31_536_000)
)
# How long after the one before, and at which cost.
USES = st.lists(st.tuples(st.integers(0, 3 * SECOND_US), st.integers(0, 6)), max_size=40)


def bucket(limit: Limit, subject: str = "key_1", level: Level = Level.KEY) -> Bucket:
    return Bucket(level, subject, limit)


class Model:
    """Several limits as the recommendation puts it: a theoretical arrival time each, in exact seconds."""

    def __init__(self, *limits: Limit) -> None:
        self.due = [Fraction(0) for _ in limits]
        self.limits = limits

    def use(self, at: Fraction, cost: int) -> bool:
        steps = [Fraction(limit.window_seconds, limit.limit) for limit in self.limits]
        after = [max(due, at) + (cost or 1) * step for due, step in zip(self.due, steps, strict=True)]
        allowed = all(due <= at + limit.window_seconds for due, limit in zip(after, self.limits, strict=True))
        if allowed and cost:
            self.due = after
        return allowed


class Counter:
    """The same by `judge`."""

    def __init__(self, *limits: Limit) -> None:
        self.buckets = tuple(bucket(limit, subject=str(n)) for n, limit in enumerate(limits))
        self.backlogs = [0] * len(limits)

    def use(self, after_us: int, cost: int) -> bool:
        self.backlogs = [
            max(0, backlog - after_us * one.parts)
            for backlog, one in zip(self.backlogs, self.buckets, strict=True)
        ]
        taken = judge(self.buckets, self.backlogs, cost)
        if taken.allowed:
            self.backlogs = [
                backlog + cost * one.worth for backlog, one in zip(self.backlogs, self.buckets, strict=True)
            ]
        for state, backlog in zip(taken.states, self.backlogs, strict=True):
            assert state.remaining == (state.bucket.depth - backlog) // state.bucket.worth >= 0
            assert state.reset_seconds == pytest.approx(backlog / state.bucket.parts / SECOND_US)
        return taken.allowed


@given(st.lists(LIMITS, min_size=1, max_size=3), USES)
def test_it_lets_through_what_the_recommendation_lets_through(
    limits: list[Limit], uses: list[tuple[int, int]]
) -> None:
    model, counter, now = Model(*limits), Counter(*limits), 0
    for after_us, cost in uses:
        now += after_us
        assert counter.use(after_us, cost) == model.use(Fraction(now, SECOND_US), cost)


@given(LIMITS, USES)
def test_any_span_holds_at_most_a_limit_and_what_falls_due_in_it(
    limit: Limit, uses: list[tuple[int, int]]
) -> None:
    counter, now = Counter(limit), 0
    through: list[tuple[int, int]] = []
    for after_us, cost in uses:
        now += after_us
        if counter.use(after_us, cost):
            through.append((now, cost))
    for n, (start, _) in enumerate(through):
        total = 0
        for end, cost in through[n:]:
            total += cost
            span = Fraction(end - start, SECOND_US)
            assert total <= limit.limit + span * limit.limit / limit.window_seconds


@given(st.lists(LIMITS, min_size=2, max_size=4), USES, st.randoms())
def test_the_order_of_limits_does_not_matter(
    limits: list[Limit], uses: list[tuple[int, int]], random: object
) -> None:
    order = sorted(range(len(limits)), key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = Counter(*limits), Counter(*(limits[n] for n in order))
    for after_us, cost in uses:
        assert one.use(after_us, cost) == other.use(after_us, cost)
        assert other.backlogs == [one.backlogs[n] for n in order]


def test_from_rest_the_whole_limit_comes_through_and_then_one_by_one() -> None:
    counter = Counter(Limit("three", 3, 1))
    assert [counter.use(0, 1) for _ in range(4)] == [True, True, True, False]
    # A third of a second is not whole in microseconds; three of them are a second all the same.
    assert not counter.use(333_333, 1)
    assert counter.use(1, 1)
    assert [counter.use(333_333, 1) for _ in range(3)] == [True, True, False]


def test_a_refusal_says_which_limit_and_for_how_long() -> None:
    burst, day = bucket(Limit("burst", 2, 1)), bucket(Limit("day", 10, 100))
    taken = judge((burst, day), (burst.depth, day.depth), 2)
    assert taken.refused == LimitState(day, 0, 100.0)
    assert taken.states == (LimitState(burst, 0, 1.0), LimitState(day, 0, 100.0))
    assert taken.retry_after == 20.0
    assert judge((day, burst), (day.depth, burst.depth), 2).refused == taken.refused


def test_a_cost_beyond_a_limit_is_refused_for_ever() -> None:
    small, slow = bucket(Limit("small", 2, 7)), bucket(Limit("slow", 5, 1000))
    taken = judge((slow, small), (slow.depth, 0), 3)
    assert taken.refused == LimitState(small, 2, 0.0)
    assert taken.retry_after == 7.0


def test_a_look_is_refused_where_a_use_would_be_and_charges_nothing() -> None:
    one = bucket(Limit("one", 1, 10))
    look = judge((one,), (0,), 0)
    assert (look.allowed, look.states) == (True, (LimitState(one, 1, 0.0),))
    assert judge((one,), (one.worth,), 0).refused == LimitState(one, 0, 10.0)


def test_without_limits_everything_comes_through() -> None:
    taken = judge((), (), 5)
    assert (taken.allowed, taken.states, taken.local) == (True, (), False)


def test_buckets_are_apart_by_level_owner_name_and_numbers() -> None:
    limit = Limit("a", 1, 2)
    buckets = {
        bucket(limit),
        bucket(limit, "key_2"),
        bucket(limit, level=Level.TENANT),
        bucket(Limit("b", 1, 2)),
        bucket(Limit("a", 2, 2)),
        bucket(Limit("a", 1, 3)),
    }
    assert len({one.key for one in buckets}) == len(buckets) == 6
