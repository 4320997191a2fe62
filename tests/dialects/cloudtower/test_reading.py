"""What can be listed, by whom, and with what answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import InvalidValue
from keywright.dialects.cloudtower.ids import to_theirs
from keywright.dialects.cloudtower.mapping import role_id
from keywright.dialects.cloudtower.request import MAX_HANDED, Request
from tests.dialects.cloudtower.calls import CREATE, DELETE

if TYPE_CHECKING:
    from tests.dialects.cloudtower.calls import Tower

UPDATE = 'mutation ($id: ID!) { updateApiKey(data: { name: "x" }, where: { id: $id }) { id } }'
READS = (
    "{ users { id roles { name users { username } } } apiKeys { id user { name } roles { preset } } "
    "userRoleNexts { name } usersConnection { aggregate { count } } apiKeysConnection { aggregate { count } } "
    "userRoleNextsConnection { aggregate { count } } }"
)


@pytest.fixture(scope="module")
def root(tower: Tower) -> str:
    """The token of a login of who may do everything everywhere."""
    return tower.login("admin")


@pytest.fixture(scope="module")
def mia(tower: Tower) -> str:
    """The token of a login of somebody with keys of their own alone."""
    tower.keywright.person("mia", "default", "member")
    return tower.login("mia")


def names(rows: Any) -> list[str]:
    return [row["username"] for row in rows]


def code(answer: Any) -> str | None:
    """The code of a query's only error, or None."""
    errors = answer.get("errors", [])
    return errors[0]["extensions"]["code"] if errors else None


def test_users_as_rest_lists_them(tower: Tower, ada: str) -> None:
    (found,) = tower.rest("get-users", ada, where={"username": "rita"}).json()
    person = tower.keywright.rest("GET", "/v1/users?limit=200", tenant="default")["items"]
    rita = next(one for one in person if one["login"] == "rita")
    assert found == {
        "id": to_theirs(rita["id"]),
        "name": "Rita",
        "username": "rita",
        "display_username": "rita",
        "email_address": "rita@example.com",
        "internal": False,
        "source": "LOCAL",
        "role": "READ_ONLY",
        "roles": [{"id": role_id("read_only"), "name": "read_only"}],
        "auth_config_id": None,
        "ldap_dn": None,
        "mobile_phone": None,
        "password_expired": None,
        "password_recover_qa": None,
        "password_updated_at": None,
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"where": {"username_in": ["ada", "rita"]}, "orderBy": "username_DESC"}, ["rita", "ada"]),
        ({"where": {"username_in": ["ada", "rita"]}, "orderBy": "username_DESC", "first": 1}, ["rita"]),
        ({"where": {"OR": [{"name": "Ada"}, {"email_address_starts_with": "rita@"}]}, "last": 1}, ["rita"]),
        ({"where": {"roles_some": {"preset": "READ_ONLY"}}}, ["rita"]),
        ({"where": {"roles_some": {"users_some": {"username": "rita"}}}}, ["rita"]),
        ({"where": {"NOT": [{"source": "LOCAL"}]}}, []),
        ({"where": {"role": "ROOT"}}, []),
        ({"after": "nobody"}, []),
    ],
    ids=repr,
)
def test_filters_orders_and_windows(tower: Tower, ada: str, given: Any, found: list[str]) -> None:
    assert names(tower.rest("get-users", ada, **given).json()) == found
    query = (
        "query ($where: UserWhereInput, $orderBy: UserOrderByInput, $first: Int, $last: Int, $after: String) "
        "{ users(where: $where, orderBy: $orderBy, first: $first, last: $last, after: $after) { username } }"
    )
    assert names(tower.asked(query, ada, **given)["users"]) == found


def test_counts_look_at_the_filter_alone(tower: Tower, ada: str) -> None:
    where = {"username_in": ["ada", "rita"]}
    found = tower.rest("get-users-connection", ada, where=where, first=1, skip=5).json()
    assert found == {"aggregate": {"count": 2}}
    query = (
        "query ($where: UserWhereInput) { usersConnection(where: $where, first: 1) { aggregate { count } } }"
    )
    assert tower.asked(query, ada, where=where)["usersConnection"] == {"aggregate": {"count": 2}}


