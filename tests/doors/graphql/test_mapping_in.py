"""From the arguments of GraphQL to what the services take."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLInputObjectType
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from keywright.api.graphql import keys, mapping, tenants
from keywright.core.errors import InvalidType, InvalidValue
from keywright.core.keys import State
from keywright.core.limits import Every
from keywright.core.listing import Between, KeyQuery, KeySort
from keywright.services.decisions import Question
from keywright.services.keys import KeyChanges, KeyIds, KeyQuestion, KeyTransfer, ListKeys, NewKey
from keywright.services.limits import CreditsInput, LimitInput, RefillInput
from keywright.services.memberships import RoleInput
from keywright.services.tenants import ListTenants, NewTenant, TenantSlug

if TYPE_CHECKING:
    from graphql import GraphQLSchema

NOW = datetime(2030, 1, 2, tzinfo=UTC)


def test_a_creation_is_read() -> None:
    assert mapping.new_key({"input": {"name": "x"}}) == NewKey(name="x")
    given: dict[str, Any] = {
        "name": "x",
        "description": "d",
        "handle": "h",
        "tenant": "t",
        "scope": [
            {"actions": ["a"], "resources": ["b"]},
            {"actions": ["c"]},
            {"actions": [], "resources": None},
        ],
        "notBefore": NOW,
        "expiresAt": NOW,
        "allowedCidrs": ["10.0.0.0/8"],
        "metadata": {"a": 1},
        "limits": [{"name": "burst", "limit": 100, "windowSeconds": 1}],
        "credits": {"remaining": 10, "refill": {"amount": 1_000, "every": Every.DAY}},
        "prefix": "p",
        "tokenHash": "0",
        "identityId": "idn_1",
        "memberships": [
            {"role": "editor", "variables": [{"name": "language", "values": ["cs", "en"]}]},
            {"role": "reader"},
            {"role": "member", "variables": None},
        ],
        "template": "t",
    }
    assert mapping.new_key({"input": given}) == NewKey(
        name="x",
        description="d",
        handle="h",
        tenant="t",
        scope=((("a",), ("b",)), (("c",), None), ((), None)),
        not_before=NOW,
        expires_at=NOW,
        allowed_cidrs=("10.0.0.0/8",),
        metadata={"a": 1},
        limits=(LimitInput("burst", 100, 1),),
        credits=CreditsInput(10, RefillInput(1_000, "day")),
        prefix="p",
        token_hash="0",
        identity_id="idn_1",
        memberships=(
            RoleInput("editor", {"language": ("cs", "en")}),
            RoleInput("reader"),
            RoleInput("member"),
        ),
        template="t",
    )
    assert mapping.new_key({"input": {"name": "x", "memberships": []}}).memberships == ()
    assert mapping.new_key({"input": dict.fromkeys(given) | {"name": "x"}}) == NewKey(name="x")
    assert tenants.new_tenant({"input": {"slug": "s"}}) == NewTenant("s")
    assert tenants.new_tenant({"input": {"slug": "s", "name": "S"}}) == NewTenant("s", "S")


def test_every_input_field_is_read(schema: GraphQLSchema) -> None:
    """What a caller may send must mean something; what the services take must be sendable."""

    def declared(name: str) -> set[str]:
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLInputObjectType)
        return set(kind.fields) - {"wait"}  # which is read for every field alike

    def taken(kind: Any) -> set[str]:
        return {_camel(field.name) for field in fields(kind)}

    # A key that is made disabled is a wish of other systems alone.
    assert declared("CreateApiKeyInput") == taken(NewKey) - {"active"} | {"idempotencyKey"}
    assert declared("CreateTenantInput") == taken(NewTenant) | {"idempotencyKey"}
    assert declared("UpdateApiKeyInput") == taken(KeyChanges)
    assert declared("VerifyInput") == taken(Question)
    assert declared("TransferApiKeyInput") == taken(KeyTransfer)
    assert declared("ExplainApiKeyInput") == taken(KeyQuestion) - {"where"} | {"tenant"}
    assert declared("DeleteApiKeysInput") == taken(KeyIds)
    elsewhere = {"sort", "descending", "limit", "after"}
    assert declared("ApiKeyFilter") == taken(KeyQuery) - elsewhere


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


CHANGES: dict[str, Any] = {
    "name": "x",
    "description": "",
    "active": False,
    "handle": None,
    "scope": [{"actions": ["a"]}],
    "notBefore": None,
    "expiresAt": NOW,
    "allowedCidrs": ["10.0.0.0/8"],
    "metadata": None,
    "limits": [],
    "credits": {"remaining": 0},
}


@given(st.sets(st.sampled_from(sorted(CHANGES))))
def test_only_what_was_sent_is_changed(sent: set[str]) -> None:
    found = mapping.key_changes({"input": {"id": "key_1", **{name: CHANGES[name] for name in sent}}})
    assert found.id == "key_1"
    for field in fields(KeyChanges):
        if field.name != "id":
            assert (getattr(found, field.name) is not UNSET) is (_camel(field.name) in sent)


def test_a_null_clears_what_can_be_empty() -> None:
    clearable = (
        *("handle", "scope", "notBefore", "expiresAt", "allowedCidrs", "metadata", "limits", "credits"),
    )
    found = mapping.key_changes({"input": {"id": "key_1", **dict.fromkeys(clearable)}})
    assert [
        getattr(found, name)
        for name in ("handle", "scope", "not_before", "expires_at", "allowed_cidrs", "metadata", "limits")
    ] == [None] * 7
    assert found.credits is None
    emptied = mapping.key_changes({"input": {"id": "key_1", "limits": [], "credits": {"remaining": 0}}})
    assert (emptied.limits, emptied.credits) == ((), CreditsInput(0))
    for name in ("name", "description", "active"):
        with pytest.raises(InvalidType) as caught:
            mapping.key_changes({"input": {"id": "key_1", name: None}})
        assert caught.value.field == name


def test_a_list_is_asked_for() -> None:
    assert mapping.list_keys({}) == ListKeys(query=KeyQuery())
    nothing = {"first": None, "after": None, "filter": None, "orderBy": None}
    assert mapping.list_keys(nothing) == ListKeys(query=KeyQuery())
    empty = ("states", "identityId", "handle", "namePrefix", "search", "created")
    empty += ("expires", "ends", "lastUsed", "used")
    assert mapping.list_keys({"filter": dict.fromkeys(empty)}) == ListKeys(query=KeyQuery())
    asked = {
        "first": 7,
        "after": "c",
        "filter": {
            "states": [State.ACTIVE, State.EXPIRED],
            "identityId": "idn_1",
            "handle": "h",
            "namePrefix": "n",
            "search": "s",
            "created": {"since": NOW},
            "expires": {"until": NOW},
            "ends": True,
            "lastUsed": {},
            "used": False,
        },
        "orderBy": {"field": KeySort.NAME},
    }
    assert mapping.list_keys(asked) == ListKeys(
        query=KeyQuery(
            states=frozenset({State.ACTIVE, State.EXPIRED}),
            identity_id="idn_1",
            handle="h",
            name_prefix="n",
            search="s",
            created=Between(since=NOW),
            expires=Between(until=NOW),
            ends=True,
            used=False,
            sort=KeySort.NAME,
            descending=False,
            limit=7,
        ),
        cursor="c",
    )


@pytest.mark.parametrize(
    ("order", "descending"),
    [
        ({"field": KeySort.CREATED_AT}, True),
        ({"field": KeySort.CREATED_AT, "direction": None}, True),
        ({"field": KeySort.CREATED_AT, "direction": "ASC"}, False),
        ({"field": KeySort.EXPIRES_AT}, False),
        ({"field": KeySort.EXPIRES_AT, "direction": "DESC"}, True),
    ],
)
def test_the_direction_of_an_order(order: dict[str, Any], *, descending: bool) -> None:
    assert mapping.list_keys({"orderBy": order}).query.descending is descending


def test_a_variable_stands_in_a_role_once() -> None:
    twice = [{"name": "language", "values": ["cs"]}, {"name": "language", "values": ["en"]}]
    with pytest.raises(InvalidValue) as caught:
        mapping.new_key({"input": {"name": "x", "memberships": [{"role": "editor", "variables": twice}]}})
    assert caught.value.field == "variables"


def test_a_change_of_owner_and_a_question_are_read() -> None:
    given = {"id": "key_1", "identityId": "idn_1"}
    assert keys.transfer({"input": given}) == KeyTransfer("key_1", "idn_1")
    assert keys.transfer({"input": given | {"confirm": None}}) == KeyTransfer("key_1", "idn_1")
    assert keys.transfer({"input": given | {"confirm": True}}) == KeyTransfer("key_1", "idn_1", confirm=True)
    assert keys.question({"input": {"id": "key_1"}}) == KeyQuestion(id="key_1")
    asked = {"id": "key_1", "action": "a", "resource": "r", "ip": "i", "tenant": "t"}
    expected = KeyQuestion(id="key_1", action="a", resource="r", ip="i", where="t")
    assert keys.question({"input": asked}) == expected


def test_the_other_inputs_are_read() -> None:
    assert mapping.key_id({"id": "key_1"}).id == "key_1"
    assert mapping.key_ids({"input": {"ids": ["b", "a", "b"]}}).ids == ("b", "a", "b")
    assert tenants.tenant_slug({"slug": "s"}) == TenantSlug("s")
    assert tenants.list_tenants({"first": None, "after": "c"}) == ListTenants(cursor="c")
    assert tenants.list_tenants({"first": 3}) == ListTenants(limit=3)
    assert mapping.question({"input": {}}) == Question()
    asked = {
        "token": "t",
        "tokenHash": "h",
        "tenant": "s",
        "action": "a",
        "resource": "r",
        "ip": "i",
        "explain": True,
        "cost": 0,
    }
    assert mapping.question({"input": asked}) == Question(
        token="t", token_hash="h", tenant="s", action="a", resource="r", ip="i", explain=True, cost=0
    )
    assert mapping.question({"input": {"cost": None}}).cost == 1
    assert mapping.question({"input": {"explain": None}}).explain is False
