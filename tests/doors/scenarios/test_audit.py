"""The audit trail through every door, on both engines: it shows exactly what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.doors.scenarios.test_roles import EDITOR
from tests.doors.scenarios.test_scenarios import refused

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door


def test_the_trail_shows_exactly_what_was_done(
    kind: type[Door], installation: Installation, home: tuple[str, str], admin: Door
) -> None:
    start = len(admin.do("audit.list"))
    admin.do("roles.create", **EDITOR)
    account = admin.do("service_accounts.create", name="Robot")
    given = admin.do(
        "memberships.create", identity_id=account["id"], role="editor", variables={"language": ["cs"]}
    )
    made = admin.create(name="Its key", identity_id=account["id"])
    admin.do("memberships.update", id=given["id"], variables={"language": ["en"]})
    admin.do("memberships.delete", id=given["id"])
    admin.do("service_accounts.update", id=account["id"], name="Robby", description="Works")
    admin.do("service_accounts.update", id=account["id"], name="Robby")
    assert refused(lambda: admin.do("roles.create", **EDITOR)) == "role_taken"
    admin.do("roles.delete", name="editor")
    admin.do("service_accounts.delete", id=account["id"])
    tenant = admin.do("tenants.update", tenant=home[0], name="Changed")

    found = admin.do("audit.list")[: -start or None][::-1]
    did = [(entry["action"], entry["target"]["id"]) for entry in found]
    role = found[0]["target"]["id"]
    assert did == [
        ("role.create", role),
        ("service_account.create", account["id"]),
        ("membership.create", given["id"]),
        ("key.create", made.id),
        ("membership.update", given["id"]),
        ("membership.delete", given["id"]),
        ("service_account.update", account["id"]),
        ("role.delete", role),
        ("service_account.delete", account["id"]),
        ("tenant.update", tenant["id"]),
    ]
    who = admin.whoami()["identity"]
    for entry in found:
        assert entry["tenant"] == home[0]
        assert entry["actor"]["kind"] == "key"
        assert entry["actor"]["identity"] == who
        assert entry["actor"]["session_id"] is None
        assert (entry["ip"], bool(entry["request_id"])) == ("127.0.0.1", True)
    assert found[4]["target"]["type"] == "membership"
    assert found[4]["changes"] == {
        "variables": {"before": {"language": ["cs"]}, "after": {"language": ["en"]}}
    }
    assert found[6]["changes"] == {
        "name": {"before": "Robot", "after": "Robby"},
        "description": {"before": "", "after": "Works"},
    }
    assert found[9]["changes"] == {"name": {"before": "A tenant", "after": "Changed"}}
    other = kind(installation.url, installation.new_tenant()[1])
    assert not {entry["id"] for entry in other.do("audit.list")} & {entry["id"] for entry in found}


def test_the_trail_is_filtered_and_paged(admin: Door) -> None:
    accounts = [admin.do("service_accounts.create", name=name)["id"] for name in ("One", "Two")]
    admin.do("service_accounts.update", id=accounts[0], name="First")
    everything = admin.do("audit.list")
    ids = [entry["id"] for entry in everything]
    assert [entry["id"] for entry in admin.do("audit.list", page=1)] == ids

    def listed(**query: str) -> list[tuple[str, str]]:
        return [(entry["action"], entry["target"]["id"]) for entry in admin.do("audit.list", **query)]

    update, second, first = everything[0], everything[1], everything[2]
    assert listed(target=accounts[0]) == [
        ("service_account.update", accounts[0]),
        ("service_account.create", accounts[0]),
    ]
    assert listed(action="service_account.create") == [
        ("service_account.create", one) for one in accounts[::-1]
    ]
    assert len(listed(action="service_account.*")) == 3
    assert listed(action="service_account") == []
    mine = admin.whoami()["identity"]["id"]
    assert len(listed(actor=mine)) == len(everything)
    assert listed(actor=accounts[0]) == []
    assert listed(actor=update["actor"]["key_id"], target=accounts[1]) == [
        ("service_account.create", accounts[1])
    ]
    assert listed(since=second["at"], until=update["at"]) == [("service_account.create", accounts[1])]
    assert first["id"] not in [entry["id"] for entry in admin.do("audit.list", since=second["at"])]
    assert refused(lambda: admin.do("audit.list", since="yesterday")) in {"invalid_value", "invalid_type"}
    assert refused(lambda: admin.do("audit.list", action="\u00fc")) == "invalid_value"


def test_the_installation_has_a_trail_of_its_own(
    kind: type[Door], installation: Installation, home: tuple[str, str], admin: Door, root: Door
) -> None:
    everywhere = kind(installation.url, installation.root, "*")
    tenant = root.get_tenant(home[0])
    root.do("tenants.delete", tenant=home[0], force=True)
    deletion = everywhere.do("audit.list", target=tenant["id"], action="tenant.delete")[0]
    assert deletion["tenant"] is None
    assert deletion["changes"]["slug"] == {"before": home[0], "after": None}
    bound = kind(installation.url, installation.new_tenant()[1], "*")
    assert refused(lambda: bound.do("audit.list")) == "permission_denied"
