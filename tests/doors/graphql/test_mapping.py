"""Between the shapes of GraphQL and the values of the services."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from keywright.api.graphql import mapping
from keywright.core.decision import NOT_FOUND, Code, Decision, Explanation
from keywright.core.errors import InvalidType
from keywright.core.identities import Identity, IdentityKind, Tenant
from keywright.core.keys import Key, State
from keywright.core.listing import Between, KeyQuery, KeySort
from keywright.core.permissions import Policy
from keywright.core.ports import KeyFacts
from keywright.core.sessions import Session
from keywright.core.tokens import mint
from keywright.services.decisions import Question
from keywright.services.keys import CreatedKey, KeyChanges, KeyIds, KeyList, KeyView, ListKeys, NewKey
from keywright.services.tenants import CreatedTenant, ListTenants, NewTenant, TenantList, TenantSlug
from keywright.services.whoami import Holder

if TYPE_CHECKING:
    from graphql import GraphQLSchema

NOW = datetime(2030, 1, 2, tzinfo=UTC)
TENANT = Tenant(id="ten_1", slug="blog", name="Blog", active=True, created_at=NOW)
OWNER = Identity(id="idn_1", kind=IdentityKind.USER, name="Ada", active=True, tenant_id=None, created_at=NOW)
KEY = Key(
    id="key_1",
    tenant_id="ten_1",
    identity_id="idn_1",
    name="A key",
    handle="a_key",
    description="For a test",
    prefix="kw",
    hint="kw_abcd",
    last_seven="1234567",
    created_at=NOW,
    created_by="idn_2",
    not_before=NOW,
    expires_at=NOW,
    active=True,
    scope=(Policy.parse(["a:b"], ["a:1"]), Policy.parse(["c:*"], None)),
    allowed_cidrs=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
    metadata='{"team":"search"}',
    last_used_at=NOW,
    last_used_ip="192.0.2.1",
)
BARE = Key(
    id="key_2",
    tenant_id=None,
    identity_id="idn_1",
    name="Bare",
    handle=None,
    description="",
    prefix="kw",
    hint=None,
    last_seven=None,
    created_at=NOW,
    created_by=None,
    not_before=None,
    expires_at=None,
    active=True,
    scope=None,
    allowed_cidrs=None,
    metadata="{}",
    last_used_at=None,
    last_used_ip=None,
)
VIEW = KeyView(KEY, State.ACTIVE, TENANT, OWNER)
BARE_VIEW = KeyView(BARE, State.DISABLED, None, None)
SHOWN = {
    "id": "key_1",
    "name": "A key",
    "description": "For a test",
    "handle": "a_key",
    "prefix": "kw",
    "hint": "kw_abcd",
    "lastSeven": "1234567",
    "state": State.ACTIVE,
    "active": True,
    "owner": {"id": "idn_1", "kind": IdentityKind.USER, "name": "Ada"},
    "tenant": {"id": "ten_1", "slug": "blog", "name": "Blog", "active": True, "createdAt": NOW},
    "scope": [{"actions": ["a:b"], "resources": ["a:1"]}, {"actions": ["c:*"], "resources": None}],
    "allowedCidrs": ["10.0.0.0/8", "2001:db8::/32"],
    "notBefore": NOW,
    "expiresAt": NOW,
    "createdAt": NOW,
    "createdBy": "idn_2",
    "lastUsedAt": NOW,
    "lastUsedIp": "192.0.2.1",
    "metadata": {"team": "search"},
}


def plain(shape: Any) -> Any:
    """A shape with the JSON in it read."""
    if isinstance(shape, msgspec.Raw):
        return json.loads(bytes(shape))
    if isinstance(shape, dict):
        return {name: plain(value) for name, value in shape.items()}
    return [plain(one) for one in shape] if isinstance(shape, list) else shape


def test_a_key_is_shown_whole() -> None:
    assert plain(mapping.key(VIEW)) == SHOWN


def test_what_a_key_has_not_is_null() -> None:
    shown = plain(mapping.key(BARE_VIEW))
    assert {name for name, value in shown.items() if value is None} == {
        *("handle", "hint", "lastSeven", "owner", "tenant", "scope", "allowedCidrs"),
        *("notBefore", "expiresAt", "createdBy", "lastUsedAt", "lastUsedIp"),
    }
    assert shown["metadata"] == {}


def test_a_created_key_shows_its_token_where_there_is_one() -> None:
    token = mint()
    assert mapping.created_key(CreatedKey(VIEW, token))["token"] == token.reveal()
    again = mapping.created_key(CreatedKey(VIEW, None, replayed=True))
    assert (again["token"], again["replayed"]) == (None, True)
    assert plain(again["apiKey"]) == plain(mapping.changed_key(VIEW)["apiKey"]) == SHOWN
    assert mapping.deleted_keys(("b", "a")) == {"deletedIds": ["b", "a"]}


def test_a_page_is_a_connection() -> None:
    page = KeyList((VIEW, BARE_VIEW), ("c1", "c2"), more=True)
    shown = mapping.key_page(page, ListKeys(query=KeyQuery()))
    assert [edge["cursor"] for edge in shown["edges"]] == ["c1", "c2"]
    assert [edge["node"]["id"] for edge in shown["edges"]] == [node["id"] for node in shown["nodes"]]
    assert shown["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": "c1",
        "endCursor": "c2",
    }
    empty = mapping.tenant_page(TenantList((), (), more=False), ListTenants(cursor="c2"))
    assert empty == {
        "edges": [],
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None},
    }


def test_the_holder_of_a_key_and_of_a_session() -> None:
    by_key = mapping.viewer(Holder(OWNER, VIEW, None, TENANT, ("admin",)))
    assert by_key["credential"] | {"apiKey": None} == {
        "kind": "KEY",
        "id": "key_1",
        "expiresAt": NOW,
        "apiKey": None,
    }
    assert plain(by_key["credential"]["apiKey"]) == SHOWN
    assert by_key["roles"] == [{"role": "admin", "variables": []}]
    session = Session(
        id="ses_1",
        identity_id="idn_1",
        created_at=NOW,
        seen_at=NOW,
        idle_at=NOW,
        ends_at=NOW,
        created_ip=None,
    )
    by_session = mapping.viewer(Holder(OWNER, None, session, None, ()))
    assert by_session["credential"] == {"kind": "SESSION", "id": "ses_1", "expiresAt": NOW, "apiKey": None}
    assert by_session["tenant"] is None


FACTS = KeyFacts(key=KEY, identity=OWNER, tenant=TENANT, grants=())


def test_a_valid_verdict_tells_about_the_key() -> None:
    shown = plain(mapping.verdict(Decision(Code.VALID, FACTS, TENANT, ("admin",))))
    assert shown == {
        "valid": True,
        "code": Code.VALID,
        "explanation": None,
        "keyId": "key_1",
        "name": "A key",
        "identity": SHOWN["owner"],
        "tenant": SHOWN["tenant"],
        "roles": [{"role": "admin", "variables": []}],
        "scope": SHOWN["scope"],
        "expiresAt": NOW,
        "metadata": {"team": "search"},
    }
    assert plain(mapping.verdict(Decision(Code.VALID, FACTS)))["tenant"] is None


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.VALID])
def test_a_refusal_tells_the_id_at_most(code: Code) -> None:
    assert mapping.verdict(Decision(code, FACTS, TENANT, ("admin",))) == {
        "valid": False,
        "code": code,
        "explanation": None,
        "keyId": "key_1",
    }
    assert mapping.verdict(Decision(code)) == {"valid": False, "code": code, "explanation": None}


def test_an_explanation_tells_the_policy_and_where_it_stands() -> None:
    why = Explanation("scope", "Because.", Policy.parse(["a:b"], None), "scope")
    assert mapping.verdict(Decision(Code.VALID, FACTS, explanation=why))["explanation"] == {
        "check": "scope",
        "detail": "Because.",
        "policy": {"actions": ["a:b"], "resources": None},
        "source": "scope",
    }
    assert mapping.explanation(Explanation("token", "No."))["policy"] is None
    assert mapping.verdict(NOT_FOUND)["valid"] is False


def test_shapes_have_every_field_that_the_schema_declares(schema: GraphQLSchema) -> None:
    """The default resolver would answer null for a name that is spelled otherwise."""
    holder = mapping.viewer(Holder(OWNER, VIEW, None, TENANT, ("admin",)))
    verdict = mapping.verdict(
        Decision(Code.VALID, FACTS, TENANT, explanation=Explanation("a", "b", Policy.parse(["a"], None), "c"))
    )
    page = mapping.key_page(KeyList((VIEW,), ("c",), more=False), ListKeys(query=KeyQuery()))
    tenants = mapping.tenant_page(TenantList((TENANT,), ("c",), more=False), ListTenants())
    shapes = {
        "ApiKey": mapping.key(VIEW),
        "ApiKeyConnection": page,
        "ApiKeyEdge": page["edges"][0],
        "PageInfo": page["pageInfo"],
        "Identity": mapping.identity(OWNER),
        "Tenant": mapping.tenant(TENANT),
        "TenantConnection": tenants,
        "TenantEdge": tenants["edges"][0],
        "Policy": mapping.policy(KEY.scope[0] if KEY.scope else Policy.parse(["a"], None)),
        "HeldRole": holder["roles"][0],
        "Viewer": holder,
        "Credential": holder["credential"],
        "Verdict": verdict,
        "Explanation": verdict["explanation"],
        "CreateApiKeyPayload": mapping.created_key(CreatedKey(VIEW, None)),
        "UpdateApiKeyPayload": mapping.changed_key(VIEW),
        "DeleteApiKeysPayload": mapping.deleted_keys(()),
        "CreateTenantPayload": mapping.created_tenant(CreatedTenant(TENANT)),
    }
    declared = {
        name: set(kind.fields)
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
    }
    for name in ("Query", "Mutation", "RoleVariable"):  # built-in roles have no variables yet
        del declared[name]
    assert {name: set(shape) for name, shape in shapes.items()} == declared


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
        "prefix": "p",
        "tokenHash": "0",
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
        prefix="p",
        token_hash="0",
    )
    assert mapping.new_key({"input": dict.fromkeys(given) | {"name": "x"}}) == NewKey(name="x")
    assert mapping.new_tenant({"input": {"slug": "s"}}) == NewTenant("s")
    assert mapping.new_tenant({"input": {"slug": "s", "name": "S"}}) == NewTenant("s", "S")


def test_every_input_field_is_read(schema: GraphQLSchema) -> None:
    """What a caller may send must mean something; what the services take must be sendable."""

    def declared(name: str) -> set[str]:
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLInputObjectType)
        return set(kind.fields)

    def taken(kind: Any) -> set[str]:
        return {_camel(field.name) for field in fields(kind)}

    assert declared("CreateApiKeyInput") == taken(NewKey) | {"idempotencyKey"}
    assert declared("CreateTenantInput") == taken(NewTenant) | {"idempotencyKey"}
    assert declared("UpdateApiKeyInput") == taken(KeyChanges)
    assert declared("VerifyInput") == taken(Question)
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
}


@given(st.sets(st.sampled_from(sorted(CHANGES))))
def test_only_what_was_sent_is_changed(sent: set[str]) -> None:
    found = mapping.key_changes({"input": {"id": "key_1", **{name: CHANGES[name] for name in sent}}})
    assert found.id == "key_1"
    for field in fields(KeyChanges):
        if field.name != "id":
            assert (getattr(found, field.name) is not UNSET) is (_camel(field.name) in sent)


def test_a_null_clears_what_can_be_empty() -> None:
    clearable = ("handle", "scope", "notBefore", "expiresAt", "allowedCidrs", "metadata")
    found = mapping.key_changes({"input": {"id": "key_1", **dict.fromkeys(clearable)}})
    assert [
        getattr(found, name)
        for name in ("handle", "scope", "not_before", "expires_at", "allowed_cidrs", "metadata")
    ] == [None] * 6
    for name in ("name", "description", "active"):
        with pytest.raises(InvalidType) as caught:
            mapping.key_changes({"input": {"id": "key_1", name: None}})
        assert caught.value.field == name


def test_a_list_is_asked_for() -> None:
    assert mapping.list_keys({}) == ListKeys(query=KeyQuery())
    nothing = {"first": None, "after": None, "filter": None, "orderBy": None}
    assert mapping.list_keys(nothing) == ListKeys(query=KeyQuery())
    empty = ("states", "identityId", "handle", "namePrefix", "created", "expires", "lastUsed", "used")
    assert mapping.list_keys({"filter": dict.fromkeys(empty)}) == ListKeys(query=KeyQuery())
    asked = {
        "first": 7,
        "after": "c",
        "filter": {
            "states": [State.ACTIVE, State.EXPIRED],
            "identityId": "idn_1",
            "handle": "h",
            "namePrefix": "n",
            "created": {"since": NOW},
            "expires": {"until": NOW},
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
            created=Between(since=NOW),
            expires=Between(until=NOW),
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


def test_the_other_inputs_are_read() -> None:
    assert mapping.key_id({"id": "key_1"}).id == "key_1"
    assert mapping.key_ids({"input": {"ids": ["b", "a", "b"]}}).ids == ("b", "a", "b")
    assert mapping.tenant_slug({"slug": "s"}) == TenantSlug("s")
    assert mapping.list_tenants({"first": None, "after": "c"}) == ListTenants(cursor="c")
    assert mapping.list_tenants({"first": 3}) == ListTenants(limit=3)
    assert mapping.question({"input": {}}) == Question()
    asked = {
        "token": "t",
        "tokenHash": "h",
        "tenant": "s",
        "action": "a",
        "resource": "r",
        "ip": "i",
        "explain": True,
    }
    assert mapping.question({"input": asked}) == Question(
        token="t", token_hash="h", tenant="s", action="a", resource="r", ip="i", explain=True
    )
    assert mapping.question({"input": {"explain": None}}).explain is False
