"""Logging in: by password, with a second factor, again after the end of a session, and not too often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx2
import pytest
from playwright.sync_api import expect

from tests.console.factors import fill_in, with_app
from tests.console.reader import SCREENS, reading
from tests.support.keywright import ADMIN, PASSWORD, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

KEYS = "/t/default/keys"


@pytest.fixture(scope="module")
def keywright() -> Iterator[Keywright]:
    """A server that does not know this machine's address as one: each test has its own, so that none waits."""
    with served(KEYWRIGHT_TRUSTED_PROXIES="127.0.0.0/8") as running:
        yield running


def test_the_password_stays_in_its_field_while_a_code_is_asked_for(
    reader: Reader, keywright: Keywright
) -> None:
    keywright.person("ada", "default")
    app, _ = with_app(keywright, "ada")
    reader.go("/login?next=/account")
    fill_in(reader, "ada")
    code = reader.page.get_by_label("Code of the app")
    code.wait_for()
    assert not reader.page.get_by_label("Password", exact=True).is_visible()
    assert reader.page.locator("#f-password").input_value() == PASSWORD
    assert code.evaluate("one => one === document.activeElement")
    reader.look("login-code")

    code.fill("000000")
    reader.button("Log in", exact=True).click()
    reader.page.get_by_text("This code is not right").wait_for()
    assert not reader.page.get_by_label("Password", exact=True).is_visible()
    reader.look("login-code-wrong")

    reader.page.get_by_label("Code of the app").fill(app.code())
    reader.button("Log in", exact=True).click()
    reader.arrive("/account")


def test_a_code_is_good_once(reader: Reader, keywright: Keywright) -> None:
    keywright.person("bea", "default")
    app, _ = with_app(keywright, "bea")
    reader.go("/login")
    fill_in(reader, "bea")
    reader.page.get_by_label("Code of the app").fill(app.shown())
    reader.button("Log in", exact=True).click()
    reader.page.get_by_text("This code was used already").wait_for()
    reader.page.get_by_label("Code of the app").fill(app.code())
    reader.button("Log in", exact=True).click()
    reader.arrive(KEYS)


def test_a_recovery_code_stands_in_once(reader: Reader, keywright: Keywright) -> None:
    keywright.person("cyd", "default")
    _, codes = with_app(keywright, "cyd")
    for expected in (True, False):
        reader.context.clear_cookies()
        reader.go("/login")
        fill_in(reader, "cyd")
        reader.page.get_by_text("The device is lost").click()
        reader.page.get_by_label("Recovery code").fill(codes[0].upper())
        reader.button("Log in", exact=True).click()
        if expected:
            reader.arrive(KEYS)
        else:
            reader.page.get_by_text("This recovery code was used already").wait_for()
            reader.look("login-recovery-code")


def test_somebody_else_begins_anew(reader: Reader, keywright: Keywright) -> None:
    keywright.person("dan", "default")
    with_app(keywright, "dan")
    reader.go("/login?next=/account")
    fill_in(reader, "dan")
    reader.button("Log in as somebody else").click()
    reader.page.get_by_label("Login name").wait_for()
    assert reader.page.url.endswith("/login?next=%2Faccount")
    assert reader.page.locator("#f-password").input_value() == ""


def test_without_script_the_form_comes_back_without_what_is_secret(
    browser: Browser, keywright: Keywright
) -> None:
    keywright.person("eve", "default")
    app, _ = with_app(keywright, "eve")
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.go("/login?next=/account")
        fill_in(reader, "eve", "not this one")
        assert "do not belong together" in reader.text
        fill_in(reader, "eve")
        assert "The password is right, and a second factor goes with it" in reader.text
        assert reader.page.get_by_label("Login name").input_value() == "eve"
        assert reader.page.get_by_label("Password", exact=True).input_value() == ""
        assert PASSWORD not in reader.page.content()
        reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
        code = app.code()
        reader.page.get_by_label("Code of the app").fill(code)
        reader.button("Log in", exact=True).click()
        assert reader.page.url.endswith("/account")


def test_who_tries_too_often_is_told_when_to_try_again(browser: Browser, keywright: Keywright) -> None:
    keywright.person("fay", "default")
    with reading(browser, keywright.url, extra_http_headers={"X-Forwarded-For": "192.0.2.7"}) as reader:
        reader.go("/login")
        for number in range(8):
            with reader.page.expect_response("**/login") as answered:
                fill_in(reader, "fay", f"wrong number {number}")
            if answered.value.status == 429:
                break
        waiting = int(answered.value.headers["retry-after"])
        said = reader.page.get_by_text("Too many failed attempts")
        said.wait_for()
        assert f"Try again in {waiting} second" in said.inner_text()
        button = reader.page.locator("button[data-login]")
        assert re.fullmatch(r"Log in in \d+ s", button.inner_text())
        assert button.is_disabled()
        expect(button).to_be_enabled(timeout=30_000)
        assert button.inner_text() == "Log in"


