"""One server for all tests here, and the world that most of them share: each asks for what it made itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dialects.prefect.world import populated
from tests.support.keywright import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dialects.prefect.world import World
    from tests.support.keywright import Keywright


@pytest.fixture(scope="session")
def keywright() -> Iterator[Keywright]:
    """A running Keywright on a new SQLite database."""
    with served() as found:
        yield found


@pytest.fixture(scope="session")
def world(keywright: Keywright) -> World:
    return populated(keywright)
