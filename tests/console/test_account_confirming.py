"""Confirming that it is you: what needed a recent login is done after it, with what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.factors import device, logged_in_long_ago, with_app
from tests.console.reader import reading
from tests.support.authenticator import Authenticator
from tests.support.keywright import PASSWORD, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def keywright() -> Iterator[Keywright]:
    with served(host="localhost") as running:
        yield running


def asked(page: Page) -> None:
    page.get_by_role("heading", name="Confirm that it is you").wait_for()


def test_a_dialog_opens_once_one_has_confirmed(reader: Reader, keywright: Keywright) -> None:
    ada = keywright.person("ada", "default")
    logged_in_long_ago(reader, keywright, ada["id"])
    reader.go("/account")
    assert "nothing: an application logged you in" in reader.text
    reader.button("Set up").click()
    asked(reader.page)
    reader.look("confirm")
    reader.page.get_by_label("Password", exact=True).fill("not this one")
    reader.button("Confirm", exact=True).click()
    reader.page.get_by_text("This is not your password.").wait_for()
    reader.look("confirm-wrong")
    reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
    reader.button("Confirm", exact=True).click()
    reader.page.get_by_role("heading", name="Set up an authenticator app").wait_for()
    assert reader.page.locator(".qr svg").is_visible()
    assert reader.page.get_by_role("dialog").count() == 1


def test_a_dialog_that_is_only_looked_at_opens_too(reader: Reader, keywright: Keywright) -> None:
    device(reader)
    bea = keywright.person("bea", "default")
    logged_in_long_ago(reader, keywright, bea["id"])
    reader.go("/account")
    reader.link("Add", exact=True).click()
    asked(reader.page)
    reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
    reader.button("Confirm", exact=True).click()
    reader.page.get_by_label("Name", exact=True).fill("A phone")
    reader.button("Ask the device").click()
    reader.page.get_by_text("A phone is a passkey of yours").wait_for()

    # With the passkey alone, and no password typed.
    logged_in_long_ago(reader, keywright, bea["id"])
    reader.go("/account")
    reader.link("Take away A phone").click()
    asked(reader.page)
    reader.look("confirm-passkey")
    reader.button("Use a passkey").click()
    reader.page.get_by_text("It is your last second factor").wait_for()


def test_a_code_goes_with_the_password(reader: Reader, keywright: Keywright) -> None:
    cyd = keywright.person("cyd", "default")
    app, codes = with_app(keywright, "cyd")
    logged_in_long_ago(reader, keywright, cyd["id"])
    reader.go("/account/app/remove")
    asked(reader.page)
    reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
    with reader.page.expect_navigation():
        reader.button("Confirm", exact=True).click()
    assert "with a second factor" in reader.text
    reader.look("confirm-code")
    reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
    reader.page.get_by_label("Code of the app").fill(app.shown())
    with reader.page.expect_navigation():
        reader.button("Confirm", exact=True).click()
    assert "This code was used already" in reader.text
    reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
    reader.page.get_by_text("The device is lost").click()
    reader.page.get_by_label("Recovery code").fill(codes[0])
    reader.button("Confirm", exact=True).click()
    reader.arrive("/account/app/remove")
    assert "It is your last second factor" in reader.text


def test_without_script_it_is_done_after_it_too(browser: Browser, keywright: Keywright) -> None:
    dan = keywright.person("dan", "default")
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        logged_in_long_ago(reader, keywright, dan["id"])
        reader.go("/account")
        reader.button("Set up").click()
        assert "it is done as you filled it in" in reader.text
        reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
        reader.button("Confirm", exact=True).click()
        assert reader.page.locator(".qr svg").is_visible()
        assert PASSWORD not in reader.page.content()


SEND = """([path, csrf, name]) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = path;
    for (const [key, value] of [["csrf", csrf], ["name", name], ["name", "second"], ["more", "two\\nlines"]]) {
        const field = document.createElement("textarea");
        field.name = key;
        field.value = value;
        form.append(field);
    }
    document.body.append(form);
    form.submit();
}"""


def test_a_form_is_sent_again_as_it_was_typed(reader: Reader, keywright: Keywright) -> None:
    fay = keywright.person("fay", "default")
    token = keywright.session("fay")
    options = keywright.rest("POST", "/v1/factors/passkeys/options", token=token)["options"]
    made = {"name": "Old", "credential": Authenticator(keywright.url).create(options)}
    passkey = keywright.rest("POST", "/v1/factors/passkeys", made, token=token)
    keywright.rest("POST", "/v1/factors/recovery-codes", token=token)
    logged_in_long_ago(reader, keywright, fay["id"])
    reader.go("/account")
    csrf = reader.page.locator("input[name=csrf]").first.input_value()
    name = 'Žlutý "notebook" & <b>'
    reader.page.evaluate(SEND, [f"/account/passkeys/{passkey['id']}/rename", csrf, name])
    asked(reader.page)
    assert reader.page.locator("input[name=name]").first.input_value() == name
    assert reader.page.locator("input[name=more]").input_value().split() == ["two", "lines"]
    reader.look("confirm-page")
    reader.page.get_by_label("Password", exact=True).fill(PASSWORD)
    codes = keywright.rest("POST", "/v1/factors/recovery-codes", token=token)["recovery_codes"]
    reader.page.get_by_text("The device is lost").click()
    reader.page.get_by_label("Recovery code").fill(codes[0])
    reader.button("Confirm", exact=True).click()
    reader.arrive("/account")
    assert f"The passkey is called {name}." in reader.notice


def test_what_is_secret_in_a_form_is_not_put_into_the_page(browser: Browser, keywright: Keywright) -> None:
    eve = keywright.person("eve", "default")
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        logged_in_long_ago(reader, keywright, eve["id"])
        held = next(one["value"] for one in reader.context.cookies() if one["name"] == "kw_session")
        reader.go("/account/password")
        csrf = reader.page.locator("main input[name=csrf]").first.input_value()
        answer = keywright.http.post(
            f"{keywright.url}/account/app/code",
            data={"csrf": csrf, "code": "123987"},
            headers={"Cookie": f"kw_session={held}", "Referer": f"{keywright.url}/account"},
        )
        assert answer.status_code == 403
        assert "Confirm that it is you" in answer.text
        assert "123987" not in answer.text
        assert 'name="confirm_lost"' in answer.text
        fields = {
            "csrf": csrf,
            "confirm_password": PASSWORD,
            "confirm_to": "/account/app/code",
            "confirm_back": "/account",
            "confirm_lost": "1",
        }
        done = keywright.http.post(
            f"{keywright.url}/account/confirm",
            data=fields,
            headers={"Cookie": f"kw_session={held}"},
        )
        assert (done.status_code, done.headers["location"]) == (303, "/account")


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org", "/\\example.org"])
def test_a_form_goes_to_no_other_host(keywright: Keywright, browser: Browser, elsewhere: str) -> None:
    with reading(browser, keywright.url) as reader:
        reader.log_in()
        csrf = reader.page.locator("input[name=csrf]").first.input_value()
        cookie = next(one["value"] for one in reader.context.cookies() if one["name"] == "kw_session")
    fields = {"csrf": csrf, "confirm_password": PASSWORD, "confirm_to": elsewhere, "confirm_again": "1"}
    answer = keywright.http.post(
        f"{keywright.url}/account/confirm", data=fields, headers={"Cookie": f"kw_session={cookie}"}
    )
    assert (answer.status_code, answer.headers["location"]) == (307, "/")
