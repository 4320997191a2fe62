"""A key is shown once: in one place of one page, and nowhere and never again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.console.making import TOKEN, created, leave, pick
from tests.console.reader import reading

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright

NEW = "/t/default/keys/new"
EVERYTHING = "document.documentElement.outerHTML"
STORED = (
    "JSON.stringify([{...localStorage}, {...sessionStorage}, history.state, document.title, location.href])"
)


@pytest.fixture
def maker(admin: Reader) -> Reader:
    """The administrator, with a form of a new key, who may use the clipboard."""
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.go(NEW)
    admin.page.get_by_label("Name", exact=True).fill("Nightly export")
    return admin


def names(keywright: Keywright) -> list[str]:
    return [one["name"] for one in keywright.rest("GET", "/v1/keys?limit=200", tenant="default")["items"]]


def test_the_key_is_shown_in_one_place_alone(maker: Reader, keywright: Keywright) -> None:
    token = created(maker)
    assert TOKEN.fullmatch(token)
    assert maker.page.evaluate(EVERYTHING).count(token) == 1
    assert token not in maker.page.evaluate(STORED)
    assert token not in str(maker.context.cookies())
    assert maker.page.url.endswith(NEW)
    assert keywright.verdict(token) == "VALID"
    log = keywright.process.errors() + keywright.process.output()
    assert "/keys/new" in log
    assert token not in log
    maker.look("create-shown")


def test_the_answer_that_holds_it_is_kept_by_nobody(maker: Reader) -> None:
    with maker.page.expect_response(
        lambda answer: answer.request.method == "POST" and answer.url.endswith(NEW)
    ) as made:
        created(maker)
    assert made.value.headers["cache-control"] == "no-store"


def test_copying_says_that_it_worked_and_then_closing_asks_nothing(maker: Reader) -> None:
    token = created(maker)
    key_id = leave(maker)
    assert maker.page.evaluate("navigator.clipboard.readText()") == token
    assert key_id.startswith("key_")
    assert token not in maker.page.evaluate(EVERYTHING)


def test_closing_asks_where_the_key_was_not_copied(maker: Reader) -> None:
    token = created(maker)
    asks = maker.page.get_by_role("alertdialog", name="The key was not copied")
    for _ in range(3):
        maker.page.keyboard.press("Escape")
        assert asks.is_visible()
        assert maker.page.locator("[data-secret]").inner_text() == token
    maker.look("create-not-copied")
    maker.button("Back to the key").click()
    assert not asks.is_visible()
    maker.link("I have stored it").click()
    assert asks.is_visible()
    maker.link("Close it").click()
    maker.page.wait_for_url(re.compile(r"/keys/key_"))


def test_a_click_beside_it_does_not_close_it(maker: Reader) -> None:
    token = created(maker)
    maker.page.mouse.click(3, 3)
    assert maker.page.locator("dialog[open] [data-secret]").inner_text() == token


def test_leaving_the_page_asks_where_the_key_was_not_copied(maker: Reader) -> None:
    created(maker)
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    maker.page.on("dialog", stay)
    maker.page.reload()
    assert asked == ["beforeunload"]


def test_neither_reload_nor_back_nor_forward_shows_it_again_or_makes_another(
    maker: Reader, keywright: Keywright
) -> None:
    before = len(names(keywright))
    token = created(maker)
    maker.page.on("dialog", lambda dialog: dialog.accept())
    maker.page.reload()
    maker.page.locator("#create").wait_for()
    assert token not in maker.page.evaluate(EVERYTHING)
    maker.page.get_by_label("Name", exact=True).fill("Nightly export")
    token = created(maker)
    maker.go("/account")
    maker.page.go_back()
    maker.page.locator("#create").wait_for()
    assert token not in maker.page.evaluate(EVERYTHING)
    assert maker.page.get_by_role("dialog").count() == 0
    maker.page.go_forward()
    maker.page.wait_for_url(re.compile("/account"))
    assert token not in maker.page.evaluate(EVERYTHING)
    assert len(names(keywright)) == before + 2


def test_a_page_that_comes_back_from_the_browsers_memory_has_no_key_in_it(maker: Reader) -> None:
    token = created(maker)
    # What a browser does that freezes the page, and thaws it as it was.
    maker.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert token not in maker.page.evaluate(EVERYTHING)
    maker.page.on("dialog", lambda dialog: dialog.accept())
    with maker.page.expect_navigation():
        maker.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert maker.page.get_by_role("dialog").count() == 0


def test_two_clicks_make_one_key(maker: Reader, keywright: Keywright) -> None:
    before = len(names(keywright))
    maker.page.evaluate(
        "() => { const go = document.querySelector('#create .btn.go'); go.click(); go.click(); }"
    )
    maker.page.locator("[data-secret]").wait_for()
    assert TOKEN.fullmatch(maker.page.locator("[data-secret]").inner_text())
    assert len(names(keywright)) == before + 1


def test_the_same_form_sent_again_says_what_it_made(maker: Reader, keywright: Keywright) -> None:
    before = len(names(keywright))
    token = created(maker)
    # As after an answer that was lost on its way.
    maker.page.evaluate("document.querySelector('#dialogs').replaceChildren()")
    maker.button("Create key").click()
    dialog = maker.page.get_by_role("dialog", name="This key was made before")
    dialog.wait_for()
    assert "cannot be shown again" in dialog.inner_text()
    assert token not in maker.page.evaluate(EVERYTHING)
    maker.look("create-before")
    assert dialog.get_by_role("link", name="Make one like it").get_attribute("href")
    assert len(names(keywright)) == before + 1


def test_another_form_under_the_same_word_is_no_second_key_by_mistake(
    maker: Reader, keywright: Keywright
) -> None:
    before = len(names(keywright))
    created(maker)
    maker.page.evaluate("document.querySelector('#dialogs').replaceChildren()")
    maker.page.get_by_label("Name", exact=True).fill("Another")
    maker.button("Create key").click()
    maker.page.get_by_text("has made a key already").wait_for()
    assert len(names(keywright)) == before + 1
    # Who has looked, and wants it, makes it with the next click.
    created(maker)
    assert len(names(keywright)) == before + 2


def test_what_is_shown_beside_it_runs(maker: Reader) -> None:
    pick(maker, "keys:read")
    token = created(maker)
    texts = maker.page.locator("dialog pre code").all_text_contents()
    assert not any(token in text for text in texts)
    environment = {"PATH": os.environ["PATH"], "KEYWRIGHT_API_KEY": token}
    curl, python, shell = texts[:3]
    for argv in (["bash", "-c", f"{curl} -sS"], [sys.executable, "-c", python]):
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["identity"]["name"] == "admin"
    read = f"{shell} && {curl} -sS -o /dev/null -w '%{{http_code}}'"
    done = subprocess.run(
        ["bash", "-c", read],
        env={"PATH": os.environ["PATH"]},
        input=f"{token}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "200"


def test_a_digest_of_ones_own_leaves_nothing_to_show(maker: Reader, keywright: Keywright) -> None:
    maker.page.get_by_text("Limits, addresses, metadata").click()
    maker.page.get_by_label("Digest of a token of your own").fill("ab" * 32)
    maker.button("Create key").click()
    maker.page.wait_for_url(re.compile(r"/keys/key_"))
    made = keywright.rest("GET", f"/v1/keys/{maker.page.url.rpartition('/')[2]}", tenant="default")
    assert made["hint"] is None


def test_without_script_it_is_a_page_of_its_own_that_is_not_repeated(
    browser: Browser, keywright: Keywright
) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go(NEW)
        reader.page.get_by_label("Name", exact=True).fill("Without script")
        before = len(names(keywright))
        reader.button("Create key").click()
        token = reader.page.locator("[data-secret]").inner_text()
        assert keywright.verdict(token) == "VALID"
        assert reader.page.content().count(token) == 1
        reader.page.screenshot(path=".screens/create-shown-plain.png")
        reader.page.reload()
        assert "cannot be shown again" in reader.text
        assert token not in reader.page.content()
        assert len(names(keywright)) == before + 1


def test_a_form_that_was_sent_by_another_site_makes_nothing(maker: Reader, keywright: Keywright) -> None:
    session = next(one for one in maker.context.cookies() if one["name"] == "kw_session")["value"]
    before = len(names(keywright))
    with httpx2.Client(cookies={"kw_session": session}) as client:
        answer = client.post(f"{keywright.url}{NEW}", data={"name": "Sneaky"})
    assert (answer.status_code, len(names(keywright))) == (403, before)
