"""Agents through every door, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.ids import new_id
from tests.doors.scenarios.test_scenarios import refused

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

LOCAL: dict[str, Any] = {
    "kind": "LocalAgent",
    "name": "agent",
    "labels": ["prod", "eu"],
    "version": "1.4.1",
}


def holder(kind: type[Door], installation: Installation, admin: Door, role: str, name: str) -> Door:
    """The door of a service account with a role, by a key of that name."""
    account = admin.do("service_accounts.create", name=name, memberships=[{"role": role}])
    made = admin.create(name=name, identity_id=account["id"])
    return kind(installation.url, made.token or "")


def test_an_agent_announces_itself_is_seen_and_shows_what_became_of_its_key(
    kind: type[Door], installation: Installation, home: tuple[str, str], admin: Door
) -> None:
    member = holder(kind, installation, admin, "member", "Runner")
    (key,) = [one for one in admin.list() if one["name"] == "Runner"]
    found = member.do("agents.register", **LOCAL)
    assert found.pop("created") is True
    assert (found["kind"], found["name"], found["version"]) == ("LocalAgent", "agent", "1.4.1")
    assert (found["labels"], found["tenant"]) == (["prod", "eu"], home[0])
    assert found["key"] == {"id": key["id"], "name": "Runner", "state": "active"}
    assert found["identity"] == member.whoami()["identity"]
    assert found["last_seen_at"] == found["registered_at"]
    assert found["last_seen_ip"] == "127.0.0.1"

    again = member.do("agents.register", **{**LOCAL, "labels": ["eu", "prod"]})
    assert (again["id"], again["created"]) == (found["id"], False)
    assert again["registered_at"] > found["registered_at"]
    assert member.do("agents.seen", id=found["id"]) is None
    (listed,) = admin.do("agents.list")
    assert listed | {"created": False} == again

    admin.update(found["key"]["id"], active=False)
    assert [one["key"]["state"] for one in admin.do("agents.list")] == ["disabled"]
    assert refused(lambda: member.do("agents.seen", id=found["id"])) == "unauthenticated"
    admin.delete(found["key"]["id"])
    assert [one["key"] for one in admin.do("agents.list", key_id=found["key"]["id"])] == [
        {"id": found["key"]["id"], "name": "Runner", "state": "deleted"}
    ]


def test_agents_are_listed_by_page_and_by_key(
    kind: type[Door], installation: Installation, admin: Door
) -> None:
    member = holder(kind, installation, admin, "member", "Runner")
    made = [
        door.do("agents.register", kind="LocalAgent", name=name)
        for door, name in ((admin, "a"), (member, "a"), (member, "b"))
    ]
    ids = [one["id"] for one in made]
    assert made[0]["labels"] == []
    assert made[0]["version"] is None

    def listed(door: Door, **query: Any) -> list[str]:
        return [one["id"] for one in door.do("agents.list", **query)]

    assert listed(admin) == ids
    assert listed(admin, page=1) == ids
    assert listed(admin, key_id=made[1]["key"]["id"]) == ids[1:]
    assert listed(admin, key_id=new_id("key")) == []
    assert listed(member) == ids[1:]
    assert listed(member, key_id=made[0]["key"]["id"]) == []
    reader = holder(kind, installation, admin, "read_only", "Reader")
    assert listed(reader) == ids
    assert refused(lambda: reader.do("agents.register", **LOCAL)) == "permission_denied"
    assert refused(lambda: reader.do("agents.seen", id=ids[0])) == "permission_denied"
    assert refused(lambda: admin.do("agents.list", page=0)) == "invalid_value"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": ""}, "invalid_value"),
        ({"kind": "x" * 101}, "invalid_value"),
        ({"name": " "}, "invalid_value"),
        ({"labels": ["a", "x" * 101]}, "invalid_value"),
        ({"labels": [str(number) for number in range(51)]}, "invalid_value"),
        ({"version": "a\nb"}, "invalid_value"),
    ],
    ids=["no kind", "long kind", "no name", "long label", "labels", "version"],
)
def test_bad_input_is_refused_alike(admin: Door, changes: dict[str, Any], code: str) -> None:
    assert refused(lambda: admin.do("agents.register", **{**LOCAL, **changes})) == code
    assert admin.do("agents.list") == []


def test_a_token_is_kept_nowhere(admin: Door) -> None:
    token = admin.create(name="Leaked").token
    for changes in ({"kind": token}, {"name": token}, {"labels": [token]}, {"version": token}):
        told = {**LOCAL, **changes}
        assert refused(lambda told=told: admin.do("agents.register", **told)) == "secret_in_text"  # type: ignore[misc]


def test_another_tenant_sees_none_of_it(kind: type[Door], installation: Installation, admin: Door) -> None:
    found = admin.do("agents.register", **LOCAL)
    other = kind(installation.url, installation.new_tenant()[1])
    assert other.do("agents.list") == []
    assert other.do("agents.list", key_id=found["key"]["id"]) == []
    assert refused(lambda: other.do("agents.seen", id=found["id"])) == "not_found"
    assert refused(lambda: admin.do("agents.seen", id=new_id("agt"))) == "not_found"
    theirs = other.do("agents.register", **LOCAL)
    assert theirs["id"] != found["id"]
    assert [one["id"] for one in admin.do("agents.list")] == [found["id"]]
