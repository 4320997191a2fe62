"""From what the services give to the shapes of GraphQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from graphql import GraphQLObjectType

from keywright.api.graphql import keys, mapping, tenants
from keywright.core.decision import NOT_FOUND, Code, Decision, Explanation
from keywright.core.identities import HeldRole, Identity, IdentityKind, Tenant
from keywright.core.keys import Key, State
from keywright.core.limits import Bucket, Credits, Every, Level, Limit, LimitState, Refill, Taken
from keywright.core.listing import KeyQuery
from keywright.core.permissions import Policy
from keywright.core.ports import KeyFacts
from keywright.core.sessions import Session
from keywright.core.tokens import mint
from keywright.services.keys import CreatedKey, KeyList, KeyView, ListKeys, TransferredKey
from keywright.services.tenants import CreatedTenant, ListTenants, TenantList
from keywright.services.users import UserView
from keywright.services.whoami import Holder
from keywright.storage.people import Person

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
    limits=(Limit("burst", 100, 1),),
    credits=Credits(10, Refill(1_000, Every.DAY), NOW),
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
    "tenant": {
        "id": "ten_1",
        "slug": "blog",
        "name": "Blog",
        "active": True,
        "createdAt": NOW,
        "settings": None,
    },
    "scope": [{"actions": ["a:b"], "resources": ["a:1"]}, {"actions": ["c:*"], "resources": None}],
    "allowedCidrs": ["10.0.0.0/8", "2001:db8::/32"],
    "notBefore": NOW,
    "expiresAt": NOW,
    "createdAt": NOW,
    "createdBy": "idn_2",
    "lastUsedAt": NOW,
    "lastUsedIp": "192.0.2.1",
    "metadata": {"team": "search"},
    "limits": [{"name": "burst", "limit": 100, "windowSeconds": 1}],
    "credits": {"remaining": 10, "refill": {"amount": 1_000, "every": Every.DAY}, "refillAt": NOW},
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
        *("notBefore", "expiresAt", "createdBy", "lastUsedAt", "lastUsedIp", "limits", "credits"),
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
    empty = tenants.tenant_page(TenantList((), (), more=False), ListTenants(cursor="c2"))
    assert empty == {
        "edges": [],
        "nodes": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": None},
    }


def test_the_holder_of_a_key_and_of_a_session() -> None:
    by_key = mapping.viewer(Holder(OWNER, VIEW, None, TENANT, (ADMIN,)))
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
        proved_at=NOW,
    )
    by_session = mapping.viewer(Holder(OWNER, None, session, None, ()))
    assert by_session["credential"] == {"kind": "SESSION", "id": "ses_1", "expiresAt": NOW, "apiKey": None}
    assert by_session["tenant"] is None
    assert by_session["passwordChangeDue"] is False
    generated = UserView(Person(OWNER, "ada", "hash", password_generated=True), (), two_factor=False)
    due = mapping.viewer(Holder(OWNER, None, session, None, (), generated))
    assert due["passwordChangeDue"] is True


ADMIN = HeldRole("admin")
EDITOR = HeldRole("editor", (("language", ("cs", "en")),))
FACTS = KeyFacts(key=KEY, identity=OWNER, tenant=TENANT, grants=())


def test_a_valid_verdict_tells_about_the_key() -> None:
    shown = plain(mapping.verdict(Decision(Code.VALID, FACTS, TENANT, (ADMIN,))))
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
    assert mapping.verdict(Decision(code, FACTS, TENANT, (ADMIN,))) == {
        "valid": False,
        "code": code,
        "explanation": None,
        "keyId": "key_1",
    }
    assert mapping.verdict(Decision(code)) == {"valid": False, "code": code, "explanation": None}


ROOM = LimitState(Bucket(Level.KEY, "key_1", Limit("burst", 100, 1)), 99, 0.01)
NO_ROOM = LimitState(Bucket(Level.TENANT, "ten_1", Limit("daily", 10, 86_400)), 0, 80_000.0004)
TAKEN = Taken((ROOM, NO_ROOM), NO_ROOM, 2_240.2, local=True)


def test_where_limits_stand_is_told_whatever_the_verdict() -> None:
    refused = mapping.verdict(Decision(Code.RATE_LIMITED, FACTS, limits=TAKEN))
    assert refused == {
        "valid": False,
        "code": Code.RATE_LIMITED,
        "explanation": None,
        "keyId": "key_1",
        "limits": [
            {
                "level": Level.KEY,
                "name": "burst",
                "limit": 100,
                "windowSeconds": 1,
                "remaining": 99,
                "resetSeconds": 0.01,
            },
            {
                "level": Level.TENANT,
                "name": "daily",
                "limit": 10,
                "windowSeconds": 86_400,
                "remaining": 0,
                "resetSeconds": 80_000.0,
            },
        ],
        "refusedBy": {"level": Level.TENANT, "name": "daily"},
        "retryAfterSeconds": 2_241,
        "limitsLocal": True,
    }
    passed = mapping.verdict(Decision(Code.VALID, FACTS, limits=Taken((ROOM,)), credits_left=0))
    assert passed["limits"] == refused["limits"][:1]
    assert (passed["refusedBy"], passed["retryAfterSeconds"], passed["limitsLocal"]) == (None, None, False)
    assert passed["creditsLeft"] == 0
    spent = mapping.verdict(Decision(Code.CREDITS_EXHAUSTED, FACTS, credits_left=3))
    assert spent["creditsLeft"] == 3
    assert "limits" not in spent


MOVED = TransferredKey(VIEW, True, (Policy.parse(["a:b"], ["a:1"]),), (Policy.parse(["c:*"], None),))


def test_a_change_of_owner_tells_what_is_gained_and_lost() -> None:
    assert plain(keys.transferred_key(MOVED)) == {
        "apiKey": SHOWN,
        "confirmed": True,
        "gained": [{"actions": ["a:b"], "resources": ["a:1"]}],
        "lost": [{"actions": ["c:*"], "resources": None}],
    }


def test_a_role_tells_the_values_of_its_variables() -> None:
    shown = mapping.verdict(Decision(Code.VALID, FACTS, TENANT, (EDITOR,)))
    variables = [{"name": "language", "values": ["cs", "en"]}]
    assert shown["roles"] == [{"role": "editor", "variables": variables}]
    assert mapping.viewer(Holder(OWNER, VIEW, None, TENANT, (EDITOR,)))["roles"] == shown["roles"]


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
    holder = mapping.viewer(Holder(OWNER, VIEW, None, TENANT, (ADMIN,)))
    verdict = mapping.verdict(
        Decision(
            Code.VALID,
            FACTS,
            TENANT,
            explanation=Explanation("a", "b", Policy.parse(["a"], None), "c"),
            limits=TAKEN,
            credits_left=1,
        )
    )
    page = mapping.key_page(KeyList((VIEW,), ("c",), more=False), ListKeys(query=KeyQuery()))
    page_of_tenants = tenants.tenant_page(TenantList((TENANT,), ("c",), more=False), ListTenants())
    shapes = {
        "ApiKey": mapping.key(VIEW),
        "ApiKeyConnection": page,
        "ApiKeyEdge": page["edges"][0],
        "PageInfo": page["pageInfo"],
        "Identity": mapping.identity(OWNER),
        "Tenant": tenants.tenant(TENANT),
        "TenantConnection": page_of_tenants,
        "TenantEdge": page_of_tenants["edges"][0],
        "Policy": mapping.policy(KEY.scope[0] if KEY.scope else Policy.parse(["a"], None)),
        "HeldRole": holder["roles"][0],
        "RoleVariable": mapping.roles([EDITOR])[0]["variables"][0],
        "Viewer": holder,
        "Credential": holder["credential"],
        "Verdict": verdict,
        "Explanation": verdict["explanation"],
        "LimitState": verdict["limits"][0],
        "LimitName": verdict["refusedBy"],
        "Limit": mapping.key(VIEW)["limits"][0],
        "Credits": mapping.key(VIEW)["credits"],
        "Refill": mapping.key(VIEW)["credits"]["refill"],
        "CreateApiKeyPayload": mapping.created_key(CreatedKey(VIEW, None)),
        "TransferApiKeyPayload": keys.transferred_key(MOVED),
        "UpdateApiKeyPayload": mapping.changed_key(VIEW),
        "DeleteApiKeysPayload": mapping.deleted_keys(()),
        "CreateTenantPayload": tenants.created_tenant(CreatedTenant(TENANT)),
    }
    for name, shape in shapes.items():
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        assert set(shape) == set(kind.fields) - {"receipt"}, name  # which is added to every shape alike
