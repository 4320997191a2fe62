"""The nodes: how each stands, what the one that answers does, and figures that come anew."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from keywright.core.ids import new_id
from tests.console.codes import codes_in
from tests.console.reader import reading
from tests.support.keywright import ROOT, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the server's database."""
    return tmp_path_factory.mktemp("nodes") / "keywright.db"


@pytest.fixture(scope="module")
def keywright(file: Path) -> Iterator[Keywright]:
    """A server on a database that a test writes into, as a node does that is nowhere else."""
    with served(KEYWRIGHT_DATABASE_URL=f"sqlite:///{file}") as running:
        yield running


def test_each_is_shown_with_its_lease_and_what_the_words_mean(admin: Reader, keywright: Keywright) -> None:
    token = keywright.key("default", "read_only")["token"]
    for _ in range(20):
        keywright.verdict(token)
    admin.go("/nodes")
    row = admin.page.locator("tr[data-row]")
    assert row.count() == 1
    said = row.inner_text()
    assert "serving" in said
    assert "newest" in said
    assert " of 3 s" in said
    assert "answers nothing from memory" in admin.text
    figures = admin.page.locator(".own .facts").inner_text()
    assert "20" in figures
    assert "95.0 %" in figures or "90.0 %" in figures
    admin.look("nodes")
    codes = codes_in(admin.page.locator("main"), keywright.url, ROOT)
    assert len(codes.run_curl()["items"]) == 1
    assert codes.run_graphql()["nodes"][0]["state"] == "SERVING"
    assert "serving" in codes.run_cli()


def test_the_figures_come_anew_while_somebody_looks(admin: Reader, keywright: Keywright) -> None:
    admin.go("/nodes")
    row = admin.page.locator("tr[data-row]").first.element_handle()
    number = admin.page.locator("tr[data-row] td.n").first
    before = number.inner_text().split()[0]
    made = keywright.key("default", "read_only")["key"]["id"]
    keywright.rest("DELETE", f"/v1/keys/{made}", tenant="default")
    admin.page.locator("tr[data-row] td.n", has_text=re.compile(rf"^(?!{before}\b)\d")).wait_for()
    assert row is not None
    assert row.evaluate("one => one.isConnected"), "the row is the same one, so that nothing jumps"
    admin.page.get_by_text("over the last minute").wait_for()


def test_nothing_is_asked_while_nobody_looks(admin: Reader) -> None:
    admin.go("/nodes")
    asked: list[str] = []
    admin.page.on("request", lambda request: "hx-request" in request.headers and asked.append(request.url))
    admin.page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    other = admin.context.new_page()
    other.goto(f"{admin.url}/nodes")
    with other.expect_request(lambda request: "hx-request" in request.headers):
        pass  # so long as this takes, the hidden one would have asked too
    assert asked == []
    other.close()
    with admin.page.expect_request(lambda request: request.url.endswith("/nodes")):
        admin.page.evaluate(
            "Object.defineProperty(document, 'hidden', {value: false, configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )


def test_one_that_stands_still_is_late_and_then_gone(admin: Reader, keywright: Keywright, file: Path) -> None:
    key = keywright.key("default", "member")["key"]
    keywright.rest("DELETE", f"/v1/keys/{key['id']}", tenant="default")  # of which it has not heard
    now = time.time_ns() // 1000
    node = {
        "id": new_id("nod"),
        "name": "billing-worker-with-quite-a-long-name.eu-central-1.internal",
        "kind": "embedded",
        "version": "0.0.9",
        "started_at": now - 3_600_000_000,
        "renewed_at": now - 60_000_000,
        "beat": 7,
        "applied": 0,
        "lease_us": 200_000,
        "grace_us": 0,
    }
    with closing(sqlite3.connect(file)) as database, database:
        marks = ", ".join("?" for _ in node)
        database.execute(f"INSERT INTO node ({', '.join(node)}) VALUES ({marks})", list(node.values()))
    admin.go("/nodes")
    row = admin.page.locator(f"#{node['id']}")
    assert "inside an application" in row.inner_text()
    assert "late" in row.inner_text()
    assert "behind" in row.inner_text()
    admin.look("nodes-late")
    row.get_by_text("gone").wait_for()
    admin.look("nodes-gone")
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM node WHERE id = ?", [node["id"]])
    row.wait_for(state="detached")


def test_who_watches_the_installation_may_see_them(reader: Reader, keywright: Keywright) -> None:
    made = keywright.person("watches")
    keywright.rest("POST", "/v1/memberships", {"identity_id": made["id"], "role": "monitor"}, tenant="*")
    reader.log_in("watches")
    reader.go("/nodes")
    assert "serving" in reader.text
    assert reader.page.locator("main form").count() == 0


def test_who_is_of_one_tenant_may_not(reader: Reader, keywright: Keywright) -> None:
    keywright.person("owns", "default", "admin")
    reader.log_in("owns")
    assert reader.link("Nodes").count() == 0
    reader.go("/nodes")
    assert "nothing at this address" in reader.text


def test_without_javascript_it_is_a_page_as_any(browser: Browser, keywright: Keywright) -> None:
    with reading(browser, keywright.url, java_script_enabled=False) as reader:
        reader.log_in()
        reader.go("/nodes")
        assert "serving" in reader.text