def test_the_page_for_who_tries_too_often(browser: Browser, keywright: Keywright) -> None:
    headers = {"X-Forwarded-For": "192.0.2.8"}
    with reading(browser, keywright.url, extra_http_headers=headers, java_script_enabled=False) as reader:
        reader.go("/login")
        for number in range(12):
            fill_in(reader, "nobody", f"wrong number {number}")
            if "Too many failed attempts" in reader.text:
                break
        assert "Too many failed attempts" in reader.text
        reader.page.screenshot(path=SCREENS / "login-wait.png")
        assert reader.page.get_by_label("Password", exact=True).input_value() == ""


def test_a_session_that_ended_leads_to_the_login_and_back(admin: Reader, keywright: Keywright) -> None:
    admin.go("/t/default/keys")
    token = next(one["value"] for one in admin.context.cookies() if one["name"] == "kw_session")
    keywright.rest("DELETE", "/v1/sessions/current", token=token)
    admin.go("/account?cursor=")
    assert "Your session has ended" in admin.text
    admin.look("login-ended")
    fill_in(admin, ADMIN)
    admin.arrive("/account?cursor=")


def test_a_form_and_a_part_of_a_page_lead_back_to_their_page(admin: Reader, keywright: Keywright) -> None:
    admin.go("/account")
    token = next(one["value"] for one in admin.context.cookies() if one["name"] == "kw_session")
    keywright.rest("DELETE", "/v1/sessions/current", token=token)
    admin.button("Set up").click()
    admin.arrive("/login?ended=1&next=/account")


@pytest.mark.parametrize("referrer", ["", "http://[", "https://example.org/keys", "/account"])
def test_a_page_elsewhere_is_not_led_back_to(keywright: Keywright, referrer: str) -> None:
    answer = httpx2.post(f"{keywright.url}/logout", headers={"Referer": referrer})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_a_login_ends_the_session_that_it_replaces_and_renews_every_cookie(
    reader: Reader, keywright: Keywright
) -> None:
    def cookies() -> dict[str, str]:
        return {one["name"]: one["value"] for one in reader.context.cookies()}

    reader.go("/login")
    visit = cookies()["kw_visit"]
    reader.log_in()
    first = cookies()
    assert "kw_visit" not in first
    reader.go("/login")
    assert cookies()["kw_visit"] != visit
    reader.log_in()
    assert cookies()["kw_session"] != first["kw_session"]
    asked = httpx2.get(
        f"{keywright.url}/v1/whoami", headers={"Authorization": f"Bearer {first['kw_session']}"}
    )
    assert asked.status_code == 401


def test_a_key_in_the_cookie_is_left_alone(reader: Reader, keywright: Keywright) -> None:
    key = keywright.key("default", "member")
    reader.context.add_cookies([{"name": "kw_session", "value": key["token"], "url": keywright.url}])
    reader.go("/t/default/keys")
    assert "/login" in reader.page.url
    reader.context.add_cookies([{"name": "kw_session", "value": key["token"], "url": keywright.url}])
    fill_in(reader, ADMIN)
    reader.arrive(KEYS)
    assert keywright.verdict(key["token"]) == "VALID"


@pytest.mark.parametrize("path", ["/login", "/login/challenge"])
def test_a_login_from_another_page_is_refused(keywright: Keywright, path: str) -> None:
    with httpx2.Client(base_url=keywright.url) as client:
        client.get("/login")
        fields = {"login": ADMIN, "password": PASSWORD, "csrf": "made-up"}
        answer = client.post(path, data=fields)
        assert (answer.status_code, "kw_session" in client.cookies) == (403, False)


@pytest.mark.parametrize("answer", ["no json", "[]", '"text"', '{"id": "x"}'])
def test_what_is_no_answer_of_a_passkey_is_refused(reader: Reader, answer: str) -> None:
    reader.go("/login")
    reader.page.evaluate(
        """answer => {
            const form = document.getElementById("passkey-form");
            form.elements.passkey.value = answer;
            form.requestSubmit();
        }""",
        answer,
    )
    reader.page.locator("#second .notice.bad").wait_for()
    assert reader.page.url.endswith("/login")


def test_no_password_is_in_the_log(keywright: Keywright) -> None:
    written = keywright.process.output() + keywright.process.errors()
    assert '"route": "/login"' in written
    assert [word for word in (PASSWORD, "wrong number", "not this one") if word in written] == []
