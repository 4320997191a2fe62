"""The pure parts: times, text, tables, policies."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.cli.output import Column, fitted
from keywright.cli.policies import in_words
from keywright.cli.text import pretty_json, printable
from keywright.cli.times import Moment, relative

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (0.4, "now"),
        (1, "in 1 second"),
        (-1, "1 second ago"),
        (59, "in 59 seconds"),
        (60, "in 1 minute"),
        (-3_599, "60 minutes ago"),
        (3_600, "in 1 hour"),
        (86_400, "in 24 hours"),
        (-172_800, "2 days ago"),
        (90 * 86_400 - 1, "in 90 days"),
        (200 * 86_400, "in 7 months"),
        (-800 * 86_400, "2 years ago"),
        (365 * 86_400 * 100, "in 100 years"),
    ],
)
def test_relative(seconds: float, text: str) -> None:
    moment = (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    assert relative(moment, NOW) == text


def test_relative_of_nothing() -> None:
    assert relative(None, NOW) == "never"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("12h", timedelta(hours=12)),
        ("90d", timedelta(days=90)),
        (" 2w ", timedelta(weeks=2)),
        ("-1d", timedelta(days=-1)),
    ],
)
def test_spans(text: str, span: timedelta) -> None:
    for past, sign in ((False, 1), (True, -1)):
        read = Moment(past=past).convert(text, None, None)
        assert read.endswith("Z")
        wanted = datetime.now(UTC) + sign * span
        assert abs(datetime.fromisoformat(read) - wanted) < timedelta(seconds=10)


@pytest.mark.parametrize("text", ["2027-01-01T00:00:00Z", "tomorrow", "", "1y", "1.5d", "d", "٣d"])
def test_what_is_no_span_is_left_for_the_server(text: str) -> None:
    assert Moment().convert(text, None, None) == text


def test_a_span_beyond_the_calendar_is_wrong_usage() -> None:
    with pytest.raises(click.BadParameter):
        Moment().convert("999999999w", None, None)


@given(st.text())
def test_printable_text_steers_nothing_and_is_one_line(text: str) -> None:
    shown = printable(text)
    assert not STEERING.search(shown)
    assert STEERING.search(text) or shown == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_pretty_json_means_the_same_and_steers_nothing(value: object) -> None:
    shown = pretty_json(value)
    assert json.loads(shown) == value
    assert not STEERING.search(shown.replace("\n", ""))


def test_a_scope_in_words() -> None:
    assert in_words(None) == "all that its owner may"
    assert in_words([]) == "nothing"
    scope = [{"actions": ["a", "b"], "resources": ["r", "s"]}, {"actions": ["c"], "resources": None}]
    assert in_words(scope) == "a, b on r, s; c on everything"


COLUMNS = (Column("NAME", shrink=24), Column("ID"), Column("ONE", goes=2), Column("TWO", goes=1))


@pytest.mark.parametrize(
    ("available", "widths"),
    [
        (200, [60, 36, 10, 10]),
        (122, [60, 36, 10, 10]),
        (121, [59, 36, 10, 10]),
        (86, [24, 36, 10, 10]),
        (85, [35, 36, 10, 0]),
        (74, [24, 36, 10, 0]),
        (73, [35, 36, 0, 0]),
        (46, [8, 36, 0, 0]),
        (45, [0, 36, 0, 0]),
        (10, [0, 36, 0, 0]),
    ],
)
def test_what_does_not_fit_goes_in_order(available: int, widths: list[int]) -> None:
    assert fitted(COLUMNS, [60, 36, 10, 10], available) == widths


@given(st.lists(st.integers(1, 80), min_size=4, max_size=4), st.integers(1, 300))
def test_a_table_fits_or_only_what_must_stay_is_left(natural: list[int], available: int) -> None:
    found = fitted(COLUMNS, natural, available)
    shown = [width for width in found if width]
    assert sum(shown) + 2 * (len(shown) - 1) <= available or found == [0, natural[1], 0, 0]
    assert all(width <= wide for width, wide in zip(found, natural, strict=True))
    assert found[1:] == [width if shown else 0 for width, shown in zip(natural[1:], found[1:], strict=True)]
