"""Roles with variables through every door, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.door import Refused
from tests.doors.scenarios.test_scenarios import refused
from tests.support.cases import FOR_DIALECTS, use_cases

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

EDITOR: dict[str, Any] = {
    "name": "editor",
    "description": "Writes in given languages",
    "variables": {"language": {"entity": None, "description": "Which"}},
    "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
}


def test_a_role_is_defined_given_and_obeyed(admin: Door) -> None:
    role = admin.do("roles.create", **EDITOR)
    assert {name: role[name] for name in EDITOR} == EDITOR
    assert (role["built_in"], role["by_catalog"]) == (False, False)
    account = admin.do(
        "service_accounts.create",
        name="Translator",
        memberships=[{"role": "editor", "variables": {"language": ["cs"]}}],
    )
    made = admin.create(name="Its key", identity_id=account["id"])
    assert made.token is not None

    def may(resource: str) -> bool:
        return bool(admin.verify(made.token or "", action="article:publish", resource=resource)["valid"])

    assert may("article:cs:1")
    assert not may("article:en:1")
    membership = account["memberships"][0]["id"]
    admin.do("memberships.update", id=membership, variables={"language": ["en", "de"]})
    assert (may("article:cs:1"), may("article:en:1"), may("article:de:1")) == (False, True, True)
    admin.do(
        "roles.update", name="editor", policies=[{"actions": ["article:read"], "resources": ["article:**"]}]
    )
    assert not may("article:en:1")
    assert admin.verify(made.token, action="article:read", resource="article:cs:1")["valid"] is True


def test_roles_are_listed_the_built_in_ones_first(admin: Door) -> None:
    admin.do("roles.create", **EDITOR)
    admin.do("roles.create", name="empty")
    found = admin.do("roles.list")
    assert [role["name"] for role in found] == ["admin", "member", "read_only", "editor", "empty"]
    assert [role["built_in"] for role in found] == [True, True, True, False, False]
    for role in found:
        assert admin.do("roles.get", name=role["name"]) == role
    assert found[0]["policies"] == [{"actions": ["**"], "resources": None}]
    assert (found[0]["created_at"], found[0]["updated_at"]) == (None, None)


def test_a_role_is_changed_and_emptied(admin: Door) -> None:
    before = admin.do("roles.create", **EDITOR)
    changed = admin.do("roles.update", name="editor", description="Less")
    assert (changed["description"], changed["policies"]) == ("Less", EDITOR["policies"])
    assert changed["created_at"] == before["created_at"] < changed["updated_at"]
    emptied = admin.do("roles.update", name="editor", policies=[])
    assert (emptied["policies"], emptied["variables"]) == ([], EDITOR["variables"])
    assert admin.do("roles.update", name="editor", variables={})["variables"] == {}


def test_a_role_is_deleted_when_nobody_holds_it(admin: Door) -> None:
    admin.do("roles.create", name="brief", policies=[{"actions": ["article:read"]}])
    account = admin.do("service_accounts.create", name="One", memberships=[{"role": "brief"}])
    assert refused(lambda: admin.do("roles.delete", name="brief")) == "role_in_use"
    admin.do("memberships.delete", id=account["memberships"][0]["id"])
    admin.do("roles.delete", name="brief")
    assert refused(lambda: admin.do("roles.get", name="brief")) == "not_found"
    assert refused(lambda: admin.do("roles.delete", name="brief")) == "not_found"


def test_a_creation_is_repeated_without_a_second_role(admin: Door) -> None:
    first = admin.do("roles.create", **EDITOR, idempotency_key="job-18")
    assert admin.do("roles.create", **EDITOR, idempotency_key="job-18") == first
    assert refused(lambda: admin.do("roles.create", **EDITOR)) == "role_taken"


def test_another_tenant_has_none_of_them(kind: type[Door], installation: Installation, admin: Door) -> None:
    admin.do("roles.create", **EDITOR)
    other = kind(installation.url, installation.new_tenant()[1])
    assert "editor" not in [role["name"] for role in other.do("roles.list")]
    assert refused(lambda: other.do("roles.get", name="editor")) == "not_found"
    assert refused(lambda: other.do("roles.update", name="editor", description="x")) == "not_found"
    assert refused(lambda: other.do("roles.delete", name="editor")) == "not_found"


def test_over_the_whole_installation_there_are_the_global_ones(
    kind: type[Door], installation: Installation, admin: Door
) -> None:
    everywhere = kind(installation.url, installation.root, "*")
    assert [role["name"] for role in everywhere.do("roles.list")] == [
        "super_admin",
        "monitor",
        "project_creator",
        "project_admin",
        "login",
        "deployer",
    ]
    assert everywhere.do("roles.get", name="login")["policies"] == []
    assert everywhere.do("roles.get", name="monitor")["policies"] == [
        {"actions": ["**:read"], "resources": None}
    ]
    assert refused(lambda: admin.do("roles.get", name="monitor")) == "not_found"
    held = kind(installation.url, admin.token, "*")
    assert refused(lambda: held.do("roles.list")) == "permission_denied"


def test_nobody_hands_out_more_than_they_hold(
    kind: type[Door], installation: Installation, admin: Door
) -> None:
    admin.do("roles.create", name="publisher", policies=[{"actions": ["article:publish"]}])
    scope = [{"actions": ["roles:*", "identities:*", "article:read"], "resources": None}]
    made = admin.create(name="Less", scope=scope)
    less = kind(installation.url, made.token or "")

    def not_held(name: str, /, **fields: Any) -> str | None:
        with pytest.raises(Refused) as caught:
            less.do(name, **fields)
        assert caught.value.code == "beyond_own_rights"
        return caught.value.not_held

    policies = [{"actions": ["article:read"]}, {"actions": ["article:*"], "resources": ["article:cs:**"]}]
    assert not_held("roles.create", name="more", policies=policies) == "article:* on article:cs:**"
    assert less.do("roles.create", name="same", policies=policies[:1])["name"] == "same"
    assert not_held("roles.update", name="same", policies=policies) == "article:* on article:cs:**"
    beyond = "article:publish on everything"
    given = [{"role": "publisher"}]
    assert not_held("service_accounts.create", name="Robot", memberships=given) == beyond
    robot = less.do("service_accounts.create", name="Robot", memberships=[{"role": "same"}])
    assert not_held("memberships.create", identity_id=robot["id"], role="publisher") == beyond
    assert not_held("memberships.create", identity_id=robot["id"], role="admin") == "** on everything"
    held = less.do("service_accounts.get", id=robot["id"])["memberships"]
    assert [one["role"] for one in held] == ["same"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "Upper"}, "invalid_value"),
        ({"name": "admin"}, "role_taken"),
        ({"name": "super_admin"}, "role_taken"),
        ({"name": "x", "policies": [{"actions": ["a b"]}]}, "invalid_policy"),
        ({"name": "x", "policies": [{"actions": ["a:${none}"]}]}, "invalid_policy"),
        ({"name": "x", "variables": {"Upper": {"entity": None}}}, "invalid_value"),
        ({"name": "x", "variables": {"fine": {"entity": "No type"}}}, "invalid_value"),
    ],
)
def test_bad_input_is_refused_alike(admin: Door, fields: dict[str, Any], code: str) -> None:
    assert refused(lambda: admin.do("roles.create", **fields)) == code
    assert len(admin.do("roles.list")) == 3


MUTATIONS: dict[str, dict[str, Any]] = {
    "tenants.update": {"name": "Mine"},
    "tenants.delete": {"force": True},
    "roles.create": {"name": "mine"},
    "roles.update": {"name": "editor", "description": "Mine"},
    "roles.delete": {"name": "editor"},
    "service_accounts.create": {"name": "Mine"},
    "service_accounts.update": {"name": "Mine"},
    "service_accounts.delete": {},
    "memberships.create": {"role": "editor", "variables": {"language": ["cs"]}},
    "memberships.update": {"variables": {"language": ["cs"]}},
    "memberships.delete": {},
}
"""Every change that takes a permission in a tenant, of the nouns that are managed here."""


def test_who_only_reads_sees_everything_and_changes_nothing(
    kind: type[Door], installation: Installation, home: tuple[str, str], admin: Door
) -> None:
    slug = home[0]
    admin.do("roles.create", **EDITOR)
    given = {"role": "editor", "variables": {"language": ["en"]}}
    account = admin.do("service_accounts.create", name="Reader", memberships=[{"role": "read_only"}, given])
    made = admin.create(name="Reads", identity_id=account["id"], scope=[{"actions": ["**:read"]}])
    reader = kind(installation.url, made.token or "")
    membership = account["memberships"][1]["id"]
    asked: dict[str, dict[str, Any]] = {
        "roles.get": {"name": "editor"},
        "service_accounts.get": {"id": account["id"]},
        "memberships.get": {"id": membership},
    }
    nouns = {name.partition(".")[0] for name in MUTATIONS} - {"tenants"} | {"audit"}
    for name, use in use_cases().items():
        if name.partition(".")[0] in nouns and not use.changes and name not in FOR_DIALECTS:
            fields = asked.get(name, {})
            assert reader.do(name, **fields) == admin.do(name, **fields)
    assert (reader.tenants(), reader.get_tenant(slug)) == ([slug], admin.get_tenant(slug))
    assert reader.get(made.id)["name"] == "Reads"

    before = admin.do("audit.list")
    named: dict[str, dict[str, Any]] = {
        "tenants": {"tenant": slug},
        "roles": {},
        "service_accounts": {"id": account["id"]},
        "memberships": {"id": membership},
    }
    changing = {name for name, use in use_cases().items() if use.changes and name.partition(".")[0] in named}
    assert changing - FOR_DIALECTS == MUTATIONS.keys() | {"tenants.create"}
    for name, fields in MUTATIONS.items():
        of = dict(named[name.partition(".")[0]])
        if name == "memberships.create":
            of = {"identity_id": account["id"]}
        elif name == "service_accounts.create":
            of = {}
        assert refused(lambda name=name, of=of, fields=fields: reader.do(name, **of, **fields)) == (  # type: ignore[misc]
            "permission_denied"
        ), name
    assert refused(lambda: reader.create_tenant("mine", "Mine")) == "permission_denied"
    assert refused(lambda: reader.create(name="Mine")) == "permission_denied"
    assert refused(lambda: reader.update(made.id, name="Mine")) == "permission_denied"
    assert refused(lambda: reader.delete(made.id)) == "permission_denied"
    assert admin.do("audit.list") == before
