"""One server for all of Cycloid's tests; each module has organizations and people of its own in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.keywright import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.keywright import Keywright


@pytest.fixture(scope="package")
def keywright() -> Iterator[Keywright]:
    """A running Keywright on a new SQLite database."""
    with served() as found:
        yield found
