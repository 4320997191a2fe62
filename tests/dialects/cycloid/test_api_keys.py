"""What the calls on API keys do: canonicals, rules, owners, lists, rights, and the borders between organizations."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.dialects.cycloid.client import ADMIN_RULE, READ_RULE, Cycloid
from tests.dialects.cycloid.models import checked, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.keywright import Keywright

MISSING = ["GET", "PUT", "DELETE"]


@pytest.fixture(scope="module")
def admin(keywright: Keywright) -> Cycloid:
    """A service account's key that may do everything in `acme`, where `anna-doe` and `bob-roe` are members too."""
    keywright.tenant("acme")
    keywright.tenant("globex")
    for login, role in (("anna-doe", "admin"), ("bob-roe", "member"), ("carl-poe", "read_only")):
        keywright.person(login, "acme", role)
    keywright.person("dora-fox", "globex")
    return Cycloid(keywright, "acme", keywright.key("acme", "admin")["token"])


@pytest.fixture(scope="module")
def anna(admin: Cycloid) -> Cycloid:
    return admin.other(admin.keywright.session("anna-doe"))


@pytest.fixture(scope="module")
def bob(admin: Cycloid) -> Cycloid:
    return admin.other(admin.keywright.session("bob-roe"))


def ours(admin: Cycloid, canonical: str) -> Any:
    """A key as our own door shows it."""
    (found,) = admin.keywright.rest("GET", f"/v1/keys?handle={canonical}", tenant="acme")["items"]
    return found


# Canonicals


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Deploy Key", "deploy-key"),
        ("deploy/prod (EU)", "deploy-prod-eu"),
        ("__Nightly__", "nightly"),
        ("日本語", "api-key"),
        ("a ✓ b", "a-b"),
        ("ab!", "ab-api-key"),
        ("N" * 200, "n" * 100),
    ],
)
def test_a_canonical_is_made_from_the_name(admin: Cycloid, name: str, canonical: str) -> None:
    made = admin.make(name)
    assert (made["name"], made["canonical"]) == (name, canonical)
    assert ours(admin, canonical)["handle"] == canonical


def test_a_canonical_that_was_made_gets_a_number_when_it_is_taken(admin: Cycloid) -> None:
    found = [admin.make("Many Alike")["canonical"] for _ in range(12)]
    assert found[:9] == ["many-alike", *(f"many-alike-{number}" for number in range(2, 10))]
    assert len(set(found)) == 12
    assert all(one.startswith("many-alike-") for one in found[9:])
    long = [admin.make("L" * 120)["canonical"] for _ in range(2)]
    assert long == ["l" * 100, "l" * 98 + "-2"]


def test_a_canonical_that_was_given_is_refused_when_it_is_taken(admin: Cycloid) -> None:
    admin.make("First", canonical="given-twice")
    body = {"name": "Second", "canonical": "given-twice", "rules": []}
    details = refused(admin.ask("POST", "./api_keys", body), 409, "AlreadyExists")
    assert details == ["canonical: Another key of the tenant has this handle."]
    assert admin.get("given-twice")["name"] == "First"


def test_keys_of_other_doors_have_a_canonical_too(admin: Cycloid) -> None:
    for handle, named in ((None, False), ("Upper_Case", False), ("ab", False), ("from-rest", True)):
        made = admin.keywright.key("acme", "member", name="From REST", handle=handle)["key"]
        canonical = handle if named else made["id"]
        assert admin.get(canonical)["canonical"] == canonical
        assert canonical in admin.listed("?page_size=500")
        if handle is not None and not named:
            refused(admin.ask("GET", f"./api_keys/{handle}"), 404, "NotFoundEntity")
        assert admin.ask("DELETE", f"./api_keys/{canonical}").status_code == 204


def test_no_handle_stands_before_the_id_of_another_key(admin: Cycloid) -> None:
    victim = admin.keywright.key("acme", "member", name="Victim")["key"]["id"]
    other = admin.keywright.key("acme", "member", name="Impostor", handle=victim)["key"]["id"]
    assert admin.get(victim)["name"] == "Victim"
    assert admin.get(other)["name"] == "Impostor"
    body = {"name": "Impostor", "canonical": victim, "rules": []}
    refused(admin.ask("POST", "./api_keys", body), 422, "Invalid")