def test_roles_and_their_presets(tower: Tower, ada: str) -> None:
    policies = [{"actions": ["articles:*"]}]
    tower.keywright.rest("POST", "/v1/roles", {"name": "editor", "policies": policies}, tenant="default")
    rows = {row["name"]: row for row in tower.rest("get-user-role-nexts", ada).json()}
    assert {name: row["preset"] for name, row in rows.items()} == {
        "super_admin": "ROOT",
        "monitor": "AUDITOR",
        "project_admin": "USER_ADMIN",
        "admin": "ADMIN",
        "member": None,
        "read_only": "READ_ONLY",
        "editor": None,
    }
    assert {row["platform"] for row in rows.values()} == {"MANAGEMENT"}
    assert [one["name"] for one in rows["read_only"]["users"]] == ["Rita"]
    assert (rows["editor"]["users"], rows["editor"]["actions"]) == ([], [])
    one = "query ($where: UserRoleNextWhereUniqueInput!) { userRoleNext(where: $where) { name users { username } } }"
    found = tower.asked(one, ada, where={"id": role_id("read_only")})["userRoleNext"]
    assert found == {"name": "read_only", "users": [{"username": "rita"}]}
    assert tower.asked(one, ada, where={"id": "c" + "0" * 24}) == {"userRoleNext": None}
    preset = (
        "{ userRoleNexts(where: { preset_in: [ROOT, USER_ADMIN, VM_USER] }, orderBy: name_ASC) { name } }"
    )
    assert tower.asked(preset, ada)["userRoleNexts"] == [{"name": "project_admin"}, {"name": "super_admin"}]
    assert tower.rest("get-user-role-nexts-connection", ada, where={"preset": None}).json() == {
        "aggregate": {"count": 2}
    }


def test_one_user(tower: Tower, ada: str) -> None:
    one = "query ($where: UserWhereUniqueInput!) { user(where: $where) { id name roles { preset } } }"
    found = tower.asked(one, ada, where={"username": "rita"})["user"]
    assert (found["name"], found["roles"]) == ("Rita", [{"preset": "READ_ONLY"}])
    assert tower.asked(one, ada, where={"id": found["id"]})["user"] == found
    assert tower.asked(one, ada, where={"id": found["id"], "username": "ada"}) == {"user": None}
    assert code(tower.ask(one, ada, where={})) == "MissingField"


def test_roles_over_the_installation_are_seen_by_who_may_read_them(tower: Tower, root: str, ada: str) -> None:
    keywright = tower.keywright
    keywright.rest(
        "POST",
        "/v1/memberships",
        {"identity_id": keywright.person("olga")["id"], "role": "monitor"},
        tenant="*",
    )
    where = {"username_in": ["admin", "olga"]}
    by_root = {row["username"]: row for row in tower.rest("get-users", root, where=where).json()}
    assert {name: row["role"] for name, row in by_root.items()} == {"admin": "ROOT", "olga": None}
    assert [role["name"] for role in by_root["olga"]["roles"]] == ["monitor"]
    by_ada = tower.rest("get-users", ada, where=where).json()
    assert [(row["username"], row["role"]) for row in by_ada] == [("admin", "ADMIN")]
    olga = tower.login("olga")
    assert tower.rest("get-my-info", olga).json()["roles"][0]["name"] == "monitor"
    assert code(tower.ask(CREATE, olga, name="x")) == "Forbidden"


