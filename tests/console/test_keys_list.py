"""The list of keys: what it shows, how one finds, filters, sorts and pages it, and what never reaches an address."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from playwright.sync_api import expect

from keywright.core.tokens import mint
from tests.console.codes import codes_in
from tests.console.reader import NARROW, WIDE, reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

CATALOG: dict[str, Any] = {
    "actions": [
        {"name": "article:read", "group": "Articles", "description": "Read articles"},
        {"name": "article:write", "group": "Articles", "description": "Write articles"},
        {"name": "article:publish", "group": "Articles", "description": "Publish articles"},
        {"name": "article:delete", "group": "Articles", "description": "Delete articles"},
    ],
    "entities": {"language": [{"id": "cs", "label": "Czech"}, {"id": "en", "label": "English"}]},
    "resource_types": [{"name": "article", "segments": ["language"]}],
}
SCOPES: dict[str, Any] = {
    "Nightly export": [{"actions": ["article:read"], "resources": ["article:cs:**", "article:en:**"]}],
    "Editor preview": [{"actions": ["article:read", "article:write", "article:publish"]}],
    "Old importer": [{"actions": ["legacy:sync"], "resources": ["legacy:4711"]}],
    "čtenář příspěvků 📰": None,
    "A name as long as a name can get, " * 7: [],
}


def later(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def blog(keywright: Keywright) -> dict[str, Any]:
    """A tenant with a catalog, service accounts and some keys of each sort; what was made, by name."""
    keywright.tenant("blog", CATALOG)
    role = [{"role": "admin"}]
    made: dict[str, Any] = {}
    for name in ("search-indexer", "billing-reconciliation-worker-eu-west-1-pr"):
        account = {"name": name, "memberships": role}
        made[name] = keywright.rest("POST", "/v1/service-accounts", account, tenant="blog")
    for name, scope in SCOPES.items():
        fields: dict[str, Any] = {"scope": scope, "identity_id": made["search-indexer"]["id"]}
        if name == "Nightly export":
            fields |= {"expires_at": later(9), "handle": "nightly"}
        made[name] = keywright.key("blog", name=name.strip(), **fields)
    made["Off"] = keywright.key("blog", "admin", name="Off", expires_at=later(200))
    keywright.rest("PATCH", f"/v1/keys/{made['Off']['key']['id']}", {"active": False}, tenant="blog")
    made["Later"] = keywright.key("blog", "admin", name="Later", not_before=later(3))
    keywright.verdict(made["Editor preview"]["token"], ip="10.0.4.17")
    deadline = time.monotonic() + 20
    path = f"/v1/keys/{made['Editor preview']['key']['id']}"
    while keywright.rest("GET", path, tenant="blog")["last_used_at"] is None:
        assert time.monotonic() < deadline
    return made


@pytest.fixture(scope="module")
def many(keywright: Keywright) -> str:
    """A tenant with 120 keys."""
    keywright.tenant("many")
    for number in range(120):
        keywright.key("many", "read_only", name=f"Worker {number:03}")
    return "many"


def names(reader: Reader) -> list[str]:
    return reader.page.locator("tr[data-row] a.name").all_text_contents()


def cells(reader: Reader, name: str) -> list[str]:
    row = reader.page.locator("tr[data-row]", has=reader.link(name, exact=True))
    return [re.sub(r"\s+", " ", one).strip() for one in row.locator("td").all_inner_texts()]


def settled(reader: Reader, *expected: str) -> None:
    """Wait until the list shows just these keys."""
    expect(reader.page.locator("tr[data-row] a.name")).to_have_text(list(expected))


@pytest.mark.usefixtures("blog")
def test_a_key_is_shown_at_a_glance(admin: Reader) -> None:
    admin.go("/t/blog/keys")
    nightly = cells(admin, "Nightly export")
    assert nightly[1].startswith("Nightly export kw_")
    assert nightly[1].endswith("… nightly")
    assert nightly[2:4] == ["search-indexer service account", "read articles Czech, English"]
    assert nightly[5:] == ["never", "in 8 days", "ends soon"]
    preview = cells(admin, "Editor preview")
    assert preview[3] == "3 actions in Articles"
    assert preview[5].endswith("10.0.4.17")
    assert cells(admin, "Old importer")[3] == "legacy:sync legacy:4711"
    assert cells(admin, "čtenář příspěvků 📰")[3] == "all that its owner may"
    assert cells(admin, "Off")[2:4] == ["itself", "all that its owner may"]
    assert cells(admin, "Off")[-1] == "disabled"
    assert cells(admin, "Later")[-1].startswith("from ")
    time_of = admin.page.locator("tr[data-row] time").first
    assert re.fullmatch(r"\d+ \w{3} \d{4}, \d\d:\d\d", time_of.get_attribute("title") or "")
    admin.look("keys-list")


@pytest.mark.usefixtures("blog")
def test_narrow_screens_keep_name_last_use_and_state(admin: Reader) -> None:
    admin.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    admin.go("/t/blog/keys")
    heads = [one for one in admin.page.locator("thead th:visible").all_inner_texts() if one.strip()]
    assert [one.strip() for one in heads] == ["Name", "Last used", "State"]
    assert admin.page.get_by_text("ends in 8 days").is_visible()
    admin.page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def test_one_searches_while_typing_and_the_address_says_it(admin: Reader, blog: dict[str, Any]) -> None:
    admin.go("/t/blog/keys")
    search = admin.page.get_by_label("Search keys")
    search.press_sequentially("nIGHT")
    settled(admin, "Nightly export")
    admin.page.wait_for_url("**/t/blog/keys?q=nIGHT")
    assert search.evaluate("one => one === document.activeElement")
    for text in (
        "nightly",
        blog["Nightly export"]["key"]["hint"],
        f"{blog['Nightly export']['key']['hint']}…",
    ):
        search.fill(text)
        settled(admin, "Nightly export")
    search.fill(blog["Off"]["key"]["id"])
    settled(admin, "Off")
    search.fill("nothing like it")
    admin.page.get_by_role("heading", name="No key fits").wait_for()
    admin.look("keys-list-nothing-fits")
    admin.link("Clear", exact=True).click()
    admin.page.wait_for_url("**/t/blog/keys")
    expect(admin.page.locator("tr[data-row]")).to_have_count(7)


@pytest.mark.usefixtures("blog")
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_filters_work_with_and_without_a_script(browser: Browser, keywright: Keywright, script: bool) -> None:
    with reading(browser, keywright.url, java_script_enabled=script) as reader:
        reader.log_in()
        for label, option, query, expected in (
            ("State", "disabled", "state=disabled", ["Off"]),
            ("State", "not yet valid", "state=not_yet_valid", ["Later"]),
            ("Last used", "in the last 24 hours", "used=1d", ["Editor preview"]),
            ("Expires", "within 14 days", "expires=14d", ["Nightly export"]),
            ("Created", "over a year ago", "created=over365d", []),
        ):
            reader.go("/t/blog/keys")
            reader.page.get_by_label(label, exact=True).select_option(label=option)
            if script:
                reader.page.wait_for_url(f"**/keys?{query}")
            else:
                reader.button("Search", exact=True).click()
            settled(reader, *expected)
            assert query in reader.page.url, label
        reader.go("/t/blog/keys?expires=never&used=never")
        assert len(names(reader)) == 4
        # What an address cannot say counts as nothing.
        reader.go("/t/blog/keys?state=x&used=9d&expires=&created=7&sort=-size&size=7&owner=")
        assert len(names(reader)) == 7


def test_the_owner_is_found_by_the_beginning_of_a_word_in_the_name(
    admin: Reader, blog: dict[str, Any]
) -> None:
    admin.go("/t/blog/keys")
    admin.page.get_by_label("State", exact=True).select_option(label="active")
    admin.page.wait_for_url("**?state=active")
    admin.link("Speaks for anyone").click()
    field = admin.page.get_by_role("combobox", name="Find somebody")
    offered = admin.page.locator("dialog [role=option]")
    # A few are offered before anything is typed, the reader first.
    offered.first.wait_for()
    assert "you" in offered.first.inner_text()
    field.press_sequentially("INDEX")
    expect(offered).to_have_count(1)
    assert offered.inner_text().startswith("search-indexer service account")
    admin.look("keys-list-owners")
    field.fill("nobody at all")
    admin.page.get_by_text("Nobody here is called like this.").wait_for()
    field.fill("index")
    expect(offered).to_have_count(1)
    offered.click()
    admin.page.wait_for_url(f"**?state=active&owner={blog['search-indexer']['id']}")
    assert len(names(admin)) == 5
    assert admin.page.locator(".chip.set b").inner_text() == "search-indexer"
    admin.link("Keys of anyone").click()
    admin.page.wait_for_url("**?state=active")
    # Whoever has no keys is called by their name, too.
    admin.go(f"/t/blog/keys?owner={blog['billing-reconciliation-worker-eu-west-1-pr']['id']}")
    assert admin.page.locator(".chip.set b").inner_text() == "billing-reconciliation-worker-eu-west-1-pr"
    admin.go("/t/blog/keys?owner=idn_00000000000000000000000000000000")
    assert admin.page.locator(".chip.set b").inner_text() == "somebody who is not here"


@pytest.mark.usefixtures("blog")
def test_heads_sort_both_ways(admin: Reader) -> None:
    admin.go("/t/blog/keys")
    created = names(admin)
    head = admin.page.locator("thead")
    assert head.locator("th[aria-sort=descending]").inner_text().startswith("Created")
    head.get_by_role("link", name="Name").click()
    admin.page.wait_for_url("**?sort=name")
    upwards = names(admin)
    assert upwards == sorted(created, key=str.casefold)
    head.get_by_role("link", name="Name").click()
    admin.page.wait_for_url("**?sort=-name")
    assert names(admin) == upwards[::-1]
    head.get_by_role("link", name="Created").click()
    admin.page.wait_for_url("**?sort=-created")
    assert names(admin) == created
    head.get_by_role("link", name="Expires").click()
    admin.page.wait_for_url("**?sort=expires")
    assert names(admin)[:2] == ["Nightly export", "Off"]
    head.get_by_role("link", name="Last used").click()
    admin.page.wait_for_url("**?sort=-used")
    assert names(admin)[0] == "Editor preview"


def test_one_pages_forth_and_back(admin: Reader, many: str) -> None:
    admin.go(f"/t/{many}/keys?sort=name")
    assert "50 keys on this page, more follow" in admin.text
    first = names(admin)
    assert first == [f"Worker {number:03}" for number in range(50)]
    admin.look("keys-list-many", narrow=False)
    admin.link("Next page").click()
    settled(admin, *(f"Worker {number:03}" for number in range(50, 100)))
    admin.link("Next page").click()
    settled(admin, *(f"Worker {number:03}" for number in range(100, 120)))
    assert "20 keys, the last ones" in admin.text
    admin.page.go_back()
    settled(admin, *(f"Worker {number:03}" for number in range(50, 100)))
    admin.link("First page").click()
    settled(admin, *first)
    admin.link("200", exact=True).click()
    settled(admin, *(f"Worker {number:03}" for number in range(120)))
    # A cursor of another order, or of nobody's, leads to the first page.
    admin.go(f"/t/{many}/keys?sort=name&cursor=W10")
    assert admin.page.url.endswith(f"/t/{many}/keys?sort=name")


def test_a_cursor_after_which_nothing_is_left(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("short")
    ids = [keywright.key("short", "read_only", name=f"K{number}")["key"]["id"] for number in range(2)]
    page = keywright.rest("GET", "/v1/keys?sort=name&order=asc&limit=1", tenant="short")
    keywright.rest("DELETE", f"/v1/keys/{ids[1]}", tenant="short")
    admin.go(f"/t/short/keys?sort=name&cursor={page['next_cursor']}")
    assert admin.page.get_by_role("heading", name="Nothing follows").is_visible()
    admin.link("First page").click()
    settled(admin, "K0")


def test_a_search_that_cannot_be_is_said_beside_the_field(admin: Reader) -> None:
    admin.go("/t/blog/keys?q=a%00b")
    assert admin.page.locator("#e-search").inner_text().startswith("A search is at most")
    assert admin.page.get_by_label("Search keys").get_attribute("aria-invalid") == "true"


def test_a_pasted_key_is_found_and_stands_in_no_address(
    admin: Reader, keywright: Keywright, blog: dict[str, Any]
) -> None:
    token, key_id = blog["Off"]["token"], blog["Off"]["key"]["id"]
    asked: list[str] = []
    admin.page.on("request", lambda request: asked.append(request.url))
    for text in (token, f"Authorization: Bearer {token}"):
        admin.go("/t/blog/keys")
        admin.page.get_by_label("Search keys").fill(text)
        admin.page.wait_for_url(f"**/t/blog/keys/{key_id}")
    assert not [url for url in asked if token[:30] in url]
    # What only looks like a token, or most of one, is not sent in an address either.
    others = ("kw_3fQ9aB7cD2eF5gH8iJ1kL4", "0123456789abcdef" * 4, "sk-proj-Ab3De5Gh7Jk9Mn1Pq3St")
    for text in (mint().reveal(), *others):
        admin.go("/t/blog/keys")
        admin.page.get_by_label("Search keys").fill(text)
        admin.page.get_by_text("No key here has this token.").wait_for()
        assert text not in admin.page.content()
        assert admin.page.evaluate("performance.getEntriesByType('navigation')[0].name").endswith(
            "/keys/find"
        )
    assert not [url for url in asked if any(text[4:20] in url for text in (token, *others))]
    # A long name is none.
    name = "backup-restore-verification-eu-central-1-production-cluster-07"
    admin.go("/t/blog/keys")
    admin.page.get_by_label("Search keys").fill(name)
    admin.page.wait_for_url(f"**/t/blog/keys?q={name}")
    admin.go("/t/blog/keys/find")
    admin.page.get_by_label("The whole key").fill("not one")
    admin.button("Find the key").click()
    admin.page.get_by_text("No key here has this token.").wait_for()
    admin.look("keys-list-token-unknown", narrow=False)
    admin.go("/t/blog/keys/find?why=address")
    admin.look("keys-list-token-in-address")
    log = keywright.process.output() + keywright.process.errors()
    assert "/t/{tenant}/keys" in log
    assert token[8:30] not in log
    assert "?" not in "".join(re.findall(r'"(?:route|path)": "[^"]*"', log))


@pytest.mark.parametrize("field", ["q", "owner", "cursor", "anything"])
def test_a_token_in_an_address_is_answered_without_it(
    browser: Browser, keywright: Keywright, blog: dict[str, Any], field: str
) -> None:
    token = blog["Off"]["token"]
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go(f"/t/blog/keys?state=disabled&{field}=x{token}")
        assert reader.page.url.endswith("/t/blog/keys/find?why=address")
        assert "A whole key stood in the address" in reader.text
        assert token not in reader.page.content()
        reader.page.get_by_label("The whole key").fill(token)
        reader.button("Find the key").click()
        reader.page.wait_for_url(f"**/t/blog/keys/{blog['Off']['key']['id']}")
    assert token not in keywright.process.output() + keywright.process.errors()


@pytest.mark.parametrize(
    "secret", [mint(random=lambda _below: 7).reveal(), "sk_live_4eC39HqLyjWDarjtT1zdp7dc"]
)
def test_a_token_in_an_address_does_not_come_back_after_the_login(keywright: Keywright, secret: str) -> None:
    for query in (f"q={secret}", f"%20{secret}=1"):
        answer = httpx2.get(f"{keywright.url}/t/blog/keys?{query}", follow_redirects=False)
        assert answer.headers["location"] == "/login?next=/t/blog/keys"
    owner = "idn_0193a0b1c2d37e4f8a9b0c1d2e3f4a5b"
    answer = httpx2.get(f"{keywright.url}/t/blog/keys?owner={owner}", follow_redirects=False)
    assert owner in answer.headers["location"]


def test_a_second_tenant_sees_nothing_of_it(
    admin: Reader, keywright: Keywright, blog: dict[str, Any]
) -> None:
    keywright.tenant("empty")
    admin.go("/t/empty/keys")
    assert admin.page.get_by_role("heading", name="No keys here").is_visible()
    assert admin.link("Create the first key").is_visible()
    admin.look("keys-list-empty")
    admin.go(f"/t/empty/keys?q={blog['Off']['key']['id']}")
    assert names(admin) == []
    admin.go(f"/t/empty/keys?owner={blog['search-indexer']['id']}")
    assert names(admin) == []
    assert "search-indexer" not in admin.page.content()
    admin.go("/t/empty/keys/find")
    admin.page.get_by_label("The whole key").fill(blog["Off"]["token"])
    admin.button("Find the key").click()
    admin.page.get_by_text("No key here has this token.").wait_for()


@pytest.mark.usefixtures("blog")
def test_who_may_only_read_sees_no_button_that_would_fail(reader: Reader, keywright: Keywright) -> None:
    ruth = keywright.person("ruth", "blog", "read_only")
    reader.log_in("ruth")
    reader.go("/t/blog/keys")
    assert len(names(reader)) == 7
    assert reader.page.locator("[data-create], [data-select], [data-select-all], #bulk").count() == 0
    assert reader.link("Speaks for anyone").is_visible()
    keywright.tenant("bare")
    given = {"identity_id": ruth["id"], "role": "read_only"}
    keywright.rest("POST", "/v1/memberships", given, tenant="bare")
    reader.go("/t/bare/keys")
    assert "Nobody has made a key" in reader.text


@pytest.mark.usefixtures("blog")
def test_who_has_own_keys_alone_sees_and_picks_those(reader: Reader, keywright: Keywright) -> None:
    made = keywright.person("mia", "blog", "member")
    reader.log_in("mia")
    reader.go("/t/blog/keys")
    assert reader.page.get_by_role("heading", name="You have no keys here").is_visible()
    keywright.key("blog", name="Mine", identity_id=made["id"])
    reader.go("/t/blog/keys")
    assert names(reader) == ["Mine"]
    assert cells(reader, "Mine")[2] == "Mia you"
    reader.page.get_by_label("Select Mine").check()
    assert reader.button("Delete…").is_visible()
    assert reader.link("Create key").is_visible()


def test_global_keys_are_a_list_like_any(admin: Reader, keywright: Keywright) -> None:
    keywright.key(None, "monitor", name="Watches everything")
    admin.go("/t/*/keys?q=watches")
    assert names(admin) == ["Watches everything"]
    admin.link("Speaks for anyone").click()
    admin.page.locator("dialog [role=option]").first.wait_for()


@pytest.mark.usefixtures("blog")
def test_the_keyboard_goes_through_the_list(admin: Reader) -> None:
    admin.go("/t/blog/keys?sort=name")
    admin.page.keyboard.press("j")
    admin.page.keyboard.press("j")
    admin.page.keyboard.press("x")
    shown = names(admin)
    assert admin.page.get_by_label(f"Select {shown[1]}", exact=True).is_checked()
    admin.page.keyboard.press("/")
    assert admin.page.get_by_label("Search keys").evaluate("one => one === document.activeElement")


@pytest.mark.parametrize(
    "query",
    ["", "q=night&state=active&expires=14d&sort=-name&size=100", "used=never&expires=never&created=7d"],
    ids=["all", "many", "never"],
)
def test_the_list_as_code_gives_the_list(
    admin: Reader, keywright: Keywright, blog: dict[str, Any], query: str
) -> None:
    admin.go(f"/t/blog/keys?{query}")
    shown = names(admin)
    assert shown
    token = blog["čtenář příspěvků 📰"]["token"]
    codes = codes_in(admin.page.locator("#list"), keywright.url, token)
    assert [one["name"] for one in codes.run_curl()["items"]] == shown
    assert [one["name"] for one in codes.run_graphql()["apiKeys"]["nodes"]] == shown
    table = codes.run_cli()
    assert all(one[:12] in table for one in shown)
