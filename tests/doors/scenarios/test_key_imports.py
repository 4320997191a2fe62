"""Importing keys by the hashes of their tokens, through every door, on both engines."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

Kind = type["Door"]


@pytest.fixture
def door(kind: Kind, installation: Installation) -> Door:
    return kind(installation.url, installation.new_tenant()[1])


def a_key(name: str, token: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "token_hash": hashlib.sha256(token.encode()).hexdigest(), **fields}


def test_keys_are_imported_each_judged_by_itself(door: Door) -> None:
    mark = time.time_ns()
    items = [
        a_key("One", f"one-{mark}", scope=[{"actions": ["article:read"]}], expires_at="2090-01-01T00:00:00Z"),
        a_key("Two", f"two-{mark}", expires_at="2001-01-01T00:00:00Z"),
        a_key("Three", f"three-{mark}", memberships=[{"role": "no-such-role"}]),
        a_key("Four", f"four-{mark}", metadata={"team": "search"}, handle="four"),
        a_key("Five", f"five-{mark}", handle="four"),
    ]
    expected = {
        "created": 2,
        "present": 0,
        "refused": 3,
        "refusals": {1: "expiry_in_past", 2: "unknown_role", 4: "handle_taken"},
    }
    before = len(door.list())
    assert door.do("keys.import", items=items, dry_run=True) == {**expected, "dry_run": True}
    assert len(door.list()) == before
    assert door.do("keys.import", items=items, dry_run=False) == {**expected, "dry_run": False}
    assert door.verify(f"one-{mark}", action="article:read")["valid"] is True
    assert door.verify(f"one-{mark}", action="article:write")["valid"] is False
    assert door.verify(f"two-{mark}")["code"] == "NOT_FOUND"
    (four,) = door.list(handle="four")
    assert (four["name"], four["metadata"], four["hint"]) == ("Four", {"team": "search"}, None)
    again = door.do("keys.import", items=items, dry_run=False)
    assert (again["created"], again["present"], again["refused"]) == (0, 2, 3)
    assert len(door.list()) == before + 2
