"""Tenants' settings, service accounts, roles, memberships and the audit trail: in, out, and complete."""

from __future__ import annotations

from dataclasses import fields as fields_of
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType
from msgspec import UNSET

from keywright.api.graphql import audit, memberships, roles, service_accounts, tenants
from keywright.core.audit import SYSTEM, Actor, ActorKind, AuditEntry, Change
from keywright.core.errors import InvalidType, InvalidValue
from keywright.core.identities import (
    Grant,
    Identity,
    IdentityKind,
    Membership,
    Tenant,
    TenantSettings,
)
from keywright.core.limits import Limit
from keywright.core.roles import ADMIN, TENANT_ROLES, DefinedRole, PolicyTemplate, Role, Variable
from keywright.services.cursors import Listed
from keywright.services.limits import LimitInput
from keywright.services.memberships import (
    CreatedMembership,
    ListMemberships,
    MembershipChanges,
    MembershipId,
    MembershipView,
    NewMembership,
    RoleInput,
)
from keywright.services.roles import CreatedRole, NewRole, RoleChanges, RoleName, RoleView, VariableInput
from keywright.services.service_accounts import (
    CreatedServiceAccount,
    ListServiceAccounts,
    NewServiceAccount,
    ServiceAccountChanges,
    ServiceAccountId,
    ServiceAccountView,
)
from keywright.services.tenants import SettingsChanges, TenantChanges, TenantDeletion
from keywright.services.trail import EntryView, ListEntries

if TYPE_CHECKING:
    from graphql import GraphQLSchema

NOW = datetime(2030, 1, 2, tzinfo=UTC)
LIMIT = Limit("burst", 100, 1)
SETTINGS = TenantSettings(
    key_prefix="acme",
    max_key_lifetime_seconds=60,
    keys_must_expire=True,
    two_factor_required=True,
    default_limits=(LIMIT,),
    limits=(Limit("daily", 1_000, 86_400),),
)
TENANT = Tenant(id="ten_1", slug="blog", name="Blog", active=True, created_at=NOW, settings=SETTINGS)
ROBOT = Identity(
    id="idn_1",
    kind=IdentityKind.SERVICE_ACCOUNT,
    name="Robot",
    active=True,
    tenant_id="ten_1",
    created_at=NOW,
    description="Works",
    limits=(LIMIT,),
)
HELD = Membership(
    id="mem_1",
    identity_id="idn_1",
    grant=Grant("editor", "ten_1", (("language", ("cs", "en")),)),
    by_sign_on=True,
    created_at=NOW,
    created_by="idn_2",
)
ROLE = Role(
    "editor",
    "Writes",
    (Variable("language", "locale", "Which"),),
    (PolicyTemplate.of(["article:*"], ["article:${language}:**"]), PolicyTemplate.of(["a"])),
)
DEFINED = DefinedRole(
    id="rol_1", tenant_id="ten_1", role=ROLE, by_catalog=True, created_at=NOW, updated_at=NOW
)
ROLE_VIEW = RoleView(ROLE, DEFINED)
MEMBERSHIP_VIEW = MembershipView(HELD, ROBOT, TENANT)
ACCOUNT_VIEW = ServiceAccountView(ROBOT, (HELD,))
ENTRY = AuditEntry(
    id="aud_1",
    at=NOW,
    tenant_id="ten_1",
    actor=Actor(kind=ActorKind.KEY, identity_id="idn_1", key_id="key_1"),
    action="key.create",
    target_type="key",
    target_id="key_2",
    ip="192.0.2.1",
    request_id="r",
    changes={"name": Change(None, "New")},
)
ENTRY_VIEW = EntryView(ENTRY, ROBOT, TENANT)
VALUES = [{"name": "language", "values": ["cs", "en"]}]
DECLARED = [{"name": "language", "entity": "locale", "description": "Which"}]
POLICIES = [
    {"actions": ["article:*"], "resources": ["article:${language}:**"]},
    {"actions": ["a"], "resources": None},
]


