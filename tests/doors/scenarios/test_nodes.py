"""Nodes, and the receipts of changes that nodes have to hear of, on every door."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from keywright.core.changes import NodeState
from keywright.core.ids import new_id
from keywright.core.instants import SystemClock
from keywright.storage import Database
from keywright.storage.feed import DatabaseFeed
from tests.doors.scenarios.door import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door


@contextmanager
def silent_node(installation: Installation, *, lease: timedelta) -> Iterator[str]:
    """A node that registered with a lease of this length, and does not speak any more."""
    now = datetime.now(UTC)
    node = NodeState(
        id=new_id("nod"),
        name="silent",
        kind="embedded",
        version="0",
        started_at=now - timedelta(hours=1),
        renewed_at=now - timedelta(minutes=10),
        beat=1,
        applied=0,
        lease_us=lease // timedelta(microseconds=1),
        grace_us=0,
    )

    async def in_feed(call: str, argument: object) -> None:
        database = Database.connect(installation.database)
        await getattr(DatabaseFeed(database, SystemClock()), call)(argument)
        await database.close()

    anyio.run(in_feed, "register", node)
    try:
        yield node.id
    finally:
        anyio.run(in_feed, "leave", node.id)


def outcomes(door: Door) -> dict[str, str]:
    assert door.receipt is not None
    return {one["id"]: one["outcome"] for one in door.receipt["nodes"]}


def test_the_node_that_answers_is_listed(root: Door) -> None:
    (node,) = root.do("nodes.list")
    assert (node["kind"], node["state"], node["lag"]) == ("server", "serving", 0)
    assert node["applied"] == node["head"]
    assert (node["lease_seconds"], node["stale_grace_seconds"]) == (3.0, 0.0)
    assert node["lease_age_seconds"] >= 0
    assert node["started_at"] <= node["renewed_at"]


def test_a_node_that_has_gone_is_seen_to_have(root: Door, installation: Installation) -> None:
    with silent_node(installation, lease=timedelta(hours=1)) as hanging:
        nodes = {one["id"]: one for one in root.do("nodes.list")}
        assert (nodes[hanging]["name"], nodes[hanging]["kind"]) == ("silent", "embedded")
        assert nodes[hanging]["state"] == "serving"
        assert nodes[hanging]["lag"] == nodes[hanging]["head"]
    with silent_node(installation, lease=timedelta(minutes=1)) as late:
        assert {one["id"]: one["state"] for one in root.do("nodes.list")}[late] == "late"
    with silent_node(installation, lease=timedelta(0)) as lost:
        states = [state_of(root, lost)]
        while states[-1] != "gone":
            states.append(state_of(root, lost))
        assert set(states) <= {"late", "gone"}


def state_of(root: Door, node_id: str) -> str:
    return next(str(one["state"]) for one in root.do("nodes.list") if one["id"] == node_id)


def test_nodes_concern_nobody_within_a_tenant(
    kind: type[Door], admin: Door, installation: Installation, home: tuple[str, str]
) -> None:
    _, other = installation.new_tenant()
    for door in (admin, kind(installation.url, other)):
        with pytest.raises(Refused, match="permission_denied"):
            door.do("nodes.list")


def test_a_revocation_says_how_it_is_known(admin: Door) -> None:
    made = admin.create(name="Leaked")
    assert made.token is not None
    assert admin.verify(made.token)["code"] == "VALID"
    admin.delete(made.id)
    assert admin.receipt is not None
    assert admin.receipt["complete"] is True
    assert admin.receipt["effective_by"] is None
    assert set(outcomes(admin).values()) == {"acknowledged"}
    assert admin.verify(made.token)["code"] == "NOT_FOUND"


def test_a_change_that_changes_nothing_is_true_everywhere_too(admin: Door) -> None:
    made = admin.create(name="Twice")
    epochs = []
    for _ in range(2):
        admin.update(made.id, active=False)
        assert set(outcomes(admin).values()) == {"acknowledged"}
        epochs.append((admin.receipt or {})["epoch"])
    assert epochs[1] >= epochs[0]


def test_a_node_that_does_not_speak_is_waited_out(admin: Door, installation: Installation) -> None:
    made = admin.create(name="Leaked")
    with silent_node(installation, lease=timedelta(milliseconds=100)) as silent:
        admin.update(made.id, active=False)
        found = outcomes(admin)
    assert found.pop(silent) == "expired"
    assert set(found.values()) == {"acknowledged"}


def test_whoever_does_not_want_to_wait_hears_by_when_it_is_true(
    admin: Door, installation: Installation
) -> None:
    made = admin.create(name="Leaked")
    with silent_node(installation, lease=timedelta(hours=1)) as silent:
        before = datetime.now(UTC)
        with admin.not_waiting():
            admin.delete(made.id)
        assert outcomes(admin)[silent] == "pending"
    assert admin.receipt is not None
    by = datetime.fromisoformat(admin.receipt["effective_by"])
    assert before + timedelta(hours=1) < by < before + timedelta(hours=2)


@pytest.mark.parametrize("name", ["memberships.delete", "service_accounts.update", "tenants.update"])
def test_others_need_not_be_waited_for_either(
    admin: Door, installation: Installation, home: tuple[str, str], name: str
) -> None:
    account = admin.do(
        "service_accounts.create", name="Importer", memberships=[{"role": "member", "variables": {}}]
    )
    fields: dict[str, dict[str, Any]] = {
        "memberships.delete": {"id": account["memberships"][0]["id"]},
        "service_accounts.update": {"id": account["id"], "active": False},
        "tenants.update": {"tenant": home[0], "name": "Other"},
    }
    with silent_node(installation, lease=timedelta(hours=1)) as silent, admin.not_waiting():
        admin.do(name, **fields[name])
        assert outcomes(admin)[silent] == "pending"
