"""Identities, global roles, people and projects, as whoever asks may see and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.contember.asking import BLOG, CREATE_GLOBAL, CS, Tenant, as_uuid, forbidden

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

UNKNOWN = "11111111-2222-4333-8444-555555555555"
WHOLE = """{ me {
  id description roles apiKey { id } person { id email name otpEnabled emailOtpEnabled emailVerified }
  permissions { canCreateProject canDeployEntrypoint }
  projects { project { slug config secrets { key } } memberships { role variables { name values } } }
  sessions { id isCurrent createdAt expiresAt lastUsedAt lastIp createdIp trustForwardedClientInfo }
} }"""
PERSON = (
    "query ($id: String!) { personById(id: $id) { id email name identity { id description roles "
    "permissions { canCreateProject } projects { project { slug } } sessions { id } } } }"
)
PERSONS = (
    "query ($filter: PersonsFilter, $limit: Int, $offset: Int) "
    "{ persons(filter: $filter, limit: $limit, offset: $offset) { email } }"
)


def changing(doing: str) -> str:
    return (
        f"mutation ($identityId: String!, $roles: [String!]!) {{ {doing}GlobalIdentityRoles(identityId: $identityId, "
        "roles: $roles) { ok error { code developerMessage } result { identity { id description roles } } } }"
    )


ADD, REMOVE = changing("add"), changing("remove")


def a_key(root: Tenant, *roles: str) -> tuple[Tenant, str]:
    """Somebody with a new global key, and the identity's UUID."""
    made = root.ask(CREATE_GLOBAL, description="x", roles=list(roles))["result"]["apiKey"]
    return Tenant(root.keywright, made["token"]), made["identity"]["id"]


# Who asks


def test_a_key_of_a_project_sees_itself(keywright: Keywright, root: Tenant, blog: str) -> None:
    made = root.key(blog, memberships=[{"role": "editor", "variables": CS}])
    assert Tenant(keywright, made["token"]).ask(WHOLE)["me"] == {
        "id": made["identity"]["id"],
        "description": None,
        "roles": [],
        "apiKey": None,
        "person": None,
        "permissions": {"canCreateProject": False, "canDeployEntrypoint": False},
        "projects": [
            {
                "project": {"slug": blog, "config": {}, "secrets": []},
                "memberships": [{"role": "editor", "variables": CS}],
            }
        ],
        "sessions": [],
    }


def test_administrators_of_everything_are_members_of_every_project(
    root: Tenant, overseer: Tenant, blog: str
) -> None:
    every = {one["slug"] for one in root.ask("{ projects { slug } }")["projects"]}
    for caller in (root, overseer):
        found = caller.ask(WHOLE)["me"]["projects"]
        assert {one["project"]["slug"] for one in found} == every
        assert all(one["memberships"] == [{"role": "admin", "variables": []}] for one in found)
    assert root.me()["roles"] == ["super_admin"]
    assert overseer.me()["roles"] == ["project_admin"]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("super_admin", (True, True)),
        ("project_creator", (True, False)),
        ("entrypoint_deployer", (False, True)),
        ("login", (False, False)),
    ],
)
def test_what_a_global_key_may_do(root: Tenant, role: str, may: tuple[bool, bool]) -> None:
    caller, _ = a_key(root, role)
    found = caller.ask(WHOLE)["me"]
    assert found["roles"] == [role]
    assert tuple(found["permissions"].values()) == may


def test_a_person_sees_themselves(keywright: Keywright, blog: str) -> None:
    made = keywright.person("emil", blog, "member")
    caller = Tenant(keywright, keywright.session("emil"))
    found = caller.ask(WHOLE)["me"]
    identity = as_uuid(made["id"])
    assert (found["id"], found["roles"], found["description"]) == (identity, ["person"], None)
    assert found["person"] == {
        "id": identity,
        "email": "emil@example.com",
        "name": "Emil",
        "otpEnabled": False,
        "emailOtpEnabled": False,
        "emailVerified": True,
    }
    assert [one["project"]["slug"] for one in found["projects"]] == [blog]
    (session,) = found["sessions"]
    assert session["isCurrent"]
    assert session["trustForwardedClientInfo"] is False
    assert session["createdAt"] < session["expiresAt"]
    assert session["createdIp"] == "127.0.0.1"


# Other identities