def test_a_tenant_is_changed_by_what_was_sent() -> None:
    assert tenants.tenant_changes({"input": {"tenant": "a"}}) == TenantChanges(slug="a")
    none = {"tenant": "a", "settings": None}
    assert tenants.tenant_changes({"input": none}) == TenantChanges(slug="a")
    limit = {"name": "burst", "limit": 100, "windowSeconds": 1}
    settings = {
        "keyPrefix": None,
        "maxKeyLifetimeSeconds": None,
        "keysMustExpire": False,
        "twoFactorRequired": True,
        "defaultLimits": [limit],
        "limits": [],
    }
    given = {"tenant": "a", "slug": "b", "name": "B", "active": False, "settings": settings}
    assert tenants.tenant_changes({"input": given}) == TenantChanges(
        slug="a",
        new_slug="b",
        name="B",
        active=False,
        settings=SettingsChanges(
            key_prefix=None,
            max_key_lifetime_seconds=None,
            keys_must_expire=False,
            two_factor_required=True,
            default_limits=(LimitInput("burst", 100, 1),),
            limits=(),
        ),
    )
    assert tenants.deletion({"input": {"tenant": "a"}}) == TenantDeletion("a")
    assert tenants.deletion({"input": {"tenant": "a", "force": None}}) == TenantDeletion("a")
    assert tenants.deletion({"input": {"tenant": "a", "force": True}}) == TenantDeletion("a", force=True)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        *(({name: None}, name) for name in ("slug", "name", "active")),
        *(
            ({"settings": {name: None}}, f"settings.{name}")
            for name in ("keysMustExpire", "twoFactorRequired", "defaultLimits", "limits")
        ),
    ],
    ids=str,
)
def test_a_null_that_clears_nothing_of_a_tenant_is_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidType) as caught:
        tenants.tenant_changes({"input": {"tenant": "a", **given}})
    assert caught.value.field == field


def test_roles_are_read() -> None:
    assert roles.new_role({"input": {"name": "a"}}) == NewRole(name="a")
    empty = {"name": "a", "description": None, "variables": None, "policies": None}
    assert roles.new_role({"input": empty}) == NewRole(name="a")
    given = {"name": "a", "description": "A", "variables": DECLARED, "policies": POLICIES}
    variables = (VariableInput("language", "locale", "Which"),)
    policies = ((("article:*",), ("article:${language}:**",)), (("a",), None))
    whole = NewRole(name="a", description="A", variables=variables, policies=policies)
    assert roles.new_role({"input": given}) == whole
    bare = {"name": "a", "variables": [{"name": "x", "entity": None, "description": None}]}
    assert roles.new_role({"input": bare}).variables == (VariableInput("x"),)
    assert roles.role_changes({"input": {"name": "a"}}) == RoleChanges(name="a")
    assert roles.role_changes({"input": given}) == RoleChanges(
        name="a", description="A", variables=variables, policies=policies
    )
    emptied = {"name": "a", "description": "", "variables": [], "policies": []}
    assert roles.role_changes({"input": emptied}) == RoleChanges(
        name="a", description="", variables=(), policies=()
    )
    for name in ("description", "variables", "policies"):
        with pytest.raises(InvalidType):
            roles.role_changes({"input": {"name": "a", name: None}})


def test_memberships_are_read() -> None:
    given = {"identityId": "idn_1", "role": "editor"}
    assert memberships.new_membership({"input": given}) == NewMembership(identity_id="idn_1", role="editor")
    whole = {**given, "variables": VALUES}
    assert memberships.new_membership({"input": whole}) == NewMembership(
        identity_id="idn_1", role="editor", variables={"language": ("cs", "en")}
    )
    change = {"id": "mem_1", "variables": VALUES}
    assert memberships.membership_changes({"input": change}) == MembershipChanges(
        "mem_1", {"language": ("cs", "en")}
    )
    with pytest.raises(InvalidValue):
        memberships.membership_changes({"input": {"id": "mem_1", "variables": VALUES * 2}})
    assert memberships.asked({"filter": None}) == ListMemberships()
    wanted = {"first": 3, "after": "c", "filter": {"identityId": "idn_1", "role": "editor"}}
    assert memberships.asked(wanted) == ListMemberships(
        identity_id="idn_1", role="editor", limit=3, cursor="c"
    )


def test_service_accounts_are_read() -> None:
    assert service_accounts.new_account({"input": {"name": "a"}}) == NewServiceAccount(name="a")
    empty = {"name": "a", "description": None, "memberships": None, "limits": None}
    assert service_accounts.new_account({"input": empty}) == NewServiceAccount(name="a")
    limits = [{"name": "burst", "limit": 100, "windowSeconds": 1}]
    roles = [{"role": "editor", "variables": VALUES}]
    given = {"name": "a", "description": "A", "memberships": roles, "limits": limits}
    assert service_accounts.new_account({"input": given}) == NewServiceAccount(
        name="a",
        description="A",
        memberships=(RoleInput("editor", {"language": ("cs", "en")}),),
        limits=(LimitInput("burst", 100, 1),),
    )
    assert service_accounts.account_changes({"input": {"id": "i"}}) == ServiceAccountChanges(id="i")
    whole = {"id": "i", "name": "a", "description": "", "active": False, "limits": limits}
    assert service_accounts.account_changes({"input": whole}) == ServiceAccountChanges(
        id="i", name="a", description="", active=False, limits=(LimitInput("burst", 100, 1),)
    )
    for name in ("name", "description", "active", "limits"):
        with pytest.raises(InvalidType):
            service_accounts.account_changes({"input": {"id": "i", name: None}})
    assert service_accounts.asked({"first": 3, "after": "c"}) == ListServiceAccounts(limit=3, cursor="c")
    for given in ({}, {"filter": None}, {"filter": {"search": None}}):
        assert service_accounts.asked({"first": 3, **given}) == ListServiceAccounts(limit=3)
    asked = {"first": 3, "filter": {"search": "jobs"}}
    assert service_accounts.asked(asked) == ListServiceAccounts(search="jobs", limit=3)


