"""Clusters for the fault tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mortal_postgres import MortalPostgres, mortal_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def mortal() -> Iterator[MortalPostgres]:
    """A PostgreSQL server that tests may stop, kill and start again."""
    with mortal_postgres() as server:
        yield server
