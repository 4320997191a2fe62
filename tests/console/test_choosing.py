"""Somebody to be chosen: one field wherever an owner or a person is named, and everybody is found by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from keywright.console.choosing import SHOWN
from keywright.core.tokens import mint
from tests.console.reader import reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

ROBOTS = 60


@pytest.fixture(scope="module")
def crowd(keywright: Keywright) -> dict[str, Any]:
    """A tenant with more service accounts than are looked at, and three people; ids by name, and a key."""
    keywright.tenant("crowd")
    keywright.tenant("other")

    def account(name: str, tenant: str = "crowd") -> str:
        made = keywright.rest("POST", "/v1/service-accounts", {"name": name}, tenant=tenant)
        return str(made["id"])

    found = {f"robot-{number:02}": account(f"robot-{number:02}") for number in range(ROBOTS)}
    found |= {"Zora the Last": account("Zora the Last"), "elsewhere": account("Zora elsewhere", "other")}
    for login, name in (("ada1", "Ada Lovelace"), ("ada2", "Ada Lovelace"), ("bea", "Bea Ada")):
        found[login] = keywright.person(login, "crowd", "member", name=name)["id"]
    found["guest"] = keywright.person("guest", "other", "member", name="Zora Guest")["id"]
    key = keywright.key("crowd", name="Nightly", identity_id=found["robot-00"])["key"]
    return found | {"key": key["id"]}


def field_of(reader: Reader, path: str) -> Locator:
    """The field for somebody on a page."""
    reader.go(path)
    if path.endswith("/keys/new"):
        reader.page.get_by_text("A service account or another person").click()
    return reader.page.locator("[data-chooser] input[role=combobox]")


def offered(reader: Reader) -> list[str]:
    """The names that are offered."""
    return reader.page.locator("[data-chooser] [role=option] b").all_inner_texts()


def pages(crowd: dict[str, Any]) -> dict[str, str]:
    return {
        "list": "/t/crowd/keys/owners",
        "new owner": f"/t/crowd/keys/{crowd['key']}/owner",
        "new key": "/t/crowd/keys/new",
        "audit": "/t/crowd/audit",
    }


@pytest.mark.parametrize("page", ["list", "new owner", "new key", "audit"])
def test_everybody_is_offered_everywhere_in_the_same_way(
    admin: Reader, crowd: dict[str, Any], page: str
) -> None:
    field = field_of(admin, pages(crowd)[page])
    field.focus()
    options = admin.page.locator("[data-chooser] [role=option]")
    # A few before anything is typed, the reader first.
    expect(options).to_have_count(SHOWN)
    assert "you" in options.first.inner_text()
    assert "More fit. Type more of the name." in admin.page.locator("[data-chooser]").inner_text()
    field.fill("ROBOT-5")
    expect(options).to_have_count(10)
    field.fill("last")
    expect(options).to_have_count(1)
    assert options.inner_text().split("\n") == ["Zora the Last service account"]
    # Nobody of another tenant, under no name.
    field.fill("zora")
    expect(options).to_have_count(1)
    field.fill(crowd["guest"])
    admin.page.get_by_text("Nobody here is called like this.").wait_for()
    # People are told apart by their addresses, and found by those and by their login names.
    field.fill("ada love")
    expect(options).to_have_count(2)
    assert [one.partition("· ")[2] for one in options.all_inner_texts()] == [
        "ada1@example.com · member",
        "ada2@example.com · member",
    ]
    # Who is called so in the beginning comes before who has a word like this.
    field.fill("ada")
    expect(options).to_have_count(3)
    assert offered(admin) == ["Ada Lovelace", "Ada Lovelace", "Bea Ada"]
    for text in ("BEA@exam", "bea", crowd["bea"]):
        field.fill(text)
        expect(options).to_have_count(1)
        assert offered(admin) == ["Bea Ada"]
    if page != "list":
        admin.look(f"choosing-{page.replace(' ', '-')}")
    field.press("Enter")
    if page == "new key":
        admin.page.locator("#owner-facts", has_text="Bea Ada is a person with the role member.").wait_for()
    else:
        admin.page.wait_for_url(f"**{crowd['bea']}*")
        # The address says whom it is about, and nothing that was typed.
        assert "_name" not in admin.page.url
        assert "Bea Ada" in admin.text


def test_a_whole_key_and_what_is_no_text_find_nobody(admin: Reader, crowd: dict[str, Any]) -> None:
    field = field_of(admin, "/t/crowd/audit")
    for text in (mint().reveal(), "x" * 300):
        field.fill(text)
        admin.page.get_by_text("Nobody here is called like this.").wait_for()
        field.fill("zora")
        expect(admin.page.locator("[data-chooser] [role=option]")).to_have_count(1)


def test_a_name_that_several_have_is_nobodys(
    browser: Browser, keywright: Keywright, crowd: dict[str, Any]
) -> None:
    """Without a script: those who are called so are offered, and one of them is chosen."""
    with reading(browser, keywright.url, java_script_enabled=False) as plain:
        plain.log_in()
        page = plain.page
        for path, sends in ((pages(crowd)["list"], "Show the keys"), (pages(crowd)["audit"], "Show")):
            plain.go(path)
            page.locator("[data-chooser] > input").fill("Ada Lovelace")
            plain.button(sends, exact=True).click()
            assert f"={crowd['ada1']}" not in page.url
            select = page.locator("[data-chooser] select")
            assert select.input_value() == ""
            assert select.locator("option").count() == 3
            select.select_option(crowd["ada2"])
            plain.button(sends, exact=True).click()
            assert f"={crowd['ada2']}" in page.url
        # One's own name, the name of one alone, and an id are enough.
        for text, found in (("bea ada", "bea"), ("last", "Zora the Last"), (crowd["ada1"], "ada1")):
            plain.go(pages(crowd)["list"])
            page.locator("[data-chooser] > input").fill(text)
            plain.button("Show the keys").click()
            assert page.url.endswith(f"/t/crowd/keys?owner={crowd[found]}")
        # A key is made for who is called just so, and for nobody by the beginning of a name.
        plain.go(pages(crowd)["new key"])
        page.get_by_label("Name", exact=True).fill("Plain")
        page.get_by_text("A service account or another person").click()
        page.locator("[data-chooser] > input").fill("Zora")
        plain.button("Create key").click()
        assert "Nobody here is called just like this" in plain.text
        assert page.locator("[data-chooser] select").input_value() == ""
        plain.go(pages(crowd)["new owner"])
        page.locator("[data-chooser] > input").fill("robot")
        plain.button("Search", exact=True).click()
        assert "More fit: search for more of the name." in plain.text
        assert page.locator("[data-chooser] option").count() == SHOWN + 1
        page.locator("[data-chooser] > input").fill("robot-59")
        plain.button("Look what would change").click()
        assert "If it speaks for robot-59" in plain.text


def test_who_may_know_nobody_writes_an_id(
    reader: Reader, keywright: Keywright, crowd: dict[str, Any]
) -> None:
    role = {"name": "auditor", "policies": [{"actions": ["audit:read", "keys:read", "keys:update"]}]}
    keywright.rest("POST", "/v1/roles", role, tenant="crowd")
    keywright.person("audrey", "crowd", "auditor")
    reader.log_in("audrey")
    reader.go("/t/crowd/identities?q=a")
    assert "nothing at this address" in reader.text
    reader.go(pages(crowd)["audit"])
    assert "Names are shown to those with the permission identities:read" in " ".join(reader.text.split())
    reader.page.get_by_label("Who", exact=True).fill(crowd["robot-00"])
    reader.send("Show")
    assert f"actor={crowd['robot-00']}" in reader.page.url
    assert "robot-00" not in reader.page.locator(".given").inner_text()
    reader.go(pages(crowd)["new owner"])
    assert "You may not look for people" in reader.text


def test_lists_are_searched_by_their_address_and_go_on(admin: Reader, crowd: dict[str, Any]) -> None:
    admin.go("/t/crowd/service-accounts?q=robot")
    assert admin.page.locator("[data-row]").count() == 50
    admin.follow("Next page")
    assert "q=robot" in admin.page.url
    assert admin.page.locator("a.name").all_inner_texts() == [
        f"robot-{number}" for number in range(50, ROBOTS)
    ]
    admin.follow("First page")
    assert admin.page.url.endswith("/t/crowd/service-accounts?q=robot")
    for path, texts in (
        ("service-accounts", {"last": ["Zora the Last"], crowd["robot-07"]: ["robot-07"], "obot": []}),
        ("people", {"lovelace": ["Ada Lovelace"] * 2, crowd["bea"]: ["Bea Ada"], "guest": [], "ea": []}),
    ):
        for text, names in texts.items():
            admin.go(f"/t/crowd/{path}?q={text}")
            assert admin.page.locator("a.name").all_inner_texts() == names
        token = mint().reveal()
        admin.go(f"/t/crowd/{path}?q={token}")
        assert "This holds an API key" in admin.text
        assert token not in admin.page.content()
        admin.go(f"/t/crowd/{path}?q=robot&cursor=nonsense")
        assert admin.page.url.endswith(f"/t/crowd/{path}?q=robot")
    admin.look("choosing-nothing")
