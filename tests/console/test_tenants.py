"""Tenants: listed, made, closed, opened, deleted, and what each says before it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.codes import codes_in
from tests.console.reader import reading
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module", autouse=True)
def _people(keywright: Keywright) -> None:
    keywright.rest(
        "POST", "/v1/tenants", {"slug": "zebra", "name": "Žluťoučký kůň úpěl ďábelské ódy, znovu a znovu"}
    )
    keywright.tenant("their-own")
    keywright.person("reads", "their-own", "read_only")
    keywright.person("owns", "their-own", "admin")
    made = keywright.person("makes")
    keywright.rest(
        "POST", "/v1/memberships", {"identity_id": made["id"], "role": "project_creator"}, tenant="*"
    )


def dialog(reader: Reader) -> Locator:
    found = reader.page.locator("dialog[data-dialog]")
    found.wait_for()
    return found


def names(reader: Reader) -> list[str]:
    return reader.page.locator("tr[data-row] a.name").all_inner_texts()


def test_one_is_made_in_a_dialog_and_opened(admin: Reader, keywright: Keywright) -> None:
    admin.go("/tenants")
    admin.look("tenants")
    admin.page.keyboard.press("c")
    box = dialog(admin)
    admin.look("tenants-new")
    box.get_by_label("Slug").fill("Not A Slug")
    box.get_by_label("Name").fill("Acme, production")
    box.get_by_role("button", name="Create tenant").click()
    error = dialog(admin).locator(".error")
    error.wait_for()
    assert "lower-case letters" in error.inner_text()
    assert dialog(admin).get_by_label("Name").input_value() == "Acme, production"
    dialog(admin).get_by_label("Slug").fill("zebra")
    dialog(admin).get_by_role("button", name="Create tenant").click()
    admin.page.get_by_text("Another tenant has this slug").wait_for()
    dialog(admin).get_by_label("Slug").fill("acme")
    dialog(admin).get_by_role("button", name="Create tenant").click()
    admin.page.get_by_text("Acme, production was made").wait_for()
    assert "Acme, production" in names(admin)
    admin.follow("Acme, production")
    assert admin.page.url.endswith("/t/acme/keys")
    assert keywright.rest("GET", "/v1/tenants/acme")["name"] == "Acme, production"


def test_the_code_for_one_makes_it(admin: Reader, keywright: Keywright) -> None:
    admin.go("/tenants/new")
    admin.page.get_by_label("Slug").fill("no good")
    admin.send("Create tenant")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    assert "'no good'" in codes.cli
    admin.go("/tenants/new")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    assert codes.run_curl()["slug"] == "my-blog"
    keywright.rest("DELETE", "/v1/tenants/my-blog")
    assert codes.run_graphql()["createTenant"]["tenant"]["slug"] == "my-blog"
    keywright.rest("DELETE", "/v1/tenants/my-blog")
    assert "my-blog" in codes.run_cli()
    admin.go("/tenants")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    assert "my-blog" in codes.run_cli()
    assert len(codes.run_curl()["items"]) == len(codes.run_graphql()["tenants"]["nodes"])


def test_many_are_listed_page_by_page(admin: Reader, keywright: Keywright) -> None:
    for at in range(55):
        keywright.rest("POST", "/v1/tenants?wait=false", {"slug": f"many-{at:02}"})
    admin.go("/tenants")
    first = names(admin)
    admin.follow("Next page")
    second = names(admin)
    assert len(first) == 50
    assert not set(first) & set(second)
    assert {f"many-{at:02}" for at in range(55)} <= {*first, *second}
    admin.follow("First page")
    assert names(admin) == first
    admin.page.keyboard.press("j")
    admin.page.keyboard.press("j")
    admin.page.keyboard.press("Enter")
    admin.page.wait_for_url("**/keys")
    admin.go("/tenants")
    admin.page.keyboard.press("/")
    admin.page.keyboard.type("ANY-07")
    admin.page.wait_for_url("**/tenants?q=ANY-07")
    assert names(admin) == ["many-07"]
    admin.page.reload()
    assert names(admin) == ["many-07"]
    admin.go("/tenants?q=kůň")
    assert names(admin) == ["Žluťoučký kůň úpěl ďábelské ódy, znovu a znovu"]
    admin.go("/tenants?q=many")
    assert len(names(admin)) == 50
    assert "There are more of them" in admin.text
    admin.go("/tenants?q=nobody")
    assert "No tenant is called so" in admin.text


def test_closing_says_what_stops_and_opening_lets_it_go_on(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("closing")
    token = keywright.key("closing", "read_only")["token"]
    admin.go("/t/closing/settings")
    admin.link("Close…").click()
    box = dialog(admin)
    assert "Its key is refused" in box.inner_text()
    admin.look("tenants-close")
    box.get_by_role("button", name="Close closing").click()
    admin.page.get_by_text("closing is closed. Refused on 1 of 1 node").wait_for()
    assert keywright.verdict(token) == "TENANT_DISABLED"
    assert "none of its keys is accepted" in admin.text
    admin.link("Open…").click()
    codes = codes_in(dialog(admin), keywright.url, ROOT)
    assert codes.run_graphql()["updateTenant"]["tenant"]["active"] is True
    assert codes.run_curl()["active"] is True
    assert "active" in codes.run_cli()
    dialog(admin).get_by_role("button", name="Open closing").click()
    admin.page.get_by_text("closing is open again. Accepted on 1 of 1 node").wait_for()
    assert keywright.verdict(token) == "VALID"


def test_deleting_takes_the_slug_and_says_what_goes(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("going")
    token = keywright.key("going", "read_only")["token"]
    keywright.key("going", "read_only")
    admin.go("/t/going/settings")
    admin.link("Delete…").click()
    box = dialog(admin)
    assert "2 keys, refused at once on every node" in box.inner_text()
    admin.look("tenants-delete")
    box.get_by_label("Type its slug").fill("other")
    box.get_by_role("button", name="Delete going").click()
    admin.page.get_by_text("Type going to say that it is this tenant.").wait_for()
    dialog(admin).get_by_label("Type its slug").fill("going")
    dialog(admin).get_by_role("button", name="Delete going").click()
    admin.page.get_by_text("Tick this to delete them with it").wait_for()
    assert dialog(admin).get_by_label("Type its slug").input_value() == "going"
    dialog(admin).get_by_label("Delete 2 keys with it").check()
    dialog(admin).get_by_role("button", name="Delete going").click()
    admin.page.get_by_text("going was deleted with everything in it. Refused on 1 of 1 node").wait_for()
    assert keywright.verdict(token) == "NOT_FOUND"
    admin.go("/t/going/settings")
    assert "nothing at this address" in admin.text


@pytest.mark.parametrize("form", ["curl", "graphql", "cli"])
def test_the_code_for_deleting_deletes(admin: Reader, keywright: Keywright, form: str) -> None:
    keywright.tenant(f"gone-{form}")
    keywright.key(f"gone-{form}", "read_only")
    admin.go(f"/t/gone-{form}/delete")
    getattr(codes_in(admin.page.locator("main"), keywright.url, ROOT), f"run_{form}")()
    slugs = [one["slug"] for one in keywright.rest("GET", "/v1/tenants?limit=200")["items"]]
    assert f"gone-{form}" not in slugs


def test_a_tenant_without_keys_asks_for_no_more_than_its_slug(browser: Browser, keywright: Keywright) -> None:
    keywright.tenant("bare")
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go("/tenants")
        reader.follow("Create tenant")
        reader.page.get_by_label("Slug").fill("made-plainly")
        reader.send("Create tenant")
        assert "made-plainly was made" in reader.notice
        reader.go("/t/bare/settings")
        reader.follow("Delete…")
        assert "has no keys" in reader.text
        assert reader.page.get_by_role("checkbox").count() == 0
        reader.page.get_by_label("Type its slug").fill("bare")
        reader.send("Delete bare")
        assert "bare was deleted" in reader.notice


def test_a_member_sees_their_own_and_no_button_that_would_fail(reader: Reader) -> None:
    reader.log_in("reads")
    reader.go("/tenants")
    assert names(reader) == ["their-own"]
    assert reader.link("Create tenant").count() == 0
    for path in ("/tenants/new", "/tenants/their-own/switch", "/t/their-own/delete", "/t/zebra/delete"):
        reader.go(path)
        assert "nothing at this address" in reader.text


def test_an_administrator_of_one_deletes_it_but_does_not_close_it(reader: Reader) -> None:
    reader.log_in("owns")
    reader.go("/t/their-own/settings")
    assert reader.link("Close…").count() == 0
    reader.link("Delete…").click()
    assert "has no keys" in dialog(reader).inner_text()


def test_who_makes_tenants_administers_those(reader: Reader) -> None:
    reader.log_in("makes")
    reader.go("/tenants")
    assert "No tenant yet" in reader.text
    reader.link("Create the first one").click()
    dialog(reader).get_by_label("Slug").fill("made-by-makes")
    dialog(reader).get_by_role("button", name="Create tenant").click()
    reader.page.get_by_text("made-by-makes was made").wait_for()
    assert names(reader) == ["made-by-makes"]
    reader.go("/t/made-by-makes/settings")
    assert reader.button("Save settings").is_visible()
