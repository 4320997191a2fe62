"""Who may do what, in which account: decided where it is decided for every door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.skylark.speaker import CREATE, DELETE, LIST, PERMISSIONS, UPDATE, USER
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from tests.dialects.skylark.speaker import Speaker

DENIED = ("Forbidden", "Forbidden: requires KEY_MANAGEMENT permissions")
ACCOUNT = "{ getAccount { account_id skylark_version config { draft_update migrated raise_uid_exception } } }"
CHANGING: list[tuple[str, dict[str, Any]]] = [
    (CREATE, {"api_key": {"name": "not_made", "permissions": []}}),
    (UPDATE, {"name": "target", "api_key": {"active": False}}),
    (DELETE, {"name": "target"}),
]


@pytest.fixture(scope="module", autouse=True)
def target(here: Speaker) -> str:
    """The token of a key to do things to."""
    token: str = here.create("target", "READ")["api_key"]
    return token


def trail(speaker: Speaker) -> list[Any]:
    """The audit entries of an account."""
    items: list[Any] = speaker.keywright.rest("GET", "/v1/audit", tenant=speaker.tenant)["items"]
    return items


@pytest.mark.parametrize(
    "permissions", [(), ("READ",), tuple(set(PERMISSIONS) - {"KEY_MANAGEMENT"})], ids=len
)
def test_all_four_operations_need_key_management(here: Speaker, permissions: tuple[str, ...]) -> None:
    token = here.create(f"without_{len(permissions)}", *permissions)["api_key"]
    before = len(trail(here))
    assert here.refused(LIST, token) == DENIED
    for query, variables in CHANGING:
        assert here.refused(query, token, **variables) == DENIED
    assert here.refused(DELETE, token, name="nowhere") == DENIED
    assert here.refused(CREATE, token, api_key={"name": "n", "permissions": PERMISSIONS}) == DENIED
    assert len(trail(here)) == before


def test_key_management_alone_does_for_all_four(here: Speaker) -> None:
    token = here.create("manager", "KEY_MANAGEMENT")["api_key"]
    assert {key["name"] for key in here.get(LIST, token)} >= {"target", "manager"}
    here.create("by_manager", "KEY_MANAGEMENT", token=token)
    assert here.get(UPDATE, token, name="by_manager", api_key={"active": False})["active"] is False
    assert here.get(DELETE, token, name="by_manager") == "by_manager"


def test_a_reader_sees_all_and_changes_nothing(here: Speaker, target: str) -> None:
    token = here.keywright.key(here.tenant, "read_only")["token"]
    assert "target" in {key["name"] for key in here.get(LIST, token)}
    assert here.get(USER, token)["permissions"] == ["READ"]
    before = len(trail(here))
    for query, variables in CHANGING:
        assert here.refused(query, token, **variables) == DENIED
    assert here.keywright.verdict(target) == "VALID"
    assert len(trail(here)) == before


def test_a_member_manages_keys_of_its_own(here: Speaker) -> None:
    token = here.keywright.key(here.tenant, "member")["token"]
    assert here.refused(DELETE, token, name="target") == ("NotFound", "There is no API key with this name.")
    here.create("own", token=token)
    assert "own" in {key["name"] for key in here.get(LIST, token)}
    assert "target" not in {key["name"] for key in here.get(LIST, token)}
    refused = here.refused(CREATE, token, api_key={"name": "more", "permissions": ["READ"]})
    assert refused == ("Forbidden", "Forbidden: requires READ permissions")
    refused = here.refused(UPDATE, token, name="own", api_key={"permissions": ["WRITE"]})
    assert refused == ("Forbidden", "Forbidden: requires WRITE permissions")
    assert here.get(DELETE, token, name="own") == "own"


@pytest.mark.parametrize(
    ("permissions", "role"),
    [
        ((), None),
        (("WRITE",), None),
        (("READ",), "READ_ONLY"),
        (("READ", "KEY_MANAGEMENT"), "READ_ONLY"),
        (("READ", "WRITE", "SELF_CONFIG"), "READ_WRITE"),
        (("IGNORE_AVAILABILITY", "READ", "TIME_TRAVEL", "WRITE"), "EDITOR"),
        (tuple(one for one in PERMISSIONS if one != "KEY_MANAGEMENT"), "ADMIN"),
        (PERMISSIONS, "ADMIN"),
    ],
)
def test_everybody_may_ask_who_they_are(
    here: Speaker, permissions: tuple[str, ...], role: str | None
) -> None:
    token = here.create("asking", *permissions)["api_key"]
    user = here.get(USER, token)
    assert user == {"account": here.tenant, "role": role, "permissions": sorted(permissions)}
    config = {"draft_update": False, "migrated": True, "raise_uid_exception": False}
    account = {"account_id": here.tenant, "skylark_version": "latest", "config": config}
    assert here.get(ACCOUNT, token) == account
    here.get(DELETE, name="asking")


def test_another_account_is_as_good_as_nowhere(here: Speaker, there: Speaker, target: str) -> None:
    nowhere = {name: there.ask(name, **variables) for name, variables in asked("nowhere")}
    foreign = {name: there.ask(name, **variables) for name, variables in asked("target")}
    by_id = {name: there.ask(name, **variables) for name, variables in asked(here.id_of("target"))}
    assert nowhere == foreign == by_id
    assert here.keywright.verdict(target) == "VALID"
    assert "target" not in {key["name"] for key in there.get(LIST)}
    # The same name in two accounts is two keys.
    other = there.create("target", "READ")["api_key"]
    assert there.get(DELETE, name="target") == "target"
    assert (here.keywright.verdict(target), here.keywright.verdict(other)) == ("VALID", "NOT_FOUND")


def asked(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [(UPDATE, {"name": name, "api_key": {"active": False}}), (DELETE, {"name": name})]


def test_a_credential_of_no_one_account_has_none(here: Speaker) -> None:
    for token in (ROOT, here.keywright.session(), here.keywright.key(None)["token"]):
        assert here.post({"query": USER}, token).status_code == 401


def test_each_change_is_in_the_trail_with_who_made_it(here: Speaker) -> None:
    before = {entry["id"] for entry in trail(here)}
    token = here.create("trailed", "READ")["api_key"]
    here.get(UPDATE, name="trailed", api_key={"active": False})
    here.get(DELETE, name="trailed")
    new = [entry for entry in trail(here) if entry["id"] not in before]
    assert {entry["action"] for entry in new} == {"key.create", "key.disable", "key.delete"}
    assert len({str(entry["actor"]) for entry in new}) == 1
    assert token not in str(new)