# Rules


def test_rules_are_kept_in_their_order(admin: Cycloid) -> None:
    resources = ["organization:acme:project:zeta", "organization:acme:project:alpha:**"]
    rules = [
        {"action": "organization:team:read", "effect": "allow", "resources": None},
        {"action": "organization:project:**", "effect": "allow", "resources": resources},
        {"action": "organization:team:read", "effect": "allow"},
        {"action": "organization:credential:*", "effect": "allow", "resources": []},
    ]
    made = admin.make("In order", *rules)
    wanted = [(one["action"], one.get("resources") or []) for one in rules]
    assert [(one["action"], one["resources"]) for one in made["rules"]] == wanted
    assert [one["id"] for one in made["rules"]] == [0, 1, 2, 3]
    assert ours(admin, "in-order")["scope"] == [
        {"actions": [action], "resources": found or None} for action, found in wanted
    ]


def test_a_key_does_what_its_rules_allow(admin: Cycloid) -> None:
    one = {
        "action": "organization:project:read",
        "effect": "allow",
        "resources": ["organization:acme:project:x"],
    }
    token = admin.make("Confined", one)["token"]
    question = {"action": "organization:project:read", "resource": "organization:acme:project:x"}
    assert admin.keywright.verdict(token, **question) == "VALID"
    denied = question | {"resource": "organization:acme:project:y"}
    assert admin.keywright.verdict(token, **denied) == "INSUFFICIENT_PERMISSIONS"
    nothing = admin.make("Allowed nothing")
    assert nothing["rules"] == []
    assert admin.keywright.verdict(nothing["token"], **question) == "INSUFFICIENT_PERMISSIONS"


def test_a_key_without_a_scope_shows_the_rule_of_everything(admin: Cycloid) -> None:
    made = admin.keywright.key("acme", "member", handle="without-scope")
    assert admin.get("without-scope")["rules"] == [{"id": 0, **ADMIN_RULE}]
    several = [{"actions": ["a:read", "b:read"], "resources": ["a:1"]}, {"actions": ["c:*"]}]
    admin.keywright.rest("PATCH", f"/v1/keys/{made['key']['id']}", {"scope": several}, tenant="acme")
    found = [(one["id"], one["action"], one["resources"]) for one in admin.get("without-scope")["rules"]]
    assert found == [(0, "a:read", ["a:1"]), (1, "b:read", ["a:1"]), (2, "c:*", [])]


def test_rules_and_canonical_do_not_change(admin: Cycloid) -> None:
    made = admin.make("Unchanging", ADMIN_RULE, READ_RULE)
    again = {"name": "Unchanged", "canonical": "unchanging", "rules": made["rules"]}
    assert checked("APIKey", admin.ask("PUT", "./api_keys/unchanging", again))["rules"] == made["rules"]
    for change in ({"rules": [ADMIN_RULE]}, {"rules": made["rules"][::-1]}, {"canonical": "another"}):
        body = {"name": "Other name"} | change
        assert refused(admin.ask("PUT", "./api_keys/unchanging", body), 422, "Invalid")
    assert admin.get("unchanging")["name"] == "Unchanged"
    swapped = admin.ask("PUT", "./api_keys/unchanging", {"name": "Other", "rules": [], "canonical": "other"})
    assert [one.split()[0] for one in refused(swapped, 422, "Invalid")] == ["canonical", "rules"]


# Changes


def test_what_is_left_out_is_cleared_and_the_owner_stays(admin: Cycloid) -> None:
    admin.make("Described", description="Something", owner="anna-doe")
    changed = checked("APIKey", admin.ask("PUT", "./api_keys/described", {"name": "Not described"}))
    assert (changed["name"], changed["description"]) == ("Not described", "")
    assert changed["owner"]["username"] == "anna-doe"