def test_a_foreign_identity_shows_what_the_caller_may_know(
    keywright: Keywright, root: Tenant, admin: Tenant, overseer: Tenant, blog: str
) -> None:
    keywright.tenant("hidden")
    made = keywright.person("filip", blog, "viewer")
    role = {"identity_id": made["id"], "role": "admin"}
    keywright.rest("POST", "/v1/memberships", role, tenant="hidden")
    query = (
        "query ($slug: String!, $ids: [String!]) { projectBySlug(slug: $slug) { members(input: {filter: "
        "{identityId: $ids}}) { identity { roles permissions { canCreateProject } projects { project { slug } } "
        "sessions { id } person { identity { id } } } } } }"
    )
    seen = {}
    for name, caller in (("root", root), ("overseer", overseer), ("admin", admin)):
        found = caller.ask(query, slug=blog, ids=[as_uuid(made["id"])])["projectBySlug"]["members"]
        seen[name] = found[0]["identity"]
    everything = {
        "roles": ["person"],
        "permissions": {"canCreateProject": False},
        "projects": [{"project": {"slug": blog}}, {"project": {"slug": "hidden"}}],
        "sessions": [],
        "person": {"identity": {"id": as_uuid(made["id"])}},
    }
    assert seen["root"] == seen["overseer"] == everything
    assert seen["admin"] == {
        **everything,
        "roles": None,
        "permissions": None,
        "projects": [{"project": {"slug": blog}}],
    }


def test_people_are_found_by_who_may_see_all(
    keywright: Keywright, root: Tenant, admin: Tenant, blog: str
) -> None:
    made = keywright.person("gita", blog, "viewer")
    identity = as_uuid(made["id"])
    found = root.ask(PERSON, id=identity)["personById"]
    assert (found["email"], found["identity"]["roles"]) == ("gita@example.com", ["person"])
    assert [one["project"]["slug"] for one in found["identity"]["projects"]] == [blog]
    own = Tenant(keywright, keywright.session("gita"))
    assert own.ask(PERSON, id=identity)["personById"]["identity"]["roles"] == ["person"]
    for caller, wanted in ((admin, identity), (root, UNKNOWN), (root, "x"), (own, root.me()["id"])):
        assert caller.ask(PERSON, id=wanted) == {"personById": None}
    for one in (
        {"email": "Gita@example.com"},
        {"personId": identity},
        {"identityId": identity, "personId": identity},
    ):
        assert root.ask(PERSONS, filter=one) == {"persons": [{"email": "gita@example.com"}]}
    for one in (
        {"email": "gita"},
        {"personId": UNKNOWN},
        {"personId": identity, "identityId": UNKNOWN},
        {"personId": "x"},
    ):
        assert root.ask(PERSONS, filter=one) == {"persons": []}
    every = root.ask(PERSONS)["persons"]
    assert root.ask(PERSONS, limit=1, offset=1)["persons"] == every[1:2]
    for one in ({}, {"personId": identity}):
        assert admin.ask(PERSONS, filter=one) == {"persons": []}


# Global roles


def test_roles_are_given_and_taken(root: Tenant) -> None:
    caller, identity = a_key(root)
    added = root.ask(ADD, identityId=identity, roles=["project_creator", "login", "login"])
    assert added == {
        "ok": True,
        "error": None,
        "result": {"identity": {"id": identity, "description": None, "roles": ["login", "project_creator"]}},
    }
    assert caller.me()["roles"] == ["login", "project_creator"]
    again = root.ask(ADD, identityId=identity, roles=["login"])
    assert again["result"]["identity"]["roles"] == ["login", "project_creator"]
    fewer = root.ask(REMOVE, identityId=identity, roles=["login", "super_admin"])
    assert fewer["result"]["identity"]["roles"] == ["project_creator"]
    none = root.ask(REMOVE, identityId=identity, roles=["project_creator"])
    assert none["result"]["identity"]["roles"] == []
    assert root.ask(ADD, identityId=identity, roles=[])["ok"]
    assert root.ask(ADD, identityId=identity, roles=["self", "person", "project_member"])["ok"]
    assert caller.me()["roles"] == []


@pytest.mark.parametrize("query", [ADD, REMOVE])
def test_a_role_is_judged_before_the_identity(root: Tenant, query: str) -> None:
    caller, identity = a_key(root, "login")
    for whom in (identity, UNKNOWN):
        for word in ("banana", "deployer", "admin", ""):
            answer = root.ask(query, identityId=whom, roles=["login", word, "project_creator"])
            assert answer["error"] == {
                "code": "INVALID_ROLE",
                "developerMessage": f"Role {word} is not valid",
            }
            assert answer["result"] is None
    assert caller.me()["roles"] == ["login"]
    answer = root.ask(query, identityId=UNKNOWN, roles=["login"])
    assert answer["error"] == {
        "code": "IDENTITY_NOT_FOUND",
        "developerMessage": f"Identity {UNKNOWN} not found",
    }
    assert root.error(query, identityId="x", roles=["login"])["extensions"] == {"code": "UserInputError"}


