"""Tenants and their settings through every door, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.cli_door import CliDoor
from tests.doors.scenarios.test_scenarios import later, refused

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

SETTINGS: dict[str, Any] = {
    "key_prefix": "acme",
    "max_key_lifetime_seconds": 86_400,
    "keys_must_expire": True,
    "two_factor_required": False,
    "default_limits": [{"name": "burst", "limit": 100, "window_seconds": 1}],
    "limits": [
        {"name": "burst", "limit": 1_000, "window_seconds": 1},
        {"name": "daily", "limit": 1_000_000, "window_seconds": 86_400},
    ],
}
NONE: dict[str, Any] = {
    "key_prefix": None,
    "max_key_lifetime_seconds": None,
    "keys_must_expire": False,
    "two_factor_required": False,
    "default_limits": [],
    "limits": [],
}


def test_settings_hold_for_new_keys(home: tuple[str, str], admin: Door) -> None:
    slug = home[0]
    changed = admin.do("tenants.update", tenant=slug, settings=SETTINGS)
    assert changed["settings"] == SETTINGS
    assert refused(lambda: admin.create(name="Endless")) == "expiry_required"
    assert refused(lambda: admin.create(name="Long", expires_at=later(days=2))) == "lifetime_too_long"
    made = admin.create(name="Fine", expires_at=later(hours=2))
    assert (made.token or "").startswith("acme_")
    less = admin.do("tenants.update", tenant=slug, settings={"keys_must_expire": False, "key_prefix": None})
    assert less["settings"] == SETTINGS | {"keys_must_expire": False, "key_prefix": None}
    nothing: dict[str, Any] = {"max_key_lifetime_seconds": None, "default_limits": [], "limits": []}
    emptied = admin.do("tenants.update", tenant=slug, settings=nothing)
    assert emptied["settings"] == NONE
    assert (admin.create(name="Endless").token or "").startswith("kw_")


def test_a_tenant_is_renamed(
    kind: type[Door], installation: Installation, home: tuple[str, str], admin: Door, root: Door
) -> None:
    slug = home[0]
    changed = admin.do("tenants.update", tenant=slug, slug=f"{slug}-new", name="Another")
    assert (changed["slug"], changed["name"], changed["active"]) == (f"{slug}-new", "Another", True)
    assert refused(lambda: root.get_tenant(slug)) == "not_found"
    assert admin.get_tenant(f"{slug}-new")["name"] == "Another"
    other = installation.new_tenant()[0]
    assert refused(lambda: admin.do("tenants.update", tenant=f"{slug}-new", slug=other)) == "slug_taken"
    assert refused(lambda: admin.do("tenants.update", tenant=other, name="Mine")) == "not_found"


def test_the_command_line_names_a_tenant_whichever_its_calls_are_for(
    installation: Installation, home: tuple[str, str]
) -> None:
    slug = home[0]
    elsewhere = CliDoor(installation.url, installation.root, "default")
    assert elsewhere.do("tenants.update", tenant=slug, name="From elsewhere")["name"] == "From elsewhere"
    elsewhere.do("tenants.delete", tenant=slug, force=True)


def test_disabling_takes_the_permission_everywhere(home: tuple[str, str], admin: Door, root: Door) -> None:
    slug = home[0]
    account = admin.do("service_accounts.create", name="Admin", memberships=[{"role": "admin"}])
    scope = [{"actions": ["**"]}]
    own = type(admin)(admin.url, admin.create(name="Own", identity_id=account["id"], scope=scope).token or "")
    assert refused(lambda: own.do("tenants.update", tenant=slug, active=False)) == "permission_denied"
    assert root.do("tenants.update", tenant=slug, active=False)["active"] is False
    assert root.verify(own.token)["code"] == "TENANT_DISABLED"
    assert root.do("tenants.update", tenant=slug, active=True)["active"] is True
    assert own.get_tenant(slug)["active"] is True


def test_a_tenant_is_deleted_with_everything_in_it(home: tuple[str, str], admin: Door, root: Door) -> None:
    slug = home[0]
    assert refused(lambda: admin.do("tenants.delete", tenant=slug, force=True)) == "own_key"
    assert refused(lambda: root.do("tenants.delete", tenant=slug)) == "tenant_not_empty"
    assert refused(lambda: root.do("tenants.delete", tenant=slug, force=False)) == "tenant_not_empty"
    assert root.get_tenant(slug)["slug"] == slug
    root.do("tenants.delete", tenant=slug, force=True)
    assert refused(lambda: root.get_tenant(slug)) == "not_found"
    assert refused(lambda: root.do("tenants.delete", tenant=slug, force=True)) == "not_found"
    assert refused(admin.whoami) == "unauthenticated"
    assert root.verify(admin.token)["code"] == "NOT_FOUND"
    root.create_tenant(slug, "Again")
    root.do("tenants.delete", tenant=slug)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"slug": "Not A Slug"}, "invalid_value"),
        ({"name": " "}, "invalid_value"),
        ({"settings": {"key_prefix": "Upper"}}, "invalid_value"),
        ({"settings": {"max_key_lifetime_seconds": 1}}, "invalid_value"),
        ({"settings": {"max_key_lifetime_seconds": 2_000_000_000}}, "invalid_value"),
        ({"settings": {"default_limits": [{"name": "a", "limit": 0, "window_seconds": 1}]}}, "invalid_value"),
        ({"settings": {"limits": [{"name": "a", "limit": 1, "window_seconds": 0}]}}, "invalid_value"),
        (
            {"settings": {"default_limits": [{"name": "a", "limit": 1, "window_seconds": 1}] * 2}},
            "invalid_value",
        ),
    ],
)
def test_bad_input_is_refused_alike(
    home: tuple[str, str], admin: Door, changes: dict[str, Any], code: str
) -> None:
    before = admin.get_tenant(home[0])
    assert refused(lambda: admin.do("tenants.update", tenant=home[0], **changes)) == code
    assert admin.get_tenant(home[0]) == before