def test_another_owner(admin: Cycloid) -> None:
    admin.make("Given away", owner="anna-doe")
    body = {"name": "Given away", "owner": "bob-roe", "description": "To Bob"}
    changed = checked("APIKey", admin.ask("PUT", "./api_keys/given-away", body))
    assert (changed["owner"]["username"], changed["description"]) == ("bob-roe", "To Bob")
    assert admin.get("given-away") == changed
    (bob,) = admin.keywright.rest("GET", "/v1/users?login=bob-roe", tenant="acme")["items"]
    assert ours(admin, "given-away")["identity"]["id"] == bob["id"]


def test_a_change_that_is_refused_in_part_changes_nothing(admin: Cycloid, bob: Cycloid) -> None:
    bob.make("Of Bob")
    body = {"name": "Changed", "owner": "anna-doe"}
    refused(bob.ask("PUT", "./api_keys/of-bob", body), 403, "Unauthorized")
    assert bob.get("of-bob")["name"] == "Of Bob"
    for owner in ("nobody-here", "dora-fox"):
        body = {"name": "Changed", "owner": owner}
        assert "owner in body" in refused(admin.ask("PUT", "./api_keys/of-bob", body), 422, "Invalid")[0]
    bad = {"name": "Two\nlines", "owner": "anna-doe"}
    refused(admin.ask("PUT", "./api_keys/of-bob", bad), 422, "Invalid")
    assert (bob.get("of-bob")["name"], bob.get("of-bob")["owner"]["username"]) == ("Of Bob", "bob-roe")
    assert bob.ask("PUT", "./api_keys/of-bob", {"name": "Mine"}).status_code == 200


def test_a_key_does_not_change_or_delete_itself(admin: Cycloid) -> None:
    own = admin.other(admin.make("Own key", ADMIN_RULE)["token"])
    refused(own.ask("PUT", "./api_keys/own-key", {"name": "Renamed"}), 403, "Unauthorized")
    refused(own.ask("DELETE", "./api_keys/own-key"), 403, "Unauthorized")


# Owners


def test_without_an_owner_the_caller_is_it(admin: Cycloid, anna: Cycloid) -> None:
    assert anna.make("Of the caller")["owner"]["username"] == "anna-doe"
    program = admin.make("Of a program")
    assert "owner" not in program
    caller = admin.keywright.rest("GET", "/v1/whoami", token=admin.token or "")
    assert ours(admin, "of-a-program")["identity"]["id"] == caller["identity"]["id"]


def test_an_owner_without_an_address_has_one_that_no_mail_reaches(admin: Cycloid) -> None:
    admin.keywright.person("erik-lee", "acme", "member", email=None)
    assert admin.make("Of Erik", owner="erik-lee")["owner"]["email"] == "erik-lee@no-email.invalid"


def test_an_owner_that_may_not_be_read_is_left_out(admin: Cycloid) -> None:
    admin.make("Of Anna", owner="anna-doe")
    blind = {"action": "keys:*", "effect": "allow"}
    reader = admin.other(admin.make("Blind", blind)["token"])
    assert "owner" not in reader.get("of-anna")
    refused(reader.ask("GET", "./api_keys?owner[eq]=anna-doe"), 403, "Unauthorized")


# Lists


def test_pages(admin: Cycloid) -> None:
    made = [admin.make(f"Paged {number}", canonical=f"paged-{number}")["canonical"] for number in range(5)]
    query = "canonical[like]=paged-%"
    assert admin.listed(f"?{query}") == made[::-1]
    first = admin.ask("GET", f"./api_keys?{query}&page_size=2")
    assert [one["canonical"] for one in checked("[APIKey]", first)] == ["paged-4", "paged-3"]
    assert first.json()["pagination"] == {"index": 1, "size": 2, "total": 5}
    last = admin.ask("GET", f"./api_keys?{query}&page_size=2&page_index=3")
    assert [one["canonical"] for one in checked("[APIKey]", last)] == ["paged-0"]
    assert last.json()["pagination"] == {"index": 3, "size": 2, "total": 5}
    for beyond in ("page_index=4294967295", "page_size=0"):
        answer = admin.ask("GET", f"./api_keys?{query}&{beyond}")
        assert checked("[APIKey]", answer) == []
        assert answer.json()["pagination"]["total"] == 5
    most = admin.ask("GET", f"./api_keys?{query}&page_size=4294967295").json()["pagination"]
    assert most == {"index": 1, "size": 500, "total": 5}


