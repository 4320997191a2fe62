"""The audit log: read, narrowed by what stands in the address, unfolded, and exported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from keywright.console.audit.telling import DID
from tests.console.codes import codes_in
from tests.console.reader import reading
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def ids(keywright: Keywright) -> dict[str, str]:
    """A tenant in which much was done, by several."""
    keywright.tenant("my-blog")
    keywright.tenant("quiet")
    keywright.person("reads", "my-blog", "read_only")
    jan = keywright.person("jan", "my-blog", "admin", name="Jan Novák")
    keywright.person("looks", "my-blog", "member")
    token = keywright.session("jan")
    account = keywright.rest("POST", "/v1/service-accounts", {"name": "search-indexer"}, tenant="my-blog")
    by_jan = keywright.rest("POST", "/v1/keys", {"name": "By Jan"}, token=token, tenant="my-blog")["key"][
        "id"
    ]
    for at in range(60):
        body = {"name": f"Nightly export {at}", "identity_id": account["id"]}
        keywright.rest("POST", "/v1/keys", body, tenant="my-blog")
    change = {"name": "Renamed <b>by</b> Jan"}
    keywright.rest("PATCH", f"/v1/keys/{by_jan}", change, token=token, tenant="my-blog")
    return {"jan": jan["id"], "key": by_jan, "account": account["id"]}


def lines(reader: Reader) -> list[str]:
    return [" ".join(one.split()) for one in reader.page.locator(".entry > summary").all_inner_texts()]


def test_it_says_who_did_what_to_what(admin: Reader, ids: dict[str, str]) -> None:
    admin.go("/t/my-blog/audit")
    first = lines(admin)[0]
    for words in (
        "Jan Novák in a session",
        "changed a key",
        "key.update",
        "Renamed <b>by</b> Jan",
        "127.0.0.1",
    ):
        assert words in first
    admin.look("audit")
    admin.page.locator(".entry > summary").first.click()
    inside = admin.page.locator(".entry .inside").first
    assert inside.locator("tbody tr").all_inner_texts() == ["name\tBy Jan\tRenamed <b>by</b> Jan"]
    assert "Request" in inside.inner_text()
    assert inside.get_by_role("link", name="Renamed <b>by</b> Jan").get_attribute("href") == (
        f"/t/my-blog/keys/{ids['key']}"
    )
    admin.look("audit-entry")
    inside.get_by_role("link", name="all that was done to it").click()
    assert len(lines(admin)) == 2
    admin.follow("To whatever it was")
    assert len(lines(admin)) == 50


def test_it_goes_on_page_by_page(admin: Reader, ids: dict[str, str]) -> None:
    admin.go("/t/my-blog/audit?action=key.create")
    first = lines(admin)
    admin.follow("Next page")
    assert len(lines(admin)) == 11
    assert "key.create" in admin.text
    admin.follow("First page")
    assert lines(admin) == first
    admin.page.keyboard.press("j")
    admin.page.keyboard.press("Enter")
    assert admin.page.locator(".entry[open]").count() == 1


def test_who_acted_is_found_by_a_word_of_the_name(admin: Reader, ids: dict[str, str]) -> None:
    admin.go("/t/my-blog/audit")
    admin.page.get_by_role("combobox", name="Who").press_sequentially("nov")
    admin.page.get_by_role("option", name="Jan Novák").wait_for()
    admin.page.keyboard.press("Enter")
    admin.page.wait_for_url(f"**/audit?actor={ids['jan']}")
    assert len(lines(admin)) == 2
    assert admin.page.locator(".chip", has_text="Jan Novák").is_visible()
    admin.page.get_by_role("combobox", name="Who").press_sequentially("zzz")
    admin.page.get_by_text("Nobody here is called like this").wait_for()
    admin.page.keyboard.press("Escape")
    admin.page.get_by_text("Nobody here is called like this").wait_for(state="hidden")
    admin.page.get_by_role("combobox", name="Who").fill(ids["account"])
    admin.send("Show")
    assert "Nothing such was done" in admin.text
    assert "search-indexer" in admin.text


def test_what_and_when_narrow_it(admin: Reader, ids: dict[str, str]) -> None:
    admin.go("/t/my-blog/audit")
    admin.page.get_by_label("What was done").fill("service_account.*")
    admin.page.get_by_label("What was done").press("Enter")
    admin.page.wait_for_url("**action=service_account.*")
    assert "made a service account" in lines(admin)[0]
    admin.page.get_by_label("When").select_option("1h")
    admin.page.wait_for_url("**last=1h*")
    assert len(lines(admin)) == 1
    admin.go("/t/my-blog/audit?until=2020-01-01T00:00")
    assert "Nothing such was done" in admin.text
    admin.look("audit-nothing")
    admin.follow("At any time")
    assert len(lines(admin)) == 50


def test_what_cannot_be_asked_is_said_beside_its_field(admin: Reader, ids: dict[str, str]) -> None:
    admin.go("/t/my-blog/audit?since=yesterday")
    assert "not a date with a time" in admin.text
    admin.go(f"/t/my-blog/audit?action={'a' * 70}")
    assert admin.page.locator("#e-action").is_visible()
    admin.go("/t/my-blog/audit?cursor=nonsense")
    assert admin.page.locator("main .notice.bad").is_visible()
    admin.go("/t/my-blog/audit?actor=nonsense&target=nonsense")
    assert "Nothing such was done" in admin.text


def test_it_is_exported_as_the_rest_door_does(
    admin: Reader, keywright: Keywright, ids: dict[str, str]
) -> None:
    admin.go("/t/my-blog/audit?action=key.*")
    with admin.page.expect_download() as started:
        admin.link("Export as JSON lines").click()
    assert started.value.suggested_filename == "my-blog.audit.jsonl"
    exported = [json.loads(one) for one in started.value.path().read_text().splitlines()]
    headers = {"Authorization": f"Bearer {ROOT}", "Keywright-Tenant": "my-blog"}
    answer = keywright.http.get(f"{keywright.url}/v1/audit/export?action=key.*", headers=headers)
    assert exported == [json.loads(one) for one in answer.text.splitlines()]
    assert len(exported) == 62
    streamed = admin.page.request.get(f"{keywright.url}/t/my-blog/audit/export")
    assert streamed.headers["cache-control"] == "no-store"
    assert streamed.headers["content-type"].startswith("application/x-ndjson")
    installation = admin.page.request.get(f"{keywright.url}/t/*/audit/export")
    assert 'filename="installation.audit.jsonl"' in installation.headers["content-disposition"]


def test_an_export_goes_on_over_several_pages(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("many")
    account = keywright.rest("POST", "/v1/service-accounts", {"name": "maker"}, tenant="many")
    for at in range(210):
        body = {"name": f"k{at}", "identity_id": account["id"]}
        keywright.rest("POST", "/v1/keys", body, tenant="many")
    text = admin.page.request.get(f"{keywright.url}/t/many/audit/export").text()
    assert len({json.loads(one)["id"] for one in text.splitlines()}) == 211


def test_the_code_asks_the_same(admin: Reader, keywright: Keywright, ids: dict[str, str]) -> None:
    admin.go(f"/t/my-blog/audit?actor={ids['jan']}&action=key.*&last=1d")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    expected = ["key.update", "key.create"]
    assert [one["action"] for one in codes.run_curl()["items"]] == expected
    assert [one["action"] for one in codes.run_graphql()["audit"]["nodes"]] == expected
    assert "key.update" in codes.run_cli()


def test_the_installation_has_a_log_of_its_own(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("gone")
    keywright.rest("DELETE", "/v1/tenants/gone")
    admin.go("/t/*/audit?action=tenant.delete")
    assert "deleted a tenant" in lines(admin)[0]
    assert "gone" in lines(admin)[0]
    admin.page.get_by_role("combobox", name="Who").press_sequentially("jan")
    admin.page.get_by_role("option").first.wait_for()


def test_a_log_in_which_nothing_stands_says_what_will(admin: Reader, ids: dict[str, str]) -> None:
    admin.go("/t/quiet/audit")
    assert "Nothing has happened yet" in admin.text


def test_every_other_tenant_and_whoever_may_not_sees_nothing(reader: Reader, ids: dict[str, str]) -> None:
    reader.log_in("reads")
    reader.go("/t/my-blog/audit")
    assert len(lines(reader)) == 50
    for path in ("/t/quiet/audit", "/t/quiet/audit/export", "/t/quiet/identities?q=a", "/t/*/audit"):
        reader.go(path)
        assert "nothing at this address" in reader.text


def test_a_member_may_not_read_it(reader: Reader, ids: dict[str, str]) -> None:
    reader.log_in("looks")
    reader.go("/t/my-blog/keys")
    assert reader.link("Audit log").count() == 0
    reader.go("/t/my-blog/audit")
    assert "nothing at this address" in reader.text


def test_without_javascript_a_name_is_resolved_by_the_server(
    browser: Browser, keywright: Keywright, ids: dict[str, str]
) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go("/t/my-blog/audit")
        reader.page.get_by_label("Who", exact=True).fill("novák")
        reader.send("Show")
        assert f"actor={ids['jan']}" in reader.page.url
        reader.page.get_by_label("Who", exact=True).fill("e")
        reader.button("Search", exact=True).click()
        assert "Nobody here is called like this." in reader.text
        reader.page.get_by_label("Who", exact=True).fill("")
        reader.button("Search", exact=True).click()
        found = reader.page.locator("select[name=actor]")
        assert "Jan Novák · person · jan@example.com · admin" in found.locator("option").all_inner_texts()
        found.select_option(ids["jan"])
        reader.send("Show")
        assert f"actor={ids['jan']}" in reader.page.url
        assert reader.page.locator(".given .chip", has_text="Who").is_visible()
        reader.page.locator(".entry > summary").first.click()
        assert "Request" in reader.page.locator(".entry .inside").first.inner_text()


def test_every_action_that_was_done_here_has_its_words(keywright: Keywright, ids: dict[str, str]) -> None:
    done: set[str] = set()
    for tenant in ("my-blog", "*"):
        found: Any = keywright.rest("GET", "/v1/audit?limit=200", tenant=tenant)
        done |= {one["action"] for one in found["items"]}
    assert done - DID.keys() == set()