def test_whose_keys_are_whose(tower: Tower, ada: str, mia: str) -> None:
    keywright = tower.keywright
    own = tower.key(mia, "of mia")
    program = keywright.key("default", "read_only", name="of a program")
    query = (
        '{ apiKeys(where: { name_starts_with: "of " }, orderBy: name_DESC) '
        "{ name username user { username } roles { name } } }"
    )
    assert tower.asked(query, ada)["apiKeys"] == [
        {"name": "of mia", "username": "mia", "user": {"username": "mia"}, "roles": [{"name": "member"}]},
        {"name": "of a program", "username": "of a program", "user": None, "roles": [{"name": "read_only"}]},
    ]
    rows = tower.rest("get-api-keys", ada, where={"user": {"username": "mia"}}, orderBy="username_ASC").json()
    assert rows == [
        {
            "id": own["id"],
            "key": None,
            "name": "of mia",
            "description": "",
            "username": "mia",
            "editable": True,
            "external_cloudtowers": [],
            "user": {"id": rows[0]["user"]["id"], "name": "Mia"},
            "roles": [{"id": role_id("member"), "name": "member", "preset": None}],
        }
    ]
    by_role = '{ apiKeys(where: { roles_some: { users_some: { username: "mia" } } }) { name } }'
    assert tower.asked(by_role, ada)["apiKeys"] == [{"name": "of mia"}]
    by_secret = "query ($keys: [String!]) { apiKeys(where: { key_in: $keys }) { name } }"
    secrets = [own["key"], program["token"], ada, "nobody's"]
    assert len(tower.asked(by_secret, ada, keys=secrets)["apiKeys"]) == 2
    me = tower.rest("get-my-info", program["token"]).json()
    assert (me["username"], me["internal"]) == ("of a program", True)


def test_some_of_the_oldest_keys_are_read_without_the_rest(tower: Tower, ada: str) -> None:
    for number in range(3):
        tower.key(ada, f"paged {number}")
    every = [row["id"] for row in tower.asked("{ apiKeys { id } }", ada)["apiKeys"]]
    assert every == sorted(every)
    page = (
        "query ($skip: Int, $first: Int, $after: String) "
        "{ apiKeys(skip: $skip, first: $first, after: $after) { id } }"
    )
    for skip, first in ((0, 2), (1, 1), (len(every), 5), (0, 0)):
        found = tower.asked(page, ada, skip=skip, first=first)["apiKeys"]
        assert [row["id"] for row in found] == every[skip : skip + first]
    assert [row["id"] for row in tower.asked(page, ada, after=every[-2])["apiKeys"]] == every[-1:]


def test_a_reader_reads_everything_and_changes_nothing(tower: Tower, ada: str, rita: str) -> None:
    made = tower.key(ada, "not to be touched")
    assert code(tower.ask(READS, rita)) is None
    before = tower.rest("get-api-keys", ada).json()
    assert code(tower.ask(CREATE, rita, name="x")) == "Forbidden"
    assert code(tower.ask(UPDATE, rita, id=made["id"])) == "Forbidden"
    assert code(tower.ask(DELETE, rita, key=made["key"])) == "Forbidden"
    assert tower.rest("get-api-keys", ada).json() == before
    assert tower.rest("get-vms", made["key"]).status_code == 200


def test_a_member_sees_and_stops_its_own_keys_alone(tower: Tower, ada: str, mia: str) -> None:
    theirs, own = tower.key(ada, "of ada"), tower.key(mia, "own")
    listed = tower.asked("{ apiKeys { id name } }", mia)["apiKeys"]
    assert own["id"] in {row["id"] for row in listed}
    assert theirs["id"] not in {row["id"] for row in listed}
    one = "query ($where: ApiKeyWhereUniqueInput!) { apiKey(where: $where) { id } }"
    for where in ({"id": theirs["id"]}, {"key": theirs["key"]}):
        assert tower.asked(one, mia, where=where) == {"apiKey": None}
    denied, missing = (tower.ask(DELETE, mia, key=one) for one in (theirs["key"], "kw_nobody"))
    assert denied == missing
    assert tower.asked(DELETE, mia, key=own["key"])["deleteApiKey"]["id"] == own["id"]
    assert tower.rest("get-vms", theirs["key"]).status_code == 200


def test_a_key_follows_the_roles_of_its_user(tower: Tower, ada: str) -> None:
    keywright = tower.keywright
    person = keywright.person("nils", "default")
    key = tower.key(tower.login("nils"))
    (membership,) = keywright.rest("GET", f"/v1/memberships?identity_id={person['id']}", tenant="default")[
        "items"
    ]
    other = tower.ask(CREATE, key["key"], name="by a key")["data"]["createApiKey"]
    keywright.rest(
        "POST", "/v1/memberships", {"identity_id": person["id"], "role": "read_only"}, tenant="default"
    )
    keywright.rest("DELETE", f"/v1/memberships/{membership['id']}", tenant="default")
    where = {"id": key["id"]}
    query = "query ($where: ApiKeyWhereUniqueInput!) { apiKey(where: $where) { roles { preset } } }"
    assert tower.asked(query, ada, where=where)["apiKey"] == {"roles": [{"preset": "READ_ONLY"}]}
    for one in (key["key"], other["key"]):
        assert tower.rest("get-users", one).status_code == 200
        assert code(tower.ask(CREATE, one, name="x")) == "Forbidden"


