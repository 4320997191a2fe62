"""Catalogs, on every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.scenarios.rest_door import RestDoor
from tests.doors.scenarios.test_scenarios import refused
from tests.support.catalogs import BLOG, blog

if TYPE_CHECKING:
    from tests.doors.scenarios.conftest import Installation
    from tests.doors.scenarios.door import Door

EDITOR = BLOG["roles"]["editor"]


@pytest.fixture
def document(home: tuple[str, str]) -> dict[str, Any]:
    """A catalog of the tenant."""
    return blog(tenant=home[0])


def test_a_catalog_is_compared_applied_and_exported(admin: Door, document: dict[str, Any]) -> None:
    empty = admin.do("catalog.get")
    assert empty == {
        "document": {"tenant": document["tenant"]},
        "api_roles": [],
        "revision": 0,
        "applied_at": None,
        "applied_by": None,
    }
    diff = admin.do("catalog.diff", document=document)
    assert (diff["revision"], diff["narrowed"], diff["narrowed_total"]) == (0, [], 0)
    assert len(diff["changes"]) == 18
    assert {
        "section": "entities",
        "name": "language:cs",
        "kind": "added",
        "before": None,
        "after": {"label": "Czech"},
    } in diff["changes"]
    assert diff["changes"][0] == {
        "section": "strict",
        "name": "",
        "kind": "changed",
        "before": {"strict": False},
        "after": {"strict": True},
    }
    assert admin.do("catalog.get") == empty

    applied = admin.do("catalog.apply", document=document, expected_revision=0)
    assert {name: applied[name] for name in diff} == diff
    assert applied["catalog"] == admin.do("catalog.get")
    assert applied["catalog"]["revision"] == 1
    assert applied["catalog"]["applied_by"] == admin.whoami()["identity"]["id"]
    assert applied["catalog"]["document"]["roles"] == document["roles"]
    assert [role["name"] for role in admin.do("roles.list") if role["by_catalog"]] == ["editor", "moderator"]


def test_applying_twice_changes_nothing(admin: Door, document: dict[str, Any]) -> None:
    first = admin.do("catalog.apply", document=document)["catalog"]
    for again in (document, first["document"]):
        applied = admin.do("catalog.apply", document=again, expected_revision=1)
        assert (applied["catalog"], applied["changes"]) == (first, [])
    assert refused(lambda: admin.do("catalog.apply", document={}, expected_revision=0)) == "catalog_changed"
    assert admin.do("catalog.get") == first


def test_whoever_is_narrowed_is_named(
    admin: Door, document: dict[str, Any], installation: Installation, home: tuple[str, str]
) -> None:
    admin.do("catalog.apply", document=document)
    account = RestDoor(installation.url, home[1]).call(
        "POST", "/v1/service-accounts", json={"name": "Robot", "memberships": [{"role": "moderator"}]}
    )
    less = {**document, "roles": {"editor": EDITOR}}
    diff = admin.do("catalog.diff", document=less)
    assert diff["narrowed"] == [
        {
            "identity_id": account["id"],
            "identity_name": "Robot",
            "role": "moderator",
            "lost": [{"actions": ["comment:*"], "resources": None}],
        }
    ]
    assert diff["narrowed_total"] == 1
    applied = admin.do("catalog.apply", document=less)
    assert (applied["narrowed"], applied["catalog"]["revision"]) == (diff["narrowed"], 2)
    assert refused(lambda: admin.do("roles.get", name="moderator")) == "not_found"


@pytest.mark.parametrize("name", ["catalog.diff", "catalog.apply"])
def test_a_faulty_catalog_is_refused(admin: Door, document: dict[str, Any], name: str) -> None:
    for wrong in (
        {"actions": [{"name": "a b"}]},
        {"rules": {}},
        {**document, "roles": {"r": {"policies": [{"actions": ["article:raed"]}]}}},
    ):
        assert refused(lambda wrong=wrong: admin.do(name, document=wrong)) == "invalid_catalog"  # type: ignore[misc]
    assert admin.do("catalog.get")["revision"] == 0


def test_a_strict_catalog_refuses_what_it_does_not_know(admin: Door, document: dict[str, Any]) -> None:
    admin.do("catalog.apply", document=document)
    policies = [{"actions": ["article:raed"]}]
    assert refused(lambda: admin.do("roles.create", name="helper", policies=policies)) == "unknown_action"


def test_nobody_applies_more_than_they_hold(
    admin: Door, document: dict[str, Any], kind: type[Door], installation: Installation
) -> None:
    scope = [{"actions": ["catalog:*", "article:*"]}]
    weak = kind(installation.url, admin.create(name="Weak", scope=scope).token or "")
    assert refused(lambda: weak.do("catalog.apply", document=document)) == "beyond_own_rights"
    reader = kind(
        installation.url, admin.create(name="Reader", scope=[{"actions": ["catalog:read"]}]).token or ""
    )
    assert reader.do("catalog.diff", document=document)["revision"] == 0
    assert refused(lambda: reader.do("catalog.apply", document=document)) == "permission_denied"
    nobody = kind(
        installation.url, admin.create(name="Nobody", scope=[{"actions": ["keys:read"]}]).token or ""
    )
    assert refused(lambda: nobody.do("catalog.get")) == "permission_denied"
