"""Service accounts: found, made with roles, looked at, changed, disabled and deleted, each result said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.blog import (
    BLOG,
    CZECH,
    account,
    blog,
    buttons,
    codes,
    form_codes,
    key_of,
    logged_in,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

HERE = f"/t/{BLOG}/service-accounts"


@pytest.fixture(autouse=True)
def _a_blog(keywright: Keywright) -> None:
    blog(keywright)


def known(keywright: Keywright, name: str, tenant: str = BLOG) -> Any:
    found = keywright.rest("GET", "/v1/service-accounts?limit=200", tenant=tenant)["items"]
    return next((one for one in found if one["name"] == name), None)


def test_the_empty_list_says_what_to_do(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("empty")
    admin.go("/t/empty/service-accounts")
    assert "No service account yet" in admin.text
    admin.look("service-accounts-empty")
    admin.link("Create the first one").click()
    assert admin.page.url.endswith("/t/empty/service-accounts/new")


def test_one_is_made_with_roles_and_limits(admin: Reader, keywright: Keywright) -> None:
    admin.go(HERE)
    admin.page.keyboard.press("c")
    admin.page.get_by_label("Name", exact=True).fill("search-indexer")
    admin.page.get_by_label("What it is for").fill("Feeds the search")
    admin.page.get_by_label("Role 1").select_option("editor")
    admin.page.get_by_text("Czech", exact=True).click()
    admin.button("Add another role").click()
    admin.page.get_by_label("Role 2").select_option("bookkeeper")
    found = admin.page.get_by_role("combobox", name="customer")
    found.fill("customer 04")
    admin.page.get_by_role("option", name="Customer 042").click()
    admin.page.get_by_label("Name of limit 1").fill("burst")
    admin.page.get_by_label("Uses of limit 1").fill("1,000")
    admin.page.get_by_label("Span of limit 1").select_option("minute")
    admin.look("service-account-new")
    admin.button("Create service account").click()
    assert "search-indexer is made. Give it a key next." in admin.notice
    made = known(keywright, "search-indexer")
    assert {one["role"]: one["variables"] for one in made["memberships"]} == {
        "editor": {"language": ["cs"]},
        "bookkeeper": {"customer": ["c042"]},
    }
    assert made["limits"] == [{"name": "burst", "limit": 1000, "window_seconds": 60}]
    assert "Everything in Articles" in admin.text
    assert admin.link("Create a key for it").get_attribute("href") == f"/t/{BLOG}/keys/new?owner={made['id']}"


def test_a_form_that_is_sent_twice_makes_one(admin: Reader, keywright: Keywright) -> None:
    admin.go(f"{HERE}/new")
    admin.page.get_by_label("Name", exact=True).fill("made-once")
    sent = "() => fetch('', {method: 'POST', body: new URLSearchParams(new FormData(document.querySelector('#form')))})"
    first, second = admin.page.evaluate(f"async () => [(await ({sent})()).url, (await ({sent})()).url]")
    assert first == second
    names = [one["name"] for one in keywright.rest("GET", "/v1/service-accounts", tenant=BLOG)["items"]]
    assert names.count("made-once") == 1


def test_picking_a_role_makes_nothing_yet(admin: Reader, keywright: Keywright) -> None:
    admin.go(f"{HERE}/new")
    admin.page.get_by_label("Name", exact=True).fill("not-made-yet")
    admin.page.get_by_label("Role 1").select_option("member")
    admin.page.get_by_text("May look around in the tenant").wait_for()
    admin.button("Add another role").click()
    admin.page.get_by_label("Role 2").select_option("editor")
    admin.page.get_by_text("Czech", exact=True).wait_for()
    assert admin.page.locator(".error").count() == 0
    admin.button("Remove role 1").click()
    admin.page.get_by_label("Role 2").wait_for(state="detached")
    assert admin.page.get_by_label("Role 1").input_value() == "editor"
    assert known(keywright, "not-made-yet") is None


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(admin: Reader) -> None:
    admin.go(f"{HERE}/new")
    admin.page.get_by_label("Name", exact=True).fill("wrong")
    admin.page.get_by_label("What it is for").fill("Stays")
    admin.page.get_by_label("Role 1").select_option("editor")
    admin.page.get_by_text("Czech", exact=True).wait_for()
    admin.button("Create service account").click()
    assert (
        "needs at least one value for its variable language" in admin.page.locator(".variable").inner_text()
    )
    assert admin.page.get_by_label("What it is for").input_value() == "Stays"
    assert admin.page.get_by_label("Role 1").input_value() == "editor"
    admin.look("service-account-wrong")
    admin.page.get_by_text("Czech", exact=True).click()
    admin.page.get_by_label("Name of limit 1").fill("burst")
    admin.page.get_by_label("Uses of limit 1").fill("many")
    admin.button("Create service account").click()
    assert "not a whole number" in admin.page.locator(".limit.wrong").inner_text()
    assert admin.page.get_by_label("Uses of limit 1").input_value() == "many"


def test_the_forms_code_makes_and_changes_the_same(admin: Reader, keywright: Keywright) -> None:
    admin.go(f"{HERE}/new")
    admin.page.get_by_label("Name", exact=True).fill("Žofie's “bot”")
    admin.page.get_by_label("Role 1").select_option("editor")
    admin.page.get_by_text("English", exact=True).click()
    admin.page.get_by_label("Name of limit 1").fill("burst")
    admin.page.get_by_label("Uses of limit 1").fill("5")
    shown = form_codes(admin, keywright)
    ran = shown.run_curl()
    assert (ran["name"], ran["limits"][0]["limit"]) == ("Žofie's “bot”", 5)
    assert ran["memberships"][0]["variables"] == {"language": ["en"]}
    assert shown.run_graphql()["createServiceAccount"]["serviceAccount"]["name"] == "Žofie's “bot”"
    assert "Žofie's “bot”" in shown.run_cli()
    admin.go(f"{HERE}/{ran['id']}/edit")
    admin.page.get_by_label("Name", exact=True).fill("Bot")
    admin.page.get_by_label("Name of limit 1").fill("")
    admin.page.get_by_label("Uses of limit 1").fill("")
    shown = form_codes(admin, keywright)
    assert shown.run_curl()["name"] == "Bot"
    assert shown.run_graphql()["updateServiceAccount"]["receipt"]["complete"]
    assert "Bot" in shown.run_cli()


def test_one_is_found_by_a_word_of_its_name(admin: Reader, keywright: Keywright) -> None:
    account(keywright, "Přebírač článků")
    account(keywright, "something-else", description="Nothing of the kind")
    admin.go(HERE)
    admin.page.get_by_placeholder("Search name or id").fill("ČLÁNK")
    admin.page.get_by_text("something-else").wait_for(state="detached")
    assert admin.page.locator("a.name").all_inner_texts() == ["Přebírač článků"]
    assert admin.page.url.endswith("?q=%C4%8CL%C3%81NK")
    admin.page.get_by_placeholder("Search name or id").fill("nowhere to be found")
    admin.page.get_by_text("None is called like this").wait_for()


def test_the_list_goes_on_with_a_cursor(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("crowd")
    for number in range(51):
        account(keywright, f"robot-{number:02}", tenant="crowd")
    admin.go("/t/crowd/service-accounts")
    assert admin.page.locator("[data-row]").count() == 50
    admin.link("Next page").click()
    assert admin.page.locator("a.name").all_inner_texts() == ["robot-50"]
    admin.link("First page").click()
    assert admin.page.locator("[data-row]").count() == 50


def test_the_details_say_what_it_may_and_who_would_notice(admin: Reader, keywright: Keywright) -> None:
    made = account(keywright, "exporter", CZECH, {"role": "member"}, description="Exports each night")
    key = key_of(keywright, made, "Nightly export")
    assert keywright.verdict(key["token"]) == "VALID"
    keywright.rest("POST", "/v1/agents", {"kind": "cron", "name": "export-1"}, token=key["token"])
    admin.go(f"{HERE}/{made['id']}")
    row = admin.page.locator("section", has_text="What it may do").locator(
        "tr", has_text="Everything in Articles"
    )
    assert "Czech" in row.inner_text()
    assert "role editor" in row.inner_text()
    keys = admin.page.locator("section", has_text="Keys that speak for it")
    assert "export-1" in keys.inner_text()
    assert "Service account made" in admin.text
    admin.look("service-account")


def test_a_role_is_given_changed_and_taken_away(admin: Reader, keywright: Keywright) -> None:
    made = account(keywright, "growing")
    admin.go(f"{HERE}/{made['id']}")
    assert "No role yet" in admin.text
    admin.link("Give a role").click()
    admin.page.wait_for_load_state()
    admin.page.get_by_label("Role", exact=True).select_option("editor")
    admin.page.get_by_text("Czech", exact=True).click()
    shown = form_codes(admin, keywright)
    assert json.loads(shown.variables)["input"]["variables"] == [{"name": "language", "values": ["cs"]}]
    admin.look("role-give")
    admin.button("Give the role").click()
    assert "growing holds the role editor. In effect on 1 of 1 node" in admin.notice
    admin.link("Change editor").click()
    admin.page.get_by_text("English", exact=True).click()
    shown = form_codes(admin, keywright)
    assert shown.run_curl()["variables"] == {"language": ["cs", "en"]}
    assert shown.run_graphql()["updateMembership"]["membership"]["role"] == "editor"
    assert "editor" in shown.run_cli()
    admin.page.get_by_text("Czech", exact=True).click()
    admin.look("role-values")
    admin.button("Save").click()
    assert "The role editor of growing is changed." in admin.notice
    assert known(keywright, "growing")["memberships"][0]["variables"] == {"language": ["en"]}
    admin.link("Take away… editor").click()
    dialog = admin.page.get_by_role("dialog")
    assert "growing loses at once what it allows for English" in dialog.inner_text()
    admin.look("role-take")
    dialog.get_by_role("button", name="Take editor away").click()
    assert "growing no longer holds the role editor. Refused" in admin.notice
    assert known(keywright, "growing")["memberships"] == []


def test_the_code_that_gives_and_takes_a_role(admin: Reader, keywright: Keywright) -> None:
    first, second, third = (account(keywright, f"coded-{number}") for number in range(3))
    taken = []
    for made, way in ((first, "run_curl"), (second, "run_graphql"), (third, "run_cli")):
        admin.go(f"/t/{BLOG}/memberships/new?identity={made['id']}&role=editor")
        admin.page.get_by_text("Czech", exact=True).click()
        getattr(form_codes(admin, keywright), way)()
        now = keywright.rest("GET", f"/v1/service-accounts/{made['id']}", tenant=BLOG)
        assert now["memberships"][0]["variables"] == {"language": ["cs"]}
        admin.go(f"/t/{BLOG}/memberships/{now['memberships'][0]['id']}/remove")
        getattr(codes(admin, keywright, admin.page.locator("main")), way)()
        taken.append(keywright.rest("GET", f"/v1/service-accounts/{made['id']}", tenant=BLOG)["memberships"])
    assert taken == [[], [], []]


def test_it_is_disabled_and_enabled(admin: Reader, keywright: Keywright) -> None:
    made = account(keywright, "switched", {"role": "member"})
    key = key_of(keywright, made, "Its only key")
    admin.go(f"{HERE}/{made['id']}")
    admin.link("Disable…").click()
    dialog = admin.page.get_by_role("dialog")
    assert "1 key is refused" in dialog.inner_text()
    assert "Its only key" in dialog.inner_text()
    admin.look("service-account-disable")
    dialog.get_by_role("button", name="Disable").click()
    assert "switched is disabled. Its keys are refused on 1 of 1 node after" in admin.notice
    assert keywright.verdict(key["token"]) == "IDENTITY_DISABLED"
    admin.link("Enable…").click()
    admin.page.get_by_role("dialog").get_by_role("button", name="Enable").click()
    assert "accepted again" in admin.notice
    assert keywright.verdict(key["token"]) == "VALID"


def test_it_is_deleted_with_its_keys(admin: Reader, keywright: Keywright) -> None:
    made = account(keywright, "short-lived", {"role": "member"})
    key = key_of(keywright, made, "Gone with it")
    admin.go(f"{HERE}/{made['id']}")
    admin.link("Delete…").click()
    dialog = admin.page.get_by_role("dialog")
    assert "1 key is deleted" in dialog.inner_text()
    admin.look("service-account-delete")
    admin.page.keyboard.press("Escape")
    assert admin.page.get_by_role("dialog").count() == 0
    admin.link("Delete…").click()
    admin.button("Delete short-lived and 1 key").click()
    assert "short-lived and its keys are deleted. Refused on 1 of 1 node after" in admin.notice
    assert keywright.verdict(key["token"]) == "NOT_FOUND"
    admin.go(f"{HERE}/{made['id']}")
    assert "nothing at this address" in admin.text


def test_the_code_of_disabling_enabling_and_deleting(admin: Reader, keywright: Keywright) -> None:
    for way in ("run_curl", "run_graphql", "run_cli"):
        made = account(keywright, f"by-{way}")
        for act, active in (("disable", False), ("enable", True)):
            admin.go(f"{HERE}/{made['id']}/{act}")
            getattr(codes(admin, keywright, admin.page.locator("main")), way)()
            assert known(keywright, f"by-{way}")["active"] is active
        admin.go(f"{HERE}/{made['id']}/delete")
        getattr(codes(admin, keywright, admin.page.locator("main")), way)()
        assert known(keywright, f"by-{way}") is None


def test_the_last_administrator_stays(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("run-by-robot")
    root = keywright.rest("GET", "/v1/memberships?role=admin", tenant="run-by-robot")["items"]
    made = account(keywright, "the-admin", {"role": "admin"}, tenant="run-by-robot")
    for one in root:
        keywright.rest("DELETE", f"/v1/memberships/{one['id']}", tenant="run-by-robot")
    admin.go(f"/t/run-by-robot/service-accounts/{made['id']}")
    admin.link("Disable…").click()
    admin.button("Disable", exact=True).click()
    assert "Nobody would be left who can administer the tenant." in admin.text


def test_without_script_one_is_made_given_roles_and_deleted(browser: Browser, keywright: Keywright) -> None:
    with logged_in(browser, keywright, "admin", java_script_enabled=False) as plain:
        plain.go(f"{HERE}/new")
        plain.page.get_by_label("Name", exact=True).fill("scriptless")
        plain.page.get_by_label("Role 1").select_option("bookkeeper")
        plain.button("Show what each role needs").click()
        assert plain.page.get_by_label("Name", exact=True).input_value() == "scriptless"
        plain.page.get_by_label("customer", exact=True).fill("Customer 007")
        plain.button("Create service account").click()
        assert "scriptless is made" in plain.notice
        made = known(keywright, "scriptless")
        assert made["memberships"][0]["variables"] == {"customer": ["c007"]}
        plain.link("Delete…").click()
        plain.button("Delete scriptless").click()
        assert "scriptless and its keys are deleted." in plain.notice


def test_another_tenant_sees_nothing_of_it(browser: Browser, keywright: Keywright) -> None:
    made = account(keywright, "private")
    keywright.tenant("neighbours")
    keywright.person("neighbour", "neighbours")
    with logged_in(browser, keywright, "neighbour") as other:
        for path in (f"{HERE}", f"{HERE}/{made['id']}", f"/t/neighbours/service-accounts/{made['id']}"):
            other.go(path)
            assert "nothing at this address" in other.text
            assert "private" not in other.page.content()
        other.go(f"/t/neighbours/memberships/new?identity={made['id']}")
        assert "nothing at this address" in other.text


@pytest.mark.parametrize(
    ("login", "role", "everywhere"), [("rita", "read_only", False), ("mona", "monitor", True)]
)
def test_who_may_only_read_sees_all_of_it_and_no_button(
    browser: Browser, keywright: Keywright, login: str, role: str, everywhere: bool
) -> None:
    made = account(keywright, f"seen-by-{login}", CZECH)
    key_of(keywright, made, "A key that is seen")
    person = keywright.person(login)
    given = {"identity_id": person["id"], "role": role}
    keywright.rest("POST", "/v1/memberships", given, tenant="*" if everywhere else BLOG)
    with logged_in(browser, keywright, login) as found:
        for path in (HERE, f"{HERE}/{made['id']}"):
            found.go(path)
            assert f"seen-by-{login}" in found.text
            assert buttons(found) == []
        assert "A key that is seen" in found.text
        for path in ("new", f"{made['id']}/edit", f"{made['id']}/delete", f"{made['id']}/disable"):
            found.go(f"{HERE}/{path}")
            assert "nothing at this address" in found.text


def test_nobody_gives_more_than_they_hold(browser: Browser, keywright: Keywright) -> None:
    keywright.rest(
        "POST",
        "/v1/roles",
        {"name": "recruiter", "policies": [{"actions": ["identities:**", "roles:read", "catalog:read"]}]},
        tenant=BLOG,
    )
    keywright.person("rob", BLOG, "recruiter")
    with logged_in(browser, keywright, "rob") as found:
        found.go(f"{HERE}/new")
        options = found.page.get_by_label("Role 1").locator("option:disabled").all_inner_texts()
        assert "admin (more than you hold yourself)" in options
        found.page.get_by_label("Name", exact=True).fill("too much")
        found.page.get_by_label("Role 1").select_option("editor")
        found.page.get_by_text("Czech", exact=True).click()
        found.button("Create service account").click()
        wrong = found.page.locator(".given .error").first.inner_text()
        assert "You do not hold this yourself" in wrong
        assert "Czech" in wrong


def test_the_installation_has_none_of_its_own(admin: Reader) -> None:
    admin.go("/t/*/service-accounts")
    assert "They belong to a tenant" in admin.text
    admin.look("service-accounts-elsewhere")
