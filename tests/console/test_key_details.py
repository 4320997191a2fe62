"""The page of one key: what it may do and why, what it was used for, what was done to it, and a decision to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.codes import codes_in
from tests.console.keys_data import Blog, Past, a_key, account, blog, busy, served_with_past, use
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
def past(world: tuple[Keywright, Past]) -> Past:
    """Its database."""
    return world[1]


@pytest.fixture(scope="module")
def house(keywright: Keywright, past: Past) -> Blog:
    """A blog with a key that was used for three days."""
    found = blog(keywright)
    busy(past, found)
    return found


def row(reader: Reader, action: str) -> str:
    """What the overview says of an action, on one line."""
    text = reader.page.locator(".rights tr", has=reader.page.get_by_text(action, exact=True)).inner_text()
    return " ".join(text.split())


def test_the_page_tells_all_of_a_key(admin: Reader, house: Blog) -> None:
    admin.go(house.page)
    admin.page.locator(".uplot").wait_for()
    facts = admin.page.locator(".facts").inner_text()
    for fact in (
        "2 minutes ago",
        "10.0.4.17",
        "44,881",
        "98.9 % allowed",
        "never",
        "1 of 3 rights",
        "Read comments",
    ):
        assert fact in facts
    head = admin.page.locator(".key-title").inner_text()
    assert "speaks for search-indexer, a service account" in head
    assert "made by root on" in head
    admin.look("key-details")


def test_what_it_may_do_is_told_with_the_reasons(admin: Reader, house: Blog) -> None:
    admin.go(house.page)
    assert row(admin, "article:read").startswith(
        "Read articles article:read Czech English role editor (language: Czech, English), kept by the key"
    )
    assert "Czech role editor (language: Czech, English), narrowed by the key" in row(
        admin, "article:publish"
    )
    assert "everything role moderator, kept by the key never" in row(admin, "comment:read")
    out = admin.page.locator(".rights.out")
    out.locator("summary").click()
    assert "Delete an article" in out.inner_text()
    assert "Hide a comment" in out.inner_text()


def test_a_key_without_a_scope_follows_its_owner(admin: Reader, house: Blog, keywright: Keywright) -> None:
    key = a_key(keywright, house, name="Ünïcödé — ключ 鍵 " + "x" * 60)
    admin.go(f"/t/{house.slug}/keys/{key['id']}")
    assert "may do all that search-indexer may, now and later" in " ".join(admin.text.split())
    assert "role editor" in row(admin, "article:delete")
    assert "by the key" not in row(admin, "article:delete")
    assert "Nobody used it in the last 7 days." in admin.text
    assert "5 of 5 rights" in admin.page.locator(".facts").inner_text()
    admin.look("key-details-unused")


def test_an_administrators_key_has_much_to_show_and_folds_it(
    admin: Reader, keywright: Keywright, house: Blog
) -> None:
    key = keywright.key(house.slug, "admin", name="Everything")["key"]
    admin.go(f"/t/{house.slug}/keys/{key['id']}")
    folded = admin.page.locator("details.rights:not([open])")
    assert folded.count() > 4
    pattern = admin.page.locator("details.rights", has_text="By pattern, also what is added later")
    pattern.locator("summary").click()
    assert "Everything" in pattern.inner_text()
    admin.look("key-details-admin")


def test_a_key_of_an_owner_without_roles_may_do_nothing(
    admin: Reader, keywright: Keywright, house: Blog
) -> None:
    idle = account(keywright, house.slug, "nobody-yet")
    key = a_key(keywright, house, identity_id=idle["id"])
    admin.go(f"/t/{house.slug}/keys/{key['id']}")
    assert "Its owner holds no role here." in admin.text


def test_what_presses_is_said_first(admin: Reader, keywright: Keywright, house: Blog, past: Past) -> None:
    def told(key: dict[str, str]) -> str:
        admin.go(f"/t/{house.slug}/keys/{key['id']}")
        return " ".join(admin.page.locator("main > .notice").all_inner_texts())

    soon = a_key(keywright, house, name="Soon", expires_at="2100-01-01T00:00:00Z")
    past.aged(soon, expires_at=-9)
    assert "This key ends in 8 days" in told(soon)
    assert admin.link("Give it a later end").is_visible()
    past.aged(soon, expires_at=3)
    assert "This key ended 3 days ago" in told(soon)
    idle = a_key(keywright, house, name="Idle")
    past.aged(idle, created_at=200)
    assert "never used, and was made 6 months ago" in told(idle)
    admin.link("Disable it").click()
    admin.page.get_by_role("dialog", name="Disable Idle").wait_for()
    off = a_key(keywright, house, name="Off")
    keywright.rest("PATCH", f"/v1/keys/{off['id']}", {"active": False}, tenant=house.slug)
    assert "This key is disabled" in told(off)
    later = a_key(keywright, house, name="Later", not_before="2100-01-01T00:00:00Z")
    assert "Until then it is refused" in told(later)
    gone = account(keywright, house.slug, "switched-off", ("moderator", None))
    key = a_key(keywright, house, identity_id=gone["id"])
    keywright.rest("PATCH", f"/v1/service-accounts/{gone['id']}", {"active": False}, tenant=house.slug)
    assert "switched-off is disabled, so this key is refused" in told(key)


def test_a_key_that_uses_little_can_be_narrowed(admin: Reader, keywright: Keywright, house: Blog) -> None:
    made = keywright.key(
        house.slug,
        name="Wide",
        identity_id=house.indexer["id"],
        scope=[{"actions": ["article:*", "comment:*"]}],
    )
    use(keywright, made["token"], 3, action="comment:read")
    address = f"/t/{house.slug}/keys/{made['key']['id']}"
    told = admin.page.get_by_text("It used 1 of its 5 rights")
    for _ in range(50):  # usage is written down a moment after the uses
        admin.go(address)
        if told.count():
            break
    admin.link("Narrow it to what it uses").click()
    assert "This is what the key used" in admin.text
    admin.look("key-narrow")
    admin.button("Save").click()
    assert "Narrowed. Refused for all else on 1 of 1 node" in admin.notice
    found = keywright.rest("GET", f"/v1/keys/{made['key']['id']}", tenant=house.slug)
    assert found["scope"] == [{"actions": ["comment:read"], "resources": None}]
    assert use(keywright, made["token"], action="comment:hide") == "INSUFFICIENT_PERMISSIONS"


def test_the_plot_shows_another_span_without_leaving_the_page(admin: Reader, house: Blog) -> None:
    admin.go(house.page)
    admin.page.get_by_role("navigation", name="Span").get_by_role("link", name="24 hours").click()
    admin.page.locator("#usage .chip[aria-current]", has_text="24 hours").wait_for()
    assert admin.page.locator("#usage .uplot").count() == 1
    admin.page.locator("#usage .numbers summary").click()
    table = admin.page.locator(".numbers-table")
    assert table.locator("thead th").all_inner_texts() == [
        "Hour",
        "All",
        "Allowed",
        "Not permitted",
        "Too often",
    ]
    assert 20 <= table.locator("tbody tr").count() <= 24
    admin.page.locator("#usage .uplot .u-over").hover(position={"x": 700, "y": 60})
    assert "allowed" in admin.page.locator(".plot-tip").inner_text()
    admin.look("key-usage-day", narrow=False)


def test_the_page_works_without_a_script(browser: Browser, keywright: Keywright, house: Blog) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as plain:
        plain.log_in()
        plain.go(f"{house.page}?span=30d")
        assert plain.page.locator(".plot svg rect").count() > 3
        assert "Calls by day" in plain.text
        plain.page.get_by_label("May it").fill("article:delete")
        plain.page.get_by_label("on optional").fill("article:cs:1")
        plain.button("Try").click()
        assert "Its owner may do this, and the key's scope leaves it out." in plain.text
        assert "What it may do" in plain.text
        plain.link("Disable…").click()
        assert plain.page.get_by_role("heading", name="Disable Nightly export").is_visible()


@pytest.mark.parametrize(
    ("action", "resource", "answer", "remedy"),
    [
        ("article:publish", "article:cs:42", "Role editor allows this, and the key's scope keeps it.", None),
        (
            "article:publish",
            "article:en:42",
            "Its owner may do this, and the key's scope leaves it out.",
            "scope",
        ),
        ("article:read", "", "It may do this on some things, and not on everything. Say on what.", None),
        (
            "deploy:start",
            "",
            "No role of its owner allows this, so the key cannot either.",
            "service-accounts",
        ),
        ("article:read", "article:de:1", "with another value of its variable language", "service-accounts"),
    ],
    ids=["allowed", "scope", "nowhere", "identity", "variable"],
)
def test_a_decision_is_answered_in_words(
    admin: Reader, house: Blog, action: str, resource: str, answer: str, remedy: str | None
) -> None:
    admin.go(house.page)
    admin.page.get_by_label("May it").fill(action)
    admin.page.get_by_label("on optional").fill(resource)
    admin.button("Try").click()
    box = admin.page.locator("#answer .answer")
    box.wait_for()
    assert answer in box.inner_text()
    links = box.locator("p > a")
    assert (remedy is None) is (links.count() == 0)
    assert remedy is None or remedy in str(links.get_attribute("href"))
    if action == "deploy:start":
        admin.look("key-try")


def test_what_cannot_be_asked_is_refused_beside_the_form(admin: Reader, house: Blog) -> None:
    admin.go(house.page)
    admin.page.get_by_label("May it").fill("article:*")
    admin.button("Try").click()
    admin.page.locator("#answer .notice.bad").wait_for()
    assert "wildcard" in admin.page.locator("#answer").inner_text()


def test_the_code_of_the_page_says_the_same(admin: Reader, house: Blog, keywright: Keywright) -> None:
    token = keywright.session()
    admin.go(f"{house.page}?action=article:read&resource=article:cs:1")
    tried = codes_in(admin.page.locator("#answer"), keywright.url, token)
    assert tried.run_curl()["code"] == "VALID"
    assert tried.run_graphql()["explainApiKey"]["valid"] is True
    assert "VALID" in tried.run_cli()
    used = codes_in(admin.page.locator("#usage"), keywright.url, token)
    assert used.run_curl()["total"] == used.run_graphql()["keyUsage"]["counts"]["total"] == 44_881
    assert "44881" in used.run_cli()
    shown = codes_in(admin.page.locator("#as-code"), keywright.url, token)
    assert shown.run_curl()["id"] == shown.run_graphql()["apiKey"]["id"] == house.key["id"]
    assert "Nightly export" in shown.run_cli()


def test_what_was_done_to_it_unfolds(admin: Reader, house: Blog, keywright: Keywright) -> None:
    key = a_key(keywright, house, name="Before")
    where = f"/v1/keys/{key['id']}"
    keywright.rest("PATCH", where, {"name": "After", "expires_at": "2100-06-01T10:00:00Z"}, tenant=house.slug)
    keywright.rest("PATCH", where, {"active": False}, tenant=house.slug)
    admin.go(f"/t/{house.slug}/keys/{key['id']}")
    entries = admin.page.locator(".trail > li")
    assert "root disabled it with a key" in entries.nth(0).inner_text()
    assert "root changed it with a key: name, ends" in " ".join(entries.nth(1).inner_text().split())
    entries.nth(1).locator("summary").click()
    table = " ".join(entries.nth(1).locator("table").inner_text().split())
    assert "name Before After" in table
    assert "ends none 1 Jun 2100, 12:00" in table
    admin.look("key-trail")


def test_agents_are_told(admin: Reader, house: Blog, keywright: Keywright) -> None:
    runner = account(keywright, house.slug, "runner-owner", ("member", None))
    made = keywright.key(house.slug, name="Runner", identity_id=runner["id"])
    agent = {"kind": "LocalAgent", "name": "nightly-eu", "labels": ["prod", "eu-west"], "version": "1.4.1"}
    keywright.rest("POST", "/v1/agents", agent, token=made["token"])
    admin.go(f"/t/{house.slug}/keys/{made['key']['id']}")
    card = admin.page.locator("section", has=admin.page.get_by_role("heading", name="Running with it"))
    assert "nightly-eu LocalAgent 1.4.1 · prod · eu-west" in " ".join(card.inner_text().split())
    admin.link("Delete…").click()
    dialog = admin.page.get_by_role("dialog", name="Delete Runner")
    assert "nightly-eu" in dialog.inner_text()
    admin.look("key-delete", narrow=True)


def test_another_tenant_sees_nothing(reader: Reader, house: Blog, keywright: Keywright) -> None:
    keywright.tenant("elsewhere")
    keywright.person("eva", "elsewhere")
    reader.log_in("eva", PASSWORD)
    for address in (house.page, f"/t/elsewhere/keys/{house.key['id']}", f"{house.page}/edit/about"):
        reader.go(address)
        assert "nothing at this address" in reader.text
        assert "Nightly" not in reader.page.content()


def test_who_only_reads_sees_no_button_that_would_fail(
    reader: Reader, house: Blog, keywright: Keywright
) -> None:
    keywright.person("rita", house.slug, role="read_only")
    reader.log_in("rita", PASSWORD)
    reader.go(house.page)
    assert "44,881" in reader.text
    assert reader.page.locator("main form[method=post]").count() == 0
    for name in ("Edit", "Disable…", "Delete…", "Make one like it", "change", "Change"):
        assert reader.link(name, exact=True).count() == 0
    for page in ("edit/about", "edit/scope", "disable", "delete", "owner"):
        reader.go(f"{house.page}/{page}")
        assert "nothing at this address" in reader.text


def test_a_member_sees_and_changes_just_their_own(reader: Reader, house: Blog, keywright: Keywright) -> None:
    keywright.person("mia", house.slug, role="member")
    session = keywright.session("mia")
    own = keywright.rest("POST", "/v1/keys", {"name": "Mine"}, token=session, tenant=house.slug)["key"]
    reader.log_in("mia", PASSWORD)
    reader.go(house.page)
    assert "nothing at this address" in reader.text
    reader.go(f"/t/{house.slug}/keys/{own['id']}")
    assert reader.link("Edit", exact=True).is_visible()
    assert reader.link("change", exact=True).filter(has_text="change").first.is_visible()
    assert reader.page.locator(".key-title a", has_text="change").count() == 0
    assert "What was done to it" not in reader.text
    reader.link("Disable…").click()
    reader.button("Disable Mine").click()
    assert "Disabled. Refused on 1 of 1 node" in reader.notice


def test_a_global_key_is_told_where_it_counts(admin: Reader, keywright: Keywright, house: Blog) -> None:
    key = keywright.key(None, "monitor", name="Watcher")["key"]
    admin.go(f"/t/*/keys/{key['id']}")
    assert "Watcher" in admin.text
    admin.page.get_by_label("May it").fill("keys:read")
    admin.page.get_by_label("in the tenant").fill(house.slug)
    admin.button("Try").click()
    admin.page.locator("#answer .tag.on").wait_for()
    admin.look("key-details-global")
