"""The account: sessions and the ways to log in, each changed by who is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.console.codes import codes_in
from tests.console.factors import App, device, fill_in, with_app
from tests.console.reader import reading
from tests.support.keywright import PASSWORD, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

CHOSEN = "another-password-of-the-tests"


@pytest.fixture(scope="module")
def keywright() -> Iterator[Keywright]:
    """A server that is reached by a name, since browsers make passkeys for no bare IP address."""
    with served(host="localhost") as running:
        yield running


def person(reader: Reader, keywright: Keywright, login: str, tenant: str = "default") -> Any:
    """Somebody new, logged in and looking at the account."""
    made = keywright.person(login, tenant)
    reader.log_in(login)
    reader.go("/account")
    return made


def row(reader: Reader, heading: str) -> Any:
    return reader.page.locator(".rows > li").filter(has=reader.page.locator("b", has_text=heading))


def token_of(reader: Reader) -> str:
    return next(one["value"] for one in reader.context.cookies() if one["name"] == "kw_session")


def test_sessions_are_listed_and_ended(reader: Reader, keywright: Keywright, browser: Browser) -> None:
    person(reader, keywright, "ada")
    with reading(browser, keywright.url) as other:
        other.log_in("ada")
        reader.go("/account")
        rows = reader.page.locator("tbody tr")
        assert rows.count() == 2
        assert rows.filter(has_text="this one").count() == 1
        assert "password" in rows.first.inner_text()
        reader.look("account-sessions")
        rows.filter(has_not_text="this one").get_by_role("link", name="End").click()
        reader.page.get_by_role("dialog").wait_for()
        assert "is asked to log in at the next click" in reader.page.get_by_role("dialog").inner_text()
        reader.look("account-end-session")
        reader.button("End the session").click()
        reader.page.get_by_text("The session has ended").wait_for()
        assert reader.page.locator("tbody tr").count() == 1
        other.go("/account")
        assert "Your session has ended" in other.text


def test_all_other_sessions_end_at_once(reader: Reader, keywright: Keywright) -> None:
    person(reader, keywright, "bea")
    for _ in range(9):
        keywright.session("bea")
    reader.go("/account")
    reader.link("End all others").click()
    dialog = reader.page.get_by_role("dialog")
    dialog.wait_for()
    assert "9 sessions of yours will end" in dialog.inner_text()
    assert "and 3 more" in dialog.inner_text()
    reader.look("account-end-others")
    reader.button("End them").click()
    reader.page.get_by_text("9 other sessions ended.").wait_for()
    assert reader.link("End all others").count() == 0


def test_one_ends_ones_own_session(reader: Reader, keywright: Keywright) -> None:
    person(reader, keywright, "cyd")
    reader.page.locator("tbody tr").get_by_role("link", name="End").click()
    reader.page.get_by_text("you will be logged out here").wait_for()
    reader.button("End the session").click()
    reader.arrive("/login")


def test_many_sessions_stand_on_several_pages(reader: Reader, keywright: Keywright) -> None:
    person(reader, keywright, "dan")
    for _ in range(24):
        keywright.session("dan")
    reader.go("/account")
    assert reader.page.locator("tbody tr").count() == 20
    reader.link("Next page").click()
    reader.page.wait_for_url("**cursor=**")
    assert reader.page.locator("tbody tr").count() == 5
    reader.link("First page").click()
    reader.arrive("/account")


def test_what_ends_sessions_is_shown_as_code(reader: Reader, keywright: Keywright) -> None:
    person(reader, keywright, "eve")
    for form in ("run_curl", "run_graphql", "run_cli"):
        keywright.session("eve")
        newest = keywright.rest("GET", "/v1/sessions", token=token_of(reader))["items"][0]["id"]
        reader.go(f"/account/sessions/{newest}/end")
        codes = codes_in(reader.page.locator("main"), keywright.url, token_of(reader))
        assert token_of(reader) not in reader.page.content()
        getattr(codes, form)()
        left = keywright.rest("GET", "/v1/sessions", token=token_of(reader))["items"]
        assert newest not in [one["id"] for one in left]
    reader.go("/account/sessions/end-others")
    codes = codes_in(reader.page.locator("main"), keywright.url, token_of(reader))
    for run in (codes.run_curl, codes.run_graphql, codes.run_cli):
        keywright.session("eve")
        run()
        assert len(keywright.rest("GET", "/v1/sessions", token=token_of(reader))["items"]) == 1


def test_somebody_elses_session_is_not_there(reader: Reader, keywright: Keywright) -> None:
    person(reader, keywright, "fay")
    keywright.person("gil", "default")
    token = keywright.session("gil")
    theirs = keywright.rest("GET", "/v1/sessions", token=token)["items"][0]["id"]
    reader.go(f"/account/sessions/{theirs}/end")
    assert "nothing at this address" in reader.text


def test_the_password_is_changed(reader: Reader, keywright: Keywright) -> None:
    person(reader, keywright, "hal")
    keywright.session("hal")
    row(reader, "Password").get_by_role("link", name="Change").click()

    def send(old: str, new: str, again: str) -> None:
        reader.page.get_by_label("Your password now").fill(old)
        reader.page.get_by_label("New password", exact=True).fill(new)
        reader.page.get_by_label("The new password again").fill(again)
        with reader.page.expect_navigation():
            reader.button("Change the password").click()
        assert [word for word in (old, new) if word in reader.page.content()] == []

    reader.look("account-password")
    send("not mine at all", CHOSEN, CHOSEN)
    assert "This is not your password." in reader.text
    send(PASSWORD, CHOSEN, f"{CHOSEN}s")
    assert "This is not the same password." in reader.text
    send(PASSWORD, "password1234", "password1234")
    assert reader.page.locator("#e-new_password").is_visible()
    reader.look("account-password-wrong")
    send(PASSWORD, CHOSEN, CHOSEN)
    assert "Your password is changed. 1 other session of yours ended." in reader.notice
    reader.page.locator("details.me summary").click()
    reader.button("Log out").click()
    fill_in(reader, "hal", CHOSEN)
    reader.arrive("/t/default/keys")


def test_an_app_is_set_up_and_taken_away(reader: Reader, keywright: Keywright) -> None:
    person(reader, keywright, "ida")
    reader.look("account-plain")
    row(reader, "Authenticator app").get_by_role("button", name="Set up").click()
    code = reader.page.get_by_label("Code", exact=True)
    code.wait_for()
    assert code.evaluate("one => one === document.activeElement")
    reader.look("account-app")
    app = App(reader.page.locator(".scan .secret code").inner_text())
    reader.page.get_by_label("Code", exact=True).fill("000000")
    reader.button("Turn it on").click()
    reader.page.get_by_text("This code is not right").wait_for()
    assert reader.page.locator(".qr svg").is_visible()
    reader.page.get_by_label("Code", exact=True).fill(app.code())
    reader.button("Turn it on").click()
    reader.page.get_by_role("heading", name="Your recovery codes").wait_for()
    reader.look("account-recovery-codes")
    codes = reader.page.locator(".codes code").inner_text().split()
    assert len(set(codes)) == 10
    reader.page.keyboard.press("Escape")
    assert reader.page.locator(".codes").is_visible()
    with reader.page.expect_download() as downloaded:
        reader.button("Download").click()
    assert [code for code in codes if code not in downloaded.value.path().read_text("utf-8")] == []
    reader.link("I have kept them").click()
    reader.page.get_by_text("10 left").wait_for()
    reader.look("account-guarded")

    reader.context.clear_cookies()
    reader.go("/login?next=/account")
    fill_in(reader, "ida")
    reader.page.get_by_label("Code of the app").fill(app.code())
    reader.button("Log in", exact=True).click()
    reader.arrive("/account")
    assert "password and code of the app" in reader.text
    row(reader, "Authenticator app").get_by_role("link", name="Take away").click()
    reader.page.get_by_text("It is your last second factor").wait_for()
    reader.look("account-remove-app")
    reader.button("Take the app away").click()
    reader.page.get_by_text("The authenticator app is taken away").wait_for()
    assert row(reader, "Recovery codes").count() == 0


def test_recovery_codes_are_renewed(reader: Reader, keywright: Keywright) -> None:
    keywright.person("joe", "default")
    app, codes = with_app(keywright, "joe")
    reader.go("/login?next=/account")
    fill_in(reader, "joe")
    reader.page.get_by_label("Code of the app").fill(app.code())
    reader.button("Log in", exact=True).click()
    reader.link("Make new ones").click()
    reader.page.get_by_text("The 10 codes that are left").wait_for()
    reader.look("account-renew-codes")
    reader.button("Make ten new codes").click()
    reader.page.get_by_role("heading", name="Your recovery codes").wait_for()
    renewed = reader.page.locator(".codes code").inner_text().split()
    assert len(renewed) == 10
    assert not set(renewed) & set(codes)
    reader.link("I have kept them").click()
    reader.arrive("/account")
    assert [code for code in renewed if code in reader.page.content()] == []


def test_a_passkey_is_added_renamed_used_and_taken_away(reader: Reader, keywright: Keywright) -> None:
    steering, authenticator = device(reader)
    person(reader, keywright, "kim")
    reader.link("Add", exact=True).click()
    reader.page.get_by_label("Name", exact=True).fill("Work laptop")
    reader.look("account-add-passkey")
    reader.button("Ask the device").click()
    reader.page.get_by_text("Work laptop is a passkey of yours").wait_for()
    reader.look("account-passkey")

    reader.link("Rename Work laptop").click()
    reader.page.get_by_label("Name", exact=True).fill("Žlutý notebook")
    reader.look("account-rename-passkey")
    reader.button("Rename").click()
    reader.page.get_by_text("The passkey is called Žlutý notebook").wait_for()

    # By itself, without a name or a password: this browser knows of it, and the device agrees to everything.
    reader.page.locator("details.me summary").click()
    reader.button("Log out").click()
    reader.arrive("/t/default/keys")

    # A browser that knows nothing of it has the button.
    reader.context.clear_cookies()
    reader.page.evaluate("localStorage.clear()")
    reader.go("/login")
    reader.button("Log in with a passkey").click()
    reader.arrive("/t/default/keys")
    reader.go("/account")
    assert "passkey" in reader.page.locator("tbody tr", has_text="this one").inner_text()

    reader.context.clear_cookies()
    reader.page.evaluate("localStorage.clear()")
    reader.go("/login?next=/account")
    fill_in(reader, "kim")
    reader.button("Use a passkey").wait_for()
    reader.look("login-passkey")
    reader.button("Use a passkey").click()
    reader.arrive("/account")
    assert "password and passkey" in reader.text

    reader.link("Take away Žlutý notebook").click()
    reader.page.get_by_text("It is your last second factor").wait_for()
    reader.look("account-remove-passkey")
    reader.button("Take the passkey away").click()
    reader.page.get_by_text("The passkey Žlutý notebook is taken away").wait_for()

    reader.context.clear_cookies()
    reader.page.evaluate("localStorage.clear()")
    reader.go("/login")
    reader.button("Log in with a passkey").click()
    reader.page.locator("#second .notice.bad").wait_for()
    reader.look("login-passkey-refused")
    steering.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})


def test_factors_are_shown_as_code(reader: Reader, keywright: Keywright) -> None:
    device(reader)
    person(reader, keywright, "lea")
    reader.go("/account/passkeys/new")
    reader.page.get_by_label("Name", exact=True).fill('It\'s a "laptop" $HOME')
    reader.button("Ask the device").click()
    reader.page.get_by_text("is a passkey of yours").wait_for()
    token = token_of(reader)

    def codes() -> Any:
        return codes_in(reader.page.locator("main"), keywright.url, token)

    def names() -> list[str]:
        return [one["name"] for one in keywright.rest("GET", "/v1/factors", token=token)["passkeys"]]

    (passkey,) = keywright.rest("GET", "/v1/factors", token=token)["passkeys"]
    reader.go(f"/account/passkeys/{passkey['id']}/rename")
    shown = codes()
    for run in (shown.run_curl, shown.run_graphql, shown.run_cli):
        path = f"/v1/factors/passkeys/{passkey['id']}"
        keywright.rest("PATCH", path, {"name": "Other"}, token=token)
        run()
        assert names() == ['It\'s a "laptop" $HOME']
    reader.go("/account/recovery-codes")
    shown = codes()
    for run in (shown.run_curl, shown.run_graphql, shown.run_cli):
        run()
        assert keywright.rest("GET", "/v1/factors", token=token)["recovery_codes_left"] == 10
    reader.go(f"/account/passkeys/{passkey['id']}/remove")
    codes().run_graphql()
    assert names() == []


@pytest.mark.parametrize("form", ["run_curl", "run_graphql", "run_cli"])
def test_taking_an_app_away_is_shown_as_code(reader: Reader, keywright: Keywright, form: str) -> None:
    login = f"mia-{form[4:]}"
    keywright.person(login, "default")
    app, _ = with_app(keywright, login)
    reader.go("/login?next=/account/app/remove")
    fill_in(reader, login)
    reader.page.get_by_label("Code of the app").fill(app.code())
    reader.button("Log in", exact=True).click()
    reader.arrive("/account/app/remove")
    getattr(codes_in(reader.page.locator("main"), keywright.url, token_of(reader)), form)()
    assert keywright.rest("GET", "/v1/factors", token=token_of(reader))["totp_since"] is None


def test_a_tenant_that_asks_for_a_second_factor_is_named(reader: Reader, keywright: Keywright) -> None:
    keywright.tenant("strict")
    keywright.rest("PATCH", "/v1/tenants/strict", {"settings": {"two_factor_required": True}})
    keywright.person("nan", "strict")
    reader.log_in("nan")
    reader.go("/t/strict/keys")
    reader.link("Set up a second factor").click()
    assert "strict asks for a second factor" in reader.text
    reader.look("account-asked")
    row(reader, "Authenticator app").get_by_role("button", name="Set up").click()
    app = App(reader.page.locator(".scan .secret code").inner_text())
    reader.page.get_by_label("Code", exact=True).fill(app.code())
    reader.button("Turn it on").click()
    reader.link("I have kept them").click()
    reader.page.get_by_text("You have one: log out").wait_for()


def test_without_script_everything_is_a_page(browser: Browser, keywright: Keywright) -> None:
    keywright.person("ole", "default")
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in("ole")
        keywright.session("ole")
        reader.go("/account")
        reader.link("End all others").click()
        reader.button("End it").click()
        assert "1 other session ended." in reader.notice
        reader.button("Set up").click()
        app = App(reader.page.locator(".scan .secret code").inner_text())
        reader.page.get_by_label("Code", exact=True).fill("000000")
        reader.button("Turn it on").click()
        assert "This code is not right" in reader.text
        assert "Your app has the secret already" in reader.text
        reader.page.get_by_label("Code", exact=True).fill(app.code())
        reader.button("Turn it on").click()
        assert len(reader.page.locator(".codes code").inner_text().split()) == 10
        reader.link("I have kept them").click()
        assert "10 left" in reader.text
        reader.go("/account/passkeys/new")
        assert "Browsers make passkeys only with JavaScript" in reader.text


@pytest.mark.parametrize(
    "path",
    [
        "/account/password",
        "/account/confirm",
        "/account/challenge",
        "/account/app",
        "/account/app/code",
        "/account/app/remove",
        "/account/recovery-codes",
        "/account/passkeys/new",
        "/account/passkeys/options",
        "/account/passkeys/pky_1/rename",
        "/account/passkeys/pky_1/remove",
        "/account/sessions/end-others",
        "/account/sessions/ses_1/end",
        "/invitations/join",
        "/logout",
    ],
)
def test_no_form_is_taken_from_another_site(keywright: Keywright, path: str) -> None:
    cookie = {"Cookie": f"kw_session={keywright.session()}"}
    for headers in ({}, {"X-Csrf": "made-up"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = keywright.http.post(f"{keywright.url}{path}", headers={**cookie, **headers})
        assert (answer.status_code, "not from a page of this login" in answer.text) == (403, True)


def test_no_secret_is_in_the_log(keywright: Keywright) -> None:
    written = keywright.process.output() + keywright.process.errors()
    assert '"route": "/account/password"' in written
    assert [word for word in (PASSWORD, CHOSEN) if word in written] == []
