"""Memberships: what is wrong with them, and members that are added, updated and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.ids import new_id
from tests.dialects.contember.asking import BLOG, CREATE, CS, VALIDATED, Tenant, as_uuid, forbidden

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

UNKNOWN = "11111111-2222-4333-8444-555555555555"
LEGACY = {
    "ROLE_NOT_FOUND": "Given role not found",
    "VARIABLE_NOT_FOUND": "Provided variable does not exist",
    "VARIABLE_EMPTY": "Required variable is empty",
}
MEMBERSHIPS = (
    "query ($projectSlug: String!, $identityId: String!) { projectMemberships(projectSlug: $projectSlug, "
    "identityId: $identityId) { role variables { name values } } }"
)
MEMBERS = (
    "query ($slug: String!, $input: ProjectMembersInput, $type: MemberType) { projectBySlug(slug: $slug) "
    "{ members(input: $input, memberType: $type) { identity { id description person { id email name otpEnabled } } "
    "memberships { role } } } }"
)


def mutation(name: str) -> str:
    fields = f"ok error {{ {VALIDATED} }} errors {{ {VALIDATED} }}"
    if name == "removeProjectMember":
        fields = fields.replace(" membershipValidation { code role variable }", "")
        return (
            f"mutation ($projectSlug: String!, $identityId: String!) {{ {name}(projectSlug: $projectSlug, "
            f"identityId: $identityId) {{ {fields} }} }}"
        )
    return (
        "mutation ($projectSlug: String!, $identityId: String!, $memberships: [MembershipInput!]!) "
        f"{{ {name}(projectSlug: $projectSlug, identityId: $identityId, memberships: $memberships) {{ {fields} }} }}"
    )


ADD, UPDATE, REMOVE = map(mutation, ("addProjectMember", "updateProjectMember", "removeProjectMember"))


def role(name: str, **variables: list[str]) -> dict[str, Any]:
    return {"role": name, "variables": [{"name": one, "values": values} for one, values in variables.items()]}


def wanted(slug: str, *memberships: dict[str, Any]) -> dict[str, Any]:
    return {"projectSlug": slug, "memberships": list(memberships), "description": "x"}


def held(root: Tenant, slug: str, identity: str) -> list[dict[str, Any]]:
    found = root.ask(MEMBERSHIPS, projectSlug=slug, identityId=identity)["projectMemberships"]
    return sorted(found, key=lambda one: str(one["role"]))


@pytest.fixture
def person(keywright: Keywright) -> str:
    """Somebody new, as the door names them."""
    return as_uuid(keywright.person(f"p{new_id('idn')[-12:]}")["id"])


# What is wrong with memberships

WRONG = [
    ([role("nobody")], [("ROLE_NOT_FOUND", "nobody", None)], ["Role nobody is not defined in a schema"]),
    ([role("nobody", language=["cs"])], [("ROLE_NOT_FOUND", "nobody", None)], None),
    (
        [role("editor")],
        [("VARIABLE_EMPTY", "editor", "language")],
        ["Variable language of role editor is empty"],
    ),
    (
        [role("editor", tone=["cs"])],
        [("VARIABLE_NOT_FOUND", "editor", "tone"), ("VARIABLE_EMPTY", "editor", "language")],
        [
            "Variable tone of role editor is not defined in a schema",
            "Variable language of role editor is empty",
        ],
    ),
    ([role("viewer", identityID=["x"])], [("VARIABLE_NOT_FOUND", "viewer", "identityID")], None),
    (
        [role("editor", language=["c s"])],
        [("VARIABLE_INVALID", "editor", "language")],
        ["Variable language of role editor contains invalid value"],
    ),
    ([role("editor", language=["*"])], [("VARIABLE_INVALID", "editor", "language")], None),
    (
        [role("viewer"), role("nobody"), role("editor"), role("editor", language=["cs"]), role("no")],
        [
            ("ROLE_NOT_FOUND", "nobody", None),
            ("VARIABLE_EMPTY", "editor", "language"),
            ("ROLE_NOT_FOUND", "no", None),
        ],
        None,
    ),
    (
        [role("editor", language=["cs"]), role("editor", language=["c:s"])],
        [("VARIABLE_INVALID", "editor", "language")],
        None,
    ),
]


@pytest.mark.parametrize(("sent", "found", "sentences"), WRONG, ids=range(len(WRONG)))
def test_all_that_is_wrong_is_said_in_order(
    root: Tenant, blog: str, sent: list[Any], found: list[Any], sentences: list[str] | None
) -> None:
    answer = root.ask(CREATE, **wanted(blog, *sent))
    assert (answer["ok"], answer["result"]) == (False, None)
    error, *legacy = answer["errors"]
    assert error == answer["error"]
    assert error["code"] == "INVALID_MEMBERSHIP"
    assert error["membershipValidation"] == [
        {"code": code, "role": name, "variable": variable} for code, name, variable in found
    ]
    if sentences is not None:
        assert error["developerMessage"] == (
            f"Provided membership is invalid: {'. '.join(sentences)}. "
            "You can also check membershipValidation field for structured details."
        )
    expected = [code for code, _, _ in found if code in LEGACY]
    assert [(one["code"], one["endUserMessage"]) for one in legacy] == [
        (code, LEGACY[code]) for code in expected
    ]


def test_an_entity_that_a_strict_project_does_not_know_is_no_value(
    keywright: Keywright, root: Tenant
) -> None:
    keywright.tenant(
        "strict",
        {
            **BLOG,
            "strict": True,
            "actions": [{"name": "article:read"}],
            "roles": {"editor": {**BLOG["roles"]["editor"], "policies": [{"actions": ["article:read"]}]}},
        },
    )
    answer = root.ask(CREATE, **wanted("strict", role("editor", language=["cs", "de"])))
    assert answer["error"]["membershipValidation"] == [
        {"code": "VARIABLE_INVALID", "role": "editor", "variable": "language"}
    ]
    assert root.ask(CREATE, **wanted("strict", role("editor", language=["cs", "en"])))["ok"]


def test_a_token_is_not_said_again(root: Tenant, blog: str) -> None:
    token = root.key(blog)["token"]
    for membership in (role(token), role("editor", **{token: ["x"]}), role("editor", language=[token])):
        assert token not in root.send(CREATE, wanted(blog, membership)).text


MADE = [
    ([], []),
    ([role("editor", language=[])], []),
    ([role("viewer"), role("editor", language=[])], [role("viewer")]),
    ([role("editor", language=["cs"]), role("editor", language=["en"])], [role("editor", language=["en"])]),
    (
        [{"role": "editor", "variables": [*CS, {"name": "language", "values": ["en", "cs"]}]}],
        [role("editor", language=["en", "cs"])],
    ),
    ([role("viewer"), role("viewer")], [role("viewer")]),
    ([role("admin")], [role("admin")]),
]


@pytest.mark.parametrize(("sent", "expected"), MADE, ids=range(len(MADE)))
def test_what_is_made_of_memberships(root: Tenant, blog: str, sent: list[Any], expected: list[Any]) -> None:
    answer = root.ask(CREATE, **wanted(blog, *sent))
    assert answer["ok"], answer
    assert held(root, blog, answer["result"]["apiKey"]["identity"]["id"]) == expected


def test_whoever_may_not_see_roles_is_told_what_a_use_case_says(keywright: Keywright, root: Tenant) -> None:
    keywright.tenant(
        "narrow",
        {
            **BLOG,
            "roles": {**BLOG["roles"], "maker": {"policies": [{"actions": ["keys:create", "article:*"]}]}},
        },
    )
    maker = Tenant(keywright, root.key("narrow", "maker")["token"])
    for sent, code in (
        (role("nobody"), "ROLE_NOT_FOUND"),
        (role("editor"), "VARIABLE_EMPTY"),
        (role("editor", tone=["x"]), "VARIABLE_NOT_FOUND"),
        (role("editor", language=["c s"]), "VARIABLE_INVALID"),
    ):
        error = maker.ask(CREATE, **wanted("narrow", sent))["error"]
        assert [one["code"] for one in error["membershipValidation"]] == [code]
    assert maker.ask(CREATE, **wanted("narrow", role("viewer")))["ok"]


# Members


def test_a_member_is_added_updated_and_removed(root: Tenant, blog: str, person: str) -> None:
    one = {"projectSlug": blog, "identityId": person}
    added = root.ask(ADD, **one, memberships=[role("viewer"), role("editor", language=["cs"])])
    assert added == {"ok": True, "error": None, "errors": []}
    assert held(root, blog, person) == [role("editor", language=["cs"]), role("viewer")]
    wrong = root.ask(ADD, **one, memberships=[role("nobody")])
    assert wrong["error"]["code"] == "INVALID_MEMBERSHIP"
    again = root.ask(ADD, **one, memberships=[role("read_only")])
    assert again["error"]["code"] == "ALREADY_MEMBER"
    assert again["error"]["developerMessage"] == (
        "This identity is already a project member. Use updateProjectMember mutation to change memberships."
    )
    assert again["errors"] == [again["error"]]
    assert root.ask(UPDATE, **one, memberships=[role("editor", language=["en"])])["ok"]
    assert held(root, blog, person) == [role("editor", language=["en"])]
    assert root.ask(REMOVE, **one)["ok"]
    assert held(root, blog, person) == []
    for answer in (root.ask(REMOVE, **one), root.ask(UPDATE, **one, memberships=[])):
        assert answer["error"]["code"] == "NOT_MEMBER"
        assert answer["error"]["developerMessage"] == "Not a project member"


def test_an_update_leaves_out_what_lacks_values(root: Tenant, blog: str, person: str) -> None:
    one = {"projectSlug": blog, "identityId": person}
    root.ask(ADD, **one, memberships=[role("editor", language=["cs"]), role("viewer")])
    for empty in (role("editor"), role("editor", language=[])):
        assert root.ask(UPDATE, **one, memberships=[role("viewer"), empty])["ok"]
        assert held(root, blog, person) == [role("viewer")]
    wrong = root.ask(UPDATE, **one, memberships=[role("editor"), role("nobody"), role("editor", x=["y"])])
    assert [item["code"] for item in wrong["error"]["membershipValidation"]] == [
        "ROLE_NOT_FOUND",
        "VARIABLE_NOT_FOUND",
    ]
    assert held(root, blog, person) == [role("viewer")]


def test_nothing_is_given_where_something_is_wrong(
    root: Tenant, overseer: Tenant, blog: str, person: str
) -> None:
    one = {"projectSlug": blog, "identityId": person}
    wrong = root.ask(ADD, **one, memberships=[role("viewer"), role("nobody")])
    assert wrong["error"]["code"] == "INVALID_MEMBERSHIP"
    assert overseer.error(ADD, **one, memberships=[role("admin")])["extensions"] == {"code": "ForbiddenError"}
    assert held(root, blog, person) == []
    assert root.ask(ADD, **one, memberships=[])["ok"]


def test_who_is_not_there(root: Tenant, admin: Tenant, overseer: Tenant, blog: str, person: str) -> None:
    for identity in (UNKNOWN, "x", ""):
        one = {"projectSlug": blog, "identityId": identity}
        assert root.ask(ADD, **one, memberships=[role("viewer")])["error"]["code"] == "IDENTITY_NOT_FOUND"
        assert root.ask(ADD, **one, memberships=[role("no")])["error"]["code"] == "INVALID_MEMBERSHIP"
        assert root.ask(UPDATE, **one, memberships=[])["error"]["code"] == "NOT_MEMBER"
        assert root.ask(REMOVE, **one)["error"]["code"] == "NOT_MEMBER"
    # Whoever is confined to the project does not know of people elsewhere.
    one = {"projectSlug": blog, "identityId": person}
    assert admin.ask(ADD, **one, memberships=[role("viewer")])["error"]["code"] == "IDENTITY_NOT_FOUND"
    nowhere = {"projectSlug": "nowhere", "identityId": person}
    for caller in (root, overseer):
        for query in (ADD, UPDATE):
            assert caller.ask(query, **nowhere, memberships=[])["error"]["code"] == "PROJECT_NOT_FOUND"
        assert caller.ask(REMOVE, **nowhere)["error"]["code"] == "PROJECT_NOT_FOUND"


def test_a_key_of_one_project_gets_no_role_in_another(keywright: Keywright, root: Tenant, blog: str) -> None:
    keywright.tenant("second", BLOG)
    identity = root.key(blog, "viewer")["identity"]["id"]
    one = {"projectSlug": "second", "identityId": identity}
    assert root.ask(ADD, **one, memberships=[role("viewer")])["error"]["code"] == "IDENTITY_NOT_FOUND"


def test_who_may_not_change_members(
    keywright: Keywright, root: Tenant, reader: Tenant, blog: str, person: str
) -> None:
    root.ask(ADD, projectSlug=blog, identityId=person, memberships=[role("viewer")])
    keywright.tenant("theirs")
    others = Tenant(keywright, keywright.key("theirs", "admin")["token"])
    for caller in (reader, others):
        for query, doing in ((ADD, "add"), (UPDATE, "update"), (REMOVE, "remove")):
            more = {} if query == REMOVE else {"memberships": [role("nobody")]}
            texts = {
                caller.send(query, {"projectSlug": slug, "identityId": identity, **more}).text
                for slug in (blog, "nowhere")
                for identity in (person, UNKNOWN)
            }
            assert len(texts) == 1
            error = caller.error(query, projectSlug=blog, identityId=person, **more)
            assert forbidden(error, f"You are not allowed to {doing} a project member")
    assert held(root, blog, person) == [role("viewer")]


def test_the_last_administrator_stays(keywright: Keywright, root: Tenant) -> None:
    keywright.tenant("lonely")
    person = as_uuid(keywright.person("lonely", "lonely")["id"])
    error = root.error(REMOVE, projectSlug="lonely", identityId=person)
    assert error["extensions"] == {"code": "UserInputError"}
    assert held(root, "lonely", person) == [role("admin")]


# Lists of members


@pytest.fixture(scope="module")
def team(keywright: Keywright, root: Tenant) -> dict[str, str]:
    """A project with two people and two keys; their identities by name."""
    keywright.tenant("team", BLOG)
    found = {}
    for login in ("anna", "boris"):
        found[login] = as_uuid(keywright.person(login, "team", "read_only")["id"])
    for name in ("one", "two"):
        found[name] = root.key("team", "viewer", description=name)["identity"]["id"]
    return found


def listed(caller: Tenant, **more: Any) -> list[str]:
    found = caller.ask(MEMBERS, slug="team", **more)["projectBySlug"]["members"]
    return [one["identity"]["id"] for one in found]


def test_members_are_filtered(root: Tenant, team: dict[str, str]) -> None:
    every = list(team.values())
    assert listed(root) == every
    assert listed(root, type="API_KEY") == [team["one"], team["two"]]
    assert listed(root, type="PERSON") == [team["anna"], team["boris"]]
    filters: list[tuple[dict[str, Any], list[str]]] = [
        ({"memberType": "PERSON"}, ["anna", "boris"]),
        ({"email": ["Anna@example.com", "nobody@example.com"]}, ["anna"]),
        ({"personId": [team["boris"], team["one"], "x"]}, ["boris"]),
        ({"identityId": [team["boris"], team["one"]]}, ["boris", "one"]),
        ({"identityId": [team["boris"]], "memberType": "API_KEY"}, []),
        ({"identityId": []}, []),
    ]
    for one, names in filters:
        assert listed(root, input={"filter": one}) == [team[name] for name in names]
    assert listed(root, input={"limit": 2, "offset": 1}) == every[1:3]
    assert listed(root, input={"offset": 3}) == every[3:]
    assert listed(root, input={"limit": 0}) == []


def test_members_are_shown_with_who_they_are(root: Tenant, team: dict[str, str]) -> None:
    found = root.ask(MEMBERS, slug="team")["projectBySlug"]["members"]
    assert found[0] == {
        "identity": {
            "id": team["anna"],
            "description": None,
            "person": {"id": team["anna"], "email": "anna@example.com", "name": "Anna", "otpEnabled": False},
        },
        "memberships": [{"role": "read_only"}],
    }
    assert found[2]["identity"] == {"id": team["one"], "description": "one", "person": None}


@pytest.mark.parametrize(
    "more",
    [
        {"input": {}, "type": "PERSON"},
        {"input": {"filter": {"memberType": "API_KEY", "email": ["x"]}}},
        {"input": {"filter": {"memberType": "API_KEY", "personId": ["x"]}}},
        {"input": {"limit": -1}},
        {"input": {"offset": -1}},
    ],
    ids=range(5),
)
def test_filters_that_make_no_sense_are_bad_input(
    root: Tenant, team: dict[str, str], more: dict[str, Any]
) -> None:
    answer = root.send(MEMBERS, {"slug": "team", **more})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"projectBySlug": None}
    assert answer.json()["errors"][0]["extensions"] == {"code": "UserInputError"}


def test_who_may_not_see_members_sees_none(keywright: Keywright, root: Tenant, team: dict[str, str]) -> None:
    own = root.key("team", "viewer")
    caller = Tenant(keywright, own["token"])
    query = "{ me { projects { project { slug roles { name } members { memberships { role } } apiKeys { id } } } } }"
    assert caller.ask(query)["me"]["projects"] == [
        {"project": {"slug": "team", "roles": [], "members": [], "apiKeys": []}}
    ]
    assert held(caller, "team", team["anna"]) == []
