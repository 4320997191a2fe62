"""Filters, orders and windows in the words of Prisma 1."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from graphql import build_schema as parsed
from hypothesis import given
from hypothesis import strategies as st

from keywright.core.errors import BadInput, InvalidValue, UnknownField
from keywright.dialects.cloudtower import filters
from keywright.dialects.cloudtower.filters import Filter
from keywright.dialects.cloudtower.kinds import INPUTS, KINDS, sdl
from keywright.dialects.cloudtower.lists import asked_of
from keywright.dialects.cloudtower.schema import build_schema

ADMIN = {"id": "r1", "name": "admin", "platform": "MANAGEMENT", "preset": "ADMIN"}
EDITOR = {"id": "r2", "name": "editor", "platform": "MANAGEMENT", "preset": None}


def user(number: int, name: str, *roles: Any, email: str | None = None) -> dict[str, Any]:
    row = {"id": f"u{number}", "name": name, "username": name.lower(), "email_address": email}
    return row | {
        "internal": False,
        "password_expired": None,
        "role": None,
        "source": "LOCAL",
        "roles": roles,
    }


USERS = [
    user(1, "Ada", ADMIN, email="ada@example.com"),
    user(2, "Bob", ADMIN, EDITOR),
    user(3, "Cy", EDITOR, email="cy@example.org"),
    user(4, "Dan"),
]


def found(where: Any, rows: Any = USERS, kind: str = "User") -> str:
    asked = Filter.of(kind, where)
    return "".join(row["name"][0] for row in rows if asked.passes(row))


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (None, "ABCD"),
        ({}, "ABCD"),
        ({"name": "Ada"}, "A"),
        ({"name": "ada"}, ""),
        ({"name_not": "Ada"}, "BCD"),
        ({"name_in": ["Ada", "Cy"]}, "AC"),
        ({"name_in": []}, ""),
        ({"name_in": None}, "ABCD"),
        ({"name_not_in": ["Ada", "Cy"]}, "BD"),
        ({"name_lt": "Bob"}, "A"),
        ({"name_lte": "Bob"}, "AB"),
        ({"name_gt": "Bob"}, "CD"),
        ({"name_gte": "Bob"}, "BCD"),
        ({"name_contains": "a"}, "AD"),
        ({"name_not_contains": "a"}, "BC"),
        ({"name_starts_with": "A"}, "A"),
        ({"name_not_starts_with": "A"}, "BCD"),
        ({"name_ends_with": "b"}, "B"),
        ({"name_not_ends_with": "b"}, "ACD"),
        ({"email_address": None}, "BD"),
        ({"email_address_not": None}, "AC"),
        ({"email_address_in": [None, "ada@example.com"]}, "ABD"),
        ({"email_address_contains": "example"}, "AC"),
        ({"email_address_not_contains": "example.org"}, "ABD"),
        ({"email_address_lt": "b"}, "A"),
        ({"name_lt": None}, ""),
        ({"internal": False}, "ABCD"),
        ({"internal_not": False}, ""),
        ({"source_in": ["LOCAL", "LDAP"]}, "ABCD"),
        ({"source_not": "LOCAL"}, ""),
        ({"name": "Ada", "email_address": None}, ""),
        ({"AND": [{"name_gt": "A"}, {"name_lt": "C"}]}, "AB"),
        ({"AND": []}, "ABCD"),
        ({"OR": [{"name": "Ada"}, {"name": "Dan"}]}, "AD"),
        ({"OR": []}, ""),
        ({"OR": {"name": "Ada"}}, "A"),
        ({"OR": None}, "ABCD"),
        ({"NOT": [{"name": "Ada"}, {"name": "Dan"}]}, "BC"),
        ({"NOT": [{"OR": [{"name": "Ada"}, {"NOT": [{"name_in": ["Cy", "Dan"]}]}]}]}, "CD"),
        ({"roles_some": {"preset": "ADMIN"}}, "AB"),
        ({"roles_every": {"preset": "ADMIN"}}, "AD"),
        ({"roles_none": {"preset": "ADMIN"}}, "CD"),
        ({"roles_some": {}}, "ABC"),
        ({"roles_some": None}, "ABCD"),
        ({"roles_some": {"preset_not_in": ["ADMIN"]}}, "BC"),
    ],
    ids=repr,
)
def test_what_passes(where: Any, names: str) -> None:
    assert found(where) == names


def key(name: str, owner: Any) -> dict[str, Any]:
    return {"id": f"k-{name}", "name": name, "user": owner, "external_cloudtowers": []}


KEYS = [key("X", USERS[0]), key("Y", USERS[2]), key("Z", None)]


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ({"user": {"name": "Ada"}}, "X"),
        ({"user": {"roles_some": {"name": "editor"}}}, "Y"),
        ({"user": None}, "Z"),
        ({"user": {}}, "XY"),
        ({"external_cloudtowers_some": {"name": "x"}}, ""),
        ({"external_cloudtowers_every": {"name": "x"}}, "XYZ"),
        ({"external_cloudtowers_none": {"name": "x"}}, "XYZ"),
    ],
    ids=repr,
)
def test_what_is_related(where: Any, names: str) -> None:
    assert found(where, KEYS, "ApiKey") == names


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ({"key": "secret-of-x"}, "X"),
        ({"key": "nobody's"}, ""),
        ({"key": None}, ""),
        ({"key_not": "secret-of-x"}, "YZ"),
        ({"key_not": None}, "XYZ"),
        ({"key_in": ["secret-of-x", "secret-of-y", None]}, "XY"),
        ({"key_not_in": ["secret-of-x", "nobody's"]}, "YZ"),
        ({"OR": [{"key": "secret-of-y"}, {"name": "Z"}]}, "YZ"),
    ],
    ids=repr,
)
def test_a_secret_is_compared_by_whose_it_is(where: Any, names: str) -> None:
    asked = Filter.of("ApiKey", where)
    known = {"secret-of-x": "k-X", "secret-of-y": "k-Y"}
    asked.owners.update({secret: known[secret] for secret in asked.secrets if secret in known})
    assert "".join(row["name"] for row in KEYS if asked.passes(row)) == names
    assert "secret-of" not in repr(asked)


def deep(levels: int) -> Any:
    where: Any = {"name": "Ada"}
    for _ in range(levels):
        where = {"AND": [where]}
    return where


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ([], InvalidValue),
        ("name", InvalidValue),
        ({"shoe_size": 46}, UnknownField),
        ({"key": "x"}, UnknownField),
        ({"name": 1}, InvalidValue),
        ({"name_in": "Ada"}, InvalidValue),
        ({"name_in": [1]}, InvalidValue),
        ({"internal": "no"}, InvalidValue),
        ({"source": "PAPER"}, InvalidValue),
        ({"source_in": ["LOCAL", "PAPER"]}, InvalidValue),
        ({"AND": ["name"]}, InvalidValue),
        ({"roles_some": []}, InvalidValue),
        ({"roles_some": {"name": []}}, InvalidValue),
        (deep(filters.MAX_DEPTH), InvalidValue),
    ],
    ids=range(14),
)
def test_what_cannot_be_asked(where: Any, kind: type[BadInput]) -> None:
    with pytest.raises(kind) as caught:
        Filter.of("User", where)
    assert caught.value.field == "where"


def test_filters_may_stand_in_each_other() -> None:
    assert found(deep(filters.MAX_DEPTH - 1)) == "A"


def test_only_so_many_secrets() -> None:
    secrets = [f"secret-{number}" for number in range(filters.MAX_SECRETS)]
    Filter.of("ApiKey", {"key_in": secrets})
    with pytest.raises(InvalidValue):
        Filter.of("ApiKey", {"key_in": [*secrets, "one more"]})


def test_the_work_has_a_bound() -> None:
    """Who holds a role who holds a role who …: each level looks at everybody again."""
    role: dict[str, Any] = {"id": "r", "name": "all"}
    people = [user(number, "Somebody", role) for number in range(60)]
    role["users"] = people
    where: Any = {"name": "Nobody"}
    for _ in range(3):
        where = {"roles_some": {"users_some": where}}
    asked = Filter.of("User", where)
    with pytest.raises(InvalidValue, match="too much"):
        [asked.passes(row) for row in people]


ROWS = [{"id": f"u{number}", "name": name, "internal": flag} for number, name, flag in (
    (1, "b", True), (2, None, False), (3, "a", None), (4, "b", False), (5, "c", True)
)]  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "ids"),
    [
        ({}, "12345"),
        ({"orderBy": "name_ASC"}, "31452"),
        ({"orderBy": "name_DESC"}, "25143"),
        ({"orderBy": "id_DESC"}, "54321"),
        ({"orderBy": "internal_ASC"}, "24153"),
        ({"orderBy": None, "first": None, "skip": None, "after": None}, "12345"),
        ({"first": 2}, "12"),
        ({"first": 0}, ""),
        ({"skip": 3}, "45"),
        ({"skip": 1, "first": 2}, "23"),
        ({"skip": 9}, ""),
        ({"last": 2}, "45"),
        ({"last": 0}, ""),
        ({"last": 9}, "12345"),
        ({"last": 2, "skip": 1}, "34"),
        ({"last": 2, "skip": 9}, ""),
        ({"after": "u2"}, "345"),
        ({"before": "u4"}, "123"),
        ({"after": "u1", "before": "u5"}, "234"),
        ({"after": "u1", "first": 2}, "23"),
        ({"before": "u5", "last": 2}, "34"),
        ({"after": "u4", "before": "u2"}, ""),
        ({"after": "nobody"}, ""),
        ({"before": "nobody"}, ""),
        ({"orderBy": "name_ASC", "after": "u1", "first": 1}, "4"),
        ({"where": {"name": "b"}, "after": "u2"}, "4"),
        ({"where": {"name": "b"}, "skip": 1}, "4"),
    ],
    ids=repr,
)
def test_the_window(given_: Any, ids: str) -> None:
    assert "".join(row["id"][1] for row in asked_of("User", given_).window(ROWS)) == ids


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 1},
        {"first": -1},
        {"first": True},
        {"first": "1"},
        {"first": 2**31},
        {"skip": 1.5},
        {"first": 1, "last": 1},
        {"after": 1},
        {"before": []},
        {"orderBy": "name"},
        {"orderBy": "name_UP"},
        {"orderBy": "shoe_size_ASC"},
        {"orderBy": ["name_ASC"]},
    ],
    ids=repr,
)
def test_what_is_no_window(wrong: Any) -> None:
    with pytest.raises(BadInput):
        asked_of("User", wrong)


def test_how_many_are_enough() -> None:
    assert asked_of("ApiKey", {"first": 2, "skip": 3}).enough == 5
    for more in ({"where": {"name": "x"}}, {"orderBy": "id_ASC"}, {"after": "x"}, {"before": "x"}):
        assert asked_of("ApiKey", {"first": 2, **more}).enough is None
    assert asked_of("ApiKey", {"last": 2}).enough is None
    assert asked_of("ApiKey", {}).enough is None


def test_what_a_list_looks_at_is_known_before() -> None:
    asked = asked_of("ApiKey", {"where": {"OR": [{"user": {"roles_some": {"preset": "ADMIN"}}}]}})
    assert asked.touches("ApiKey", "user", "username")
    assert asked.touches("User", "roles")
    assert not asked.touches("ApiKey", "roles", "username")
    assert asked_of("ApiKey", {"orderBy": "username_ASC"}).touches("ApiKey", "username")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([name for kind in INPUTS for name in (*INPUTS[kind], "AND", "OR", "NOT")])


@given(st.sampled_from(sorted(KINDS)), st.dictionaries(NAMES, JSON, max_size=3))
def test_whatever_is_asked_is_understood_or_refused(kind: str, where: Any) -> None:
    with suppress(BadInput):
        Filter.of(kind, where)


def test_the_schema_is_made_of_the_same_table() -> None:
    schema = build_schema()
    for name, inputs in INPUTS.items():
        kind: Any = schema.type_map[f"{name}WhereInput"]
        assert kind.fields.keys() == inputs.keys() | {"AND", "OR", "NOT"}
        assert {key: str(one.type) for key, one in kind.fields.items() if key in inputs} == {
            key: one.type for key, one in inputs.items()
        }
    parsed("type Query { nothing: ID }\n" + sdl())
