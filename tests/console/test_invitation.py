"""The page of an invitation's link: its token is in no request but the one that accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.console.reader import ROOT, reading
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

ASSETS = ROOT / "src/keywright/console/assets"
CHOSEN = "another-password-of-the-tests"


def invited(keywright: Keywright, tenant: str = "default", **fields: Any) -> str:
    """The link of a new invitation to be a member."""
    wanted = {"name": "Ada Lovelace", "memberships": [{"role": "member"}], **fields}
    link: str = keywright.rest("POST", "/v1/invitations", wanted, tenant=tenant)["link"]
    return link


def accept(reader: Reader, password: str, again: str | None = None, login: str | None = None) -> None:
    if login is not None:
        reader.page.get_by_label("Login name").fill(login)
    reader.page.get_by_label("Password", exact=True).fill(password)
    reader.page.get_by_label("The same password again").fill(password if again is None else again)
    reader.button("Accept", exact=True).click()


def test_somebody_new_comes_in(reader: Reader, keywright: Keywright) -> None:
    link = invited(keywright, login="ada")
    token = link.partition("#")[2]
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.page.goto(link)
    reader.look("invitation")
    assert reader.page.url == f"{keywright.url}/invitations/accept"
    accept(reader, CHOSEN, "something else")
    reader.page.get_by_text("This is not the same password.").wait_for()
    accept(reader, "password1234")
    reader.page.get_by_text("among those that are tried first").wait_for()
    reader.look("invitation-wrong")
    accept(reader, CHOSEN)
    reader.page.get_by_text("You belong to default. Your login name is ada.").wait_for()
    reader.look("invitation-accepted")
    reader.button("Log in").click()
    reader.arrive("/t/default/keys")
    assert [url for url in asked if token in url] == []
    written = keywright.process.errors()
    assert [word for word in (token, CHOSEN) if word in written] == []


def test_a_login_name_of_ones_own_is_chosen(reader: Reader, keywright: Keywright) -> None:
    reader.page.goto(invited(keywright))
    accept(reader, CHOSEN)
    reader.page.get_by_text("Choose a login name.").wait_for()
    accept(reader, CHOSEN, login="admin")
    reader.page.get_by_text("Another person has this login name.").wait_for()
    accept(reader, CHOSEN, login="grace")
    reader.page.get_by_text("Your login name is grace.").wait_for()


def test_a_link_works_once(browser: Browser, keywright: Keywright) -> None:
    link = invited(keywright, login="bea")
    for expected in ("Your login name is bea.", "The invitation was accepted before"):
        with reading(browser, keywright.url) as reader:
            reader.page.goto(link)
            accept(reader, CHOSEN)
            reader.page.get_by_text(expected).wait_for()


def test_a_link_without_its_token_says_so(reader: Reader) -> None:
    reader.go("/invitations/accept")
    reader.page.get_by_text("This address holds no invitation").wait_for()
    assert not reader.page.get_by_label("Password", exact=True).is_visible()
    reader.look("invitation-none")


def test_who_is_logged_in_joins_by_a_click(reader: Reader, keywright: Keywright) -> None:
    keywright.tenant("shop")
    keywright.person("cyd", "default")
    reader.log_in("cyd")
    link = invited(keywright, tenant="shop")
    reader.page.goto(link)
    reader.button("Accept as Cyd").wait_for()
    reader.look("invitation-join")
    reader.button("Accept as Cyd").click()
    reader.arrive("/t/shop/keys")
    assert "You are member in shop." in reader.notice
    reader.page.goto(link)
    reader.button("Accept as Cyd").click()
    reader.page.get_by_text("The invitation was accepted before").wait_for()
    reader.page.goto(invited(keywright, tenant="shop"))
    reader.button("Accept as Cyd").click()
    reader.page.get_by_text("You held all of it in shop already.").wait_for()


def test_a_link_for_a_new_password(reader: Reader, keywright: Keywright) -> None:
    dan = keywright.person("dan", "default")
    reader.log_in("dan")
    link = keywright.rest("POST", f"/v1/users/{dan['id']}/reset", {})["link"]
    reader.page.goto(link)
    reader.button("Accept as Dan").click()
    reader.page.get_by_text("This link sets a new password").wait_for()
    reader.page.goto(link)
    reader.button("The link is for a new password").click()
    accept(reader, CHOSEN)
    reader.page.get_by_text("Your login name is dan.").wait_for()
    reader.button("Log in").click()
    reader.arrive("/t/default/keys")
    refused = keywright.http.post(f"{keywright.url}/v1/sessions", json={"login": "dan", "password": PASSWORD})
    assert refused.status_code == 401


def test_the_page_keeps_no_token_and_sends_nothing_by_itself() -> None:
    source = (ASSETS / "invitation.js").read_text("utf-8")
    assert 'fetch("/v1/invitations/accept"' in source
    assert 'history.replaceState(null, "", location.pathname)' in source
    assert 'credentials: "omit"' in source
    for kept in ("localStorage", "sessionStorage", "cookie", "innerHTML"):
        assert kept not in source


def test_without_script_it_says_what_else_there_is(browser: Browser, keywright: Keywright) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.page.goto(invited(keywright))
        assert "keywright invitations accept" in reader.text
        assert not reader.button("Accept", exact=True).is_visible()
