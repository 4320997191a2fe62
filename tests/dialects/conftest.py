"""One server for the tests of a module, which all dialects are switched on in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.keywright import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def keywright() -> Iterator[Keywright]:
    """A running Keywright on a new SQLite database."""
    with served() as found:
        yield found
