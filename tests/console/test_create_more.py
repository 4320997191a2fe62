"""The form of a new key: what few need, what is wrong with what was typed, what a tenant asks, and many actions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.making import BLOG, created, leave, pick, row, summary

if TYPE_CHECKING:
    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

VERBS = ("read", "create", "update", "delete", "archive", "restore", "export", "import", "approve", "reject")
THINGS = [f"thing-{number:02}" for number in range(40)]
MANY: dict[str, Any] = {
    "actions": [
        {"name": f"{thing}:{verb}", "group": thing.title(), "description": f"{verb.title()} {thing}"}
        for thing in THINGS
        for verb in VERBS
    ]
}


@pytest.fixture(scope="module", autouse=True)
def tenants(keywright: Keywright) -> None:
    keywright.tenant("my-blog", BLOG)
    keywright.tenant("many", MANY)
    keywright.tenant("careful")
    asked = {"settings": {"max_key_lifetime_seconds": 60 * 86_400, "key_prefix": "care"}}
    keywright.rest("PATCH", "/v1/tenants/careful", asked)
    keywright.tenant("ending")
    keywright.rest("PATCH", "/v1/tenants/ending", {"settings": {"keys_must_expire": True}})


@pytest.fixture
def maker(admin: Reader) -> Reader:
    """The administrator, with a form of a new key and all of its fields."""
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.go("/t/my-blog/keys/new")
    admin.page.get_by_label("Name", exact=True).fill("Nightly export")
    admin.page.get_by_text("Limits, addresses, metadata").click()
    return admin


def choices(reader: Reader) -> list[str]:
    return [text.strip() for text in reader.page.locator("#expires label.chip").all_inner_texts()]


def refused(reader: Reader) -> list[str]:
    """What is said beside the fields after the form was sent."""
    reader.page.locator("[data-errors]").evaluate_all("all => all.forEach(one => one.remove())")
    reader.button("Create key").click()
    reader.page.locator("[data-errors]").wait_for()
    return reader.page.locator(".error:visible").all_inner_texts()


def test_all_that_few_need(maker: Reader, keywright: Keywright) -> None:
    page = maker.page
    page.get_by_label("Handle").fill("nightly_export")
    page.get_by_label("Prefix").fill("acme")
    page.get_by_label("Metadata").fill('{"team": "vyhledávání", "since": 2024}')
    maker.button("Add mine, 127.0.0.1").click()
    page.get_by_label("Not before").fill("2099-01-02T03:04")
    page.get_by_text("On a date…").click()
    page.locator("input[name=expires_at]").fill("2099-06-07T08:09")
    page.get_by_text("Limits of its own").click()
    maker.button("10 a second").click()
    maker.button("10,000 a day").click()
    text = summary(maker, "Ends on 7 June 2099.")
    for said in (
        "Begins on 2 Jan 2099, 03:04.",
        "At most 10 times a second and 10,000 times a day.",
        "Only from 127.0.0.1.",
    ):
        assert said in text
    maker.look("create-more")
    token = created(maker)
    assert token.startswith("acme_")
    made = keywright.rest("GET", f"/v1/keys/{leave(maker)}", tenant="my-blog")
    assert made["handle"] == "nightly_export"
    assert made["metadata"] == {"team": "vyhledávání", "since": 2024}
    assert made["allowed_cidrs"] == ["127.0.0.1/32"]
    # Times are the reader's, who is in Prague.
    assert made["not_before"].startswith("2099-01-02T02:04")
    assert made["expires_at"].startswith("2099-06-07T06:09")
    limits = [(one["name"], one["limit"], one["window_seconds"]) for one in made["limits"]]
    assert limits == [("per_second", 10, 1), ("per_day", 10_000, 86_400)]


def test_what_is_wrong_stands_beside_its_field_and_all_that_was_typed_stays(maker: Reader) -> None:
    page = maker.page
    page.get_by_label("Metadata").fill('{"team": \n  search}')
    page.get_by_text("Limits of its own").click()
    row_of_limit = page.locator(".limit").first
    row_of_limit.get_by_label("Uses").fill("many")
    row_of_limit.get_by_label("Called").fill("burst")
    page.get_by_label("Uses in all").fill("1.5")
    page.get_by_text("On a date…").click()
    wrong = refused(maker)
    assert len(wrong) == 4
    assert "This is not JSON: Expecting value at line 2, column 3." in wrong
    assert "Say on which date it ends." in wrong
    assert "Say how many uses, as a whole number." in wrong
    assert maker.page.get_by_label("Metadata").input_value() == '{"team": \n  search}'
    assert maker.page.locator("[data-errors]").evaluate("one => one === document.activeElement")
    maker.look("create-errors")


@pytest.mark.parametrize(
    ("label", "text", "said"),
    [
        ("Only from these addresses", "10.0.0.0/8\n10.0.0.1/8", "10.0.0.1/8: An address range looks like"),
        ("Handle", "not a handle", "A handle has 1 to 100 letters"),
        ("Prefix", "kws", "kept for tokens that are no API keys"),
        ("Digest of a token of your own", "abc", "exactly 64 lower-case hexadecimal digits"),
        ("Metadata", "[]", "This is a JSON object"),
        ("Metadata", '{"a": NaN}', "JSON does not have"),
        ("Name", " ", "A name needs at least one character"),
        ("Uses in all", "1000000001", "Credits are 0 to"),
    ],
)
def test_what_the_service_refuses_stands_beside_its_field(
    maker: Reader, label: str, text: str, said: str
) -> None:
    maker.page.get_by_label(label, exact=label == "Name").fill(text)
    (wrong,) = refused(maker)
    assert said in wrong


def test_a_limit_is_refused_in_its_row(maker: Reader) -> None:
    maker.page.get_by_text("Limits of its own").click()
    rows = maker.page.locator(".limit:not(.credits)")
    for place, name in enumerate(("burst", "burst")):
        rows.nth(place).get_by_label("Uses").fill("5")
        rows.nth(place).get_by_label("Called").fill(name)
    (wrong,) = refused(maker)
    assert wrong == "Another limit has this name."
    assert maker.page.locator(".limit.wrong input[name='limit.name']").input_value() == "burst"
    assert maker.page.locator("[data-limits] .limit.wrong").count() == 1


def test_a_handle_that_is_taken_is_said_beside_it(maker: Reader, keywright: Keywright) -> None:
    keywright.rest("POST", "/v1/keys", {"name": "First", "handle": "taken"}, tenant="my-blog")
    maker.page.get_by_label("Handle").fill("taken")
    (wrong,) = refused(maker)
    assert "handle" in wrong
    maker.page.get_by_label("Handle").fill("not_taken")
    assert created(maker)
    leave(maker)


def test_a_tenant_that_lets_keys_live_for_some_time_alone(admin: Reader, keywright: Keywright) -> None:
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.go("/t/careful/keys/new")
    assert choices(admin) == ["30 days", "60 days", "On a date…"]
    assert "Keys of this tenant live at most 60 days." in admin.text
    assert admin.page.locator("input[name=expires][value='5184000']").is_checked()
    assert "This tenant has no catalog" in admin.text
    admin.look("create-careful")
    admin.page.get_by_label("Name", exact=True).fill("As long as may be")
    assert created(admin).startswith("care_")
    made = keywright.rest("GET", f"/v1/keys/{leave(admin)}", tenant="careful")
    assert datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC) <= timedelta(days=60)
    admin.go("/t/careful/keys/new")
    admin.page.get_by_label("Name", exact=True).fill("Longer")
    admin.page.get_by_text("On a date…").click()
    admin.page.locator("input[name=expires_at]").fill("2099-06-07T08:09")
    (wrong,) = refused(admin)
    assert "Keys of this tenant live at most" in wrong


def test_a_tenant_whose_keys_must_end(admin: Reader) -> None:
    admin.go("/t/ending/keys/new")
    assert choices(admin) == ["30 days", "90 days", "1 year", "On a date…"]
    assert "Keys of this tenant must end at some time." in admin.text


def test_hundreds_of_actions_are_folded_and_filtered(admin: Reader) -> None:
    admin.go("/t/many/keys/new")
    groups = admin.page.locator("details[data-pick-group]")
    assert groups.count() == len(THINGS) + 5
    assert admin.page.locator("details[data-pick-group][open]").count() == 0
    admin.page.get_by_label("Filter actions").fill("thing-07 expo")
    assert admin.page.locator(".perm-row:visible").count() == 1
    pick(admin, "thing-07:export")
    summary(admin, "export thing-07")
    assert admin.page.locator(".perm summary:visible").inner_text().split("\n")[-1] == "1 of 10"
    admin.page.get_by_label("Filter actions").fill("no such thing")
    assert admin.page.get_by_text("No action is called like this.").is_visible()
    admin.page.get_by_label("Filter actions").fill("")
    assert admin.page.locator("details[data-pick-group][open]").count() == 0
    group = admin.page.locator("details[data-pick-group]", has=row(admin, "thing-09:read"))
    group.locator("summary").click()
    group.get_by_role("button", name="Pick all").click()
    text = summary(admin, "do everything in Thing-09 (10 actions)")
    assert "export thing-07" in text
    assert "or 35 other groups" in text
    group.get_by_role("button", name="Pick none").click()
    admin.page.locator("#live", has_not_text="Thing-09 (10").wait_for()


def test_the_page_makes_no_keys_from_its_address(admin: Reader, keywright: Keywright) -> None:
    before = keywright.rest("GET", "/v1/keys?limit=200", tenant="many")["items"]
    admin.go("/t/many/keys/new?name=Sneaky&speaks=me")
    assert admin.page.get_by_label("Name", exact=True).input_value() == ""
    assert keywright.rest("GET", "/v1/keys?limit=200", tenant="many")["items"] == before