def test_a_question_for_the_trail_is_read() -> None:
    assert audit.asked({}) == ListEntries()
    wanted = {"actor": "idn_1", "target": "key_1", "action": "key.*", "since": NOW, "until": NOW}
    assert audit.asked({"first": 3, "after": "c", "filter": wanted}) == ListEntries(
        **wanted, limit=3, cursor="c"
    )


def test_every_input_field_is_read(schema: GraphQLSchema) -> None:
    """A field that is added to a use case has to be added here too."""

    def declared(name: str) -> set[str]:
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLInputObjectType)
        return set(kind.fields) - {"wait"}  # which is read for every field alike

    def taken(kind: Any, *, but: set[str] = frozenset()) -> set[str]:  # type: ignore[assignment]
        names = {field.name for field in fields_of(kind)} - but
        return {"".join([name.split("_")[0], *(w.title() for w in name.split("_")[1:])]) for name in names}

    again = {"idempotencyKey"}
    assert declared("UpdateTenantInput") == taken(TenantChanges, but={"new_slug"}) | {"tenant"}
    assert declared("TenantSettingsInput") == taken(SettingsChanges)
    assert declared("LimitInput") == {"name", "limit", "windowSeconds"}
    assert LimitInput._fields == ("name", "limit", "window_seconds")
    assert declared("DeleteTenantInput") == taken(TenantDeletion, but={"slug"}) | {"tenant"}
    assert declared("CreateRoleInput") == taken(NewRole) | again
    assert declared("UpdateRoleInput") == taken(RoleChanges)
    assert declared("RoleVariableDefinitionInput") == taken(VariableInput)
    assert declared("CreateMembershipInput") == taken(NewMembership) | again
    assert declared("UpdateMembershipInput") == taken(MembershipChanges)
    assert declared("MembershipFilter") == taken(ListMemberships, but={"limit", "cursor"})
    assert declared("CreateServiceAccountInput") == taken(NewServiceAccount) | again
    assert declared("UpdateServiceAccountInput") == taken(ServiceAccountChanges)
    assert declared("AuditFilter") == taken(ListEntries, but={"limit", "cursor"})


def test_a_tenant_is_shown_with_its_settings() -> None:
    assert tenants.tenant(TENANT)["settings"] == {
        "keyPrefix": "acme",
        "maxKeyLifetimeSeconds": 60,
        "keysMustExpire": True,
        "twoFactorRequired": True,
        "defaultLimits": [{"name": "burst", "limit": 100, "windowSeconds": 1}],
        "limits": [{"name": "daily", "limit": 1_000, "windowSeconds": 86_400}],
    }
    assert memberships.membership(MEMBERSHIP_VIEW)["tenant"]["settings"] is None


def test_a_role_is_shown_whole() -> None:
    assert roles.role(ROLE_VIEW) == {
        "name": "editor",
        "description": "Writes",
        "variables": DECLARED,
        "policies": POLICIES,
        "builtIn": False,
        "byCatalog": True,
        "createdAt": NOW,
        "updatedAt": NOW,
    }
    built_in = roles.role(RoleView(TENANT_ROLES[ADMIN]))
    assert (built_in["builtIn"], built_in["byCatalog"]) == (True, False)
    assert (built_in["createdAt"], built_in["updatedAt"]) == (None, None)


