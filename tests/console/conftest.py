"""A server for each file of tests, a browser for all, and a reader for each test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.console.reader import Reader, reading
from tests.support.browser import OPTIONS, chromium
from tests.support.keywright import Keywright, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each file of these tests stays in one process, with its one server and its one browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(f"console {item.path.stem}"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window; not for longer than a file, since its event loop stands in the way of others."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def keywright() -> Iterator[Keywright]:
    """A server on SQLite with the tenant `default` and the user `admin`."""
    with served() as running:
        yield running


@pytest.fixture
def reader(browser: Browser, keywright: Keywright) -> Iterator[Reader]:
    """Somebody who is not logged in."""
    with reading(browser, keywright.url) as found:
        yield found


@pytest.fixture
def admin(reader: Reader) -> Reader:
    """The administrator of the whole installation, logged in."""
    reader.log_in()
    return reader
