"""CloudTower's door of the module's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dialects.cloudtower.calls import Tower

if TYPE_CHECKING:
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def tower(keywright: Keywright) -> Tower:
    """The door, in the default tenant, with an administrator `ada` and a reader `rita`."""
    keywright.person("ada", "default")
    keywright.person("rita", "default", "read_only")
    return Tower(keywright)


@pytest.fixture(scope="module")
def ada(tower: Tower) -> str:
    """The token of a login of an administrator."""
    return tower.login("ada")


@pytest.fixture(scope="module")
def rita(tower: Tower) -> str:
    """The token of a login of somebody who may read."""
    return tower.login("rita")