def test_a_key_neither_changes_nor_deletes_itself(tower: Tower, ada: str) -> None:
    made = tower.key(ada)
    assert code(tower.ask(DELETE, made["key"], key=made["key"])) == "OwnApiKey"
    assert code(tower.ask(UPDATE, made["key"], id=made["id"])) == "OwnApiKey"
    assert tower.rest("get-vms", made["key"]).status_code == 200


def test_a_key_with_a_scope_makes_none_without(tower: Tower) -> None:
    made = tower.keywright.key("default", "admin", scope=[{"actions": ["keys:create", "keys:read"]}])
    assert code(tower.ask(CREATE, made["token"], name="x")) == "Forbidden"
    assert tower.rest("get-api-keys", made["token"]).status_code == 200
    found = tower.rest("get-users", made["token"])
    assert (found.status_code, found.json()["code"]) == (403, "Forbidden")
    mine = tower.rest("get-my-info", made["token"]).json()
    assert mine["roles"] == [{"id": role_id("admin"), "name": "admin"}]
    row = next(row for row in tower.rest("get-api-keys", made["token"]).json() if row["user"] is None)
    assert row["roles"] is None or isinstance(row["roles"], list)


def test_somebody_with_a_role_of_the_tenant_and_nothing_of_keywright(tower: Tower) -> None:
    keywright = tower.keywright
    policies = [{"actions": ["articles:read"]}]
    keywright.rest("POST", "/v1/roles", {"name": "visitor", "policies": policies}, tenant="default")
    keywright.person("vera", "default", "visitor")
    token = tower.login("vera")
    assert tower.rest("get-vms", token).text == "[]"
    assert tower.rest("get-my-info", token).json()["roles"] == [{"id": role_id("visitor"), "name": "visitor"}]
    assert tower.rest("get-users", token).status_code == 403
    assert tower.rest("get-user-role-nexts", token).status_code == 403
    assert code(tower.ask("{ apiKeys { id } }", token)) == "Forbidden"


def test_related_things_may_be_asked_for_again_and_again(tower: Tower, ada: str) -> None:
    query = "username"
    for _ in range(4):
        query = f"username roles {{ users {{ {query} }} }}"
    assert code(tower.ask(f"{{ users {{ {query} }} }}", ada)) is None


def test_how_much_one_answer_holds_has_a_bound() -> None:
    nobody: Any = None
    request = Request(nobody, nobody)
    request.hand(MAX_HANDED)
    with pytest.raises(InvalidValue):
        request.hand(1)


def test_wherever_a_value_stands_a_wrong_one_is_refused(tower: Tower, ada: str) -> None:
    wrong: tuple[Any, ...] = (1, -1, True, "\0", "x" * 5000, [], [None], {}, {"x": {}}, 1.5, 10**30)
    for operation in (
        "get-users",
        "get-api-keys-connection",
        "get-user-role-nexts",
        "get-vms",
        "get-my-info",
    ):
        for argument in ("where", "orderBy", "skip", "first", "last", "after", "before", "nothing"):
            for value in wrong:
                answer = tower.rest(operation, ada, **{argument: value})
                assert answer.status_code in {200, 400}, (operation, argument, answer.text)
                if answer.status_code == 400:
                    assert answer.json().keys() <= {"path", "status", "message", "code", "props"}
    where = "query ($where: ApiKeyWhereUniqueInput!) { apiKey(where: $where) { id } }"
    for value in wrong:
        for name in ("id", "key"):
            answer = tower.post("/api", {"query": where, "variables": {"where": {name: value}}}, ada)
            assert answer.status_code in {200, 400}
            assert answer.json().get("data") in (None, {"apiKey": None})
    assert "unexpected_error" not in tower.keywright.process.errors()
