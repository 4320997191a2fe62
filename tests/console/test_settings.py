"""The settings of a tenant: shown, changed, and refused beside the field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.console.codes import codes_in
from tests.console.reader import reading
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

LIMITS = [
    {"name": "burst", "limit": 100, "window_seconds": 1},
    {"name": "day", "limit": 20_000, "window_seconds": 86_400},
]


@pytest.fixture(scope="module", autouse=True)
def _tenants(keywright: Keywright) -> None:
    keywright.rest("POST", "/v1/tenants", {"slug": "my-blog", "name": "My blog"})
    keywright.person("reads", "my-blog", "read_only")


def settings(keywright: Keywright, tenant: str = "my-blog") -> Any:
    return keywright.rest("GET", f"/v1/tenants/{tenant}")["settings"]


def test_they_are_changed_and_in_force_at_once(admin: Reader, keywright: Keywright) -> None:
    admin.go("/t/my-blog/settings")
    admin.page.get_by_label("Name", exact=True).first.fill("My blog, renamed")
    admin.page.get_by_label("Prefix").fill("blog")
    admin.page.get_by_label("Longest life").fill("90")
    admin.page.get_by_label("Every new key must have an expiry").check()
    rows = admin.page.get_by_role("group", name="Limits for each key")
    rows.get_by_label("Name").fill("burst")
    rows.get_by_label("Uses").fill("100")
    rows.get_by_label("Unit of time").select_option("second")
    admin.button("Add a limit").first.click()
    rows.get_by_label("Name").nth(1).fill("day")
    rows.get_by_label("Uses").nth(1).fill("20,000")
    rows.get_by_label("Unit of time").nth(1).select_option("day")
    together = admin.page.get_by_role("group", name="Limits for all together")
    together.get_by_label("Name").fill("all")
    together.get_by_label("Uses").fill("1000000")
    admin.send("Save settings")
    admin.page.get_by_text("The settings are saved. In force on 1 of 1 node").wait_for()
    assert settings(keywright) == {
        "key_prefix": "blog",
        "max_key_lifetime_seconds": 90 * 86_400,
        "keys_must_expire": True,
        "two_factor_required": False,
        "default_limits": LIMITS,
        "limits": [{"name": "all", "limit": 1_000_000, "window_seconds": 60}],
    }
    admin.look("settings")
    rows.get_by_label("Take this limit away").nth(0).click()
    admin.page.get_by_label("Longest life").fill("")
    admin.send("Save settings")
    admin.page.get_by_text("The settings are saved").wait_for()
    assert settings(keywright)["default_limits"] == LIMITS[1:]
    assert settings(keywright)["max_key_lifetime_seconds"] is None
    admin.send("Save settings")
    admin.page.get_by_text("Nothing was different").wait_for()


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    admin: Reader, keywright: Keywright
) -> None:
    keywright.tenant("wrongs")
    admin.go("/t/wrongs/settings")
    admin.page.get_by_label("Prefix").fill("Not good")
    admin.page.get_by_label("Longest life").fill("7")
    admin.send("Save settings")
    assert admin.page.locator("#f-settings\\.key_prefix + .error").is_visible()
    assert admin.page.get_by_label("Longest life").input_value() == "7"
    admin.page.get_by_label("Prefix").fill("good")
    admin.page.get_by_label("Longest life").fill("soon")
    admin.send("Save settings")
    assert "This is not a whole number." in admin.text
    admin.page.get_by_label("Longest life").fill("9")
    admin.page.locator("select[name=unit]").select_option("second")
    admin.send("Save settings")
    assert "longest life is 60 to" in admin.text
    admin.page.get_by_label("Longest life").fill("")
    rows = admin.page.get_by_role("group", name="Limits for each key")
    for at, (name, uses) in enumerate((("twice", "1"), ("twice", "many"))):
        if at:
            admin.button("Add a limit").first.click()
        rows.get_by_label("Name").nth(at).fill(name)
        rows.get_by_label("Uses").nth(at).fill(uses)
    admin.send("Save settings")
    assert rows.locator(".limit").nth(1).locator(".error").inner_text() == "This is not a whole number."
    admin.look("settings-wrong")
    rows.get_by_label("Uses").nth(1).fill("2")
    admin.send("Save settings")
    assert rows.locator(".limit").nth(1).locator(".error").inner_text() == "Another limit has this name."
    assert rows.get_by_label("Uses").nth(1).input_value() == "2"
    assert settings(keywright, "wrongs")["key_prefix"] is None


def test_no_more_limits_than_there_may_be(admin: Reader, keywright: Keywright) -> None:
    ten = [{"name": f"n{at}", "limit": 1, "window_seconds": 60} for at in range(10)]
    keywright.tenant("ten")
    keywright.rest("PATCH", "/v1/tenants/ten", {"settings": {"limits": ten}})
    admin.go("/t/ten/settings")
    assert admin.button("Add a limit").nth(1).is_disabled()
    assert not admin.button("Add a limit").nth(0).is_disabled()
    admin.page.get_by_label("Take this limit away").last.click()
    assert not admin.button("Add a limit").nth(1).is_disabled()


def test_who_asks_for_two_factors_must_have_used_two(admin: Reader) -> None:
    admin.go("/t/my-blog/settings")
    admin.page.get_by_label("Ask for a second factor").check()
    admin.send("Save settings")
    assert "Log in with a second factor before" in admin.text
    assert admin.page.get_by_label("Ask for a second factor").is_checked()


def test_the_code_sets_what_is_shown(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("coded")
    wanted = {"key_prefix": "cc", "max_key_lifetime_seconds": 3600, "default_limits": LIMITS}
    keywright.rest("PATCH", "/v1/tenants/coded", {"settings": wanted})
    before = settings(keywright, "coded")
    admin.go("/t/coded/settings")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    for run in (codes.run_curl, codes.run_graphql, codes.run_cli):
        other = {"key_prefix": None, "max_key_lifetime_seconds": None, "default_limits": [], "limits": LIMITS}
        keywright.rest("PATCH", "/v1/tenants/coded", {"settings": other})
        run()
        assert settings(keywright, "coded") == before


def test_another_slug_is_another_address(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("before")
    admin.go("/t/before/settings")
    admin.link("Change…").click()
    box = admin.page.locator("dialog[data-dialog]")
    box.wait_for()
    assert "links and bookmarks to /t/before/… lead nowhere" in box.inner_text()
    admin.look("settings-slug")
    box.get_by_label("New slug").fill("my-blog")
    box.get_by_role("button", name="Change the slug").click()
    admin.page.get_by_text("Another tenant has this slug").wait_for()
    codes = codes_in(admin.page.locator("dialog[data-dialog]"), keywright.url, ROOT)
    assert "--slug my-blog" in codes.cli
    admin.page.locator("dialog[data-dialog]").get_by_label("New slug").fill("after")
    admin.page.locator("dialog[data-dialog]").get_by_role("button", name="Change the slug").click()
    admin.page.wait_for_url("**/t/after/settings")
    assert "The slug is after." in admin.notice
    admin.go("/t/before/settings")
    assert "nothing at this address" in admin.text


@pytest.mark.parametrize("form", ["curl", "graphql", "cli"])
def test_the_code_for_a_slug_runs(admin: Reader, keywright: Keywright, form: str) -> None:
    keywright.tenant(f"same-{form}")
    admin.go(f"/t/same-{form}/settings/slug")
    getattr(codes_in(admin.page.locator("main"), keywright.url, ROOT), f"run_{form}")()
    assert keywright.rest("GET", f"/v1/tenants/same-{form}")["slug"] == f"same-{form}"


def test_a_reader_sees_them_and_can_change_nothing(reader: Reader) -> None:
    reader.log_in("reads")
    reader.go("/t/my-blog/settings")
    assert "allowed" in reader.text or "refused" in reader.text
    assert reader.page.locator("main form").count() == 0
    assert reader.link("Change…").count() == 0
    reader.look("settings-read")
    for path in ("/t/my-blog/settings/slug", "/t/default/settings"):
        reader.go(path)
        assert "nothing at this address" in reader.text


def test_without_javascript_there_is_an_empty_row_for_one_more(
    browser: Browser, keywright: Keywright
) -> None:
    keywright.tenant("plain")
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go("/t/plain/settings")
        for name in ("first", "second"):
            rows = reader.page.get_by_role("group", name="Limits for each key")
            rows.get_by_label("Name").last.fill(name)
            rows.get_by_label("Uses").last.fill("5")
            reader.send("Save settings")
            assert "The settings are saved" in reader.notice
        rows = reader.page.get_by_role("group", name="Limits for each key")
        rows.get_by_label("Name").first.fill("")
        rows.get_by_label("Uses").first.fill("")
        reader.send("Save settings")
    assert [one["name"] for one in settings(keywright, "plain")["default_limits"]] == ["second"]


def test_the_installation_has_none_of_its_own(admin: Reader) -> None:
    admin.go("/t/*/settings")
    assert "Settings belong to one tenant" in admin.text
    admin.look("settings-everywhere")
    for path in ("/t/*/settings/slug", "/t/*/delete"):
        admin.go(path)
        assert "nothing at this address" in admin.text
