"""Where the workers of one server count uses against limits together, when they have no Redis to do so."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from keywright.storage.counters.host import host_counters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def counted_at(folder: Path) -> Path:
    """The socket at which the counters of workers that share a folder are asked."""
    return folder / "counters.sock"


@asynccontextmanager
async def counting(folder: Path) -> AsyncIterator[None]:
    """Count for the workers that share a folder, for as long as the block."""
    async with host_counters(counted_at(folder)):
        yield
