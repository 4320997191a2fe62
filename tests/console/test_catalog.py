"""The catalog: read, searched, taken away as a file, and changed as a text with the difference before it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.codes import codes_in
from tests.console.reader import reading
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

ACTIONS = [
    {"name": f"{noun}:{verb}", "group": noun.title(), "description": f"{verb.title()} {noun}s"}
    for noun in ("article", "comment", "picture", "invoice", "report", "campaign")
    for verb in ("read", "write", "publish", "archive", "export")
]
BLOG: dict[str, Any] = {
    "strict": True,
    "actions": ACTIONS,
    "resource_types": [
        {"name": "article", "description": "What is read", "segments": ["language", "number"]}
    ],
    "entities": {"language": [{"id": f"l{at}", "label": f"Language {at}"} for at in range(130)]},
    "roles": {
        "editor": {
            "description": "Writes in given languages",
            "variables": {"language": {"entity": "language"}},
            "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
        },
        "reader": {"policies": [{"actions": ["article:read", "comment:read"]}]},
    },
    "key_templates": {
        "nightly": {
            "description": "For exports at night",
            "scope": [{"actions": ["article:read"]}],
            "expires_in": "90d",
            "allowed_cidrs": ["10.0.0.0/8"],
            "limits": [{"name": "burst", "limit": 100, "window_seconds": 60}],
            "credits": {"remaining": 5000, "refill": {"amount": 1000, "every": "day"}},
            "metadata": {"team": "search"},
            "prefix": "nightly",
        }
    },
    "routes": [{"match": "GET /articles/{language}/{number}", "action": "article:read"}],
}


@pytest.fixture(scope="module", autouse=True)
def _tenants(keywright: Keywright) -> None:
    keywright.tenant("my-blog", BLOG)
    keywright.tenant("empty")
    keywright.person("reads", "my-blog", "read_only")
    keywright.person("changes", "my-blog", "admin")


def document(keywright: Keywright, tenant: str) -> Any:
    return keywright.rest("GET", "/v1/catalog", tenant=tenant)


def write(reader: Reader, text: str) -> None:
    reader.page.locator("#text").fill(text)


def checked(reader: Reader) -> str:
    """What stands beside the text, once it was checked."""
    reader.page.locator("#check h2").wait_for()
    return reader.page.locator("#check").inner_text()


def test_it_is_read_by_section(admin: Reader, keywright: Keywright) -> None:
    admin.go("/t/my-blog/catalog")
    for words in (
        "Publish articles",
        "article:language:number",
        "130 entities",
        "for some language",
        "90 days",
    ):
        assert words in admin.text
    assert "and 30 more" in admin.text
    admin.look("catalog")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    assert codes.run_graphql()["catalog"]["revision"] == 1
    assert codes.run_curl()["revision"] == 1
    assert "editor:" in codes.run_cli()


def test_a_search_narrows_it_and_stands_in_the_address(admin: Reader) -> None:
    admin.go("/t/my-blog/catalog")
    admin.page.locator("input[type=search]").press_sequentially("Language 129")
    admin.page.get_by_text("Entities 1", exact=True).wait_for()
    assert "Publish articles" not in admin.text
    admin.page.wait_for_url("**/catalog?q=Language*")
    admin.page.reload()
    assert admin.page.get_by_text("Entities 1", exact=True).is_visible()
    admin.page.keyboard.press("/")
    admin.page.locator("input[type=search]").fill("nothing like it")
    admin.page.get_by_text("Nothing fits").wait_for()


def test_it_is_taken_away_as_a_file(admin: Reader, keywright: Keywright) -> None:
    admin.go("/t/my-blog/catalog")
    with admin.page.expect_download() as started:
        admin.link("Download").click()
    assert started.value.suggested_filename == "my-blog.catalog.yaml"
    assert "strict: true" in started.value.path().read_text()
    answer = admin.page.request.get(f"{keywright.url}/t/my-blog/catalog/file?format=json")
    assert answer.json() == document(keywright, "my-blog")["document"]
    assert answer.headers["cache-control"] == "no-store"


def test_an_empty_one_begins_with_an_example(admin: Reader, keywright: Keywright) -> None:
    admin.go("/t/empty/catalog")
    assert "No catalog yet" in admin.text
    admin.look("catalog-empty")
    admin.follow("Start with an example")
    assert "article:publish" in admin.page.locator("#text").input_value()
    admin.send("See the difference")
    assert "no catalog" in admin.text
    assert "Nobody would be left with less" in admin.text
    admin.send("Apply to empty")
    admin.page.wait_for_url("**/t/empty/catalog")
    assert "Applied as revision 1. In force on 1 of 1 node" in admin.notice
    assert document(keywright, "empty")["revision"] == 1


def test_faults_stand_at_their_lines_while_one_types(admin: Reader) -> None:
    admin.go("/t/my-blog/catalog/edit")
    write(admin, "strict: true\nactions:\n  - {name: 'article:read', grup: Articles}\nroles: 7\n")
    said = checked(admin)
    assert "2 faults" in said
    assert "Line 3, column 28" in said
    assert "Line 4, column 8" in said
    assert admin.page.locator(".gutter .wrong").all_inner_texts() == ["3", "4"]
    admin.look("catalog-faults")
    admin.link("Line 3, column 28").click()
    at = admin.page.evaluate("document.getElementById('text').selectionStart")
    assert admin.page.locator("#text").input_value()[at:].startswith("grup")
    write(admin, "a: [")
    admin.page.get_by_text("well-formed").wait_for()
    write(admin, "actions: [{name: 'article:read'}]")
    admin.page.get_by_text("No faults").wait_for()
    assert admin.page.locator(".gutter .wrong").count() == 0


def test_what_stands_against_a_text_is_told_as_a_fault_too(admin: Reader, keywright: Keywright) -> None:
    role = {"name": "by-hand", "policies": [{"actions": ["picture:*"]}]}
    keywright.tenant("strict-one", {"strict": True, "actions": ACTIONS})
    keywright.rest("POST", "/v1/roles", role, tenant="strict-one")
    admin.go("/t/strict-one/catalog")
    assert "made by hand" in admin.text
    admin.go("/t/strict-one/catalog/edit")
    write(admin, "strict: true\nactions: [{name: 'article:read'}]\n")
    assert "made beside the catalog" in checked(admin)
    admin.send("See the difference")
    assert "made beside the catalog" in admin.text
    assert "article:read" in admin.page.locator("#text").input_value()


def test_the_tab_key_indents_and_does_not_trap(admin: Reader) -> None:
    admin.go("/t/my-blog/catalog/edit")
    write(admin, "roles:")
    admin.page.locator("#text").press("End")
    admin.page.keyboard.press("Enter")
    admin.page.keyboard.press("Tab")
    admin.page.keyboard.type("editor:")
    admin.page.keyboard.press("Enter")
    admin.page.keyboard.type("policies: []")
    assert admin.page.locator("#text").input_value() == "roles:\n  editor:\n  policies: []"
    admin.page.keyboard.press("Escape")
    admin.page.keyboard.press("Tab")
    assert admin.page.evaluate("document.activeElement.id") != "text"


def test_the_difference_says_who_is_narrowed_and_is_applied(
    admin: Reader, keywright: Keywright, tmp_path: Path
) -> None:
    keywright.tenant("shop", BLOG)
    held = [{"role": "editor", "variables": {"language": ["l1", "l2"]}}]
    account = {"name": "search-indexer", "memberships": held}
    keywright.rest("POST", "/v1/service-accounts", account, tenant="shop")
    admin.go("/t/shop/catalog/edit")
    text = admin.page.locator("#text").input_value()
    changed = text.replace("- article:*\n", "- article:read\n").replace("  reader:\n", "  auditor:\n")
    write(admin, changed)
    admin.send("See the difference")
    assert "1 membership would be left with less" in admin.text
    row = admin.page.locator("section.narrowed tbody tr")
    assert row.all_inner_texts() == ["search-indexer\teditor\t\narticle:* on article:l1:**, article:l2:**"]
    names = admin.page.locator("table.diff tbody tr b").all_inner_texts()
    assert names == ["auditor", "editor", "reader"]
    admin.look("catalog-difference")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    file = tmp_path / "catalog.yaml"
    file.write_text(changed)
    assert "catalog apply catalog.yaml" in codes.cli
    assert codes.run_curl()["catalog"]["revision"] == 2
    stale = codes.variables
    keywright.rest("PUT", "/v1/catalog", {"document": BLOG}, tenant="shop")
    again = replace(codes, variables=stale.replace('"expectedRevision": 1', '"expectedRevision": 3'))
    assert again.run_graphql()["applyCatalog"]["catalog"]["revision"] == 4
    keywright.rest("PUT", "/v1/catalog", {"document": BLOG}, tenant="shop")
    words = codes.cli.replace("catalog.yaml", str(file)).replace("--revision 1", "--revision 5")
    assert "revision 6" in replace(codes, cli=words).run_cli()


def test_a_text_without_a_difference_offers_nothing_to_apply(admin: Reader) -> None:
    admin.go("/t/my-blog/catalog/edit")
    admin.send("See the difference")
    assert "Nothing would change" in admin.text
    assert admin.button("Apply to my-blog").count() == 0
    admin.send("Back to the text")
    assert "strict: true" in admin.page.locator("#text").input_value()


def test_check_says_that_there_are_no_faults(admin: Reader) -> None:
    admin.go("/t/my-blog/catalog/edit")
    admin.send("Check")
    assert "No faults" in admin.page.locator("#check").inner_text()
    assert "30" in admin.page.locator("#check").inner_text()


def test_a_catalog_that_changed_meanwhile_keeps_what_was_typed(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("both", {"actions": [{"name": "a:read"}]})
    admin.go("/t/both/catalog/edit")
    write(admin, "actions: [{name: 'a:read'}, {name: 'mine:read'}]\n")
    admin.send("See the difference")
    theirs = {"actions": [{"name": "a:read"}, {"name": "theirs:read"}]}
    keywright.rest("PUT", "/v1/catalog", {"document": theirs}, tenant="both")
    admin.send("Apply to both")
    assert "has changed meanwhile" in admin.text
    assert "mine:read" in admin.page.locator("#text").input_value()
    assert "theirs:read" in admin.page.locator(".standing").inner_text()
    admin.look("catalog-conflict")
    write(admin, "actions: [{name: 'a:read'}, {name: 'mine:read'}, {name: 'theirs:read'}]\n")
    admin.send("See the difference")
    assert admin.page.locator("table.diff tbody tr b").all_inner_texts() == ["mine:read"]
    admin.send("Apply to both")
    admin.page.wait_for_url("**/t/both/catalog")
    assert "Applied as revision 3" in admin.notice
    assert "2 differences" not in admin.text


def test_nobody_hands_out_more_than_they_hold(reader: Reader, keywright: Keywright) -> None:
    keywright.tenant("deployed")
    made = keywright.person("deploys")
    keywright.rest("POST", "/v1/memberships", {"identity_id": made["id"], "role": "deployer"}, tenant="*")
    reader.log_in("deploys")
    reader.go("/t/deployed/catalog/edit")
    write(reader, "roles:\n  boss:\n    policies: [{actions: ['**']}]\n")
    reader.send("See the difference")
    reader.send("Apply to deployed")
    assert "Line 3" in reader.page.locator("#check").inner_text()
    assert "boss" in reader.page.locator("#text").input_value()
    assert document(keywright, "deployed")["revision"] == 0


def test_who_may_only_read_it_sees_no_way_to_change_it(reader: Reader, keywright: Keywright) -> None:
    reader.log_in("reads")
    reader.go("/t/my-blog/catalog")
    assert "Publish articles" in reader.text
    assert reader.link("Edit catalog").count() == 0
    for path in ("/t/my-blog/catalog/edit", "/t/empty/catalog", "/t/empty/catalog/file"):
        reader.go(path)
        assert "nothing at this address" in reader.text


def test_over_the_whole_installation_one_chooses_a_tenant(admin: Reader) -> None:
    admin.go("/t/*/catalog")
    assert "belongs to one tenant" in admin.text
    admin.follow("Choose a tenant")
    assert admin.page.url.endswith("/tenants")
    for path in ("/t/*/catalog/edit", "/t/*/catalog/file"):
        admin.go(path)
        assert "nothing at this address" in admin.text


def test_without_javascript_it_is_changed_all_the_same(browser: Browser, keywright: Keywright) -> None:
    keywright.tenant("plain")
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in("admin")
        reader.go("/t/plain/catalog")
        reader.follow("Start empty")
        write(reader, "actions:\n  - {nme: 'a:read'}\n")
        reader.send("Check")
        assert "Line 2" in reader.text
        assert "nme" in reader.text
        write(reader, "actions:\n  - {name: 'a:read'}\n")
        reader.send("See the difference")
        reader.send("Apply to plain")
        assert "Applied as revision 1" in reader.notice
        reader.go("/t/plain/catalog?q=a:re")
        assert "a:read" in reader.text


def test_a_long_text_is_checked_when_one_asks(admin: Reader) -> None:
    admin.go("/t/my-blog/catalog/edit")
    long = "\n".join(f"  - {{name: 'a{at}:read', description: '{'long ' * 20}'}}" for at in range(900))
    # As a paste, which is one step for the browser.
    put = "(box, text) => { box.value = text; box.dispatchEvent(new Event('input', {bubbles: true})); }"
    admin.page.locator("#text").evaluate(put, f"actions:\n{long}\n")
    admin.page.get_by_text("too long to be checked as you type").wait_for()
    admin.send("Check")
    assert "No faults" in admin.text
    assert "900" in admin.page.locator("#check").inner_text()
