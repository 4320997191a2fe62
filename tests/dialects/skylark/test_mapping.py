"""Skylark's words and ours, both ways, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from keywright.core.catalog import parse
from keywright.core.checks import scope as checked_scope
from keywright.core.errors import InvalidValue, KeywrightError
from keywright.core.ids import new_id
from keywright.core.keys import State
from keywright.core.permissions import Policy
from keywright.core.tokens import mint
from keywright.dialects.skylark import mapping, permissions
from keywright.dialects.skylark.requests import read
from keywright.dialects.skylark.schema import build_schema
from keywright.dialects.skylark.setup import CATALOG, SETUP, lines
from keywright.web.setups import SetUp
from tests.support.facts import NOW, a_key

names = st.sampled_from(tuple(permissions.ACTIONS))
moments = st.builds(
    lambda microseconds, zone: (NOW + timedelta(microseconds=microseconds)).astimezone(zone),
    st.integers(0, 7_000 * 365 * 86_400 * 10**6),
    st.sampled_from([UTC, timezone(timedelta(hours=-7))]),
)


@given(st.sets(names))
def test_permissions_come_back_from_the_scope_they_make(wanted: set[str]) -> None:
    policies = checked_scope(permissions.scope_of(wanted))
    assert {permissions.permission_of(one) for one in policies} == wanted
    may = lambda action: any(one.allows(action) for one in policies)  # noqa: E731 - a predicate of this test
    assert set(permissions.held(may)) == wanted
    allowed = [action for action in permissions.EVERY_ACTION if may(action)]
    assert permissions.permissions_of(allowed) == permissions.held(may)


@given(moments)
def test_a_date_time_comes_back_from_what_is_shown(moment: datetime) -> None:
    text = mapping.shown(a_key(expires_at=moment), [])["expires"]
    assert text is not None
    assert mapping.date_time(text) == moment


@given(st.text(max_size=40))
def test_a_text_is_a_date_time_or_is_refused(text: str) -> None:
    try:
        found = mapping.date_time(text)
    except InvalidValue:
        return
    assert found.utcoffset() is not None


@given(st.text(st.sampled_from("aZ09_- .é"), max_size=110))
def test_a_name_is_kept_as_it_is_or_refused(text: str) -> None:
    sound = 1 <= len(text) <= 100 and not set(text) & set("- .é")
    try:
        assert mapping.checked_name(text) == text
    except KeywrightError:
        assert not sound
    else:
        assert sound
        assert mapping.name_of(a_key(handle=text)) == text


def test_a_token_is_no_name() -> None:
    token = mint().reveal()
    with pytest.raises(KeywrightError) as caught:
        mapping.checked_name(token)
    assert token not in caught.value.detail
    assert not mapping.is_handle(token)


def test_a_part_of_key_management_is_not_the_permission() -> None:
    whole = permissions.ACTIONS["KEY_MANAGEMENT"]
    for lacking in whole:
        assert permissions.permissions_of(set(whole) - {lacking}) == ()
    assert permissions.permission_of(Policy.parse(["keys:*"])) is None


def test_a_key_without_a_handle_is_called_by_its_id() -> None:
    key = a_key(handle=None)
    assert mapping.name_of(key) == key.id
    with pytest.raises(InvalidValue):
        mapping.checked_name(new_id("key"))


def test_what_is_listed() -> None:
    assert {State.ACTIVE, State.DISABLED, State.NOT_YET_VALID} == mapping.LISTED_STATES
    assert not mapping.is_over(a_key(expires_at=None), NOW)
    assert mapping.is_over(a_key(expires_at=NOW), NOW)
    assert not mapping.is_over(a_key(expires_at=NOW + timedelta(microseconds=1)), NOW)


@pytest.mark.parametrize(
    ("sent", "field", "value"),
    [
        ({}, "expires_at", UNSET),
        ({"expires": None}, "expires_at", None),
        ({"expires": "2090-01-01T00:00Z"}, "expires_at", datetime(2090, 1, 1, tzinfo=UTC)),
        ({}, "active", UNSET),
        ({"active": None}, "active", UNSET),
        ({"active": False}, "active", False),
        ({}, "handle", UNSET),
        ({"name": None}, "handle", UNSET),
        ({"name": "a_key"}, "handle", UNSET),
        ({"name": "other"}, "handle", "other"),
        ({"name": "other"}, "name", "other"),
    ],
)
def test_what_an_update_says(sent: Any, field: str, value: object) -> None:
    key = a_key(name="a_key", handle="a_key")
    assert getattr(mapping.changes_of(key, sent), field) == value


def test_the_name_for_people_of_another_door_stays() -> None:
    assert mapping.changes_of(a_key(name="For people", handle="h"), {"name": "other"}).name is UNSET


def test_a_permission_is_not_null() -> None:
    with pytest.raises(InvalidValue):
        mapping.checked_permissions(["READ", None])


def test_a_new_key_does_not_show_its_token_where_it_should_not() -> None:
    token = mint()
    key = a_key()
    assert mapping.shown(key, [])["api_key"] is None
    assert mapping.shown(key, [], token)["api_key"] == token.reveal()


def test_the_body_of_a_request_does_not_show_itself() -> None:
    assert "secret" not in repr(read(b'{"query": "secret"}'))


def test_the_enum_of_the_schema_is_the_permissions() -> None:
    found: Any = build_schema().type_map["SkylarkAPIPermission"]
    assert tuple(found.values) == tuple(permissions.ACTIONS)


def test_each_role_has_all_of_the_one_before_it() -> None:
    last: set[str] = set()
    for name, has in permissions.ROLES.items():
        assert set(has) > last
        assert permissions.role_of(has) == name
        last = set(has)


def test_the_catalog_is_sound_and_knows_each_action() -> None:
    catalog = parse({**CATALOG, "tenant": "acme", "strict": True})
    known = {one.name for one in catalog.actions}
    assert known | {"keys:create", "keys:delete", "keys:read", "keys:update"} == set(permissions.EVERY_ACTION)
    assert {role.name for role in catalog.roles} == {
        *("skylark_admin", "skylark_editor", "skylark_read_only", "skylark_read_write"),
    }


def test_what_a_client_is_configured_with() -> None:
    made = SetUp(
        url="https://k.example.com/dialects/skylark",
        tenant="acme",
        tenant_id="ten_1",
        key_id="key_1",
        identity_id="idn_1",
        token="kw_x",
    )
    assert lines(made) == (
        "SAAS_API_ENDPOINT=https://k.example.com/dialects/skylark/graphql\nSAAS_API_KEY=kw_x\n"
    )
    assert SETUP.scope is not None
    assert {action for actions, _ in SETUP.scope for action in actions} == set(permissions.EVERY_ACTION)
