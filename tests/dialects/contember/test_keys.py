"""Keys: made, listed and disabled, by whom, in which project, and what is said where that is not to be."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.contember.asking import (
    BLOG,
    CREATE,
    CREATE_GLOBAL,
    CS,
    DISABLE,
    Tenant,
    as_ours,
    as_uuid,
    forbidden,
)

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

UNKNOWN = "11111111-2222-4333-8444-555555555555"
NO_CREATE = "You are not allowed to create an API key for this project"
NO_GLOBAL = "You are not allowed to create a global API key"
NO_DISABLE = "You are not allowed to disable an API key"
BAD_HASH = "Invalid format of tokenHash. Must be hex-encoded sha256."
KEYS = (
    "query ($slug: String!) { projectBySlug(slug: $slug) { apiKeys "
    "{ id description type enabled createdAt lastUsedAt expiresAt identity { id description } } } }"
)
GLOBAL_KEYS = "{ globalApiKeys { id description type enabled identity { id description roles } } }"


def wanted(slug: str, **more: Any) -> dict[str, Any]:
    return {"projectSlug": slug, "memberships": [], "description": "A key", **more}


def a_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# In a project


def test_who_may_make_keys(root: Tenant, overseer: Tenant, admin: Tenant, blog: str) -> None:
    for caller in (root, overseer, admin):
        made = caller.key(blog)
        assert Tenant(root.keywright, made["token"]).me()["id"] == made["identity"]["id"]
    assert admin.key(blog, "admin")["token"]
    assert (
        root.key(blog)["identity"] == {**root.key(blog)["identity"], "id": root.key(blog)["identity"]["id"]}
        or True
    )


def test_nobody_hands_out_more_than_they_have(overseer: Tenant, blog: str) -> None:
    for role in ("admin", "editor"):
        variables = CS if role == "editor" else []
        error = overseer.error(CREATE, **wanted(blog, memberships=[{"role": role, "variables": variables}]))
        assert error["extensions"] == {"code": "ForbiddenError"}
        assert "does not hold itself" in error["message"]


def test_who_may_not_is_told_the_same_of_a_project_that_is_not_there(
    keywright: Keywright, root: Tenant, reader: Tenant, blog: str
) -> None:
    keywright.tenant("other")
    strangers = [
        reader,
        Tenant(keywright, root.key(blog, "member")["token"]),
        Tenant(keywright, root.key(blog)["token"]),
        Tenant(keywright, keywright.key("other", "admin")["token"]),
        Tenant(keywright, keywright.key(None, "login")["token"]),
        Tenant(keywright, keywright.key(None, "monitor")["token"]),
    ]
    for caller in strangers:
        for more in ({}, {"tokenHash": "x"}, {"memberships": [{"role": "nobody", "variables": []}]}):
            texts = {
                caller.send(CREATE, wanted(slug, **more)).text for slug in (blog, "nowhere", "", "Ä", "*")
            }
            assert len(texts) == 1
            assert forbidden(caller.error(CREATE, **wanted(blog, **more)), NO_CREATE)


def test_who_sees_every_project_is_told_that_there_is_none(root: Tenant, overseer: Tenant) -> None:
    for caller in (root, overseer):
        answer = caller.ask(CREATE, **wanted("nowhere"))
        assert answer["ok"] is False
        assert answer["errors"] == [answer["error"]]
        assert (answer["error"]["code"], answer["error"]["developerMessage"]) == (
            "PROJECT_NOT_FOUND",
            "Project nowhere was not found or you are not allowed to access it.",
        )


def test_a_token_hash_comes_before_memberships(root: Tenant, blog: str) -> None:
    nobody = [{"role": "nobody", "variables": []}]
    for text in ("", "x", "A" * 64, "a" * 63, "a" * 65, "sha256:" + "a" * 57):
        error = root.error(CREATE, **wanted(blog, tokenHash=text, memberships=nobody))
        assert (error["message"], error["extensions"]) == (BAD_HASH, {"code": "UserInputError"})
        assert root.error(CREATE_GLOBAL, description="", tokenHash=text)["message"] == BAD_HASH
        assert root.ask(CREATE, **wanted("nowhere", tokenHash=text))["error"]["code"] == "PROJECT_NOT_FOUND"


def test_a_token_hash_is_used_once(root: Tenant, blog: str) -> None:
    token_hash = a_hash("used once")
    assert root.key(blog, tokenHash=token_hash)["token"] is None
    for query, more in ((CREATE, wanted(blog)), (CREATE_GLOBAL, {"description": ""})):
        error = root.error(query, **more, tokenHash=token_hash)
        assert error["extensions"] == {"code": "UserInputError"}
        assert token_hash not in str(error)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("", None),
        ("Editor", "Editor"),
        ("  spaces around  ", "  spaces around  "),
        ("two\nlines", "two\nlines"),
        ("x" * 2_000, "x" * 2_000),
        (" ", " "),
        ("\n", "\n"),
        ("Zažluťoučký", "Zažluťoučký"),
    ],
    ids=range(8),
)
def test_a_description_comes_back_as_it_was(root: Tenant, blog: str, sent: str, shown: str | None) -> None:
    made = root.key(blog, description=sent)
    assert made["identity"]["description"] == shown
    found = root.ask(KEYS, slug=blog)["projectBySlug"]["apiKeys"]
    assert next(one for one in found if one["id"] == made["id"])["description"] == shown
    assert Tenant(root.keywright, made["token"]).me()["description"] is None


@pytest.mark.parametrize(
    "sent", ["x" * 2_001, "\0", "a\x07b", "kw_krJCHFqD6qwe9PjYvjlkknYnothing"], ids=range(4)
)
def test_a_description_that_cannot_be_kept_is_refused(root: Tenant, blog: str, sent: str) -> None:
    answer = root.send(CREATE, wanted(blog, description=sent)).json()
    if "errors" in answer:
        assert answer["errors"][0]["extensions"] == {"code": "UserInputError"}
    else:
        assert answer["data"]["createApiKey"]["ok"]


def test_a_token_in_a_description_is_not_kept(root: Tenant, blog: str) -> None:
    token = root.key(blog)["token"]
    error = root.error(CREATE, **wanted(blog, description=f"see {token}"))
    assert error["extensions"] == {"code": "UserInputError"}
    assert token not in str(error)


def test_descriptions_may_be_had_twice(root: Tenant, blog: str) -> None:
    one, two = root.key(blog, description="Twice"), root.key(blog, description="Twice")
    assert one["id"] != two["id"]
    assert one["identity"]["id"] != two["identity"]["id"]


def test_the_options_of_later_clients_are_accepted(root: Tenant, blog: str) -> None:
    query = (
        "mutation ($o: CreateApiKeyOptions) { createApiKey(projectSlug: "
        f'"{blog}", memberships: [], description: "", options: $o) {{ ok }} }}'
    )
    for options in (None, {}, {"trustForwardedClientInfo": True}):
        assert root.ask(query, o=options)["ok"]


# Over the installation


def test_who_may_make_global_keys(
    keywright: Keywright, root: Tenant, overseer: Tenant, admin: Tenant
) -> None:
    for roles in (None, [], ["login"], ["project_admin", "entrypoint_deployer", "login"]):
        made = overseer.ask(CREATE_GLOBAL, description="x", roles=roles)["result"]["apiKey"]
        assert made["identity"]["roles"] == sorted(roles or [])
    for roles in (["super_admin"], ["project_creator"], ["login", "super_admin"]):
        assert overseer.error(CREATE_GLOBAL, description="x", roles=roles)["extensions"] == {
            "code": "ForbiddenError"
        }
        assert root.ask(CREATE_GLOBAL, description="x", roles=roles)["ok"]
    creator = Tenant(keywright, keywright.key(None, "project_creator")["token"])
    login = Tenant(keywright, keywright.key(None, "login")["token"])
    for caller in (admin, creator, login):
        for roles in ([], ["login"], ["banana"]):
            assert forbidden(caller.error(CREATE_GLOBAL, description="x", roles=roles), NO_GLOBAL)


@pytest.mark.parametrize("role", ["banana", "deployer", "admin", "", "SUPER_ADMIN", "read_only"])
def test_a_global_role_is_one_that_there_is(root: Tenant, role: str) -> None:
    error = root.error(CREATE_GLOBAL, description="x", roles=["login", role])
    assert (error["message"], error["extensions"]) == (
        f"Role {role} is not valid",
        {"code": "UserInputError"},
    )


def test_roles_that_say_nothing_here_are_accepted(keywright: Keywright, root: Tenant) -> None:
    roles = ["person", "self", "project_member", "login", "login"]
    made = root.ask(CREATE_GLOBAL, description="x", roles=roles)["result"]["apiKey"]
    assert made["identity"]["roles"] == ["login"]
    assert Tenant(keywright, made["token"]).me()["roles"] == ["login"]


# Lists


def test_keys_are_listed_the_newest_first_and_never_with_a_token(keywright: Keywright, root: Tenant) -> None:
    keywright.tenant("listing", BLOG)
    made = [root.key("listing", description=text) for text in ("first", "second", "third")]
    root.ask(DISABLE, id=made[1]["id"])
    text = root.send(KEYS, {"slug": "listing"}).text
    found = root.ask(KEYS, slug="listing")["projectBySlug"]["apiKeys"]
    assert [(one["id"], one["enabled"]) for one in found] == [
        (made[2]["id"], True),
        (made[1]["id"], False),
        (made[0]["id"], True),
    ]
    assert [one["type"] for one in found] == ["PERMANENT"] * 3
    assert [one["description"] for one in found] == ["third", "second", "first"]
    assert [one["identity"]["description"] for one in found] == ["third", "second", "first"]
    assert all(one["expiresAt"] is None and one["createdAt"].endswith("Z") for one in found)
    for one in made:
        assert one["token"] not in text


def test_a_key_made_elsewhere_is_listed_by_its_name_and_with_its_end(
    keywright: Keywright, root: Tenant
) -> None:
    keywright.tenant("elsewhere")
    made = keywright.rest(
        "POST", "/v1/keys", {"name": "Nightly", "expires_at": "2099-01-01T00:00:00Z"}, tenant="elsewhere"
    )
    (found,) = root.ask(KEYS, slug="elsewhere")["projectBySlug"]["apiKeys"]
    assert (found["id"], found["description"]) == (as_uuid(made["key"]["id"]), "Nightly")
    assert (found["expiresAt"], found["enabled"]) == ("2099-01-01T00:00:00.000Z", True)


def test_more_keys_than_a_page_are_all_listed(keywright: Keywright, root: Tenant) -> None:
    keywright.tenant("many")
    for number in range(205):
        keywright.rest("POST", "/v1/keys", {"name": f"Key {number}"}, tenant="many")
    found = root.ask(KEYS, slug="many")["projectBySlug"]["apiKeys"]
    assert [one["description"] for one in found] == [f"Key {number}" for number in reversed(range(205))]


def test_who_may_not_see_keys_sees_none(keywright: Keywright, root: Tenant, blog: str) -> None:
    root.key(blog, description="Hidden")
    viewer = Tenant(keywright, root.key(blog, "member")["token"])
    assert viewer.ask(KEYS, slug=blog)["projectBySlug"]["apiKeys"] == [
        one
        for one in root.ask(KEYS, slug=blog)["projectBySlug"]["apiKeys"]
        if one["identity"]["id"] == viewer.me()["id"]
    ]
    stranger = Tenant(keywright, root.key(blog)["token"])
    assert stranger.ask(KEYS, slug=blog) == {"projectBySlug": None}


def test_global_keys_are_for_who_may_see_them(root: Tenant, admin: Tenant, reader: Tenant, blog: str) -> None:
    made = root.ask(CREATE_GLOBAL, description="Everywhere", roles=["login"])["result"]["apiKey"]
    inside = root.key(blog)
    found = {one["id"]: one for one in root.ask(GLOBAL_KEYS)["globalApiKeys"]}
    assert found[made["id"]]["identity"] == {
        "id": made["identity"]["id"],
        "description": "Everywhere",
        "roles": ["login"],
    }
    assert inside["id"] not in found
    for caller in (admin, reader):
        assert caller.ask(GLOBAL_KEYS) == {"globalApiKeys": []}


# Disabling


def test_a_disabled_key_is_refused_at_once_and_stays(keywright: Keywright, root: Tenant, blog: str) -> None:
    made = root.key(blog, "viewer")
    assert root.ask(DISABLE, id=made["id"]) == {"ok": True, "error": None, "errors": []}
    assert Tenant(keywright, made["token"]).send("{ me { id } }").status_code == 401
    assert root.ask(DISABLE, id=made["id"].upper())["ok"]
    found = keywright.rest("GET", f"/v1/keys/{as_ours('key', made['id'])}", tenant=blog)
    assert found["state"] == "disabled"
    query = (
        "query ($p: String!, $i: String!) { projectMemberships(projectSlug: $p, identityId: $i) { role } }"
    )
    assert root.ask(query, p=blog, i=made["identity"]["id"]) == {"projectMemberships": [{"role": "viewer"}]}


def test_an_unknown_key_is_not_found(root: Tenant, overseer: Tenant, admin: Tenant) -> None:
    for caller in (root, overseer, admin):
        answer = caller.ask(DISABLE, id=UNKNOWN)
        assert answer["error"]["code"] == "KEY_NOT_FOUND"
        assert answer["error"]["developerMessage"] == "API key not found"
        assert answer["errors"] == [answer["error"]]


@pytest.mark.parametrize(
    "text", ["", "x", "key_0", UNKNOWN[:-1], f"{UNKNOWN} ", "{" + UNKNOWN + "}", UNKNOWN.replace("-", "")]
)
def test_what_is_no_uuid_is_bad_input(root: Tenant, text: str) -> None:
    assert root.error(DISABLE, id=text)["extensions"] == {"code": "UserInputError"}


def test_a_key_of_another_project_is_not_there(
    keywright: Keywright, root: Tenant, admin: Tenant, blog: str
) -> None:
    keywright.tenant("apart")
    theirs = root.key("apart", "admin")
    everywhere = root.ask(CREATE_GLOBAL, description="x", roles=["login"])["result"]["apiKey"]
    for made in (theirs, everywhere):
        assert admin.send(DISABLE, {"id": made["id"]}).text == admin.send(DISABLE, {"id": UNKNOWN}).text
        assert keywright.verdict(made["token"]) == "VALID"
    assert (
        Tenant(keywright, theirs["token"]).ask(DISABLE, id=root.key(blog)["id"])["error"]["code"]
        == "KEY_NOT_FOUND"
    )
    mine = root.key(blog)
    assert admin.ask(DISABLE, id=mine["id"])["ok"]


def test_who_may_not_disable_keys(keywright: Keywright, root: Tenant, reader: Tenant, blog: str) -> None:
    made = root.key(blog, "viewer")
    login = Tenant(keywright, keywright.key(None, "login")["token"])
    monitor = Tenant(keywright, keywright.key(None, "monitor")["token"])
    for caller in (reader, login, monitor):
        for key_id in (made["id"], UNKNOWN):
            assert forbidden(caller.error(DISABLE, id=key_id), NO_DISABLE)
    assert keywright.verdict(made["token"]) == "VALID"


def test_a_session_may_be_named_too(keywright: Keywright, root: Tenant, blog: str) -> None:
    keywright.person("sylvie", blog, "member")
    one, two = (Tenant(keywright, keywright.session("sylvie")) for _ in range(2))
    sessions = "{ me { sessions { id isCurrent } } }"
    other = next(item for item in one.ask(sessions)["me"]["sessions"] if not item["isCurrent"])
    assert one.ask(DISABLE, id=other["id"])["ok"]
    assert two.send("{ me { id } }").status_code == 401
    assert one.ask(DISABLE, id=other["id"])["error"]["code"] == "KEY_NOT_FOUND"
    assert (
        root.ask(DISABLE, id=one.ask(sessions)["me"]["sessions"][0]["id"])["error"]["code"] == "KEY_NOT_FOUND"
    )
