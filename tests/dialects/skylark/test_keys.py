"""What the four operations do to keys, also to those of other doors, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.skylark.speaker import CREATE, DELETE, LIST, PERMISSIONS, UPDATE, USER

if TYPE_CHECKING:
    from tests.dialects.skylark.speaker import Speaker

MISSING = ("NotFound", "There is no API key with this name.")
TAKEN = ("InvalidInput", "An API key with this name exists already.")
IN_USE = ("Forbidden", "Forbidden: not permitted to apply updates to the API key in use.")
NAMES = "name: A name has 1 to 100 letters, numbers and underscores."


def found(speaker: Speaker, name: str) -> Any:
    """A key as it is listed."""
    return next((key for key in speaker.get(LIST) if key["name"] == name), None)


def rest(speaker: Speaker, method: str, path: str, body: Any = None) -> Any:
    return speaker.keywright.rest(method, path, body, tenant=speaker.tenant)


def expired(speaker: Speaker, handle: str) -> Any:
    """A key of our own door that has expired, and is not swept yet."""
    made = speaker.keywright.key(speaker.tenant, "read_only", handle=handle)
    # A machine that is slow may reach the first of these moments before the server does.
    for seconds in (0.1, 1, 10):
        end = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        answer = speaker.keywright.http.patch(
            f"{speaker.keywright.url}/v1/keys/{made['key']['id']}",
            json={"expires_at": end},
            headers={"Authorization": f"Bearer {speaker.token}"},
        )
        if answer.is_success:
            break
    while speaker.keywright.verdict(made["token"]) == "VALID":
        pass
    return made


def test_a_new_key_is_active_never_expires_and_is_shown_once(here: Speaker) -> None:
    made = here.create("plain", "READ")
    assert made["api_key"].startswith("kw_")
    assert (made["active"], made["expires"], made["permissions"]) == (True, None, ["READ"])
    assert found(here, "plain") == {**made, "api_key": None}
    assert made["api_key"] not in here.keywright.process.errors()


def test_the_oldest_key_is_listed_first(here: Speaker) -> None:
    for name in ("b_first", "a_second", "c_third"):
        here.create(name)
    names = [key["name"] for key in here.get(LIST)]
    assert [name for name in names if name[:2] in {"a_", "b_", "c_"}] == ["b_first", "a_second", "c_third"]


def test_a_key_can_be_made_disabled(here: Speaker) -> None:
    made = here.create("asleep", "READ", active=False)
    assert made["active"] is False
    assert here.keywright.verdict(made["api_key"]) == "DISABLED"
    here.get(UPDATE, name="asleep", api_key={"active": True})
    assert here.keywright.verdict(made["api_key"]) == "VALID"
    assert here.create("awake", "READ", active=None)["active"] is True


def test_each_permission_allows_what_it_stands_for_and_nothing_else(here: Speaker) -> None:
    for name in PERMISSIONS:
        made = here.create(f"only_{name}", name)
        user = here.get(USER, made["api_key"])
        assert (made["permissions"], user["permissions"]) == ([name], [name])
        action = "keys:update" if name == "KEY_MANAGEMENT" else f"skylark:{name.lower()}"
        for asked in ("keys:update", *(f"skylark:{one.lower()}" for one in PERMISSIONS), "keys:verify"):
            verdict = here.keywright.verdict(made["api_key"], action=asked)
            assert (verdict == "VALID") is (asked == action), asked


def test_a_key_without_permissions_may_do_nothing(here: Speaker) -> None:
    made = here.create("nothing")
    assert here.get(USER, made["api_key"]) == {"account": here.tenant, "role": None, "permissions": []}
    assert found(here, "nothing")["permissions"] == []


def test_what_is_left_out_of_an_update_stays(here: Speaker) -> None:
    made = here.create("kept", "READ", "WRITE", expires="2090-01-01T00:00Z")
    shown = {**made, "api_key": None}
    assert here.get(UPDATE, name="kept", api_key={}) == shown
    assert here.get(UPDATE, name="kept", api_key={"active": None, "permissions": None, "name": None}) == shown
    changed = here.get(UPDATE, name="kept", api_key={"permissions": ["TIME_TRAVEL", "READ", "READ"]})
    assert changed == {**shown, "permissions": ["READ", "TIME_TRAVEL"]}
    changed = here.get(UPDATE, name="kept", api_key={"expires": None, "permissions": []})
    assert changed == {**shown, "expires": None, "permissions": []}


def test_a_permission_that_is_taken_is_refused_at_once(here: Speaker) -> None:
    made = here.create("narrowed", "READ", "KEY_MANAGEMENT")
    assert isinstance(here.get(LIST, made["api_key"]), list)
    here.get(UPDATE, name="narrowed", api_key={"permissions": ["READ"]})
    denied = ("Forbidden", "Forbidden: requires KEY_MANAGEMENT permissions")
    assert here.refused(LIST, made["api_key"]) == denied


def test_a_key_is_renamed_where_a_client_asks_for_it(here: Speaker) -> None:
    made = here.create("before", "READ")
    renamed = here.get(UPDATE, name="before", api_key={"name": "after"})
    assert renamed == {**made, "api_key": None, "name": "after"}
    assert rest(here, "GET", f"/v1/keys/{here.id_of('after')}")["name"] == "after"
    assert here.refused(UPDATE, name="before", api_key={}) == MISSING
    assert here.get(UPDATE, name="after", api_key={"name": "after"})["name"] == "after"


def test_names_differ_by_letter_case_and_are_taken_once(here: Speaker) -> None:
    here.create("MyKey", "READ")
    here.create("mykey", "READ")
    assert here.refused(CREATE, api_key={"name": "MyKey", "permissions": []}) == TAKEN
    assert here.refused(UPDATE, name="mykey", api_key={"name": "MyKey"}) == TAKEN
    here.get(DELETE, name="MyKey")
    assert found(here, "mykey") is not None
    here.create("MyKey", "READ")


@pytest.mark.parametrize(
    "name", ["", "a b", "a-b", "ä", "a.b", "a\n", "x" * 101, "\0", "a\u200b", "Ⅷ", "٣", "key_" + "0" * 32]
)
def test_a_bad_name_is_refused(here: Speaker, name: str) -> None:
    before = here.get(LIST)
    if not name.startswith("key_"):
        assert here.refused(CREATE, api_key={"name": name, "permissions": []}) == ("InvalidInput", NAMES)
    assert here.refused(DELETE, name=name) == MISSING
    assert here.refused(UPDATE, name=name, api_key={"active": False}) == MISSING
    assert here.get(LIST) == before


def test_the_longest_name(here: Speaker) -> None:
    assert here.create("_" * 100)["name"] == "_" * 100


@pytest.mark.parametrize("when", ["", "soon", "2090-01-01", "2090-01-01T00:00", "2090-13-01T00:00Z", "2090"])
def test_an_expiry_that_is_no_date_time_is_refused(here: Speaker, when: str) -> None:
    error_type, message = here.refused(CREATE, api_key={"name": "n", "permissions": [], "expires": when})
    assert (error_type, message[:9]) == ("InvalidInput", "expires: ")
    assert found(here, "n") is None


def test_an_expiry_in_the_past_is_refused(here: Speaker) -> None:
    here.create("ending", expires="2090-01-01T00:00Z")
    past = "2020-01-01T00:00:00Z"
    for refused in (
        here.refused(CREATE, api_key={"name": "late", "permissions": [], "expires": past}),
        here.refused(UPDATE, name="ending", api_key={"active": False, "expires": past}),
    ):
        assert refused[0] == "InvalidInput"
        assert refused[1].startswith("expires: The expiry lies in the past.")
    assert found(here, "ending")["active"] is True


def test_the_key_in_use_neither_changes_nor_deletes_itself(here: Speaker) -> None:
    made = here.create("in_use", *PERMISSIONS)
    token = made["api_key"]
    for change in ({"active": False}, {"expires": None}, {"permissions": ["READ"]}, {"name": "other"}, {}):
        assert here.refused(UPDATE, token, name="in_use", api_key=change) == IN_USE
    assert here.refused(DELETE, token, name="in_use") == IN_USE
    assert found(here, "in_use") == {**made, "api_key": None}


def test_nobody_grants_what_the_key_in_use_lacks(here: Speaker) -> None:
    token = here.create("granter", "READ", "KEY_MANAGEMENT")["api_key"]
    for name in set(PERMISSIONS) - {"READ", "KEY_MANAGEMENT"}:
        refused = here.refused(CREATE, token, api_key={"name": "grown", "permissions": ["READ", name]})
        assert refused == ("Forbidden", f"Forbidden: requires {name} permissions")
    here.create("grown", "READ", "KEY_MANAGEMENT", token=token)
    refused = here.refused(UPDATE, token, name="grown", api_key={"permissions": ["WRITE"]})
    assert refused == ("Forbidden", "Forbidden: requires WRITE permissions")
    here.create("stronger", "WRITE", active=False)
    refused = here.refused(UPDATE, token, name="stronger", api_key={"active": True})
    assert refused == ("Forbidden", "Forbidden: requires WRITE permissions")
    # To narrow, disable and delete is free to whoever manages keys.
    assert here.get(UPDATE, token, name="stronger", api_key={"permissions": []})["permissions"] == []
    assert here.get(DELETE, token, name="stronger") == "stronger"


def test_a_name_is_free_again_once_its_key_is_deleted_or_expired(here: Speaker) -> None:
    for _ in range(2):
        here.create("again", "READ")
        assert here.get(DELETE, name="again") == "again"
    for name in ("again", "renamed"):
        expired(here, name)
        assert here.refused(DELETE, name=name) == MISSING
    assert here.create("again", "READ")["active"] is True
    assert here.get(UPDATE, name="again", api_key={"name": "renamed"})["name"] == "renamed"


def test_an_expired_key_is_neither_listed_nor_found_also_where_it_is_disabled(here: Speaker) -> None:
    for name, switched_off in (("over", False), ("over_and_off", True)):
        made = expired(here, name)
        if switched_off:
            rest(here, "PATCH", f"/v1/keys/{made['key']['id']}", {"active": False})
        assert found(here, name) is None
        assert here.refused(UPDATE, name=name, api_key={"expires": None}) == MISSING
        assert here.refused(DELETE, name=name) == MISSING
        assert here.post({"query": USER}, made["token"]).status_code == 401


def test_a_key_of_another_door_shows_what_it_may_do_in_effect(here: Speaker) -> None:
    def shown(handle: str, *roles: str, **fields: Any) -> list[str]:
        here.keywright.key(here.tenant, *roles, handle=handle, **fields)
        permissions: list[str] = found(here, handle)["permissions"]
        return permissions

    assert shown("of_admin", "admin") == list(PERMISSIONS)
    assert shown("of_reader", "read_only") == ["READ"]
    wide = [{"actions": ["skylark:*", "keys:read"]}]
    assert shown("wide", "admin", scope=wide) == [one for one in PERMISSIONS if one != "KEY_MANAGEMENT"]
    assert shown("narrow", "read_only", scope=wide) == ["READ"]
    assert shown("keys", "admin", scope=[{"actions": ["keys:*"]}]) == ["KEY_MANAGEMENT"]
    some = [{"actions": ["skylark:read"], "resources": ["object:1"]}, {"actions": ["article:read"]}]
    assert shown("with-hyphen", "admin", scope=some) == []


def test_a_key_of_another_door_keeps_its_scope_while_its_permissions_stay(here: Speaker) -> None:
    """A form sends all that a key has, also where one thing is changed."""
    scope = [{"actions": ["skylark:read", "article:read"], "resources": None}]
    made = here.keywright.key(here.tenant, "admin", handle="mixed-scope", scope=scope)
    path = f"/v1/keys/{made['key']['id']}"
    form = {"active": False, "expires": None, "permissions": ["READ"]}
    here.get(UPDATE, name="mixed-scope", api_key=form)
    kept = rest(here, "GET", path)
    assert (kept["active"], kept["scope"]) == (False, scope)
    here.get(UPDATE, name="mixed-scope", api_key={**form, "permissions": ["READ", "WRITE"]})
    actions = [policy["actions"] for policy in rest(here, "GET", path)["scope"]]
    assert actions == [["skylark:read"], ["skylark:write"]]
    assert rest(here, "GET", path)["name"] == "A key"
    here.get(UPDATE, name="mixed-scope", api_key={"name": "renamed_there"})
    assert rest(here, "GET", path)["name"] == "A key"


def test_a_key_without_a_handle_is_called_by_its_id(here: Speaker) -> None:
    key_id = here.keywright.key(here.tenant, "read_only")["key"]["id"]
    assert found(here, key_id)["permissions"] == ["READ"]
    refused = here.refused(CREATE, api_key={"name": key_id, "permissions": []})
    assert refused == ("InvalidInput", "name: A name in this form is kept for keys without a name.")
    assert here.get(UPDATE, name=key_id, api_key={"active": False})["active"] is False
    assert here.get(UPDATE, name=key_id, api_key={"name": "named_now"})["name"] == "named_now"
    assert here.refused(DELETE, name=key_id) == MISSING
    assert here.get(DELETE, name="named_now") == "named_now"


def test_an_account_with_more_keys_than_a_page(there: Speaker) -> None:
    many = " ".join(
        f'k{index}: createApiKey(api_key: {{name: "many_{index}", permissions: [READ]}}) {{ name }}'
        for index in range(50)
    )
    for number in range(5):
        answer = there.ask(f"mutation {{ {many.replace('many_', f'many_{number}_')} }}")
        assert "errors" not in answer
    listed = there.get(LIST)
    assert len([key for key in listed if key["name"].startswith("many_")]) == 250
    assert {tuple(key["permissions"]) for key in listed if key["name"].startswith("many_")} == {("READ",)}


def test_several_operations_each_stand_for_themselves(here: Speaker) -> None:
    answer = here.ask("""mutation {
        one: createApiKey(api_key: {name: "one_of_two", permissions: [READ]}) { name }
        two: createApiKey(api_key: {name: "one_of_two", permissions: [READ]}) { name }
    }""")
    assert answer["data"] == {"one": {"name": "one_of_two"}, "two": None}
    (error,) = answer["errors"]
    assert (error["errorType"], error["path"]) == ("InvalidInput", ["two"])
    assert error["locations"] == [{"line": 3, "column": 9, "sourceName": None}]
