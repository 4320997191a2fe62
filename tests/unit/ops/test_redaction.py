"""Cleaning of log values: plain out of anything, and no text past the redactor."""

from __future__ import annotations

import enum
import json
import math
import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from keywright.ops.redaction import MAX_DEPTH, clean

TOKEN = "sk_abc123"


def redact(text: str) -> str:
    return re.sub(r"sk_[a-z0-9]+", "sk_***", text)


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):  # noqa: UP042 - its str() is its name, unlike that of a StrEnum
    SECRET = TOKEN


class Broken:
    def __str__(self) -> str:
        raise RuntimeError(TOKEN)


@dataclass
class Holder:
    token: str


@pytest.mark.parametrize("value", [None, True, False, 0, -7, 1.5, "text", [], {}, [1, {"a": [None]}]])
def test_plain_values_stay(value: object) -> None:
    assert clean(value, redact) == value
    assert type(clean(value, redact)) is type(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"a {TOKEN} b", "a sk_*** b"),
        (TOKEN.encode(), "sk_***"),
        (bytearray(b"\xff" + TOKEN.encode()), "\\xffsk_***"),
        ({TOKEN: TOKEN}, {"sk_***": "sk_***"}),
        ({TOKEN.encode(): 1, 2: 3}, {"sk_***": 1, "2": 3}),
        ([TOKEN, (TOKEN,)], ["sk_***", ["sk_***"]]),
        ({TOKEN}, ["sk_***"]),
        (frozenset({TOKEN}), ["sk_***"]),
        (OrderedDict(a=[{"b": TOKEN}]), {"a": [{"b": "sk_***"}]}),
        (MappingProxyType({"a": TOKEN}), {"a": "sk_***"}),
        (Holder(TOKEN), "Holder(token='sk_***')"),
        (Word.SECRET, "sk_***"),
        (ValueError(f"no {TOKEN}"), "ValueError: no sk_***"),
        (Number.ONE, 1),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00"),
        (PurePosixPath("/srv") / TOKEN, "/srv/sk_***"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (Broken(), "<Broken>"),
    ],
)
def test_each_kind_of_value(value: object, expected: object) -> None:
    found = clean(value, redact)
    assert found == expected
    assert json.loads(json.dumps(found, allow_nan=False)) == expected


def test_numbers_lose_their_subclass() -> None:
    assert type(clean(Number.ONE, redact)) is int


def test_what_holds_itself_ends() -> None:
    ring: dict[str, Any] = {"token": TOKEN}
    ring["ring"] = [ring]
    text = json.dumps(clean(ring, redact))
    assert TOKEN not in text
    assert text.count("sk_***") == MAX_DEPTH / 2
    assert "\\u2026" in text
