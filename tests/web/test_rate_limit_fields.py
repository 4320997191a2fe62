"""The fields that tell a client where its limits stand: their form, and their numbers at the edges."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.decision import STALE, Code, Decision
from keywright.core.limits import Bucket, Level, Limit, LimitState, Taken
from keywright.web.rate_limit_fields import rate_limit_fields, retry_after

# RFC 9651, sections 3.1 and 3.3: a list of strings with integer parameters.
_ITEM = r'"[a-z]+:[A-Za-z0-9_-]+"(;[a-z]=[0-9]{1,15}){2}'
_LIST = re.compile(rf"{_ITEM}(, {_ITEM})*")


def state(
    limit: int, window: int, remaining: int, reset: float, *, name: str = "burst", level: Level = Level.KEY
) -> LimitState:
    return LimitState(Bucket(level, "x", Limit(name, limit, window)), remaining, reset)


def fields(taken: Taken | None, code: Code = Code.VALID) -> dict[str, str]:
    return rate_limit_fields(Decision(code, limits=taken))


def test_without_a_limit_there_is_no_field() -> None:
    assert rate_limit_fields(STALE) == {}
    assert fields(None) == {}
    assert fields(Taken(())) == {}


def test_each_limit_has_its_policy_and_its_state() -> None:
    taken = Taken(
        (
            state(100, 1, 42, 0.58),
            state(10_000, 86_400, 9_999, 8.64, name="daily", level=Level.IDENTITY),
            state(1_000, 1, 999, 0.001, level=Level.TENANT),
        )
    )
    assert fields(taken) == {
        "RateLimit": '"key:burst";r=42;t=1, "identity:daily";r=9999;t=9, "tenant:burst";r=999;t=1',
        "RateLimit-Policy": '"key:burst";q=100;w=1, "identity:daily";q=10000;w=86400, "tenant:burst";q=1000;w=1',
    }


@pytest.mark.parametrize(
    ("limit", "window", "remaining", "reset", "more_in"),
    [
        (10, 100, 10, 0.0, 0),  # nothing is missing
        (10, 100, 9, 10.0, 10),  # just used
        (10, 100, 9, 0.1, 1),  # back in a moment
        (10, 100, 0, 100.0, 10),  # used up just now
        (10, 100, 0, 90.1, 1),
        (10, 100, 5, 42.0, 2),
        (1, 1, 0, 1.0, 1),
        (1, 1_576_800_000, 0, 1_576_800_000.0, 1_576_800_000),
        (1_000_000_000, 1, 0, 1.0, 1),
        (10, 100, 3, 0.0, 0),  # counted elsewhere, by a clock that is ahead
    ],
)
def test_the_window_ends_when_there_is_one_use_more(
    limit: int, window: int, remaining: int, reset: float, more_in: int
) -> None:
    found = fields(Taken((state(limit, window, remaining, reset),)))
    assert found["RateLimit"] == f'"key:burst";r={remaining};t={more_in}'


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "1"), (0.001, "1"), (1.0, "1"), (1.0001, "2"), (86_399.5, "86400"), (float("inf"), None)],
)
def test_a_refusal_says_when_to_come_again_where_that_helps(seconds: float, shown: str | None) -> None:
    one = state(1, 86_400, 0, 86_400.0)
    taken = Taken((one,), one, seconds)
    assert fields(taken, Code.RATE_LIMITED).get("Retry-After") == shown
    assert retry_after(taken) == (None if shown is None else int(shown))
    assert retry_after(Taken((one,))) is None


@given(
    st.lists(
        st.builds(
            state,
            st.integers(1, 10**9),
            st.integers(1, 10**9),
            st.integers(0, 10**9),
            st.floats(0, 10**9),
            name=st.from_regex(r"[A-Za-z0-9_-]{1,100}", fullmatch=True),
            level=st.sampled_from(Level),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_the_numbers_the_form_is_that_of_structured_fields(states: list[LimitState]) -> None:
    found = fields(Taken(tuple(states)))
    assert set(found) == {"RateLimit", "RateLimit-Policy"}
    assert all(_LIST.fullmatch(text) for text in found.values())
