"""One Keywright for all examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.middleware.apps import a_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.middleware.apps import Place


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with a_place(tmp_path_factory.mktemp("keywright")) as found:
        yield found
