"""What the benchmark makes of its rounds."""

from __future__ import annotations

import pytest

from bench.figures import Figure, Target, exactly, figure, number, percentile, quantity, ratio


def test_a_figure_is_the_median_with_the_ends_of_the_rounds() -> None:
    assert figure([5.0, 1.0, 3.0], "µs") == Figure(3.0, "µs", 1.0, 5.0)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (figure([80.0, 100.0, 130.0], "ms"), "100 ms (-20 +30 %)"),
        (figure([100.0, 100.4], "ms"), "100 ms"),
        (exactly(0.0, ""), "0"),
        (figure([2.5], "µs"), "2.50 µs"),
    ],
)
def test_a_figure_shows_how_far_its_rounds_lie_apart_where_they_do(found: Figure, shown: str) -> None:
    assert str(found) == shown


def test_a_ratio_compares_rounds_that_belong_together() -> None:
    # The machine is half as fast in the second round, which the ratio does not see.
    found = ratio([10.0, 5.0, 9.0], [20.0, 10.0, 30.0])
    assert found.value == 9.0 / 20.0
    assert (found.low, found.high) == (0.3, 0.5)


def test_a_ratio_needs_as_many_rounds_of_both() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("percent", "found"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, found: int) -> None:
    assert percentile([float(one) for one in range(100, 0, -1)], percent) == found


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1_234_567.8, "/s", "1,234,568 /s"),
        (12.345, "µs", "12.3 µs"),
        (0.012345, "ms", "0.0123 ms"),
        (9_999.0, "ms", "9,999 ms"),
        (12_345.0, "ms", "12.3 s"),
        (1_000.0, "bytes", "1,000 bytes"),
        (20_480.0, "bytes", "20.0 KiB"),
        (25_000_000_000.0, "bytes", "23.3 GiB"),
        (5.0, "", "5.00"),
    ],
)
def test_quantities_are_for_people(value: float, unit: str, shown: str) -> None:
    assert quantity(value, unit) == shown


def test_numbers_that_are_none_stay_readable() -> None:
    assert [number(one) for one in (0.0, float("inf"), 0.00001, -2.5)] == ["0", "inf", "0.0000", "-2.50"]


@pytest.mark.parametrize(
    ("value", "at_most", "met"),
    [(3.0, True, True), (3.1, True, False), (3.0, False, True), (2.9, False, False)],
)
def test_a_target_is_met_on_its_bound_too(value: float, at_most: bool, met: bool) -> None:
    assert Target("what", exactly(value, "µs"), 3.0, at_most=at_most).met is met
