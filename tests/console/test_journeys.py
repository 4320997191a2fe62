"""Every page of the console: what a reader is offered there, what another tenant sees of it, and it without JavaScript.

They go over `console.door.PAGES`, so that a new page fails here until `tests/console/world.py` knows its variables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest

from keywright.console.cookies import SESSION, TENANT
from keywright.console.routing import Open
from keywright.core.identities import Grant, role_set
from keywright.core.roles import READ_ONLY
from tests.console.reader import reading
from tests.console.world import BY_SCRIPT, Offered, is_elsewhere, made, name_of, page_at, pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from keywright.console.routing import Page
    from tests.console.world import Tenant
    from tests.support.keywright import Keywright

GETS = pages("GET")
POSTS = pages("POST")
WITHIN = [one for one in GETS if one.path.startswith("/t/{tenant}/")]
_IDS = re.compile(r"<code>[0-9a-f]{32}</code>")
_READS = role_set((Grant(READ_ONLY, "ten"),)).policies
_ELSEWHERE = ("/docs", "/graphiql", "/openapi.json", "/assets/")


@dataclass(frozen=True, slots=True)
class World:
    """Two tenants, and people who are logged in: a reader and an administrator of the first, one of everything."""

    mine: Tenant
    theirs: Tenant
    reader: httpx2.Client
    admin: httpx2.Client
    root: httpx2.Client


@pytest.fixture(scope="module")
def world(keywright: Keywright) -> Iterator[World]:
    """Made once for all pages, none of which changes anything here."""
    mine, theirs = made(keywright, "mine"), made(keywright, "theirs")
    keywright.person("reads", "mine", READ_ONLY)
    keywright.person("administers", "mine", "admin")
    clients = [
        httpx2.Client(
            base_url=keywright.url,
            cookies={SESSION: keywright.session(login), TENANT: "mine"},
            headers={"sec-fetch-site": "same-origin"},
            timeout=30,
        )
        for login in ("reads", "administers", "admin")
    ]
    yield World(mine, theirs, *clients)
    for client in clients:
        client.close()


def may(page: Page) -> bool:
    """Whether a reader of a tenant may open a page or send its form."""
    if isinstance(page.needs, Open):
        return True
    if "{tenant}" not in page.path:
        return False
    return _READS.allows(page.needs) or (page.own is not None and _READS.allows(page.own))


def bare(target: str) -> bool:
    """Whether an address is in an area of a tenant that has no page here beside its list, so that none can lead on."""
    parts = target.partition("?")[0].split("/")
    area = f"/t/{{tenant}}/{parts[3]}" if parts[1] == "t" and len(parts) > 3 else target
    return sum(one.path == area or one.path.startswith(f"{area}/") for one in GETS) < 2


def test_each_address_and_method_leads_to_one_page() -> None:
    for found in (GETS, POSTS):
        assert len({one.path for one in found}) == len(found)


@pytest.mark.parametrize("page", GETS, ids=name_of)
def test_a_reader_is_offered_nothing_that_would_be_refused(world: World, page: Page) -> None:
    path = world.mine.at(page)
    answer = world.reader.get(path, follow_redirects=True)
    if not may(page) or is_elsewhere(page):
        assert answer.status_code == 404
        return
    assert answer.status_code == 200, answer.text
    if not answer.headers["content-type"].startswith("text/html"):
        return
    offered = Offered(answer.text, str(answer.url.path))
    assert offered.stray == [], "a button that belongs to no form does nothing"
    for target in offered.posts - BY_SCRIPT:
        found = page_at(target, "POST")
        assert found is not None, f"{path} sends a form to {target}, which takes none"
        assert may(found), f"{path} offers {target}, which needs {found.needs}"
    for target in offered.links:
        if target.startswith(_ELSEWHERE):
            continue
        found = page_at(target, "GET")
        if found is None and bare(target):
            continue
        assert found is not None, f"{path} links to {target}, where nothing is"
        assert may(found), f"{path} links to {target}, which needs {found.needs}"


@pytest.mark.parametrize("page", POSTS, ids=name_of)
def test_a_reader_changes_nothing(world: World, page: Page) -> None:
    if may(page):
        return
    proof = Offered(world.reader.get("/account").text, "/account").proof
    answer = world.reader.post(world.mine.at(page), data={"csrf": proof})
    assert answer.status_code == 404
    assert "nothing at this address" in answer.text


def nothing(client: httpx2.Client, path: str) -> str:
    """The page at an address, without the id of its request; it must be the one where nothing is."""
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 404, (path, answer.status_code)
    assert "nothing at this address" in answer.text
    return _IDS.sub("", answer.text)


@pytest.mark.parametrize("page", WITHIN, ids=name_of)
def test_a_tenant_looks_to_others_as_if_it_were_not_there(world: World, page: Page) -> None:
    theirs = nothing(world.admin, world.theirs.at(page))
    assert theirs == nothing(world.admin, world.theirs.at(page, tenant="nowhere"))
    assert "theirs" not in theirs


@pytest.mark.parametrize("page", [one for one in WITHIN if one.path.count("{") > 1], ids=name_of)
def test_what_is_in_another_tenant_is_not_found_in_ones_own(world: World, page: Page) -> None:
    nothing(world.admin, world.theirs.at(page, tenant="mine"))


@pytest.mark.parametrize("page", [one for one in POSTS if "{" in one.path], ids=name_of)
def test_nothing_of_another_tenant_is_changed(world: World, page: Page) -> None:
    proof = Offered(world.admin.get("/account").text, "/account").proof
    answer = world.admin.post(world.theirs.at(page), data={"csrf": proof})
    assert answer.status_code == 404


@pytest.mark.parametrize("page", [one for one in GETS if one.needs is not Open.ANYBODY], ids=name_of)
def test_who_is_not_logged_in_is_asked_to(keywright: Keywright, world: World, page: Page) -> None:
    answer = keywright.http.get(f"{keywright.url}{world.mine.at(page)}")
    assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")


def test_every_page_works_without_javascript(browser: Browser, keywright: Keywright, world: World) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        for page in (one for one in GETS if not is_elsewhere(one)):
            path = world.mine.at(page)
            looked_at = world.root.get(path, follow_redirects=True)
            if looked_at.status_code == 404:  # some pages are of the installation alone
                path = world.mine.at(page, tenant="*")
                looked_at = world.root.get(path, follow_redirects=True)
            assert looked_at.status_code == 200, (path, looked_at.status_code)
            if not looked_at.headers["content-type"].startswith("text/html"):
                continue
            if "<!doctype html>" not in looked_at.text:
                continue  # a part of a page, for our script alone
            reader.go(path)
            assert reader.page.locator("h1").first.is_visible(), path
            assert reader.page.locator("[data-script]:visible").count() == 0, (
                f"{path} shows what only script can do"
            )