def test_filters(admin: Cycloid) -> None:
    prefix = "canonical[like]=sift-%"
    for name, owner in (("sift-alpha", "anna-doe"), ("sift-beta", "bob-roe"), ("sift-gamma", None)):
        admin.make(f"Name of {name}", canonical=name, owner=owner, description=f"{name[5]}{name[5]}")
    bob = admin.get("sift-beta")["owner"]["id"]
    seven = admin.get("sift-alpha")["last_seven"]
    number = admin.get("sift-gamma")["id"]
    for query, wanted in (
        ("", "abg"),
        ("owner[eq]=anna-doe", "a"),
        ("user_canonical[eq]=Anna-Doe", ""),
        ("user_canonical[ne]=anna-doe", "bg"),
        ("user_canonical[eq]=", "g"),
        ("user_canonical[eq]=nobody", ""),
        ("user_canonical[like]=%25-roe", "b"),
        ("user_canonical[rlike]=^(anna|bob)-", "ab"),
        ("organization_canonical[eq]=acme", "abg"),
        ("organization_canonical[ne]=acme", ""),
        ("organization_canonical[eq]=globex", ""),
        ("canonical[eq]=sift-beta", "b"),
        ("api_key_canonical[gte]=sift-beta", "bg"),
        ("canonical[gt]=sift-beta", "g"),
        ("canonical[lt]=sift-beta", "a"),
        ("canonical[lte]=sift-beta", "ab"),
        ("name[eq]=Name%20of%20sift-alpha", "a"),
        ("name[like]=GAMMA", "g"),
        ("name[rlike]=a.pha|beta$", "ab"),
        ("description[ne]=aa&description[ne]=bb", "g"),
        (f"last_seven[eq]={seven}", "a"),
        ("last_used[eq]=0", "abg"),
        ("last_used[gt]=0", ""),
        (f"id[eq]={number}", "g"),
        (f"id[ne]={number}", "ab"),
        (f"member_id={bob}", "b"),
        ("member_id=4294967295", ""),
        ("something=else&other", "abg"),
    ):
        found = sorted(one.removeprefix("sift-")[0] for one in admin.listed(f"?{prefix}&{query}"))
        assert "".join(found) == wanted, query


@pytest.mark.parametrize(
    "query",
    [
        "secret[eq]=x",
        "name[is]=x",
        "name[]=x",
        "name[rlike]=(",
        "name[rlike]=a{101}",
        f"name[rlike]={'a' * 201}",
        "id[gt]=many",
        "id[gt]=4294967296",
        "page_index=0",
        "page_index=-1",
        "page_index=one",
        "page_index=",
        "page_size=1.5",
        "page_size=99999999999",
        "member_id=anna",
        "&".join("name[ne]=x" for _ in range(11)),
        "&".join("x=x" for _ in range(101)),
        "name[eq]=%ff",
    ],
    ids=range(18),
)
def test_questions_that_are_none(admin: Cycloid, query: str) -> None:
    assert refused(admin.ask("GET", f"./api_keys?{query}"), 422, "Invalid")


def test_when_a_key_was_last_used(admin: Cycloid) -> None:
    """It is written down in batches, so that our own door is asked until it knows."""
    made = admin.make("In use", ADMIN_RULE)
    admin.other(made["token"]).ask("GET", "./api_keys")
    assert admin.keywright.verdict(made["token"]) == "VALID"
    used = wait_for(lambda: admin.get("in-use").get("last_used"))
    assert isinstance(used, int)
    assert "in-use" in admin.listed(f"?last_used[gte]={used}")


