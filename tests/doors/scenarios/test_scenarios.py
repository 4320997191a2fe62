"""One list of scenarios through every door, on both engines."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.conftest import DOORS, Installation
from tests.doors.scenarios.door import OPERATIONS, Door, Refused, more_operations
from tests.support.cases import FOR_DIALECTS, use_cases

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = type[Door]


def later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat().replace("+00:00", "Z")


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.code


@pytest.fixture
def place(installation: Installation) -> tuple[str, str]:
    return installation.new_tenant()


@pytest.fixture
def door(kind: Kind, installation: Installation, place: tuple[str, str]) -> Door:
    return kind(installation.url, place[1])


OPEN_CALLS = {"invitations.accept"}
"""Need no credential, and so are no use cases."""
LOGGING_IN = {"sessions.end"}
"""Needs a person's session: see `tests/doors/rest/test_sessions.py`."""

SHOWING = {"keys.revoke"}
"""Is done by showing the token in a form: see `tests/doors/rest/test_oauth.py`."""


def test_every_use_case_is_an_operation_of_every_door() -> None:
    """A new use case fails here until every door has it."""
    assert (
        use_cases().keys() - LOGGING_IN - SHOWING - FOR_DIALECTS
        == (OPERATIONS.keys() | more_operations().keys()) - OPEN_CALLS
    )
    for kind in DOORS.values():
        assert all(callable(getattr(kind, operation)) for operation in OPERATIONS.values())


def test_a_key_is_made_used_disabled_enabled_and_deleted(door: Door) -> None:
    made = door.create(
        name="Nightly export", description="Reads articles", scope=[{"actions": ["article:read"]}]
    )
    assert made.token is not None
    assert made.token.startswith("kw_")
    assert len(made.token) == 40
    assert made.key["state"] == "active"
    assert made.key["hint"] == made.token[:7]
    assert made.key["last_seven"] == made.token[-7:]

    verdict = door.verify(made.token, action="article:read")
    assert (verdict["valid"], verdict["code"], verdict["key_id"]) == (True, "VALID", made.id)
    assert door.verify(made.token, action="article:write")["code"] == "INSUFFICIENT_PERMISSIONS"

    assert door.update(made.id, active=False)["state"] == "disabled"
    assert door.verify(made.token)["code"] == "DISABLED"
    assert door.update(made.id, active=True)["state"] == "active"
    assert door.verify(made.token)["valid"] is True

    door.delete(made.id)
    assert door.verify(made.token)["code"] == "NOT_FOUND"
    assert refused(lambda: door.get(made.id)) == "not_found"
    assert made.id not in [key["id"] for key in door.list()]
    assert refused(lambda: door.delete(made.id)) == "not_found"


def test_the_token_is_never_shown_again(door: Door) -> None:
    made = door.create(name="Once")
    assert made.token is not None
    shown = [door.get(made.id), door.list(), door.verify(made.token), door.update(made.id, name="Twice")]
    assert made.token not in repr(shown)


def test_every_field_is_kept_and_changed(door: Door) -> None:
    start, end = later(days=1), later(days=30)
    made = door.create(
        name="Full",
        description="Two\nlines",
        handle="full_key",
        scope=[{"actions": ["article:*"], "resources": ["article:cs:**"]}],
        not_before=start,
        expires_at=end,
        allowed_cidrs=["10.0.0.0/8", "2001:db8::/32"],
        metadata={"team": "search", "level": 3},
        prefix="acme",
    )
    assert made.token is not None
    assert made.token.startswith("acme_")
    key = door.get(made.id)
    assert key["name"] == "Full"
    assert key["description"] == "Two\nlines"
    assert key["handle"] == "full_key"
    assert key["scope"] == [{"actions": ["article:*"], "resources": ["article:cs:**"]}]
    assert key["allowed_cidrs"] == ["10.0.0.0/8", "2001:db8::/32"]
    assert key["metadata"] == {"team": "search", "level": 3}
    assert key["state"] == "not_yet_valid"
    assert datetime.fromisoformat(key["expires_at"]) == datetime.fromisoformat(end)
    assert door.verify(made.token)["code"] == "NOT_YET_VALID"

    changed = door.update(
        made.id, name="Less", handle=None, scope=None, not_before=None, allowed_cidrs=None, expires_at=None
    )
    assert changed["name"] == "Less"
    assert changed["description"] == "Two\nlines"
    assert [changed[name] for name in ("handle", "scope", "not_before", "allowed_cidrs", "expires_at")] == [
        None
    ] * 5
    assert door.verify(made.token)["valid"] is True


