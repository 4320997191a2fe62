"""Limits and credits as fields of keys, service accounts and people through every door, on both engines."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.test_scenarios import refused

if TYPE_CHECKING:
    from tests.doors.scenarios.door import Door

BURST: dict[str, Any] = {"name": "burst", "limit": 1_000, "window_seconds": 1}
DAILY: dict[str, Any] = {"name": "daily", "limit": 1_000_000_000, "window_seconds": 86_400}
REFILL: dict[str, Any] = {"amount": 1_000, "every": "day"}


def test_a_key_has_limits_and_credits(admin: Door) -> None:
    begun = datetime.now(UTC)
    made = admin.create(
        name="Limited", limits=[BURST, DAILY], credits={"remaining": 1_000_000, "refill": REFILL}
    ).key
    assert made["limits"] == [BURST, DAILY]
    assert (made["credits"]["remaining"], made["credits"]["refill"]) == (1_000_000, REFILL)
    refill_at = datetime.fromisoformat(made["credits"]["refill_at"])
    assert begun <= refill_at - timedelta(days=1) + timedelta(seconds=1)
    assert refill_at - timedelta(days=1) <= datetime.now(UTC) + timedelta(seconds=1)
    assert admin.get(made["id"]) == made
    assert [key for key in admin.list() if key["id"] == made["id"]] == [made]
    renamed = admin.update(made["id"], name="Other")
    assert renamed == made | {"name": "Other"}
    fewer = admin.update(made["id"], limits=[DAILY], credits={"remaining": 5})
    assert fewer["limits"] == [DAILY]
    assert fewer["credits"] == {"remaining": 5, "refill": None, "refill_at": None}
    assert admin.update(made["id"], limits=[])["limits"] == []
    cleared = admin.update(made["id"], limits=None, credits=None)
    assert (cleared["limits"], cleared["credits"]) == (None, None)
    bare = admin.create(name="Bare").key
    assert (bare["limits"], bare["credits"]) == (None, None)
    assert admin.create(name="Free", limits=[]).key["limits"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"limits": [BURST | {"limit": 0}]},
        {"limits": [BURST | {"limit": 1_000_000_001}]},
        {"limits": [BURST | {"window_seconds": 0}]},
        {"limits": [BURST | {"name": "a b"}]},
        {"limits": [BURST, BURST]},
        {"limits": [BURST | {"name": f"n{number}"} for number in range(11)]},
        {"credits": {"remaining": -1}},
        {"credits": {"remaining": 1_000_000_001}},
        {"credits": {"remaining": 1, "refill": {"amount": 0, "every": "day"}}},
    ],
    ids=range(9),
)
def test_bad_input_is_refused_alike(admin: Door, fields: dict[str, Any]) -> None:
    assert refused(lambda: admin.create(name="Bad", **fields)) == "invalid_value"
    key = admin.create(name="Good").key
    assert refused(lambda: admin.update(key["id"], **fields)) == "invalid_value"
    assert admin.get(key["id"]) == key


def test_a_service_account_has_limits(admin: Door) -> None:
    made = admin.do("service_accounts.create", name="Jobs", limits=[BURST])
    assert made["limits"] == [BURST]
    more = admin.do("service_accounts.update", id=made["id"], limits=[BURST, DAILY])
    assert more == made | {"limits": [BURST, DAILY]}
    assert admin.do("service_accounts.get", id=made["id"]) == more
    assert admin.do("service_accounts.update", id=made["id"], limits=[])["limits"] == []
    assert admin.do("service_accounts.create", name="Bare")["limits"] == []
    bad = {"limits": [BURST, BURST]}
    assert refused(lambda: admin.do("service_accounts.create", name="Bad", **bad)) == "invalid_value"
    assert refused(lambda: admin.do("service_accounts.update", id=made["id"], **bad)) == "invalid_value"


def test_a_person_has_limits(root: Door) -> None:
    login = f"ada-{secrets.token_hex(4)}"
    made = root.do("users.create", login=login, name="Ada", limits=[DAILY])
    assert made["limits"] == [DAILY]
    less = root.do("users.update", id=made["id"], limits=[DAILY | {"limit": 5}])
    assert less["limits"] == [DAILY | {"limit": 5}]
    assert root.do("users.update", id=made["id"], limits=[])["limits"] == []
    bad = {"limits": [BURST, BURST]}
    assert refused(lambda: root.do("users.update", id=made["id"], **bad)) == "invalid_value"


def test_a_cost_has_its_bounds(admin: Door) -> None:
    token = admin.create(name="Used").token or ""
    assert admin.verify(token, cost=0)["valid"]
    assert admin.verify(token, cost=1_000_000)["valid"]
    assert refused(lambda: admin.verify(token, cost=1_000_001)) == "invalid_value"
    assert refused(lambda: admin.verify(token, cost=-1)) == "invalid_value"
