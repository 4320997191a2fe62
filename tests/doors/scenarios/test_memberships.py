"""Memberships and service accounts through every door, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.test_roles import EDITOR
from tests.doors.scenarios.test_scenarios import refused

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

CZECH = {"language": ["cs"]}


def test_a_membership_is_given_changed_and_taken(home: tuple[str, str], admin: Door) -> None:
    admin.do("roles.create", **EDITOR)
    account = admin.do("service_accounts.create", name="Robot")
    assert account["memberships"] == []
    given = admin.do("memberships.create", identity_id=account["id"], role="editor", variables=CZECH)
    assert given["identity"] == {"id": account["id"], "kind": "service_account", "name": "Robot"}
    assert (given["tenant"], given["role"], given["variables"]) == (home[0], "editor", CZECH)
    assert given["by_sign_on"] is False
    assert given["created_by"] == admin.whoami()["identity"]["id"]
    assert admin.do("memberships.get", id=given["id"]) == given
    again = {"identity_id": account["id"], "role": "editor", "variables": CZECH}
    assert refused(lambda: admin.do("memberships.create", **again)) == "membership_held"

    changed = admin.do("memberships.update", id=given["id"], variables={"language": ["en", "cs"]})
    assert changed == given | {"variables": {"language": ["en", "cs"]}}
    shown = admin.do("service_accounts.get", id=account["id"])["memberships"]
    assert shown == [{"id": given["id"], "role": "editor", "variables": {"language": ["en", "cs"]}}]

    admin.do("memberships.delete", id=given["id"])
    assert refused(lambda: admin.do("memberships.get", id=given["id"])) == "not_found"
    assert admin.do("service_accounts.get", id=account["id"])["memberships"] == []


def test_memberships_are_listed_by_whom_and_by_role(admin: Door) -> None:
    accounts = [
        admin.do(
            "service_accounts.create", name=name, memberships=[{"role": "member"}, {"role": "read_only"}]
        )
        for name in ("One", "Two")
    ]
    ids = [one["id"] for account in accounts for one in account["memberships"]]

    def listed(**query: Any) -> list[str]:
        return [one["id"] for one in admin.do("memberships.list", **query)]

    assert listed() == ids
    assert listed(page=1) == ids
    assert listed(identity_id=accounts[1]["id"]) == ids[2:]
    assert listed(role="read_only") == ids[1::2]
    assert listed(identity_id=accounts[0]["id"], role="member") == ids[:1]
    assert listed(identity_id="nobody") == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"role": "nothing"}, "unknown_role"),
        ({"role": "monitor"}, "unknown_role"),
        ({"role": "editor"}, "missing_variable"),
        ({"role": "editor", "variables": {"language": ["a b"]}}, "invalid_value"),
        ({"role": "editor", "variables": {"language": ["cs"], "other": ["x"]}}, "unknown_variable"),
        ({"role": "member", "variables": {"language": ["cs"]}}, "unknown_variable"),
    ],
)
def test_bad_input_is_refused_alike(admin: Door, fields: dict[str, Any], code: str) -> None:
    admin.do("roles.create", **EDITOR)
    account = admin.do("service_accounts.create", name="Robot")
    assert refused(lambda: admin.do("memberships.create", identity_id=account["id"], **fields)) == code
    assert refused(lambda: admin.do("service_accounts.create", name="Other", memberships=[fields])) == code
    assert [one["name"] for one in admin.do("service_accounts.list")] == ["Robot"]
    nobody = {"identity_id": "idn_" + "0" * 32, "role": "member"}
    assert refused(lambda: admin.do("memberships.create", **nobody)) == "not_found"


def test_the_last_administrator_stays(admin: Door) -> None:
    one = admin.do("service_accounts.create", name="One", memberships=[{"role": "admin"}])
    held = one["memberships"][0]["id"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("memberships.delete", {"id": held}),
        ("service_accounts.update", {"id": one["id"], "active": False}),
        ("service_accounts.delete", {"id": one["id"]}),
    ]
    for name, fields in calls:
        assert refused(lambda name=name, fields=fields: admin.do(name, **fields)) == "last_administrator"  # type: ignore[misc]
    assert admin.do("service_accounts.get", id=one["id"]) == one
    admin.do("service_accounts.create", name="Two", memberships=[{"role": "admin"}])
    admin.do("memberships.delete", id=held)
    assert admin.do("service_accounts.get", id=one["id"])["memberships"] == []


def test_global_roles_are_held_over_the_whole_installation(
    kind: type[Door], installation: Installation, admin: Door, root: Door
) -> None:
    everywhere = kind(installation.url, installation.root, "*")
    held = everywhere.do("memberships.list", role="super_admin")
    assert {one["tenant"] for one in held} == {None}
    assert root.whoami()["identity"]["id"] in [one["identity"]["id"] for one in held]
    assert everywhere.do("memberships.get", id=held[0]["id"]) == held[0]
    assert refused(lambda: admin.do("memberships.get", id=held[0]["id"])) == "not_found"
    people = [one["id"] for one in held if one["identity"]["kind"] == "user"]
    assert len(people) == 1
    assert refused(lambda: everywhere.do("memberships.delete", id=people[0])) == "last_administrator"
    account = admin.do("service_accounts.create", name="Robot")
    given = {"identity_id": account["id"], "role": "monitor"}
    assert refused(lambda: everywhere.do("memberships.create", **given)) == "not_found"


def test_a_service_account_is_renamed_disabled_and_deleted(admin: Door) -> None:
    account = admin.do(
        "service_accounts.create", name="Robot", description="Works", memberships=[{"role": "member"}]
    )
    made = admin.create(name="Its key", identity_id=account["id"])
    token = made.token or ""
    assert admin.do("service_accounts.list") == [account]
    changed = admin.do("service_accounts.update", id=account["id"], name="Robby", description="")
    assert changed == account | {"name": "Robby", "description": ""}
    assert admin.verify(token)["valid"] is True
    assert admin.do("service_accounts.update", id=account["id"], active=False)["active"] is False
    assert admin.verify(token)["code"] == "IDENTITY_DISABLED"
    admin.do("service_accounts.update", id=account["id"], active=True)
    assert admin.verify(token)["valid"] is True
    admin.do("service_accounts.delete", id=account["id"])
    assert admin.verify(token)["code"] == "NOT_FOUND"
    assert refused(lambda: admin.do("service_accounts.get", id=account["id"])) == "not_found"
    assert refused(lambda: admin.do("service_accounts.update", id=account["id"], name="x")) == "not_found"
    assert refused(lambda: admin.do("service_accounts.delete", id=account["id"])) == "not_found"
    assert refused(lambda: admin.get(made.id)) == "not_found"
    assert admin.do("service_accounts.list") == []


def test_service_accounts_are_paged(admin: Door) -> None:
    ids = [admin.do("service_accounts.create", name=f"No {number}")["id"] for number in range(3)]
    assert [one["id"] for one in admin.do("service_accounts.list", page=1)] == ids
    assert refused(lambda: admin.do("service_accounts.list", page=0)) == "invalid_value"


def test_another_tenant_sees_none_of_it(kind: type[Door], installation: Installation, admin: Door) -> None:
    account = admin.do("service_accounts.create", name="Robot", memberships=[{"role": "member"}])
    held = account["memberships"][0]["id"]
    other = kind(installation.url, installation.new_tenant()[1])
    assert other.do("service_accounts.list") == []
    assert other.do("memberships.list", identity_id=account["id"]) == []
    calls: list[tuple[str, dict[str, Any]]] = [
        ("service_accounts.get", {"id": account["id"]}),
        ("service_accounts.update", {"id": account["id"], "name": "Theirs"}),
        ("service_accounts.delete", {"id": account["id"]}),
        ("memberships.get", {"id": held}),
        ("memberships.update", {"id": held, "variables": {"language": ["cs"]}}),
        ("memberships.delete", {"id": held}),
        ("memberships.create", {"identity_id": account["id"], "role": "member"}),
    ]
    for name, fields in calls:
        assert refused(lambda name=name, fields=fields: other.do(name, **fields)) == "not_found"  # type: ignore[misc]
    assert admin.do("service_accounts.get", id=account["id"]) == account