def test_who_may_give_and_take_which_roles(
    root: Tenant, overseer: Tenant, admin: Tenant, reader: Tenant
) -> None:
    caller, identity = a_key(root, "super_admin")
    for query, doing in ((ADD, "add"), (REMOVE, "remove")):
        for one in (admin, reader, a_key(root, "login")[0]):
            for roles in (["login"], ["banana"], []):
                error = one.error(query, identityId=identity, roles=roles)
                assert forbidden(error, f"You are not allowed to {doing} global roles")
        error = overseer.error(query, identityId=identity, roles=["login", "super_admin"])
        assert error["extensions"] == {"code": "ForbiddenError"}
        assert overseer.ask(query, identityId=identity, roles=["project_admin", "entrypoint_deployer"])["ok"]
    assert caller.me()["roles"] == ["super_admin"]


def test_a_key_of_a_project_has_no_global_roles(root: Tenant, blog: str) -> None:
    made = root.key(blog, "viewer")
    answer = root.ask(ADD, identityId=made["identity"]["id"], roles=["login"])
    assert answer["error"]["code"] == "IDENTITY_NOT_FOUND"


# Projects

PROJECT = (
    "mutation ($projectSlug: String!, $name: String, $config: Json, $secrets: [ProjectSecret!], "
    "$options: CreateProjectOptions, $deployTokenHash: String) { createProject(projectSlug: $projectSlug, name: $name, "
    "config: $config, secrets: $secrets, options: $options, deployTokenHash: $deployTokenHash) { ok error { code "
    "developerMessage } result { deployerApiKey { id token identity { id description } } } } }"
)
RENAME = (
    "mutation ($projectSlug: String!, $name: String) { updateProject(projectSlug: $projectSlug, name: $name, "
    "config: {}, mergeConfig: true) { ok error { code } } }"
)


def test_a_project_is_made_with_a_key_that_deploys_to_it(keywright: Keywright, root: Tenant) -> None:
    made = root.ask(PROJECT, projectSlug="made", name="Made", config={"x": [1]})["result"]["deployerApiKey"]
    deployer = Tenant(keywright, made["token"])
    (relation,) = deployer.ask(WHOLE)["me"]["projects"]
    assert relation["project"] == {"slug": "made", "config": {}, "secrets": []}
    document = {"document": {"actions": [{"name": "article:read"}]}}
    assert keywright.rest("PUT", "/v1/catalog", document, token=made["token"])
    assert keywright.verdict(made["token"], action="keys:create") == "INSUFFICIENT_PERMISSIONS"
    assert root.ask('{ projectBySlug(slug: "made") { name slug } }')["projectBySlug"] == {
        "name": "Made",
        "slug": "made",
    }
    assert root.ask(PROJECT, projectSlug="made")["error"]["code"] == "ALREADY_EXISTS"


def test_whoever_makes_projects_administers_them(root: Tenant) -> None:
    creator, identity = a_key(root, "project_creator")
    made = creator.ask(PROJECT, projectSlug="created")["result"]["deployerApiKey"]
    assert made["token"]
    (relation,) = creator.ask(WHOLE)["me"]["projects"]
    assert (relation["project"]["slug"], relation["memberships"]) == (
        "created",
        [{"role": "admin", "variables": []}],
    )
    assert creator.key("created", "read_only")["token"]
    assert identity


def test_how_the_deployer_key_is_wanted(root: Tenant) -> None:
    none = root.ask(PROJECT, projectSlug="none", options={"noDeployToken": True})
    assert none == {"ok": True, "error": None, "result": {"deployerApiKey": None}}
    for slug, more in (
        ("by-option", {"options": {"deployTokenHash": "a" * 64}}),
        ("by-arg", {"deployTokenHash": "b" * 64}),
    ):
        made = root.ask(PROJECT, projectSlug=slug, **more)["result"]["deployerApiKey"]
        assert made["token"] is None
        assert made["id"]


