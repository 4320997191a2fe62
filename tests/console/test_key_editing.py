"""Changing one key: each part by its form, its owner, and whether it may be used at all."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.console.codes import Codes, codes_in
from tests.console.keys_data import Blog, a_key, account, blog, use
from tests.console.reader import reading
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def house(keywright: Keywright) -> Blog:
    """A blog with a key."""
    return blog(keywright)


def stored(keywright: Keywright, house: Blog, key_id: str) -> Any:
    """The key as the REST door has it."""
    return keywright.rest("GET", f"/v1/keys/{key_id}", tenant=house.slug)


def part(admin: Reader, house: Blog, key: Any, word: str) -> None:
    """Open the form of a part."""
    admin.go(f"/t/{house.slug}/keys/{key['id']}/edit/{word}")


def test_the_name_is_changed_where_it_stands(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house, name="Old")
    admin.go(f"/t/{house.slug}/keys/{key['id']}")
    admin.link("Edit", exact=True).click()
    admin.page.get_by_label("Name").fill("Ünïcödé — ключ")
    admin.page.get_by_label("Description").fill("Two\nlines")
    admin.page.get_by_label("Handle").fill("new_handle")
    admin.button("Save").click()
    assert "Saved. In effect on 1 of 1 node" in admin.notice
    assert admin.page.url.endswith("/edit/about")
    found = stored(keywright, house, key["id"])
    assert (found["name"], found["description"], found["handle"]) == (
        "Ünïcödé — ключ",
        "Two\nlines",
        "new_handle",
    )
    admin.look("key-edit-about")


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    admin: Reader, keywright: Keywright, house: Blog
) -> None:
    key = a_key(keywright, house)
    part(admin, house, key, "about")
    admin.page.get_by_label("Name").fill("")
    admin.page.get_by_label("Handle").fill("not a handle")
    admin.button("Save").click()
    assert "A name needs at least one character." in admin.page.locator("#e-name").inner_text()
    assert admin.page.get_by_label("Handle").input_value() == "not a handle"
    admin.page.get_by_label("Name").fill("Sound")
    admin.button("Save").click()
    assert "letters, digits" in admin.page.locator("#e-handle").inner_text()
    admin.page.get_by_label("Handle").fill("nightly_export")
    admin.button("Save").click()
    assert admin.page.locator("#e-handle").is_visible()
    assert stored(keywright, house, key["id"])["name"] == "Another"
    admin.look("key-edit-wrong")


def test_its_end_is_moved_in_the_readers_time(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house, expires_at="2099-03-01T10:00:30.5Z")
    part(admin, house, key, "dates")
    assert admin.page.get_by_label("Ends").input_value() == "2099-03-01T11:00"
    assert "Europe/Prague" in admin.text
    admin.page.get_by_label("Begins").fill("2098-01-01T00:00")
    admin.button("Save").click()
    found = stored(keywright, house, key["id"])
    assert (found["not_before"], found["expires_at"]) == (
        "2097-12-31T23:00:00Z",
        "2099-03-01T10:00:30.500000Z",
    )
    admin.page.get_by_label("Ends").fill("2097-06-01T12:00")
    admin.button("Save").click()
    assert "must be later" in admin.page.locator("#e-expires_at").inner_text()
    admin.page.get_by_label("Begins").fill("")
    admin.page.get_by_label("Ends").fill("")
    admin.button("Save").click()
    found = stored(keywright, house, key["id"])
    assert (found["not_before"], found["expires_at"]) == (None, None)
    admin.look("key-edit-dates")


def test_what_a_tenant_asks_of_ends_is_said(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("strict-ends")
    made = keywright.key("strict-ends", "member", name="Short")["key"]
    settings = {"max_key_lifetime_seconds": 90 * 86_400, "keys_must_expire": True}
    keywright.rest("PATCH", "/v1/tenants/strict-ends", {"settings": settings})
    admin.go(f"/t/strict-ends/keys/{made['id']}/edit/dates")
    assert "Keys of this tenant need an end. It may live at most 90 days from now" in admin.text
    admin.page.get_by_label("Ends").fill("2099-01-01T00:00")
    admin.button("Save").click()
    assert "live at most" in admin.page.locator("#e-expires_at").inner_text()


def test_permissions_are_narrowed_with_what_that_comes_to(
    admin: Reader, keywright: Keywright, house: Blog
) -> None:
    made = keywright.key(house.slug, name="Wide", identity_id=house.indexer["id"])
    part(admin, house, made["key"], "scope")
    admin.page.get_by_text("Only what is picked here").click()
    admin.page.get_by_role("checkbox", name="Read articles").check()
    comes = admin.page.locator("#comes")
    comes.get_by_text("It loses").wait_for()
    comes.get_by_text("Delete an article", exact=True).wait_for()
    admin.look("key-edit-scope")
    admin.button("Save").click()
    assert "Narrowed. Refused for all else on 1 of 1 node" in admin.notice
    found = stored(keywright, house, made["key"]["id"])
    assert found["scope"] == [{"actions": ["article:read"], "resources": None}]
    assert use(keywright, made["token"], action="article:publish", resource="article:cs:1") != "VALID"
    admin.page.get_by_text("Everything its owner may").click()
    admin.button("Save").click()
    assert "Saved. In effect" in admin.notice
    assert stored(keywright, house, made["key"]["id"])["scope"] is None


def test_what_is_beyond_ones_own_rights_is_named(reader: Reader, keywright: Keywright, house: Blog) -> None:
    policies = [{"actions": ["keys:*", "comment:*"]}]
    keywright.rest("POST", "/v1/roles", {"name": "keeper", "policies": policies}, tenant=house.slug)
    keywright.person("petr", house.slug, role="keeper")
    key = a_key(keywright, house, scope=[{"actions": ["comment:read"]}])
    reader.log_in("petr", PASSWORD)
    reader.go(f"/t/{house.slug}/keys/{key['id']}/edit/scope")
    reader.page.get_by_text("Only what is picked here").click()
    reader.page.locator("input[name='hand.actions']").last.fill("article:**")
    reader.button("Save").click()
    assert "You do not hold this yourself" in reader.text
    assert reader.page.locator("input[name='hand.actions']").nth(1).input_value() == "article:**"


def test_limits_are_set_changed_and_taken_away(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house)
    part(admin, house, key, "limits")
    admin.page.get_by_label("by limits of its own").check()
    first = admin.page.locator(".limit-row").nth(0)
    first.get_by_label("Name").fill("burst")
    first.get_by_label("Uses").fill("1,000")
    first.get_by_label("Unit").select_option("hour")
    admin.button("Save").click()
    assert "Saved. In effect" in admin.notice
    assert stored(keywright, house, key["id"])["limits"] == [
        {"name": "burst", "limit": 1000, "window_seconds": 3600}
    ]
    second = admin.page.locator(".limit-row").nth(1)
    second.get_by_label("Name").fill("burst")
    second.get_by_label("Uses").fill("many")
    admin.button("Save").click()
    assert "not a whole number" in second.inner_text()
    admin.look("key-edit-limits")
    second.get_by_label("Uses").fill("5")
    admin.button("Save").click()
    assert second.locator(".error").count() == 1
    admin.page.get_by_label("without limits of its own").check()
    admin.button("Save").click()
    assert stored(keywright, house, key["id"])["limits"] == []
    admin.page.get_by_label("by limits of its own").check()
    admin.button("Save").click()
    assert "Write down a limit" in admin.text
    admin.page.get_by_label("as often as the tenant lets each key").check()
    admin.button("Save").click()
    assert stored(keywright, house, key["id"])["limits"] is None


def test_credits_are_set_with_a_refill(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house)
    part(admin, house, key, "credits")
    admin.page.get_by_label("so many, counted from now on").check()
    admin.page.get_by_label("Filled up to").fill("100")
    admin.button("Save").click()
    assert "A number is needed here." in admin.text
    admin.page.get_by_label("Uses left").fill("50")
    admin.button("Save").click()
    assert "Say how often they are filled up" in admin.text
    admin.page.get_by_label("every", exact=True).select_option("day")
    admin.look("key-edit-credits")
    admin.button("Save").click()
    found = stored(keywright, house, key["id"])["credits"]
    assert (found["remaining"], found["refill"]) == (50, {"amount": 100, "every": "day"})
    admin.page.get_by_label("any number").check()
    admin.button("Save").click()
    assert stored(keywright, house, key["id"])["credits"] is None


def test_addresses_and_metadata_are_written_down(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house)
    part(admin, house, key, "addresses")
    assert "You are at 127.0.0.1 now." in admin.text
    admin.page.get_by_label("It may be used from").fill("10.0.0.0/8\n\n2001:db8::/32\n10.0.0.1/8")
    admin.button("Save").click()
    assert "Line 3: An address range looks like" in admin.page.locator("#e-allowed_cidrs").inner_text()
    admin.look("key-edit-addresses")
    admin.page.get_by_label("It may be used from").fill("10.0.0.0/8\n2001:db8::/32")
    admin.button("Save").click()
    assert stored(keywright, house, key["id"])["allowed_cidrs"] == ["10.0.0.0/8", "2001:db8::/32"]
    part(admin, house, key, "metadata")
    field = admin.page.get_by_label("Metadata")
    for typed, said in (
        ('{"a": 1,\n }', "line 2, column 2"),
        ("[1]", "is a JSON object"),
        ("[" * 5000, "nested"),
    ):
        field.fill(typed)
        admin.button("Save").click()
        assert said in admin.page.locator("#e-metadata").inner_text()
    field.fill('{"team": "Žofie", "n": 1}')
    admin.button("Save").click()
    assert stored(keywright, house, key["id"])["metadata"] == {"team": "Žofie", "n": 1}
    admin.look("key-edit-metadata")


EDITS: dict[str, dict[str, Any]] = {
    "about": {"name": 'O\'Hara "$HOME" `x`', "description": "what\nfor", "handle": None},
    "dates": {"expires_at": "2099-01-01T10:00:00Z", "not_before": "2098-01-01T10:00:00Z"},
    "scope": {"scope": [{"actions": ["article:read"], "resources": ["article:cs:**"]}]},
    "limits": {"limits": [{"name": "burst", "limit": 5, "window_seconds": 60}]},
    "credits": {"credits": {"remaining": 7, "refill": {"amount": 9, "every": "week"}}},
    "addresses": {"allowed_cidrs": ["10.0.0.0/8", "2001:db8::/32"]},
    "metadata": {"metadata": {"every": "day", "window_seconds": {"a": ["b"]}}},
}


@pytest.mark.parametrize("word", EDITS)
def test_the_code_makes_the_same_change(admin: Reader, keywright: Keywright, house: Blog, word: str) -> None:
    edit = EDITS[word]
    key = a_key(keywright, house, **{name: value for name, value in edit.items() if value is not None})
    part(admin, house, key, word)
    codes = codes_in(admin.page.locator("#comes, #code"), keywright.url, keywright.session())
    where = f"/v1/keys/{key['id']}"

    def same() -> bool:
        found = stored(keywright, house, key["id"])
        if found["credits"]:
            found["credits"].pop("refill_at")
        return {name: found[name] for name in edit} == edit

    changes: dict[str, Any] = {
        "about": {"name": "x", "description": "x", "handle": f"x_{key['id'][-8:]}"},
        "dates": {"expires_at": None, "not_before": None},
        "metadata": {"metadata": {"x": 1}},
    }
    for run in (codes.run_curl, codes.run_graphql, codes.run_cli):
        keywright.rest("PATCH", where, changes.get(word, dict.fromkeys(edit)), tenant=house.slug)
        assert not same()
        run()
        assert same(), run


def test_the_code_follows_what_is_typed(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house)
    part(admin, house, key, "about")
    admin.page.locator("#code summary").click()
    admin.page.get_by_label("Name").press_sequentially("Typed ")
    admin.page.locator("#code", has_text="Typed Another").wait_for(state="attached")
    admin.page.get_by_label("Name").fill("Then")
    admin.page.locator("#code", has_text="Then").wait_for(state="attached")
    assert stored(keywright, house, key["id"])["name"] == "Another"


def test_a_key_gets_another_owner_after_seeing_what_changes(
    admin: Reader, keywright: Keywright, house: Blog
) -> None:
    key = a_key(keywright, house)
    for number in range(15):
        account(keywright, house.slug, f"bot-{number:02}")
    admin.go(f"/t/{house.slug}/keys/{key['id']}")
    admin.link("change", exact=True).first.click()
    field = admin.page.get_by_role("combobox", name="Find the new owner")
    field.focus()
    offered = admin.page.get_by_role("option")
    offered.nth(11).wait_for()
    assert "More fit. Type more of the name." in admin.text
    # Never the one for whom it speaks now.
    assert not any("search-indexer" in one for one in offered.all_inner_texts())
    field.press_sequentially("ROBOT")
    expect(offered).to_have_count(1)
    assert offered.inner_text().startswith("translation-robot service account")
    admin.look("key-owner")
    field.fill("nobody at all")
    admin.page.get_by_text("Nobody here is called like this.").wait_for()
    field.fill("robot")
    expect(offered).to_have_count(1)
    field.press("Enter")
    admin.page.wait_for_url(f"**/owner?to={house.robot['id']}")
    preview = " ".join(admin.page.locator(".preview").inner_text().split())
    assert "it may do more read articles in German" in preview
    assert "read articles in Czech and English" in preview
    assert stored(keywright, house, key["id"])["identity_id"] == house.indexer["id"]
    admin.look("key-owner-preview")
    codes = codes_in(admin.page.locator(".preview"), keywright.url, keywright.session())
    admin.button("Let it speak for translation-robot").click()
    assert "It speaks for translation-robot now. In effect on 1 of 1 node" in admin.notice
    assert stored(keywright, house, key["id"])["identity_id"] == house.robot["id"]
    back = {"identity_id": house.indexer["id"], "confirm": True}
    for run in (codes.run_curl, codes.run_graphql, codes.run_cli):
        keywright.rest("POST", f"/v1/keys/{key['id']}/transfer", back, tenant=house.slug)
        run()
        assert stored(keywright, house, key["id"])["identity_id"] == house.robot["id"]


def test_an_owner_that_is_not_there_is_said(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house)
    admin.go(f"/t/{house.slug}/keys/{key['id']}/owner?to=idn_00000000000000000000000000000000")
    assert admin.page.locator(".notice.bad, .empty").count() == 1
    admin.go(f"/t/{house.slug}/keys/{key['id']}/owner?to={house.indexer['id']}")
    assert "It speaks for search-indexer already." in admin.text


def test_it_is_disabled_and_enabled_with_a_receipt(admin: Reader, keywright: Keywright, house: Blog) -> None:
    made = keywright.key(house.slug, name="Switch", identity_id=house.indexer["id"])
    admin.go(f"/t/{house.slug}/keys/{made['key']['id']}")
    admin.link("Disable…").click()
    dialog = admin.page.get_by_role("dialog", name="Disable Switch")
    dialog.wait_for()
    assert "It can be enabled again, with the same token." in dialog.inner_text()
    admin.look("key-disable", narrow=False)
    codes = codes_in(dialog, keywright.url, keywright.session())
    dialog.get_by_role("link", name="Leave it as it is").click()
    dialog.wait_for(state="detached")
    assert use(keywright, made["token"]) == "VALID"
    admin.link("Disable…").click()
    admin.button("Disable Switch").click()
    assert "Disabled. Refused on 1 of 1 node" in admin.notice
    assert use(keywright, made["token"]) == "DISABLED"
    admin.link("Enable…").click()
    admin.button("Enable Switch").click()
    assert "Enabled. Accepted on 1 of 1 node" in admin.notice
    for run in (codes.run_curl, codes.run_graphql, codes.run_cli):
        assert use(keywright, made["token"]) == "VALID"
        run()
        assert use(keywright, made["token"]) == "DISABLED"
        keywright.rest("PATCH", f"/v1/keys/{made['key']['id']}", {"active": True}, tenant=house.slug)


def test_it_is_deleted_for_good(admin: Reader, keywright: Keywright, house: Blog) -> None:
    made = keywright.key(house.slug, name="Farewell", identity_id=house.indexer["id"])
    admin.go(f"/t/{house.slug}/keys/{made['key']['id']}")
    admin.link("Delete…").click()
    dialog = admin.page.get_by_role("dialog", name="Delete Farewell")
    dialog.wait_for()
    codes = codes_in(dialog, keywright.url, keywright.session())
    admin.button("Delete Farewell").click()
    admin.page.wait_for_url(f"**/t/{house.slug}/keys")
    assert "Deleted Farewell. Refused on 1 of 1 node" in admin.notice
    assert use(keywright, made["token"]) == "NOT_FOUND"
    for way in ("run_curl", "run_graphql", "run_cli"):
        other = keywright.key(house.slug, name="Farewell", identity_id=house.indexer["id"])
        swapped = {
            one.name: getattr(codes, one.name).replace(made["key"]["id"], other["key"]["id"])
            for one in fields(codes)
        }
        getattr(Codes(**swapped), way)()
        assert use(keywright, other["token"]) == "NOT_FOUND"


def test_everything_is_changed_without_a_script(browser: Browser, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house, name="Plain")
    with reading(browser, keywright.url, java_script_enabled=False) as plain:
        plain.log_in()
        plain.go(f"/t/{house.slug}/keys/{key['id']}/edit/about")
        plain.page.get_by_label("Name").fill("Plainer")
        plain.button("Save").click()
        assert "Saved." in plain.notice
        plain.link("Permissions").click()
        plain.page.get_by_label("Only what is picked here").check()
        plain.button("Save").click()
        assert "Narrowed." in plain.notice
        plain.go(f"/t/{house.slug}/keys/{key['id']}/owner")
        plain.page.get_by_label("Find the new owner", exact=True).fill("robot")
        plain.button("Search", exact=True).click()
        assert plain.page.locator("select[name=to]").input_value() == house.robot["id"]
        plain.button("Look what would change").click()
        plain.button("Let it speak for translation-robot").click()
        assert "It speaks for translation-robot now." in plain.notice
        plain.link("Delete…").click()
        plain.button("Delete Plainer").click()
        assert "Deleted Plainer." in plain.notice


def test_a_part_that_is_none_is_not_there(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = a_key(keywright, house)
    part(admin, house, key, "nothing")
    assert "nothing at this address" in admin.text
    admin.go(f"/t/{house.slug}/keys/{key['id']}/edit")
    assert admin.page.url.endswith("/edit/about")
