"""The frame of every page: the bar, the switch between tenants, colours, the keyboard, and pages that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from tests.support.keywright import ADMIN, PASSWORD

if TYPE_CHECKING:
    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


def test_the_start_leads_to_the_login_and_then_to_keys(reader: Reader) -> None:
    reader.go("/")
    assert reader.page.url.endswith("/login")
    reader.look("login")
    reader.log_in()
    assert reader.page.url.endswith("/t/default/keys")


def test_a_login_goes_on_to_the_page_that_was_asked_for(reader: Reader) -> None:
    reader.go("/t/default/keys?state=active")
    reader.page.get_by_label("Login name").fill(ADMIN)
    reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
    reader.button("Log in", exact=True).click()
    reader.page.wait_for_url("**/t/default/keys?state=active")


def test_one_goes_on_to_no_other_host(reader: Reader) -> None:
    for elsewhere in ("https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)"):
        reader.go(f"/login?next={elsewhere}")
        assert reader.page.locator("#login-form input[name=next]").input_value() == "/"


def test_a_wrong_password_is_said_in_the_form(reader: Reader) -> None:
    reader.go("/login")
    reader.page.get_by_label("Login name").fill(ADMIN)
    reader.page.get_by_label("Password", exact=True).fill("not this one")
    reader.button("Log in", exact=True).click()
    reader.page.get_by_text("do not belong together").wait_for()
    assert reader.page.get_by_label("Login name").input_value() == ADMIN
    assert "not this one" not in reader.page.content()


def test_the_bar_switches_between_tenants(admin: Reader, keywright: Keywright) -> None:
    keywright.tenant("my-blog")
    admin.go("/t/default/keys")
    admin.page.locator("details.tenant summary").click()
    admin.link("my-blog").click()
    assert admin.page.url.endswith("/t/my-blog/keys")
    admin.go("/account")
    assert admin.page.locator("details.tenant summary b").inner_text() == "my-blog"
    admin.go("/")
    assert admin.page.url.endswith("/t/my-blog/keys")


def test_colours_follow_the_system_unless_one_chooses(admin: Reader) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    admin.page.emulate_media(color_scheme="dark")
    dark = admin.page.evaluate(background)
    admin.page.locator("details.me summary").click()
    admin.send("Light")
    assert admin.page.evaluate(background) != dark
    admin.page.locator("details.me summary").click()
    admin.send("System")
    assert admin.page.evaluate(background) == dark


def test_the_shortcuts_are_shown_by_a_key(admin: Reader) -> None:
    admin.page.keyboard.press("?")
    assert admin.page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
    admin.page.keyboard.press("Escape")
    assert not admin.page.get_by_role("dialog").is_visible()


def test_what_is_not_there_says_so(admin: Reader) -> None:
    admin.go("/t/nowhere/keys")
    assert "nothing at this address" in admin.text
    admin.look("not-here")


def test_after_the_logout_the_session_is_over(admin: Reader, keywright: Keywright) -> None:
    cookie = next(one for one in admin.context.cookies() if one["name"] == "kw_session")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", False)
    admin.page.locator("details.me summary").click()
    admin.button("Log out").click()
    assert admin.page.url.endswith("/login")
    with httpx2.Client(cookies={"kw_session": cookie["value"]}) as client:
        assert client.get(f"{keywright.url}/account").headers["location"].startswith("/login")


def test_a_form_of_another_site_is_refused(admin: Reader, keywright: Keywright) -> None:
    token = next(one for one in admin.context.cookies() if one["name"] == "kw_session")["value"]
    with httpx2.Client(cookies={"kw_session": token}, base_url=keywright.url) as client:
        for headers in ({}, {"sec-fetch-site": "cross-site"}, {"origin": "https://example.org"}):
            answer = client.post("/logout", headers=headers)
            assert (answer.status_code, "not from a page of this login" in answer.text) == (403, True)
        assert client.get("/account").status_code == 200
