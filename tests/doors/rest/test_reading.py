"""Bodies are read as strict JSON: whatever is accepted means the same to every reader."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.api.rest.reading import MAX_NESTING, read_json
from keywright.core.errors import MalformedRequest

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values, st.booleans())
def test_json_is_read_as_it_was_written(value: object, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")) == value


@given(st.binary())
def test_anything_else_is_refused_in_one_way(body: bytes) -> None:
    with suppress(MalformedRequest):
        read_json(body)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_is_bounded(opening: str) -> None:
    closing = "]" if opening == "[" else "}"

    def nested(levels: int) -> bytes:
        return (opening * levels + "1" + closing * levels).encode()

    read_json(nested(MAX_NESTING))
    for levels in (MAX_NESTING + 1, 900, 5_000, 100_000):
        with pytest.raises(MalformedRequest):
            read_json(nested(levels))


def test_many_small_things_are_not_deep() -> None:
    assert read_json(json.dumps([[{}]] * 10_000).encode()) == [[{}]] * 10_000


def test_numbers_beyond_all_bounds_are_infinite() -> None:
    assert read_json(b"[%d]" % 10**308) == [10**308]
    assert read_json(b"[%d, %d, 1e999]" % (10**309, -(10**309))) == [math.inf, -math.inf, math.inf]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\xef\xbb\xbf{}",
        b"{}\x00",
        b'{"a": 1, "a": 1}',
        b"NaN",
        b"-Infinity",
        b"9" * 5_000,
        b'"\xff"',
    ],
)
def test_what_readers_disagree_about_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read_json(body)
