"""Single sign-on in the browser, with a real provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.console.reader import reading
from tests.support.keywright import served
from tests.support.provider import AUTHORIZE, TOKEN, IdentityProvider, Reply, identity_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        provider.person["groups"] = ["staff"]
        yield provider


@pytest.fixture(scope="module")
def keywright(idp: IdentityProvider) -> Iterator[Keywright]:
    with served(
        host="localhost",
        KEYWRIGHT_OIDC_ISSUER=idp.issuer,
        KEYWRIGHT_OIDC_CLIENT_ID=idp.client_id,
        KEYWRIGHT_OIDC_CLIENT_SECRET=idp.client_secret,
        KEYWRIGHT_OIDC_ROLES=json.dumps([{"group": "staff", "role": "member", "tenant": "default"}]),
    ) as running:
        yield running


def test_one_comes_in_through_the_provider_and_goes_on(reader: Reader, keywright: Keywright) -> None:
    reader.go("/account")
    reader.look("login-sign-on")
    reader.link("Log in with single sign-on").click()
    reader.arrive("/account")
    assert "single sign-on" in reader.page.locator("tbody tr").first.inner_text()
    assert "You have none: you come in by single sign-on or a passkey." in reader.text
    names = {one["name"] for one in reader.context.cookies()}
    assert ("kw_flow" in names, "kw_session" in names) == (False, True)
    reader.look("account-sign-on")


def test_from_another_address_one_is_led_to_the_public_one(browser: Browser, keywright: Keywright) -> None:
    other = keywright.url.replace("localhost", "127.0.0.1")
    with reading(browser, other) as reader:
        reader.go("/login?next=/account")
        reader.link("Log in with single sign-on").click()
        reader.page.wait_for_url(f"{keywright.url}/account")


def test_without_script_it_is_the_same(browser: Browser, keywright: Keywright) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.go("/login?next=/account")
        reader.link("Log in with single sign-on").click()
        assert reader.page.url == f"{keywright.url}/account"


def test_what_the_provider_refuses_is_said_above_the_login(
    reader: Reader, keywright: Keywright, idp: IdentityProvider
) -> None:
    back = f"{keywright.url}/sign-on/callback?error=access_denied"
    idp.replies[AUTHORIZE] = Reply(b"", 302, {"Location": back})
    try:
        reader.go("/login/sign-on")
        reader.page.get_by_text("The identity provider did not let you in.").wait_for()
        assert reader.page.url == f"{keywright.url}/login"
        reader.look("login-sign-on-refused")
    finally:
        del idp.replies[AUTHORIZE]
    reader.link("Log in with single sign-on").click()
    reader.arrive("/t/default/keys")


def test_an_answer_that_proves_nothing_logs_nobody_in(
    reader: Reader, keywright: Keywright, idp: IdentityProvider
) -> None:
    idp.claims["nonce"] = "another"
    try:
        reader.go("/login/sign-on")
        reader.page.get_by_text("does not prove who you are").wait_for()
    finally:
        del idp.claims["nonce"]
    assert "kw_session" not in {one["name"] for one in reader.context.cookies()}


def test_a_provider_that_is_away_is_said(reader: Reader, idp: IdentityProvider) -> None:
    idp.replies[TOKEN] = Reply(b"", 500)
    try:
        reader.go("/login/sign-on")
        reader.page.locator(".notice.bad").wait_for()
        assert "kw_session" not in {one["name"] for one in reader.context.cookies()}
        assert len(reader.complaints) == 1
        assert "503" in reader.complaints.pop()
    finally:
        del idp.replies[TOKEN]


def test_an_answer_is_bound_to_the_browser_that_asked(
    reader: Reader, keywright: Keywright, idp: IdentityProvider
) -> None:
    with httpx2.Client(base_url=keywright.url) as attacker:
        begun = attacker.get("/login/sign-on")
        cookie = begun.headers["set-cookie"]
        assert begun.status_code == 303
        assert ("HttpOnly" in cookie, "SameSite=lax" in cookie) == (True, True)
        answer = idp.log_in(begun.headers["location"])
    reader.page.goto(f"{keywright.url}/sign-on/callback?code={answer['code']}&state={answer['state']}")
    reader.page.get_by_text("This sign-on was not begun here").wait_for()
    assert "kw_session" not in {one["name"] for one in reader.context.cookies()}
    assert answer["code"] not in keywright.process.errors()


@pytest.mark.parametrize("kept", ["", "nothing", "kwf_x.%%%", "kwf_x.aHR0cHM6Ly9leGFtcGxlLm9yZw=="])
def test_a_cookie_that_is_no_flow_is_refused(keywright: Keywright, kept: str) -> None:
    answer = httpx2.get(
        f"{keywright.url}/sign-on/callback?code=a&state=b", headers={"Cookie": f"kw_flow={kept}"}
    )
    assert (answer.status_code, "kw_session" in answer.headers.get("set-cookie", "")) == (401, False)


def test_where_no_provider_is_set_up_there_is_no_button(browser: Browser) -> None:
    with served() as keywright, reading(browser, keywright.url) as reader:
        reader.go("/login")
        assert reader.link("Log in with single sign-on").count() == 0
        reader.go("/login/sign-on")
        assert "nothing at this address" in reader.text