def wait_for(found: Callable[[], Any]) -> Any:
    end = time.monotonic() + 30
    while not (seen := found()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return seen


# Rights


def test_a_member_has_its_own_keys_alone(admin: Cycloid, bob: Cycloid) -> None:
    admin.make("Not Bob's", canonical="not-bobs")
    bob.make("Really Bob's", canonical="really-bobs", owner="bob-roe")
    listed = bob.listed()
    assert "really-bobs" in listed
    assert "not-bobs" not in listed
    for method in MISSING:
        body = {"name": "Renamed"} if method == "PUT" else None
        there, nowhere = (bob.ask(method, f"./api_keys/{one}", body) for one in ("not-bobs", "never-made"))
        assert refused(there, 404, "NotFoundEntity") == refused(nowhere, 404, "NotFoundEntity")
        assert there.json()["errors"] == nowhere.json()["errors"]
    body = {"name": "For Anna", "owner": "anna-doe", "rules": []}
    refused(bob.ask("POST", "./api_keys", body), 403, "Unauthorized")
    assert bob.ask("DELETE", "./api_keys/really-bobs").status_code == 204


def test_who_may_only_read_changes_nothing(admin: Cycloid) -> None:
    admin.make("Only looked at", READ_RULE)
    reader = admin.other(admin.keywright.session("carl-poe"))
    assert reader.get("only-looked-at")["rules"][0]["action"] == READ_RULE["action"]
    assert "only-looked-at" in reader.listed("?page_size=500")
    for path in ("./policies", "./roles"):
        assert reader.ask("GET", path).status_code == 200
    refused(reader.ask("POST", "./api_keys", {"name": "New key", "rules": []}), 403, "Unauthorized")
    refused(reader.ask("PUT", "./api_keys/only-looked-at", {"name": "Changed"}), 403, "Unauthorized")
    refused(reader.ask("DELETE", "./api_keys/only-looked-at"), 403, "Unauthorized")
    assert admin.get("only-looked-at")["name"] == "Only looked at"


def test_nobody_hands_out_more_than_they_hold(admin: Cycloid) -> None:
    weak = admin.make(
        "Weak",
        {"action": "keys:*", "effect": "allow"},
        READ_RULE,
        {"action": "identities:read", "effect": "allow"},
    )
    caller = admin.other(weak["token"])
    assert caller.make("As weak", READ_RULE)["rules"]
    for rules in ([ADMIN_RULE], [READ_RULE, ADMIN_RULE]):
        details = refused(
            caller.ask("POST", "./api_keys", {"name": "Strong", "rules": rules}), 403, "Unauthorized"
        )
        assert details[0].startswith(f"rules.{len(rules) - 1}: ")
    refused(caller.ask("GET", "./policies"), 403, "Unauthorized")
    refused(caller.ask("GET", "./roles"), 403, "Unauthorized")


# Two organizations


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "./api_keys", None),
        ("POST", "./api_keys", {"name": "Foreign", "rules": []}),
        ("GET", "./api_keys/at-home", None),
        ("PUT", "./api_keys/at-home", {"name": "Foreign"}),
        ("DELETE", "./api_keys/at-home", None),
        ("GET", "./policies", None),
        ("GET", "./roles", None),
        ("POST", "./can_do", {"action": "organization:read", "entity_canonicals": []}),
    ],
)
def test_another_organization_is_not_there(admin: Cycloid, method: str, path: str, body: Any) -> None:
    home = Cycloid(admin.keywright, "globex", admin.keywright.key("globex", "admin")["token"])
    if "at-home" not in home.listed():
        home.make("At home", ADMIN_RULE)
    for token in (admin.token, admin.keywright.session("anna-doe")):
        there, nowhere = (
            admin.other(token, one).ask(method, path, body) for one in ("globex", "no-such-org")
        )
        assert refused(there, 404, "NotFoundEntity") == []
        assert there.json()["errors"] == nowhere.json()["errors"]
    assert home.get("at-home")["name"] == "At home"
    if "at-home" in path:  # nor is a key of another organization at home
        refused(admin.ask(method, path, body), 404, "NotFoundEntity")