def test_a_membership_and_a_service_account_are_shown_whole() -> None:
    robot = {"id": "idn_1", "kind": IdentityKind.SERVICE_ACCOUNT, "name": "Robot"}
    shown = memberships.membership(MEMBERSHIP_VIEW)
    assert shown | {"tenant": None} == {
        "id": "mem_1",
        "identity": robot,
        "tenant": None,
        "role": "editor",
        "variables": VALUES,
        "bySignOn": True,
        "createdAt": NOW,
        "createdBy": "idn_2",
    }
    assert shown["tenant"]["slug"] == "blog"
    assert memberships.membership(MembershipView(HELD, ROBOT, None))["tenant"] is None
    assert service_accounts.account(ACCOUNT_VIEW) == {
        "id": "idn_1",
        "name": "Robot",
        "description": "Works",
        "active": True,
        "createdAt": NOW,
        "memberships": [{"id": "mem_1", "role": "editor", "variables": VALUES}],
        "limits": [{"name": "burst", "limit": 100, "windowSeconds": 1}],
    }


def test_an_entry_is_shown_whole() -> None:
    shown = audit.entry(ENTRY_VIEW)
    assert shown["tenant"]["slug"] == "blog"
    assert shown | {"tenant": None} == {
        "id": "aud_1",
        "at": NOW,
        "tenant": None,
        "actor": {
            "kind": ActorKind.KEY,
            "identity": {"id": "idn_1", "kind": IdentityKind.SERVICE_ACCOUNT, "name": "Robot"},
            "keyId": "key_1",
            "sessionId": None,
        },
        "action": "key.create",
        "target": {"type": "key", "id": "key_2"},
        "ip": "192.0.2.1",
        "requestId": "r",
        "changes": {"name": {"before": None, "after": "New"}},
    }
    by_itself = audit.entry(EntryView(AuditEntry(**{**_parts(ENTRY), "actor": SYSTEM}), None, None))
    assert (by_itself["actor"]["identity"], by_itself["tenant"]) == (None, None)


def _parts(entry: AuditEntry) -> dict[str, Any]:
    return {field.name: getattr(entry, field.name) for field in fields_of(entry)}


def test_shapes_have_every_field_that_the_schema_declares(schema: GraphQLSchema) -> None:
    """The default resolver would answer null for a name that is spelled otherwise."""
    tenant, role = tenants.tenant(TENANT), roles.role(ROLE_VIEW)
    account, entry = service_accounts.account(ACCOUNT_VIEW), audit.entry(ENTRY_VIEW)
    held = memberships.membership_page(Listed((MEMBERSHIP_VIEW,), ("c",), more=True), ListMemberships())
    accounts = service_accounts.account_page(
        Listed((ACCOUNT_VIEW,), ("c",), more=True), ListServiceAccounts()
    )
    entries = audit.entry_page(Listed((ENTRY_VIEW,), ("c",), more=True), ListEntries())
    shapes = {
        "Tenant": tenant,
        "TenantSettings": tenant["settings"],
        "Limit": tenant["settings"]["defaultLimits"][0],
        "UpdateTenantPayload": tenants.changed_tenant(TENANT),
        "DeleteTenantPayload": tenants.deleted_tenant(None, TenantDeletion("a")),
        "Role": role,
        "RoleVariableDefinition": role["variables"][0],
        "Policy": role["policies"][0],
        "CreateRolePayload": roles.created_role(CreatedRole(ROLE_VIEW)),
        "UpdateRolePayload": roles.changed_role(ROLE_VIEW),
        "DeleteRolePayload": roles.deleted_role(None, RoleName("a")),
        "Membership": held["nodes"][0],
        "RoleVariable": held["nodes"][0]["variables"][0],
        "MembershipConnection": held,
        "MembershipEdge": held["edges"][0],
        "CreateMembershipPayload": memberships.created_membership(CreatedMembership(MEMBERSHIP_VIEW)),
        "UpdateMembershipPayload": memberships.changed_membership(MEMBERSHIP_VIEW),
        "DeleteMembershipPayload": memberships.deleted_membership(None, MembershipId("a")),
        "ServiceAccount": account,
        "GivenRole": account["memberships"][0],
        "ServiceAccountConnection": accounts,
        "ServiceAccountEdge": accounts["edges"][0],
        "CreateServiceAccountPayload": service_accounts.created_account(CreatedServiceAccount(ACCOUNT_VIEW)),
        "UpdateServiceAccountPayload": service_accounts.changed_account(ACCOUNT_VIEW),
        "DeleteServiceAccountPayload": service_accounts.deleted_account(None, ServiceAccountId("a")),
        "AuditEntry": entry,
        "Actor": entry["actor"],
        "AuditTarget": entry["target"],
        "AuditEntryConnection": entries,
        "AuditEntryEdge": entries["edges"][0],
    }
    for name, shape in shapes.items():
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        assert set(shape) == set(kind.fields) - {"receipt"}, name  # which is added to every shape alike


def test_what_is_left_out_of_a_change_is_unset() -> None:
    assert tenants.tenant_changes({"input": {"tenant": "a"}}).settings.default_limits is UNSET
