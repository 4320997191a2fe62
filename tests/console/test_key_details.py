"""The page of one key: what it may do and why, what it was used for, what was done to it, and a decision to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.codes import codes_in
from tests.console.keys_data import Blog, Past, blog, busy, served_with_past, use
from tests.support.keywright import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.console.reader import Reader
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Keywright, Past]]:
    """A server with a past."""
    with served_with_past() as found:
        yield found


@pytest.fixture(scope="module")
def keywright(world: tuple[Keywright, Past]) -> Keywright:
    """The server."""
    return world[0]


@pytest.fixture(scope="module")
def past(world: tuple[Keywright, Past]) -> Past:
    """Its database."""
    return world[1]


@pytest.fixture(scope="module")
def house(keywright: Keywright, past: Past) -> Blog:
    """A blog with a key that was used."""
    found = blog(keywright)
    busy(past, found)
    agent = {"kind": "LocalAgent", "name": "nightly-eu", "labels": ["prod", "eu-west"], "version": "1.4.1"}
    keywright.rest("PATCH", f"/v1/keys/{found.key['id']}", {"allowed_cidrs": None}, tenant=found.slug)
    del agent
    return found


def test_the_page_tells_all_of_a_key(admin: Reader, house: Blog) -> None:
    admin.go(house.page)
    admin.page.locator(".uplot").wait_for()
    admin.look("key-details")
