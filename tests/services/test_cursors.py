"""Cursors: what was handed out comes back, and nothing else gets past."""

from __future__ import annotations

import base64
import json
from types import NoneType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.errors import InvalidCursor
from keywright.core.ids import new_id
from keywright.core.listing import FOLDED_LENGTH, KeyQuery, KeySort, Position
from keywright.services import cursors
from keywright.services.keys import ListKeys, list_keys
from keywright.services.tenants import ListTenants, list_tenants

if TYPE_CHECKING:
    from tests.support.house import House

ANY_TEXT = st.text(st.characters(codec=None))
TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=FOLDED_LENGTH)
VALUES = st.none() | st.integers(0, 2**63 - 1) | TEXT
IDS = st.integers(0, 2**60).map(lambda _: new_id("key"))


@given(TEXT, VALUES, IDS)
def test_a_cursor_comes_back_as_the_place_it_was_made_of(order: str, value: Any, row_id: str) -> None:
    position = Position(value, row_id)
    cursor = cursors.encode(order, position)
    assert cursors.decode(order, cursor, type(value)) == position
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    for other in {int, str, NoneType} - {type(value)}:
        with pytest.raises(InvalidCursor):
            cursors.decode(order, cursor, other)
    with pytest.raises(InvalidCursor):
        cursors.decode(f"{order}.", cursor, type(value))


def refused(cursor: str, value: type, field: str = "cursor") -> None:
    with pytest.raises(InvalidCursor) as caught:
        cursors.decode("o", cursor, value, field)
    assert caught.value.field == field
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def forged(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


ID = new_id("key")


@pytest.mark.parametrize("value", [int, str, NoneType])
@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        ["o"],
        ["o", ID],
        ["o", ID, 1, 2],
        ["o", ID, [[]]],
        {"order": "o", "id": ID, "value": 1},
        ["p", ID, 1],
        ["o", 1, 1],
        ["o", None, "a"],
        ["o", ID, True],
        ["o", ID, 1.5],
        ["o", ID, 1e300],
        ["o", ID, -1],
        ["o", ID, 2**63],
        ["o", ID, 10**1_000],
        ["o", ID, "a\0"],
        ["o", ID, "\ud800"],
        ["o", ID, "x" * (FOLDED_LENGTH + 1)],
        ["o", "é", 1],
        ["o", "x\0", "a"],
        ["o", "x" * 41, None],
        ["o", "\ud800", None],
        b"",
        b"\xff\xfe",
        b'["o","' + b"\xff" + b'",1]',
        b"[" * 100_000,
        b'["o","x",' + b"[" * 100_000,
        b'["o","x",1,' + b"[" * 100_000,
        b'["o","x",' + b"9" * 100_000 + b"]",
        b'["o","x",1]]',
    ],
)
def test_a_forged_cursor_is_refused_as_one(content: Any, value: type) -> None:
    refused(forged(content), value)


@pytest.mark.parametrize("cursor", ["", "=", "====", "a", "%", "a b", "é", "\0", "\ud800", "A" * 1_000_000])
def test_garbage_is_refused(cursor: str) -> None:
    for value in (int, str, NoneType):
        refused(cursor, value)
    refused(cursor, str, "after")


def test_a_cut_cursor_is_refused() -> None:
    cursor = cursors.encode("o", Position("a name", ID))
    for length in range(len(cursor)):
        refused(cursor[:length], str)


@given(ANY_TEXT, st.sampled_from([int, str, NoneType]))
def test_no_text_raises_anything_else(text: str, value: type) -> None:
    refused(text, value)


@given(st.binary(), st.sampled_from([int, str, NoneType]))
def test_no_bytes_in_the_right_clothing_raise_anything_else(raw: bytes, value: type) -> None:
    refused(forged(raw), value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.sampled_from(["o", ID]),
    lambda inner: st.lists(inner, max_size=4),
)


@given(st.lists(JSON, max_size=4), st.sampled_from([int, str, NoneType]))
def test_no_list_in_the_right_clothing_gets_past_unless_it_is_a_place(content: Any, value: type) -> None:
    try:
        position = cursors.decode("o", forged(content), value)
    except InvalidCursor:
        return
    assert content == ["o", position.id, position.value]
    assert type(position.value) is value


@pytest.mark.anyio
async def test_no_forged_place_disturbs_a_database(each_home: House) -> None:
    """What gets past is a place that there could be; both engines answer it with an ordinary page."""
    home = each_home
    admin = await home.admin(await home.tenant("acme"))
    values: dict[KeySort, list[Any]] = {
        KeySort.CREATED_AT: [None, 0, "a"],
        KeySort.NAME: ["", "a", "\U0010ffff" * FOLDED_LENGTH, "\x01%_'\\", None, 7],
        KeySort.EXPIRES_AT: [0, 2**62, 2**63 - 1, None, "a"],
        KeySort.LAST_USED_AT: [0, 2**62, 2**63 - 1, None, "a"],
    }
    outcomes = set()
    for sort, given_values in values.items():
        for value in given_values:
            for row_id in ("", "x", "'; --", "\x01\x7f", ID, "~" * 40):
                cursor = forged([f"keys.{sort}.asc", row_id, value])
                wanted = ListKeys(query=KeyQuery(sort=sort, descending=False), cursor=cursor)
                try:
                    await home.run(list_keys, admin, wanted)
                    outcomes.add((sort, type(value)))
                except InvalidCursor:
                    outcomes.add((sort, InvalidCursor))
    assert outcomes == {
        (KeySort.CREATED_AT, NoneType),
        (KeySort.NAME, str),
        (KeySort.EXPIRES_AT, int),
        (KeySort.LAST_USED_AT, int),
        *((sort, InvalidCursor) for sort in KeySort),
    }
    for value in (None, 7, "a", "\U0010ffff"):
        cursor = forged(["tenants.slug", ID, value])
        try:
            await home.run(list_tenants, admin, ListTenants(cursor=cursor))
        except InvalidCursor:
            assert not isinstance(value, str)
        else:
            assert isinstance(value, str)
