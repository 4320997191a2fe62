"""Moments as microseconds and back, and on the wire."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.instants import EPOCH, LATEST, SystemClock, from_us, rfc3339, to_us

ZONES = st.builds(timezone, st.integers(-1439, 1439).map(lambda minutes: timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)  # noqa: DTZ001 - bounds are naive


@given(MOMENTS)
def test_no_microsecond_is_lost_on_the_way_to_storage(moment: datetime) -> None:
    assert from_us(to_us(moment)) == moment
    assert from_us(to_us(moment)).tzinfo is UTC


@given(MOMENTS, MOMENTS)
def test_microseconds_compare_as_moments_do(one: datetime, other: datetime) -> None:
    assert (to_us(one) < to_us(other)) is (one < other)


@given(MOMENTS)
def test_what_is_written_is_read_back_as_the_same_moment(moment: datetime) -> None:
    text = rfc3339(moment)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (EPOCH, "1970-01-01T00:00:00Z"),
        (LATEST, "9999-01-01T00:00:00Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=UTC), "2026-01-02T03:04:05.000060Z"),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2025-12-31T22:00:00Z"),
        (datetime(7, 1, 1, tzinfo=UTC), "0007-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_a_fraction_only_where_there_is_one(
    moment: datetime, text: str
) -> None:
    assert rfc3339(moment) == text


def test_the_wall_clock_tells_the_machine_s_time_in_both_forms() -> None:
    clock = SystemClock()
    before = time.time_ns() // 1000
    us, moment = clock.now_us(), clock.now()
    after = time.time_ns() // 1000
    assert before <= us <= to_us(moment) <= after
    assert moment.tzinfo is UTC
