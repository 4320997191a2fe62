"""Prefect's words for ours and back."""

from __future__ import annotations

import re
import tomllib
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.ids import is_id, new_id
from keywright.core.own_actions import OWN_ACTIONS
from keywright.core.permissions import compile_policies
from keywright.core.roles import TENANT_ROLES
from keywright.dialects.prefect.hasura import exactly, kept, ordered, similar
from keywright.dialects.prefect.mapping import (
    NOTHING,
    PERMISSIONS,
    ROLES,
    built_in_id,
    canonical,
    id_of,
    moment,
    parsed_moment,
    permissions,
    uuid_of,
)
from keywright.dialects.prefect.setup import SETUP
from keywright.web.setups import SetUp

KINDS = st.sampled_from(["key", "idn", "ten", "mem", "rol", "agt"])
TEXTS = st.text(alphabet="ab%_", max_size=12)


@given(KINDS, st.uuids())
def test_an_id_comes_back_from_its_uuid(kind: str, inside: uuid.UUID) -> None:
    ours = f"{kind}_{inside.hex}"
    wire = uuid_of(ours)
    assert wire == str(inside)
    for spelled in (wire, wire.upper(), inside.hex, f" {wire} "):
        assert id_of(kind, spelled) == ours


def test_ids_that_are_made_are_uuids() -> None:
    assert uuid.UUID(uuid_of(new_id("key"))).version == 7


@given(st.text(max_size=50))
def test_what_is_no_uuid_names_nothing(text: str) -> None:
    if canonical(text) == NOTHING:
        assert not is_id(id_of("key", text), "key")
    else:
        assert str(uuid.UUID(text.strip())) == canonical(text)


@pytest.mark.parametrize(
    "text",
    ["", "none", "{00000000-0000-0000-0000-000000000000}", "urn:uuid:00000000-0000-0000-0000-000000000000"],
)
def test_other_spellings_of_uuids_name_nothing(text: str) -> None:
    assert canonical(text) == NOTHING
    assert id_of("key", text) == "key_none"


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_a_moment_comes_back_from_its_text(when: datetime) -> None:
    try:
        text = moment(when)
    except OverflowError:
        return
    assert text is not None
    assert text.endswith("+00:00")
    assert parsed_moment(text) == when
    assert parsed_moment(text.removesuffix("+00:00")) == when


@pytest.mark.parametrize(
    "text", ["", "soon", "2099-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed_moment(text)


def test_never_is_null() -> None:
    assert moment(None) is None


def test_the_built_in_roles_have_ids_of_their_own() -> None:
    assert set(ROLES) == set(TENANT_ROLES)
    ids = {built_in_id(role) for role in ROLES}
    assert len(ids) == len(ROLES)
    assert all(canonical(one) == one for one in ids)


def test_permissions_come_down_to_actions_of_our_own() -> None:
    assert set(PERMISSIONS.values()) <= OWN_ACTIONS
    everything = compile_policies(TENANT_ROLES["admin"].widest())
    assert permissions(everything) == list(PERMISSIONS)
    reading = permissions(compile_policies(TENANT_ROLES["read_only"].widest()))
    assert reading == [name for name in PERMISSIONS if name.startswith("read:")]


@given(TEXTS, TEXTS)
def test_similar_is_what_sql_says(text: str, pattern: str) -> None:
    expected = re.fullmatch(pattern.replace("%", ".*").replace("_", "."), text, re.DOTALL) is not None
    assert similar(text, pattern) is expected


def test_similar_is_quick_with_any_pattern() -> None:
    assert not similar("a" * 2_000, "%a" * 1_000 + "%b")


ROWS = [
    {"id": "1", "name": "b", "end": None},
    {"id": "2", "name": "a", "end": "2099"},
    {"id": "3", "name": "b", "end": "2030"},
]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (None, "123"),
        ({}, "123"),
        ({"name": None}, "123"),
        ({"name": {}}, "123"),
        ({"name": {"_eq": None}}, "123"),
        ({"name": {"_eq": "b"}}, "13"),
        ({"name": {"_eq": "b"}, "id": {"_eq": "3"}}, "3"),
        ({"name": {"_eq": "b", "_in": ["a"]}}, ""),
        ({"name": {"_in": []}}, ""),
        ({"name": {"_in": ["a", "b"]}}, "123"),
        ({"name": {"_similar": "_"}}, "123"),
        ({"name": {"_similar": "b%"}}, "13"),
        ({"end": {"_eq": "2099"}}, "2"),
    ],
    ids=range(13),
)
def test_conditions(where: dict[str, dict[str, object] | None] | None, found: str) -> None:
    assert "".join(row["id"] or "" for row in kept(ROWS, where)) == found


@pytest.mark.parametrize(
    ("order_by", "found"),
    [
        (None, "123"),
        ([], "123"),
        ([{}], "123"),
        ([{"name": None}], "123"),
        ([{"name": "asc"}], "213"),
        ([{"name": "desc"}], "132"),
        ([{"name": "asc"}, {"id": "desc"}], "231"),
        ([{"name": "asc", "id": "desc"}], "231"),
        ([{"end": "asc"}], "321"),
        ([{"end": "desc"}], "123"),
    ],
    ids=range(10),
)
def test_orders(order_by: list[dict[str, str | None]] | None, found: str) -> None:
    assert "".join(row["id"] or "" for row in ordered(ROWS, order_by)) == found


def test_the_one_value_that_is_asked_for() -> None:
    assert exactly({"id": {"_eq": "1"}}, "id") == "1"
    for where in (
        None,
        {},
        {"id": None},
        {"id": {"_eq": None}},
        {"id": {"_in": ["1"]}},
        {"name": {"_eq": "1"}},
    ):
        assert exactly(where, "id") is None


def test_what_is_set_up_is_a_file_that_clients_read() -> None:
    made = SetUp(
        url="http://127.0.0.1:8300/dialects/prefect",
        tenant="acme",
        tenant_id=f"ten_{'1' * 32}",
        key_id=f"key_{'2' * 32}",
        identity_id=f"idn_{'3' * 32}",
        token="the-token",
    )
    found = tomllib.loads(SETUP.lines(made))
    assert found == {
        "backend": "cloud",
        "cloud": {
            "api": "http://127.0.0.1:8300/dialects/prefect",
            "api_key": "the-token",
            "tenant_id": "11111111-1111-1111-1111-111111111111",
            "agent": {"auth_token": "the-token"},
        },
    }
