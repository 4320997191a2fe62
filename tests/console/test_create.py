"""The form of a new key: whom it speaks for, what it may do, and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.console.codes import codes_in
from tests.console.making import BLOG, created, leave, pick, row, summary
from tests.console.reader import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

NEW = "/t/my-blog/keys/new"


@pytest.fixture(scope="module", autouse=True)
def blog(keywright: Keywright) -> dict[str, str]:
    """A tenant with a catalog, service accounts and people; the ids by name."""
    keywright.tenant("my-blog", BLOG)
    keywright.tenant("other-blog", BLOG)
    found = {}
    for name, languages in (("search-indexer", ["cs", "en"]), ("search-archive", ["de"])):
        wanted = {"name": name, "memberships": [{"role": "editor", "variables": {"language": languages}}]}
        found[name] = keywright.rest("POST", "/v1/service-accounts", wanted, tenant="my-blog")["id"]
    keywright.rest("POST", "/v1/service-accounts", {"name": "search-elsewhere"}, tenant="other-blog")
    keywright.person("mary", "my-blog", "member")
    keywright.person("kim", "my-blog", "keymaker")
    keywright.person("bill", "my-blog", "blind")
    keywright.person("rita", "my-blog", "read_only")
    return found


@pytest.fixture
def maker(admin: Reader) -> Iterator[Reader]:
    """The administrator, with a form of a new key, who may use the clipboard."""
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.go(NEW)
    admin.page.get_by_label("Name", exact=True).fill("Nightly export")
    yield admin
    admin.page.on("dialog", lambda dialog: dialog.accept())


def key(keywright: Keywright, reader: Reader, tenant: str = "my-blog") -> Any:
    """The key that is made by the form, as REST has it."""
    created(reader)
    return keywright.rest("GET", f"/v1/keys/{leave(reader)}", tenant=tenant)


def choose_owner(reader: Reader, name: str) -> None:
    reader.page.get_by_text("A service account or another person").click()
    reader.page.get_by_role("combobox", name="Whom it speaks for").fill(name)
    reader.page.get_by_role("option", name=name).click()


def test_a_key_of_a_service_account_narrowed_to_two_languages(
    maker: Reader, keywright: Keywright, blog: Any
) -> None:
    maker.look("create-empty")
    choose_owner(maker, "search-indexer")
    maker.page.locator("#owner-facts", has_text="with the role editor in Czech and English").wait_for()
    pick(maker, "article:read", "Czech", "English")
    pick(maker, "article:publish", "Czech")
    text = summary(maker, "publish articles in Czech")
    assert "read articles in Czech and English" in text
    assert "It will not delete articles, do anything in Deployments or manage Keywright itself." in text
    assert "search-indexer may do more; this key keeps to this list." in text
    assert "2 of 3, 2 languages" in maker.page.locator(".perm summary", has_text="Articles").inner_text()
    maker.page.get_by_text("search-indexer does not hold this").first.wait_for()
    maker.look("create-filled")
    made = key(keywright, maker)
    assert made["identity"]["id"] == blog["search-indexer"]
    assert made["scope"] == [
        {"actions": ["article:read"], "resources": ["article:cs:**", "article:en:**"]},
        {"actions": ["article:publish"], "resources": ["article:cs:**"]},
    ]
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < ends <= timedelta(days=90)


def test_an_owner_is_found_by_typing_and_chosen_with_the_keyboard(maker: Reader) -> None:
    maker.page.get_by_text("A service account or another person").click()
    summary(maker, "Nobody is chosen yet")
    field = maker.page.get_by_role("combobox", name="Whom it speaks for")
    field.press_sequentially("search")
    maker.page.get_by_role("option", name="search-indexer").wait_for()
    names = maker.page.locator(".suggest .options b").all_inner_texts()
    assert names == ["search-archive", "search-indexer"]
    maker.look("create-owner", narrow=False)
    field.press("ArrowDown")
    field.press("Enter")
    maker.page.locator("#owner-facts", has_text="search-indexer").wait_for()


def test_another_name_is_nobodys_id(maker: Reader) -> None:
    choose_owner(maker, "search-indexer")
    maker.page.locator("#owner-facts", has_text="search-indexer").wait_for()
    maker.page.get_by_role("combobox", name="Whom it speaks for").fill("search-nobody")
    maker.button("Create key").click()
    maker.page.get_by_text("Nobody here is called just like this").wait_for()
    assert maker.page.get_by_label("Name", exact=True).input_value() == "Nightly export"


def test_one_of_many_places_is_found_by_typing(maker: Reader) -> None:
    pick(maker, "deploy:run")
    found = row(maker, "deploy:run")
    found.get_by_label("Where: Deploy").select_option("some")
    field = found.get_by_role("combobox", name="Only in: Deploy")
    field.fill("site 29")
    maker.page.get_by_role("option", name="Site 299").click()
    field.fill("deploy:site-00*")
    maker.page.get_by_role("option", name="deploy:site-00*").click()
    text = summary(maker, "deploy:site-00*")
    assert "deploy in Site 299, and on deploy:site-00*" in text
    maker.look("create-places", narrow=False)
    # A place that is clicked again is not picked any more.
    found.locator("label.chip", has_text="Site 299").click()
    maker.page.locator("#live", has_not_text="Site 299").wait_for()


def test_what_the_owner_lacks_is_said_before(maker: Reader) -> None:
    choose_owner(maker, "search-archive")
    pick(maker, "deploy:run")
    text = summary(maker, "does not hold this, so")
    assert "search-archive does not hold this, so this key cannot do it either: deploy." in text


def test_everything_that_the_owner_may(maker: Reader, keywright: Keywright, blog: Any) -> None:
    choose_owner(maker, "search-archive")
    maker.page.get_by_text("Everything its owner may").click()
    text = summary(maker, "may do everything that search-archive may")
    assert "do everything" not in text.replace("may do everything", "")
    assert "read articles in German" in text
    assert not maker.page.get_by_label("Filter actions").is_visible()
    made = key(keywright, maker)
    assert (made["scope"], made["identity"]["id"]) == (None, blog["search-archive"])


def test_an_identity_of_its_own_with_roles(maker: Reader, keywright: Keywright) -> None:
    maker.page.get_by_text("Itself alone").click()
    editor = maker.page.locator(".roles .perm-row", has_text="editor")
    editor.locator("input[name=role]").check()
    maker.page.get_by_text("Everything its owner may").click()
    maker.button("Create key").click()
    maker.page.get_by_text("needs at least one value").wait_for()
    maker.look("create-alone")
    editor.locator("label.chip", has_text="German").click()
    assert "read articles in German" in summary(maker, "German")
    made = key(keywright, maker)
    assert made["identity"]["kind"] == "key"
    held = keywright.rest("GET", f"/v1/memberships?identity_id={made['identity']['id']}", tenant="my-blog")
    assert [(one["role"], one["variables"]) for one in held["items"]] == [("editor", {"language": ["de"]})]


def test_patterns_by_hand_are_said_in_plain_words(maker: Reader, keywright: Keywright) -> None:
    maker.page.get_by_text("Written by hand").click()
    hand = maker.page.locator("[data-hand]")
    hand.get_by_label("Actions").fill("article:*")
    hand.get_by_label("On resources").fill("article:cs:**")
    text = summary(maker, "article:*")
    assert "delete articles in Czech" in text
    assert "all that has one more part behind article:" in maker.page.locator("#meanings").inner_text()
    maker.button("Another policy").click()
    hand.nth(1).get_by_label("Actions").fill("a::b")
    maker.button("Create key").click()
    maker.page.locator(".hand-row .error", has_text="at least one character in each segment").wait_for()
    assert "all that has one more part behind article:" in maker.text
    maker.look("create-by-hand")
    hand.nth(1).get_by_label("Actions").fill("")
    assert key(keywright, maker)["scope"] == [{"actions": ["article:*"], "resources": ["article:cs:**"]}]


def test_only_in_no_place_is_refused_at_its_row(maker: Reader) -> None:
    pick(maker, "article:read")
    row(maker, "article:read").get_by_label("Where").select_option("some")
    summary(maker, "Nothing")
    maker.button("Create key").click()
    row(maker, "article:read").locator(".error").wait_for()
    assert row(maker, "article:read").locator("input[name=do]").is_checked()


def test_a_template_fills_the_form_and_is_named_as_long_as_nothing_is_changed(
    admin: Reader, keywright: Keywright
) -> None:
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.go(NEW)
    admin.link("nightly").click()
    admin.page.get_by_label("Name", exact=True).fill("From a template")
    text = summary(admin, "100 times a second")
    assert "read articles in Czech" in text
    codes = codes_in(admin.page.locator("#create"), keywright.url, "")
    assert "--template=nightly" in codes.cli
    assert "scope" not in codes.curl
    admin.look("create-template")
    pick(admin, "article:read", "English")
    summary(admin, "Czech and English")
    admin.page.locator("#code", has_text="article:en:**").wait_for()
    made = key(keywright, admin)
    assert (made["metadata"], made["limits"][0]["limit"]) == ({"team": "search"}, 100)
    admin.go(f"{NEW}?template=nowhere")
    assert "nothing at this address" in admin.text


def test_one_like_another_key(admin: Reader, keywright: Keywright, blog: Any) -> None:
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    wanted = {
        "name": "The first",
        "identity_id": blog["search-indexer"],
        "scope": [{"actions": ["article:read"], "resources": ["article:cs:**"]}, {"actions": ["photo:*"]}],
        "expires_at": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        "allowed_cidrs": ["10.0.0.0/8", "2001:db8::/32"],
        "limits": [{"name": "burst", "limit": 7, "window_seconds": 300}],
        "credits": {"remaining": 9, "refill": {"amount": 10, "every": "week"}},
        "metadata": {"team": "search"},
    }
    first = keywright.rest("POST", "/v1/keys", wanted, tenant="my-blog")["key"]
    admin.go(f"{NEW}?from={first['id']}")
    admin.look("create-like-another")
    second = key(keywright, admin)
    for name in ("name", "identity", "scope", "allowed_cidrs", "limits", "metadata"):
        assert second[name] == first[name], name
    assert second["credits"]["refill"] == first["credits"]["refill"]
    apart = datetime.fromisoformat(second["expires_at"]) - datetime.fromisoformat(first["expires_at"])
    assert abs(apart) < timedelta(hours=1)
    alone = keywright.key("my-blog", "admin", name="Alone")["key"]
    admin.go(f"{NEW}?from={alone['id']}")
    assert admin.page.locator(".roles input[value=admin]").is_checked()
    admin.go(f"{NEW}?from=key_00000000000000000000000000000000")
    assert "nothing at this address" in admin.text


def test_one_for_an_owner_that_the_address_names(admin: Reader, blog: Any) -> None:
    admin.go(f"{NEW}?owner={blog['search-indexer']}")
    assert admin.page.get_by_role("combobox", name="Whom it speaks for").input_value() == "search-indexer"
    assert "search-indexer is a service account" in admin.text


def test_code_does_what_the_form_does(maker: Reader, keywright: Keywright, blog: Any) -> None:
    choose_owner(maker, "search-indexer")
    pick(maker, "article:read", "Czech")
    pick(maker, "article:publish")
    maker.page.get_by_text("Limits, addresses, metadata").click()
    maker.page.get_by_text("Limits of its own").click()
    maker.button("100 a minute").click()
    maker.page.get_by_label("Uses in all").fill("1,000")
    maker.page.get_by_label("Anew", exact=True).fill("1000")
    maker.page.get_by_label("Only from these addresses").fill("10.0.0.0/8")
    maker.page.get_by_label("Metadata").fill('{"team": "it\'s"}')
    maker.page.get_by_label("Description").fill("Exports 'all' of it")
    maker.page.locator("#code", has_text="Exports").wait_for(state="attached")
    text = summary(maker, "At most 100 times a minute.")
    assert "1,000 uses in all, and 1,000 anew every day." in text
    codes = codes_in(maker.page.locator("#create"), keywright.url, keywright.session())
    maker.look("create-code")
    ids = [
        codes.run_curl()["key"]["id"],
        codes.run_graphql()["createApiKey"]["apiKey"]["id"],
    ]
    assert "Nightly export" in codes.run_cli()
    listed = keywright.rest("GET", "/v1/keys?name_prefix=Nightly&limit=3", tenant="my-blog")["items"]
    assert set(ids) < {one["id"] for one in listed}
    made = key(keywright, maker)
    for one in listed:
        for name in ("identity", "scope", "expires_at", "limits", "allowed_cidrs", "metadata", "description"):
            assert one[name] == made[name], name


def test_a_member_makes_keys_of_its_own(reader: Reader, keywright: Keywright) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.log_in("mary")
    reader.go(NEW)
    reader.page.get_by_label("Name", exact=True).fill("Of my own")
    assert reader.page.get_by_text("A service account or another person").count() == 0
    articles = reader.page.locator("details[data-pick-group]", has_text="Articles")
    assert articles.get_attribute("open") is None
    assert "not yours to give" in articles.locator("summary").inner_text()
    articles.locator("summary").click()
    assert "You do not hold this" in row(reader, "article:read").inner_text()
    assert row(reader, "article:read").locator("input[name=do]").is_disabled()
    pick(reader, "keys:own:read")
    summary(reader, "look at its owner's keys")
    reader.look("create-member")
    assert key(keywright, reader)["identity"]["name"] == "Mary"


def test_what_a_person_holds_everywhere_is_not_guessed(reader: Reader, keywright: Keywright) -> None:
    people = keywright.rest("GET", "/v1/users", tenant="my-blog")["items"]
    mary = next(one["id"] for one in people if one["login"] == "mary")
    reader.log_in("kim")
    reader.go(f"{NEW}?owner={mary}")
    pick(reader, "article:read")
    assert "As far as Mary may" in summary(reader, "read articles")
    assert "Mary does not hold" not in reader.text


def test_nobody_hands_out_what_they_do_not_hold(reader: Reader, keywright: Keywright, blog: Any) -> None:
    reader.log_in("kim")
    reader.go(f"{NEW}?owner={blog['search-indexer']}")
    reader.page.get_by_label("Name", exact=True).fill("Too much")
    reader.page.get_by_text("Written by hand").click()
    reader.page.locator("[data-hand]").get_by_label("Actions").fill("article:delete")
    reader.button("Create key").click()
    error = reader.page.locator(".picker > .error")
    error.wait_for()
    assert error.inner_text() == (
        "You do not hold this yourself, so you cannot hand it out: delete articles."
    )
    reader.look("create-beyond")


def test_who_may_not_know_of_others_names_an_owner_by_id(
    reader: Reader, keywright: Keywright, blog: Any
) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.log_in("bill")
    reader.go(NEW)
    reader.page.get_by_label("Name", exact=True).fill("By id")
    assert reader.page.get_by_text("Itself alone").count() == 0
    reader.page.get_by_text("A service account or another person").click()
    reader.page.get_by_label("Whom it speaks for").fill(blog["search-indexer"])
    assert "This tenant has no catalog" not in reader.text
    reader.page.locator("[data-hand]").get_by_label("Actions").fill("keys:create")
    summary(reader, "make keys")
    created(reader)
    made = keywright.rest("GET", f"/v1/keys/{leave(reader)}", tenant="my-blog")
    assert made["identity"]["id"] == blog["search-indexer"]


def test_who_may_only_read_finds_no_form(reader: Reader) -> None:
    reader.log_in("rita")
    reader.go(NEW)
    assert "nothing at this address" in reader.text


def test_nothing_of_another_tenant_is_found(maker: Reader, keywright: Keywright) -> None:
    maker.page.get_by_text("A service account or another person").click()
    field = maker.page.get_by_role("combobox", name="Whom it speaks for")
    field.fill("search-elsewhere")
    maker.page.get_by_text("Nobody here is called like this").wait_for()
    elsewhere = keywright.rest("GET", "/v1/service-accounts", tenant="other-blog")["items"][0]["id"]
    field.fill(elsewhere)
    maker.button("Create key").click()
    maker.page.get_by_text("Nobody here is called just like this").wait_for()


def test_a_global_key(admin: Reader, keywright: Keywright) -> None:
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.go("/t/*/keys/new")
    admin.page.get_by_label("Name", exact=True).fill("For all tenants")
    admin.page.get_by_text("Itself alone").click()
    admin.page.locator(".roles input[value=monitor]").check()
    pick(admin, "tenants:read")
    summary(admin, "look at tenants")
    admin.look("create-global")
    codes = codes_in(admin.page.locator("#create"), keywright.url, keywright.session())
    assert codes.run_curl()["key"]["tenant"] is None
    assert codes.run_graphql()["createApiKey"]["token"]
    assert "For all tenants" in codes.run_cli()
    made = key(keywright, admin, "*")
    assert (made["tenant"], made["scope"]) == (None, [{"actions": ["tenants:read"], "resources": None}])


def test_without_script_the_form_does_the_same(browser: Browser, keywright: Keywright, blog: Any) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go(NEW)
        page = reader.page
        page.get_by_label("Name", exact=True).fill("Without script")
        page.get_by_text("A service account or another person").click()
        page.locator("input[name=owner_name]").fill("search")
        reader.button("Search", exact=True).click()
        found = page.locator("select[name=owner] option").all_inner_texts()
        assert [one.partition(" · ")[0] for one in found] == [
            "Nobody is chosen",
            "search-archive",
            "search-indexer",
        ]
        assert page.locator("[data-errors], .error").count() == 0
        assert page.get_by_label("Name", exact=True).input_value() == "Without script"
        page.locator("select[name=owner]").select_option(blog["search-indexer"])
        row(reader, "article:read").locator("input[name=do]").check()
        row(reader, "article:read").get_by_label("Where").select_option("some")
        row(reader, "article:read").locator("input.add").fill("Czech, article:xx:**")
        page.get_by_text("Limits, addresses, metadata").click()
        page.get_by_label("Only from these addresses").fill("10.0.0.1/8")
        reader.button("Create key").click()
        assert "10.0.0.1/8: An address range looks like" in reader.text
        assert "read articles in Czech" in " ".join(reader.text.split())
        page.get_by_label("Only from these addresses").fill("")
        reader.button("Create key").click()
        token = page.locator("[data-secret]").inner_text()
        held = keywright.rest("POST", "/v1/verify", {"token": token})
        assert held["identity"]["id"] == blog["search-indexer"]
        assert held["scope"][0]["resources"] == ["article:cs:**", "article:xx:**"]