def test_a_project_whose_key_cannot_be_made_is_not_made(root: Tenant) -> None:
    root.ask(PROJECT, projectSlug="taken", options={"deployTokenHash": "c" * 64})
    answer = root.ask(PROJECT, projectSlug="halfway", options={"deployTokenHash": "c" * 64})
    assert answer["error"]["code"] == "INIT_ERROR"
    assert answer["result"] is None
    for more in (
        {"projectSlug": "halfway", "deployTokenHash": "x"},
        {"projectSlug": "halfway", "secrets": [{"key": "a", "value": "b"}]},
        {"projectSlug": "No Slug"},
        {"projectSlug": ""},
    ):
        assert root.error(PROJECT, **more)["extensions"] == {"code": "UserInputError"}
    assert root.ask('{ projectBySlug(slug: "halfway") { id } }') == {"projectBySlug": None}
    assert root.ask(PROJECT, projectSlug="halfway")["ok"]


def test_who_may_not_make_or_rename_projects(
    root: Tenant, overseer: Tenant, admin: Tenant, reader: Tenant, blog: str
) -> None:
    for caller in (overseer, admin, reader):
        for slug in ("nobody-makes-this", blog):
            assert forbidden(
                caller.error(PROJECT, projectSlug=slug), "You are not allowed to create a project"
            )
    assert (
        reader.send(RENAME, {"projectSlug": blog}).text
        == reader.send(RENAME, {"projectSlug": "nowhere"}).text
    )
    assert forbidden(
        reader.error(RENAME, projectSlug=blog, name="x"), "You are not allowed to update this project"
    )
    for caller in (admin, overseer, root):
        assert caller.ask(RENAME, projectSlug=blog, name="Renamed")["ok"]
        assert caller.ask(RENAME, projectSlug=blog)["ok"]
    assert root.ask(RENAME, projectSlug="nowhere", name="x")["error"]["code"] == "PROJECT_NOT_FOUND"
    assert (
        root.ask("query ($s: String!) { projectBySlug(slug: $s) { name } }", s=blog)["projectBySlug"]["name"]
        == "Renamed"
    )


def test_projects_are_listed_as_far_as_the_caller_sees_them(
    keywright: Keywright, root: Tenant, admin: Tenant, blog: str
) -> None:
    keywright.tenant("unseen", BLOG)
    assert admin.ask("{ projects { slug } }") == {"projects": [{"slug": blog}]}
    query = "query ($s: String!) { projectBySlug(slug: $s) { slug } }"
    for slug in ("unseen", "nowhere", "", "\0"):
        assert admin.ask(query, s=slug) == {"projectBySlug": None}
    assert "unseen" in [one["slug"] for one in root.ask("{ projects { slug } }")["projects"]]
    memberships = (
        "query ($p: String!, $i: String!) { projectMemberships(projectSlug: $p, identityId: $i) { role } }"
    )
    theirs = root.key("unseen", "viewer")["identity"]["id"]
    assert root.ask(memberships, p="unseen", i=theirs) == {"projectMemberships": [{"role": "viewer"}]}
    for caller, slug, whom in (
        (admin, "unseen", theirs),
        (root, "nowhere", theirs),
        (root, "unseen", "x"),
        (root, "unseen", UNKNOWN),
    ):
        assert caller.ask(memberships, p=slug, i=whom) == {"projectMemberships": []}


def test_the_roles_of_a_project_are_those_of_its_catalog(root: Tenant, blog: str) -> None:
    query = (
        "query ($s: String!) { projectBySlug(slug: $s) { roles { name variables { __typename name "
        "... on RoleEntityVariableDefinition { entityName } ... on RolePredefinedVariableDefinition { value } } } } }"
    )
    assert root.ask(query, s=blog)["projectBySlug"]["roles"] == [
        {"name": "admin", "variables": []},
        {
            "name": "editor",
            "variables": [
                {"__typename": "RoleEntityVariableDefinition", "name": "language", "entityName": "language"}
            ],
        },
        {"name": "viewer", "variables": []},
    ]


def test_people_are_disabled_by_who_may(keywright: Keywright, root: Tenant, admin: Tenant, blog: str) -> None:
    made: Any = keywright.person("hugo", blog, "viewer")
    session = Tenant(keywright, keywright.session("hugo"))
    query = "mutation ($id: String!) { disablePerson(personId: $id) { ok error { code } } }"
    wanted = as_uuid(made["id"])
    assert forbidden(admin.error(query, id=wanted), "You are not allowed to disable a person")
    assert root.ask(query, id=wanted)["ok"]
    assert session.send("{ me { id } }").status_code == 401
    assert root.ask(query, id=wanted)["error"] == {"code": "PERSON_ALREADY_DISABLED"}
    for nobody in (UNKNOWN, "x"):
        assert root.ask(query, id=nobody)["error"] == {"code": "PERSON_NOT_FOUND"}
