"""Several keys at once: what is said before, what is done, and what could not be."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.console.codes import codes_in
from tests.console.reader import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser, Locator

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


def made(keywright: Keywright, tenant: str, count: int, **fields: Any) -> list[Any]:
    """A new tenant with so many keys."""
    keywright.tenant(tenant)
    return [
        keywright.key(tenant, "read_only", name=f"Worker {number:03}", **fields) for number in range(count)
    ]


def states(keywright: Keywright, tenant: str) -> dict[str, str]:
    """The state of each key of a tenant, by name."""
    found = keywright.rest("GET", "/v1/keys?limit=200", tenant=tenant)["items"]
    return {one["name"]: one["state"] for one in found}


def tick(reader: Reader, *names: str) -> None:
    for name in names:
        reader.page.get_by_label(f"Select {name}", exact=True).check()


def dialog(reader: Reader, button: str) -> Locator:
    """The dialog that a button of the bar opens."""
    reader.button(button).click()
    found = reader.page.locator("dialog[open]")
    found.wait_for()
    return found


def count(reader: Reader) -> str:
    return reader.page.locator("#bulk-count").inner_text()


def shown(reader: Reader) -> Sequence[str]:
    return reader.page.locator("tr[data-row] a.name").all_text_contents()


def test_many_are_deleted_over_several_pages(admin: Reader, keywright: Keywright) -> None:
    keys = made(keywright, "purge", 125)
    admin.go("/t/purge/keys?sort=name&size=100")
    admin.page.get_by_label("Select all keys of this page").check()
    assert count(admin) == "100 selected"
    admin.link("Next page").click()
    expect(admin.page.locator("tr[data-row]")).to_have_count(25)
    assert count(admin) == "100 selected, 100 of them not on this page"
    admin.page.get_by_label("Select Worker 100").click()
    admin.page.get_by_label("Select Worker 119").click(modifiers=["Shift"])
    assert count(admin) == "120 selected, 100 of them not on this page"
    admin.look("keys-list-ticked", narrow=False)
    box = dialog(admin, "Delete…")
    assert box.get_by_role("heading").inner_text() == "Delete 120 keys"
    assert box.locator(".affected li").count() == 120
    admin.look("bulk-delete-many")
    box.get_by_role("button", name="Delete 120 keys").click()
    admin.page.locator("#notices .done").wait_for()
    assert re.fullmatch(
        r"120 keys deleted\. Refused on 1 of 1 node after [\d,]+ ms\.",
        admin.notice.removeprefix("✓ ").strip(),
    )
    admin.page.goto(f"{keywright.url}/t/purge/keys?sort=name")
    assert shown(admin) == [f"Worker {number}" for number in range(120, 125)]
    assert not admin.page.locator("#bulk").is_visible()
    assert keywright.verdict(keys[0]["token"]) == "NOT_FOUND"
    assert keywright.verdict(keys[124]["token"]) == "VALID"


def test_what_is_used_is_said_before_it_is_deleted(admin: Reader, keywright: Keywright) -> None:
    made(keywright, "used", 2)
    busy = keywright.key("used", "admin", name="Busy")
    for number in range(4):
        agent = {"kind": "LocalAgent", "name": f"nightly {number}"}
        keywright.rest("POST", "/v1/agents", agent, token=busy["token"])
    path = f"/v1/keys/{busy['key']['id']}"
    keywright.rest("PATCH", path, {"allowed_cidrs": ["10.0.0.0/8"]}, tenant="used")
    for ip in ("192.0.2.1", "10.0.4.17"):
        keywright.verdict(busy["token"], ip=ip)
    usage = f"/v1/keys/{busy['key']['id']}/usage"
    deadline = time.monotonic() + 20
    while keywright.rest("GET", usage, tenant="used")["last_used_ip"] != "10.0.4.17":
        assert time.monotonic() < deadline
    total = keywright.rest("GET", usage, tenant="used")["total"]
    admin.go("/t/used/keys")
    tick(admin, "Worker 000", "Busy")
    box = dialog(admin, "Delete…")
    assert "Of these, 1 was used in the last 7 days and 1 is carried by agents." in box.inner_text()
    first, second = box.locator(".affected li").all_inner_texts()
    assert first.startswith("Busy")
    assert f"{total} calls in 7 days, 1 refused" in first
    assert "from 10.0.4.17" in first
    assert "carried by LocalAgent nightly" in first
    assert "and 1 more" in first
    assert "never used · no calls in 7 days" in second
    admin.look("bulk-delete")
    admin.page.keyboard.press("Escape")
    assert count(admin) == "2 selected"


def test_some_that_are_gone_meanwhile_do_not_stop_the_others(admin: Reader, keywright: Keywright) -> None:
    keys = made(keywright, "race", 4)
    admin.go("/t/race/keys")
    tick(admin, "Worker 000", "Worker 001", "Worker 002")
    box = dialog(admin, "Delete…")
    keywright.rest("DELETE", f"/v1/keys/{keys[1]['key']['id']}", tenant="race")
    box.get_by_role("button", name="Delete 3 keys").click()
    admin.page.locator("#notices .done").wait_for()
    assert "2 keys deleted. 1 other could not be: gone already, or not yours to delete." in admin.notice
    assert states(keywright, "race") == {"Worker 003": "active"}
    # What was gone before it was asked about is said before.
    tick(admin, "Worker 003")
    keywright.rest("DELETE", f"/v1/keys/{keys[3]['key']['id']}", tenant="race")
    box = dialog(admin, "Delete…")
    assert box.get_by_role("heading").inner_text() == "None of these keys can be deleted"
    assert "1 key is not there any more" in box.inner_text()


def test_all_that_are_gone_meanwhile_are_said_to_be(admin: Reader, keywright: Keywright) -> None:
    keys = made(keywright, "late", 1)
    admin.go("/t/late/keys")
    tick(admin, "Worker 000")
    box = dialog(admin, "Delete…")
    keywright.rest("DELETE", f"/v1/keys/{keys[0]['key']['id']}", tenant="late")
    box.get_by_role("button", name="Delete 1 key").click()
    admin.page.get_by_role("heading", name="None of these keys can be deleted").wait_for()
    assert "1 key is not there any more" in admin.text


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_many_are_disabled_some_at_a_time_and_enabled_again(
    browser: Browser, keywright: Keywright, script: bool
) -> None:
    tenant = f"switch-{'with' if script else 'without'}"
    keys = made(keywright, tenant, 60)
    gone = keys[30]["key"]["id"]
    with reading(browser, keywright.url, java_script_enabled=script) as reader:
        reader.log_in()
        reader.go(f"/t/{tenant}/keys?sort=name&size=100")
        if script:
            reader.page.get_by_label("Select all keys of this page").check()
        else:
            tick(reader, *(f"Worker {number:03}" for number in range(60)))
        reader.button("Disable…").click()
        heading = reader.page.get_by_role("heading", name="Disable 60 keys")
        heading.wait_for()
        if script:
            reader.look("bulk-disable", narrow=False)
        keywright.rest("DELETE", f"/v1/keys/{gone}", tenant=tenant)
        reader.button("Disable 60 keys").click()
        if not script:
            reader.page.get_by_text("25 of 60").wait_for()
            assert len([one for one in states(keywright, tenant).values() if one == "disabled"]) == 25
            reader.page.reload()  # sends the same form once more, and does nothing twice
            assert "25 of 60" in reader.text
            reader.button("Go on").click()
            reader.page.get_by_text("50 of 60").wait_for()
            reader.button("Go on").click()
        reader.page.get_by_text("60 of 60").wait_for()
        assert reader.page.get_by_role("heading", name="59 of 60 keys disabled").is_visible()
        assert re.search(r"59 keys disabled\. Refused on 1 of 1 node after [\d,]+ ms\.", reader.text)
        assert "1 key could not be disabled" in reader.text
        assert "Worker 030" in reader.text
        assert "somebody has deleted it" in reader.text
        if script:
            reader.look("bulk-disabled")
        assert set(states(keywright, tenant).values()) == {"disabled"}
        assert keywright.verdict(keys[59]["token"]) == "DISABLED"
        reader.link("Back to the keys").click()
        reader.page.wait_for_url(f"**/t/{tenant}/keys?sort=name&size=100")
        assert not script or not reader.page.locator("#bulk").is_visible()
        tick(reader, "Worker 000", "Worker 059")
        reader.button("Enable…").click()
        reader.button("Enable 2 keys").click()
        reader.page.locator("#notices .done").wait_for()
        assert "2 keys enabled." in reader.notice
        assert keywright.verdict(keys[59]["token"]) == "VALID"


def test_deleting_works_without_a_script(browser: Browser, keywright: Keywright) -> None:
    made(keywright, "plain", 3)
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go("/t/plain/keys?sort=name")
        reader.button("Delete…").click()
        reader.page.get_by_role("heading", name="No key is ticked").wait_for()
        reader.link("Back to the keys").click()
        reader.page.wait_for_url("**/t/plain/keys?sort=name")
        tick(reader, "Worker 000", "Worker 001")
        reader.button("Delete…").click()
        reader.button("Delete 2 keys").click()
        reader.page.locator("#notices .done").wait_for()
        assert "2 keys deleted. Refused on 1 of 1 node" in reader.notice
        assert shown(reader) == ["Worker 002"]


def test_what_one_may_not_change_is_left_out_and_named(reader: Reader, keywright: Keywright) -> None:
    keys = made(keywright, "narrow", 3)
    one = keys[0]["key"]["id"]
    policies = [
        {"actions": ["keys:read"]},
        {"actions": ["keys:update", "keys:delete"], "resources": [f"key:{one}"]},
        {"actions": ["keys:own:delete"]},
    ]
    keywright.rest("POST", "/v1/roles", {"name": "keeper", "policies": policies}, tenant="narrow")
    keywright.person("nora", "narrow", "keeper")
    reader.log_in("nora")
    reader.go("/t/narrow/keys")
    # A list shows boxes for what one may do with all keys, or with one's own.
    assert reader.page.locator("[data-select]").count() == 0
    assert reader.page.locator("#bulk").count() == 1
    ids = [key["key"]["id"] for key in keys]
    # The same form, with the ids of keys that had no box.
    reader.page.locator("#bulk-more").evaluate(
        "(box, ids) => ids.forEach(id => box.append(Object.assign(document.createElement('input'),"
        " {type: 'hidden', name: 'id', value: id})))",
        ids,
    )
    reader.page.locator("#bulk").evaluate("one => one.classList.add('open')")
    box = dialog(reader, "Delete…")
    assert box.get_by_role("heading").inner_text() == "Delete 1 key"
    assert "2 keys will stay as they are, since you may not delete them" in box.inner_text()
    reader.look("bulk-delete-some", narrow=False)
    # Whoever sends more than was offered is refused for those alone.
    box.locator("form").last.evaluate(
        "(form, id) => form.append(Object.assign(document.createElement('input'),"
        " {type: 'hidden', name: 'id', value: id}))",
        ids[1],
    )
    box.get_by_role("button", name="Delete 1 key").click()
    reader.page.locator("#notices .done").wait_for()
    assert "1 key deleted. 1 other could not be" in reader.notice
    assert len(states(keywright, "narrow")) == 2


def test_an_expired_key_cannot_be_enabled_and_says_why(admin: Reader, keywright: Keywright) -> None:
    keys = made(keywright, "stale", 2)
    # One that expires at once, and is disabled before that.
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    path = f"/v1/keys/{keys[0]['key']['id']}"
    keywright.rest("PATCH", path, {"active": False, "expires_at": soon}, tenant="stale")
    keywright.rest("PATCH", f"/v1/keys/{keys[1]['key']['id']}", {"active": False}, tenant="stale")
    deadline = time.monotonic() + 10
    while datetime.now(UTC).isoformat() < soon:
        assert time.monotonic() < deadline
    admin.go("/t/stale/keys")
    tick(admin, "Worker 000", "Worker 001")
    box = dialog(admin, "Enable…")
    admin.look("bulk-enable", narrow=False)
    box.get_by_role("button", name="Enable 2 keys").click()
    admin.page.get_by_text("2 of 2").wait_for()
    assert "1 key enabled." in admin.text
    assert "1 key could not be enabled" in admin.text
    assert "The key has expired. Give it a later expiry instead of enabling it." in admin.text


def test_forms_that_are_no_forms_of_ours(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("odd")
    for path, body in (
        ("bulk", "do=destroy&id=key_1"),
        ("bulk/switch", "do=disable&id=key_1"),
        ("bulk/switch", "do=disable&failed=a"),
        ("bulk/switch", "do=disable&done=-1"),
    ):
        proof = admin.page.locator("input[name=csrf]").first.input_value()
        status = admin.page.evaluate(
            "async ([path, body]) => (await fetch(path, {method: 'POST', body,"
            " headers: {'content-type': 'application/x-www-form-urlencoded'}})).status",
            [f"/t/odd/keys/{path}", f"{body}&csrf={proof}"],
        )
        assert status == 400, (path, body)


def test_over_a_thousand_is_too_many(admin: Reader, keywright: Keywright) -> None:
    made(keywright, "lots", 1)
    admin.go("/t/lots/keys")
    admin.page.evaluate(
        "sessionStorage.setItem('kw-ticked lots', JSON.stringify([...Array(1001)].map((_, at) => `key_${at}`)))"
    )
    admin.page.reload()
    assert "At most 1,000 can be changed at once." in count(admin)
    assert admin.button("Delete…").is_disabled()
    admin.page.locator("#bulk button[name=do]").last.evaluate("one => { one.disabled = false; }")
    box = dialog(admin, "Delete…")
    assert box.get_by_role("heading").inner_text() == "Too many keys"
    admin.page.keyboard.press("Escape")
    admin.button("Clear").click()
    assert not admin.page.locator("#bulk").is_visible()


@pytest.mark.parametrize("how", ["curl", "graphql", "cli"])
@pytest.mark.parametrize("deed", ["Delete", "Disable"])
def test_what_is_done_to_several_keys_as_code(
    admin: Reader, keywright: Keywright, deed: str, how: str
) -> None:
    tenant = f"code-{deed}-{how}".lower()
    made(keywright, tenant, 3)
    robot = keywright.key(tenant, "admin", name="Robot")["token"]
    admin.go(f"/t/{tenant}/keys")
    tick(admin, "Worker 000", "Worker 001")
    codes = codes_in(dialog(admin, f"{deed}…"), keywright.url, robot)
    if how == "curl":
        codes.run_shell(codes.curl)
    elif how == "graphql":
        codes.run_graphql()
    else:
        codes.run_cli()
    left = {"Worker 002": "active", "Robot": "active"}
    changed = {} if deed == "Delete" else {"Worker 000": "disabled", "Worker 001": "disabled"}
    assert states(keywright, tenant) == left | changed
