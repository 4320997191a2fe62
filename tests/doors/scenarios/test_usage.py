"""Usage through every door, on both engines: what was decided about keys is counted there soon after."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.ids import new_id
from tests.doors.scenarios.test_scenarios import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

SCOPE = [
    {"actions": ["article:read", "article:publish"], "resources": ["article:cs:**"]},
    {"actions": ["comment:*"]},
]


def eventually(ask: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:
    """What is answered once it is enough; nodes write what was used every now and then."""
    deadline = time.monotonic() + 30
    while not enough(found := ask()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_the_usage_of_a_key(admin: Door) -> None:
    made = admin.create(name="Nightly export", scope=SCOPE, allowed_cidrs=["192.0.2.0/24"])
    token, ip = made.token or "", "192.0.2.7"
    for _ in range(3):
        assert admin.verify(token, action="article:read", resource="article:cs:1", ip=ip)["valid"]
    assert admin.verify(token, action="comment:delete", ip=ip)["valid"]
    assert admin.verify(token, action="user:read", ip=ip)["code"] == "INSUFFICIENT_PERMISSIONS"
    assert admin.verify(token, ip="198.51.100.1")["code"] == "IP_NOT_ALLOWED"

    found = eventually(lambda: admin.do("usage.key", id=made.id), lambda found: found["total"] == 6)
    assert (found["key_id"], found["name"], found["last_used_ip"]) == (made.id, "Nightly export", ip)
    assert found["totals"] == {"INSUFFICIENT_PERMISSIONS": 1, "IP_NOT_ALLOWED": 1, "VALID": 4}
    assert found["by"] == "day"
    assert sum(one["total"] for one in found["buckets"]) == 6
    assert [(one["action"], one["count"]) for one in found["exercised"]] == [
        ("article:read", 3),
        ("comment:delete", 1),
    ]
    assert found["exercised"][0]["last_at"] <= found["last_used_at"]
    assert found["unexercised"] == [{"actions": ["article:publish"], "resources": ["article:cs:**"]}]

    now = datetime.now(UTC)
    hourly = admin.do("usage.key", id=made.id, by="hour", since=(now - timedelta(hours=2)).isoformat())
    assert hourly["totals"] == found["totals"]
    assert all(one["at"].endswith(":00:00Z") for one in hourly["buckets"])
    before = admin.do("usage.key", id=made.id, until=(now - timedelta(days=2)).isoformat())
    assert (before["total"], before["totals"], before["buckets"]) == (0, {}, [])
    assert before["exercised"] == found["exercised"]

    unbound = admin.create(name="All")
    nothing = admin.do("usage.key", id=unbound.id)
    assert (nothing["total"], nothing["last_used_at"], nothing["unexercised"]) == (0, None, None)


def test_the_usage_of_a_tenant(
    kind: type[Door], installation: Installation, home: tuple[str, str], admin: Door
) -> None:
    used, other = admin.create(name="Used"), admin.create(name="Other")
    for _ in range(50):
        admin.verify(used.token or "")
    admin.update(other.id, active=False)
    admin.verify(other.token or "")

    def busy(found: Any) -> bool:
        return bool(found["totals"].get("DISABLED") == 1 and found["totals"].get("VALID", 0) >= 50)

    found = eventually(lambda: admin.do("usage.tenant"), busy)
    assert found["tenant"] == home[0]
    assert found["total"] == sum(found["totals"].values()) == sum(one["count"] for one in found["keys"])
    by_id = {one["id"]: one for one in found["keys"]}
    assert by_id[used.id] == {"id": used.id, "name": "Used", "count": 50, "valid": 50}
    assert by_id[other.id] == {"id": other.id, "name": "Other", "count": 1, "valid": 0}
    assert len(admin.do("usage.tenant", top=1)["keys"]) == 1
    admin.delete(other.id)
    again = {one["id"]: one["name"] for one in admin.do("usage.tenant", by="hour")["keys"]}
    assert (again[used.id], again[other.id]) == ("Used", None)
    assert refused(lambda: admin.do("usage.key", id=other.id)) == "not_found"
    stranger = kind(installation.url, installation.new_tenant()[1])
    assert refused(lambda: stranger.do("usage.key", id=used.id)) == "not_found"
    assert not {used.id, other.id} & {one["id"] for one in stranger.do("usage.tenant")["keys"]}
    everywhere = kind(installation.url, installation.root, "*")
    assert not {used.id, other.id} & {one["id"] for one in everywhere.do("usage.tenant", top=100)["keys"]}
    bound = kind(installation.url, home[1], "*")
    assert refused(lambda: bound.do("usage.tenant")) == "permission_denied"


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "2026-11-03T00:00:00Z", "until": "2026-11-02T00:00:00Z"},
        {"since": "2024-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"since": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z", "by": "hour"},
        {"since": "yesterday"},
        {"until": "2026-11-03T00:00:00"},
    ],
)
def test_what_is_no_span_is_refused(admin: Door, asked: dict[str, str]) -> None:
    key = admin.create(name="Key")
    codes = {"invalid_value", "invalid_type"}
    assert refused(lambda: admin.do("usage.key", id=key.id, **asked)) in codes
    assert refused(lambda: admin.do("usage.tenant", **asked)) in codes
    assert refused(lambda: admin.do("usage.tenant", top=101)) == "invalid_value"
    assert refused(lambda: admin.do("usage.key", id=new_id("key"))) == "not_found"
