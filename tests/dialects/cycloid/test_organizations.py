"""What rules may say in an organization: policies, roles, and whether one may do something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.core.own_actions import OWN_ACTIONS
from keywright.dialects.cycloid.setup import CATALOG
from tests.dialects.cycloid.client import Cycloid
from tests.dialects.cycloid.models import checked, refused
from tests.support.keywright import served

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

MORE = {
    "resource_types": [{"name": "invoice", "segments": ["country", "number"]}],
    "roles": {
        "ops": {
            "description": "Looks after projects.",
            "policies": [
                {"actions": ["organization:project:*", "organization:team:read"]},
                {"actions": ["keys:read"], "resources": ["key:*"]},
            ],
        }
    },
}


@pytest.fixture(scope="module")
def admin(keywright: Keywright) -> Cycloid:
    actions = [*CATALOG["actions"], {"name": "invoice:read", "description": "Read an invoice."}]
    keywright.tenant("umbrella", {**CATALOG, **MORE, "actions": actions})
    return Cycloid(keywright, "umbrella", keywright.key("umbrella", "admin")["token"])


def test_policies_are_the_catalog_s_actions_and_our_own(admin: Cycloid) -> None:
    answer = admin.ask("GET", "./policies")
    found = {one["code"]: one for one in checked("[Policy]", answer)}
    assert found.keys() == OWN_ACTIONS | {one["name"] for one in CATALOG["actions"]} | {"invoice:read"}
    assert answer.json()["pagination"]["total"] == len(found)
    assert list(found) == sorted(found)
    assert found["invoice:read"]["description"] == "Read an invoice."
    assert found["invoice:read"]["entities"] == ["country", "number"]
    assert found["invoice:read"]["created_at"] >= found["keys:read"]["created_at"] > 0
    assert len({one["id"] for one in found.values()}) == len(found)
    second = checked("[Policy]", admin.ask("GET", "./policies?page_size=3&page_index=2"))
    assert [one["code"] for one in second] == list(found)[3:6]


def test_roles(admin: Cycloid) -> None:
    found = {one["canonical"]: one for one in checked("[Role]", admin.ask("GET", "./roles"))}
    assert found.keys() == {"admin", "member", "read_only", "ops"}
    assert [one for one, role in found.items() if not role["default"]] == ["ops"]
    assert [(one["id"], one["action"], one["resources"]) for one in found["ops"]["rules"]] == [
        (0, "organization:project:*", []),
        (1, "organization:team:read", []),
        (2, "keys:read", ["key:*"]),
    ]
    assert found["ops"]["updated_at"] >= found["ops"]["created_at"]


@pytest.fixture(scope="module")
def confined(admin: Cycloid) -> Cycloid:
    """A key that may read one project and what is in it, teams, and one invoice."""
    project = "organization:umbrella:project:alpha"
    rules = [
        {
            "action": "organization:*:read",
            "effect": "allow",
            "resources": [project, f"{project}:environment:*"],
        },
        {"action": "organization:team:read", "effect": "allow"},
        {"action": "invoice:read", "effect": "allow", "resources": ["invoice:42"]},
    ]
    return admin.other(admin.make("Asks itself", *rules)["token"])


@pytest.mark.parametrize(
    ("action", "canonicals", "ok"),
    [
        ("organization:project:read", [], False),
        ("organization:project:read", ["alpha"], True),
        ("organization:project:read", ["beta"], False),
        ("organization:project:update", ["alpha"], False),
        ("organization:environment:read", ["alpha", "prod"], True),
        ("organization:environment:read", ["beta", "prod"], False),
        ("organization:team:read", [], True),
        ("organization:team:read", ["ops"], True),
        ("organization:team:create", [], False),
        ("invoice:read", ["42"], True),
        ("invoice:read", ["43"], False),
        ("organization:*:read", [], False),
        ("not an action", [], False),
        ("organization:project:read", ["two words"], False),
    ],
)
def test_what_a_key_may_do(confined: Cycloid, action: str, canonicals: list[str], ok: bool) -> None:
    body = {"action": action, "entity_canonicals": canonicals}
    assert checked("CanDo", confined.ask("POST", "./can_do", body)) == {"ok": ok}


def test_what_a_user_and_a_global_key_may_do(admin: Cycloid) -> None:
    keywright = admin.keywright
    keywright.person("ops-user", "umbrella", "ops")
    keywright.person("read-user", "umbrella", "read_only")
    globally = keywright.key(None, "monitor")["token"]
    body = {"action": "organization:project:create", "entity_canonicals": []}
    # A role that does not let its holder see the organization leaves it unseen here too.
    refused(admin.other(keywright.session("ops-user")).ask("POST", "./can_do", body), 404, "NotFoundEntity")
    reader = admin.other(keywright.session("read-user"))
    for caller in (reader, admin.other(globally)):
        assert checked("CanDo", caller.ask("POST", "./can_do", body)) == {"ok": False}
        reading = body | {"action": "organization:project:read"}
        assert checked("CanDo", caller.ask("POST", "./can_do", reading)) == {"ok": True}


@pytest.mark.parametrize(
    ("action", "canonicals"),
    [
        ("organization:team:read", ["a", "b"]),
        ("organization:project:environment:read", ["a"]),
        ("read", ["a"]),
    ],
)
def test_canonicals_that_the_action_has_no_kinds_for(
    admin: Cycloid, action: str, canonicals: list[str]
) -> None:
    body = {"action": action, "entity_canonicals": canonicals}
    assert refused(admin.ask("POST", "./can_do", body), 422, "Invalid")


def test_the_installation_is_no_organization(admin: Cycloid) -> None:
    everything = Cycloid(admin.keywright, "*", admin.keywright.session())
    for path in ("./api_keys", "./roles", "./policies", "/organizations/*"):
        refused(everything.ask("GET", path), 404, "NotFoundEntity")
    refused(everything.ask("POST", "./api_keys", {"name": "Global", "rules": []}), 404, "NotFoundEntity")


def test_one_organization_alone_where_the_setting_names_it() -> None:
    with served(KEYWRIGHT_DIALECTS="cycloid=acme") as keywright:
        for slug in ("acme", "globex"):
            keywright.tenant(slug)
        keywright.person("anna-doe", "acme")
        session = keywright.session()
        user = Cycloid(keywright, "acme", session)
        assert [one["canonical"] for one in checked("[Organization]", user.ask("GET", "/organizations"))] == [
            "acme"
        ]
        other = user.other(session, "globex")
        for path in ("./api_keys", "/organizations/globex", "./policies", "./api_keys/x-y-z"):
            refused(other.ask("GET", path), 404, "NotFoundEntity")
        assert user.ask("GET", "./api_keys").status_code == 200
        refused(user.ask("GET", "/user/refresh_token?organization_canonical=globex"), 404, "NotFoundEntity")
