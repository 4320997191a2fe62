"""The world that most tests of a module share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dialects.prefect.world import populated

if TYPE_CHECKING:
    from tests.dialects.prefect.world import World
    from tests.dialects.server import Keywright


@pytest.fixture(scope="module")
def world(keywright: Keywright) -> World:
    return populated(keywright)
