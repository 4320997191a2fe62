"""The door knows one tenant: the default one, or the one that it was given. Nothing of another is to be had here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.dialects.cloudtower.ids import to_theirs
from tests.dialects.cloudtower.calls import CREATE, DELETE, Tower
from tests.support.keywright import PASSWORD, served

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def tower() -> Iterator[Tower]:
    with served(KEYWRIGHT_DIALECTS="cloudtower=acme") as keywright:
        keywright.tenant("acme")
        keywright.person("ann", "acme")
        keywright.person("dan", "default")
        yield Tower(keywright)


@pytest.fixture(scope="module")
def ann(tower: Tower) -> str:
    return tower.login("ann")


def test_people_of_another_tenant_are_strangers(tower: Tower) -> None:
    stranger = tower.rest("login", username="nobody", password=PASSWORD)
    assert tower.rest("login", username="dan", password=PASSWORD).json() == stranger.json()
    session = tower.keywright.session("dan")
    of_default = tower.keywright.key("default", "admin")["token"]
    everywhere = tower.keywright.key(None, "deployer")["token"]
    project_maker = tower.keywright.key(None, "project_creator")["token"]
    unknown = tower.rest("get-vms", "kw_nobody").json()
    asked = tower.ask("{ users { id } }", "kw_nobody")
    for token in (session, of_default, project_maker):
        assert tower.rest("get-vms", token).json() == unknown
        assert tower.ask("{ users { id } }", token) == asked
    assert tower.rest("get-vms", everywhere).status_code == 200


def test_no_call_reaches_another_tenants_key(tower: Tower, ann: str) -> None:
    keywright = tower.keywright
    theirs = keywright.key("default", "admin", name="theirs")
    other = keywright.key(None, "super_admin", name="of the installation")
    root = tower.login("admin")
    one = "query ($where: ApiKeyWhereUniqueInput!) { apiKey(where: $where) { id } }"
    update = 'mutation ($where: ApiKeyWhereUniqueInput!) { updateApiKey(where: $where, data: { name: "x" }) { id } }'
    delete = "mutation ($where: ApiKeyWhereUniqueInput!) { deleteApiKey(where: $where) { id } }"
    listed = "query ($where: ApiKeyWhereInput) { apiKeys(where: $where) { id } }"
    for key in (theirs, other):
        named: tuple[Any, ...] = ({"id": to_theirs(key["key"]["id"])}, {"key": key["token"]})
        nobody: tuple[Any, ...] = ({"id": "c" + "0" * 24}, {"key": "kw_nobody"})
        for token in (ann, root):
            for where, nothing in zip(named, nobody, strict=True):
                for query in (one, update, delete, listed):
                    assert tower.ask(query, token, where=where) == tower.ask(query, token, where=nothing)
        assert keywright.verdict(key["token"]) == "VALID"


def test_nobody_of_another_tenant_is_listed(tower: Tower, ann: str) -> None:
    tower.key(ann, "own")
    tower.keywright.key("default", "admin", name="theirs")
    assert [row["name"] for row in tower.rest("get-api-keys", ann).json()] == ["own"]
    assert [row["username"] for row in tower.rest("get-users", ann).json()] == ["ann"]
    assert tower.rest("get-users", ann, where={"username": "dan"}).json() == []
    query = "query ($where: UserWhereUniqueInput!) { user(where: $where) { id } }"
    assert tower.asked(query, ann, where={"username": "dan"}) == {"user": None}
    root = tower.login("admin")
    assert [row["username"] for row in tower.rest("get-users", root).json()] == ["admin", "ann"]


def test_a_key_made_here_is_one_of_this_tenant(tower: Tower, ann: str) -> None:
    made = tower.asked(CREATE, ann, name="here")["createApiKey"]
    assert tower.keywright.verdict(made["key"], tenant="acme") == "VALID"
    assert tower.keywright.verdict(made["key"], tenant="default") == "TENANT_MISMATCH"
    assert tower.asked(DELETE, ann, key=made["key"])["deleteApiKey"]["id"] == made["id"]
    assert tower.keywright.verdict(made["key"]) == "NOT_FOUND"


def test_where_the_tenant_is_gone_everybody_is_a_stranger(tower: Tower, ann: str) -> None:
    """At the end, since nothing is left."""
    key = tower.key(ann)["key"]
    tower.keywright.rest("DELETE", "/v1/tenants/acme?force=true")
    assert [tower.rest("get-vms", one).status_code for one in (ann, key)] == [401, 401]
    answer = tower.rest("login", username="admin", password=PASSWORD)
    assert answer.json()["code"] == "LoginFailed"