def test_a_token_of_ones_own_is_brought_by_its_hash(door: Door) -> None:
    token = f"legacy-{time.time_ns()}"
    digest = hashlib.sha256(token.encode()).hexdigest()
    made = door.create(name="Brought", token_hash=digest)
    assert made.token is None
    assert (made.key["hint"], made.key["last_seven"]) == (None, None)
    assert door.verify(token)["valid"] is True
    assert refused(lambda: door.create(name="Again", token_hash=digest)) == "token_hash_taken"
    door.delete(made.id)
    assert refused(lambda: door.create(name="Back to life", token_hash=digest)) == "token_hash_taken"


def test_addresses_and_expiry_are_kept_to(door: Door) -> None:
    made = door.create(name="Office", allowed_cidrs=["10.0.0.0/8"], expires_at=later(seconds=2))
    assert made.token is not None
    assert door.verify(made.token, ip="10.1.2.3")["valid"] is True
    assert door.verify(made.token, ip="192.0.2.1")["code"] == "IP_NOT_ALLOWED"
    deadline = time.monotonic() + 10
    while (code := door.verify(made.token, ip="10.1.2.3")["code"]) == "VALID":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert code == "EXPIRED"
    assert door.get(made.id)["state"] == "expired"
    assert refused(lambda: door.create(name="Late", expires_at=later(seconds=-5))) == "expiry_in_past"


def test_a_list_is_filtered_sorted_and_paged(door: Door) -> None:
    names = ["alpha", "Beta", "beta two", "gamma"]
    ids = {name: door.create(name=name, expires_at=later(days=10 + n)).id for n, name in enumerate(names)}
    door.update(ids["gamma"], active=False)
    mine = set(ids.values())

    def listed(**query: Any) -> list[str]:
        return [key["name"] for key in door.list(**query) if key["id"] in mine]

    assert listed() == names[::-1]
    assert listed(order="asc") == names
    assert listed(sort="name") == names
    assert listed(sort="expires_at", order="desc") == names[::-1]
    assert listed(name_prefix="BETA", sort="name") == ["Beta", "beta two"]
    assert listed(search="BETA", sort="name") == ["Beta", "beta two"]
    assert listed(search=ids["alpha"]) == ["alpha"]
    assert listed(ends=False) == []
    assert listed(ends=True) == names[::-1]
    assert listed(state=["disabled"]) == ["gamma"]
    assert listed(expires_since=later(days=11.5), sort="name") == ["beta two", "gamma"]
    assert listed(sort="name", page=1) == names
    assert refused(lambda: door.list(page=201)) == "invalid_value"


