"""The usage of a tenant: all keys by hour and by day, with their outcomes, and the busiest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.codes import codes_in
from tests.console.keys_data import Blog, Past, a_key, blog, busy, served_with_past
from tests.console.reader import reading
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Keywright, Past]]:
    """A server with a past."""
    with served_with_past() as found:
        yield found


@pytest.fixture(scope="module")
def keywright(world: tuple[Keywright, Past]) -> Keywright:
    """The server."""
    return world[0]


@pytest.fixture(scope="module")
def house(world: tuple[Keywright, Past]) -> Blog:
    """A blog with three keys that were used, one of which is gone."""
    running, past = world
    found = blog(running)
    busy(past, found)
    second = a_key(running, found, name="Ünïcödé — ключ 鍵, a key with a rather long name for a list")
    past.used(second, found.tenant["id"], 30, {"VALID": 9_000, "DISABLED": 1_000, "CREDITS_EXHAUSTED": 2_000})
    gone = a_key(running, found, name="Gone")
    past.used(gone, found.tenant["id"], 400, {"EXPIRED": 700})
    running.rest("DELETE", f"/v1/keys/{gone['id']}", tenant=found.slug)
    return found


def test_the_page_tells_the_usage_of_all_keys(admin: Reader, house: Blog) -> None:
    admin.go(f"/t/{house.slug}/usage")
    admin.page.locator(".uplot").wait_for()
    facts = " ".join(admin.page.locator(".facts").inner_text().split())
    assert "Decisions, 7 days 56,881" in facts
    assert "Allowed 93.9 % 53,400 of them" in facts
    assert "Refused 3,481 mostly no credits left" in facts
    rows = admin.page.locator("section table tbody tr[data-row]")
    assert "Nightly export" in rows.nth(0).inner_text()
    assert "44,881" in rows.nth(0).inner_text()
    admin.look("usage")
    admin.page.keyboard.press("j")
    admin.page.keyboard.press("Enter")
    admin.page.wait_for_url(f"**{house.page}?span=7d")


def test_another_span_is_in_the_address(admin: Reader, house: Blog) -> None:
    admin.go(f"/t/{house.slug}/usage")
    admin.link("90 days").click()
    assert admin.page.url.endswith("?span=90d")
    assert "57,581" in admin.text
    assert "deleted" in admin.text
    admin.page.locator(".numbers summary").click()
    heads = admin.page.locator(".numbers-table thead th").all_inner_texts()
    assert heads[:3] == ["Day, UTC", "All", "Allowed"]
    assert heads[-2:] == ["Key disabled", "Key expired"]
    admin.look("usage-90d")


def test_an_empty_tenant_says_what_is_counted(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("quiet")
    admin.go("/t/quiet/usage")
    assert "Nothing was asked in the last 7 days" in admin.text
    admin.link("Look at 90 days").click()
    assert admin.link("Look at 90 days").count() == 0
    admin.look("usage-empty")


def test_a_span_that_is_none_is_the_usual_one(admin: Reader, house: Blog) -> None:
    admin.go(f"/t/{house.slug}/usage?span=%27%22%3Cb%3E")
    assert "Decisions by hour" in admin.text


def test_it_works_without_a_script(browser: Browser, keywright: Keywright, house: Blog) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as plain:
        plain.log_in()
        plain.go(f"/t/{house.slug}/usage")
        assert plain.page.locator(".plot svg rect").count() > 60
        assert plain.page.get_by_role("img", name="56,881 decisions").is_visible()


def test_the_code_says_the_same(admin: Reader, keywright: Keywright, house: Blog) -> None:
    admin.go(f"/t/{house.slug}/usage?span=30d")
    codes = codes_in(admin.page.locator("#as-code"), keywright.url, keywright.session())
    assert codes.run_curl()["total"] == codes.run_graphql()["tenantUsage"]["counts"]["total"] == 57_581
    assert "57581" in codes.run_cli()


def test_the_installation_has_a_usage_of_its_own(admin: Reader) -> None:
    admin.go("/t/*/usage?span=24h")
    assert "Decisions" in admin.text


def test_who_may_not_read_usage_has_no_page(reader: Reader, keywright: Keywright, house: Blog) -> None:
    keywright.person("max", house.slug, role="member")
    reader.log_in("max", PASSWORD)
    reader.go(f"/t/{house.slug}/usage")
    assert "nothing at this address" in reader.text
    assert reader.link("Usage", exact=True).count() == 0
