"""The first login with the password that the server printed: it leads to choosing another, and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.console.factors import fill_in
from tests.console.reader import reading
from tests.support.keywright import ADMIN, ROOT, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

CHOSEN = "a-password-of-my-own"


@pytest.fixture(scope="module")
def keywright() -> Iterator[Keywright]:
    with served(KEYWRIGHT_ADMIN_PASSWORD=None) as running:
        yield running


def printed(keywright: Keywright) -> tuple[str, str]:
    """The address and the password in the server's output."""
    found = re.search(
        r"Open (\S+) and log in:\n\n  user      admin\n  password  (\S+)", keywright.process.output()
    )
    assert found is not None, keywright.process.output()
    return found[1], found[2]


def test_the_printed_password_leads_to_ones_own(reader: Reader, keywright: Keywright) -> None:
    address, password = printed(keywright)
    assert address == keywright.url
    reader.page.goto(address)
    reader.arrive("/login")
    fill_in(reader, ADMIN, password)
    reader.page.get_by_role("heading", name="Choose your password").wait_for()
    reader.look("first-login")
    for path in ("/", "/t/default/keys?state=active", "/account", "/switch"):
        reader.go(path)
        assert reader.page.get_by_role("heading", name="Choose your password").is_visible()

    def send(old: str, new: str) -> None:
        reader.page.get_by_label("The printed password").fill(old)
        reader.page.get_by_label("New password", exact=True).fill(new)
        reader.page.get_by_label("The new password again").fill(new)
        with reader.page.expect_navigation():
            reader.button("Set the password and go on").click()

    reader.go("/t/default/keys?state=active")
    send(password, password)
    assert "The new password is the old one." in reader.text
    send("mistyped", CHOSEN)
    assert "This is not your password." in reader.text
    reader.look("first-login-wrong")
    send(password, CHOSEN)
    reader.arrive("/t/default/keys?state=active")
    assert "Your password is changed." in reader.notice
    reader.go("/account")
    assert "How you log in" in reader.text
    assert [word for word in (password, CHOSEN) if word in keywright.process.errors()] == []


def test_what_programs_call_is_not_in_the_way_of_it(browser: Browser) -> None:
    with served(KEYWRIGHT_ADMIN_PASSWORD=None) as keywright:
        _, password = printed(keywright)
        wanted = {"login": ADMIN, "password": password}
        token = keywright.rest("POST", "/v1/sessions", wanted)["token"]
        assert keywright.rest("GET", "/v1/whoami", token=token)["password_change_due"] is True
        assert keywright.rest("GET", "/v1/keys", token=token)["items"] == []
        assert keywright.rest("GET", "/v1/whoami", token=ROOT)["password_change_due"] is False
        with reading(browser, keywright.url, java_script_enabled=False) as reader:
            reader.go("/")
            fill_in(reader, ADMIN, password)
            assert "Choose your password" in reader.text
            reader.button("Log out").click()
            assert reader.page.url.endswith("/login")
            change = {"old_password": password, "new_password": CHOSEN}
            keywright.rest("PUT", "/v1/password", change, token=token)
            fill_in(reader, ADMIN, CHOSEN)
            assert reader.page.url.endswith("/t/default/keys")