def test_last_use_is_seen(door: Door) -> None:
    made = door.create(name="Used")
    assert made.token is not None
    assert made.id in [key["id"] for key in door.list(used=False)]
    door.verify(made.token, ip="203.0.113.9")
    deadline = time.monotonic() + 15
    while (key := door.get(made.id))["last_used_at"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert key["last_used_ip"] == "203.0.113.9"
    assert made.id in [key["id"] for key in door.list(used=True, sort="last_used_at", order="desc")]


def test_handles_are_unique_in_a_tenant_only(door: Door, kind: Kind, installation: Installation) -> None:
    made = door.create(name="One", handle="deploy")
    assert refused(lambda: door.create(name="Two", handle="deploy")) == "handle_taken"
    other = kind(installation.url, installation.new_tenant()[1])
    assert other.create(name="Theirs", handle="deploy").key["handle"] == "deploy"
    door.delete(made.id)
    assert door.create(name="Three", handle="deploy").key["handle"] == "deploy"


def test_another_tenant_sees_nothing(
    door: Door, kind: Kind, installation: Installation, place: tuple[str, str]
) -> None:
    made = door.create(name="Ours")
    assert made.token is not None
    slug, token = installation.new_tenant()
    other = kind(installation.url, token)
    assert other.verify(made.token)["code"] == "NOT_FOUND"
    assert made.id not in [key["id"] for key in other.list()]
    assert refused(lambda: other.get(made.id)) == "not_found"
    assert refused(lambda: other.update(made.id, name="Theirs")) == "not_found"
    assert refused(lambda: other.delete(made.id)) == "not_found"
    assert refused(lambda: other.get_tenant(place[0])) == "not_found"
    assert other.tenants() == [slug]
    assert refused(lambda: kind(installation.url, token, place[0]).list()) == "not_found"
    assert door.get(made.id)["name"] == "Ours"


def test_nobody_does_more_than_it_may(door: Door, kind: Kind, installation: Installation) -> None:
    made = door.create(name="Reader", scope=[{"actions": ["keys:read", "keys:create", "article:read"]}])
    assert made.token is not None
    reader = kind(installation.url, made.token)
    assert reader.get(made.id)["name"] == "Reader"
    assert refused(lambda: reader.update(made.id, name="Writer")) == "permission_denied"
    assert refused(lambda: reader.delete(made.id)) == "permission_denied"
    assert refused(lambda: reader.verify("kw_nothing")) == "permission_denied"
    assert refused(lambda: reader.create(name="Free")) == "beyond_own_rights"
    assert (
        refused(lambda: reader.create(name="More", scope=[{"actions": ["article:*"]}])) == "beyond_own_rights"
    )
    less = reader.create(name="Less", scope=[{"actions": ["article:read"], "resources": ["article:cs:**"]}])
    assert less.token is not None
    assert door.verify(less.token, action="article:read", resource="article:cs:1")["valid"] is True
    assert refused(lambda: reader.create_tenant("mine", "Mine")) == "permission_denied"


def test_a_key_does_not_change_itself(door: Door, kind: Kind, installation: Installation) -> None:
    made = door.create(name="Self")
    assert made.token is not None
    itself = kind(installation.url, made.token)
    assert refused(lambda: itself.update(made.id, name="Other")) == "own_key"
    assert refused(lambda: itself.delete(made.id)) == "own_key"
    assert itself.whoami()["identity"]["id"] == made.key["identity_id"]
    assert itself.whoami()["credential"] == "key"


def test_a_refused_credential_opens_nothing(door: Door, kind: Kind, installation: Installation) -> None:
    made = door.create(name="Gone")
    assert made.token is not None
    door.delete(made.id)
    for token in (made.token, made.token[:-1] + ("a" if made.token[-1] != "a" else "b"), "nonsense"):
        stranger = kind(installation.url, token)
        assert refused(stranger.whoami) == "unauthenticated"
        assert refused(stranger.list) == "unauthenticated"
        assert refused(lambda who=stranger: who.create(name="Never")) == "unauthenticated"  # type: ignore[misc]


def test_a_creation_is_repeated_without_a_second_key(door: Door) -> None:
    first = door.create(name="Repeated", idempotency_key="job-17")
    again = door.create(name="Repeated", idempotency_key="job-17")
    assert (again.id, again.token, again.replayed) == (first.id, None, True)
    assert (
        refused(lambda: door.create(name="Different", idempotency_key="job-17")) == "idempotency_key_reused"
    )
    assert [key["id"] for key in door.list(name_prefix="Repeated")] == [first.id]


def test_tenants_are_made_and_found(kind: Kind, installation: Installation) -> None:
    root = kind(installation.url, installation.root)
    slug = f"made-{time.time_ns()}"
    assert root.create_tenant(slug, "Made")["slug"] == slug
    assert root.get_tenant(slug)["name"] == "Made"
    assert slug in root.tenants()
    assert refused(lambda: root.create_tenant(slug, "Again")) == "slug_taken"
    assert refused(lambda: root.create_tenant("Not A Slug", "Bad")) == "invalid_value"
    assert refused(lambda: root.get_tenant("no-such-tenant")) == "not_found"
    made = kind(installation.url, installation.root, slug).create(name="In it")
    assert made.key["tenant"] == slug


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": ""}, "invalid_value"),
        ({"name": "x" * 256}, "invalid_value"),
        ({"name": "x", "handle": "no spaces"}, "invalid_value"),
        ({"name": "x", "prefix": "Upper"}, "invalid_value"),
        ({"name": "x", "allowed_cidrs": ["10.0.0.1/8"]}, "invalid_cidr"),
        ({"name": "x", "token_hash": "A" * 64}, "invalid_token_hash"),
        ({"name": "x", "scope": [{"actions": ["a b"]}]}, "invalid_policy"),
        ({"name": "x", "scope": [{"actions": []}]}, "invalid_policy"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expiry_in_past"),
        (
            {"name": "x", "not_before": "2090-01-02T00:00:00Z", "expires_at": "2090-01-01T00:00:00Z"},
            "expiry_before_not_before",
        ),
        ({"name": "x", "metadata": {"big": "x" * 17_000}}, "invalid_value"),
    ],
)
def test_bad_input_is_refused_alike(door: Door, fields: dict[str, Any], code: str) -> None:
    before = len(door.list())
    assert refused(lambda: door.create(**fields)) == code
    assert len(door.list()) == before
