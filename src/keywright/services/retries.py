"""Doing a whole transaction again that the database undid for the sake of another one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from keywright.ops.backoff import Backoff
from keywright.storage.away import Undone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Out = TypeVar("Out")

ATTEMPTS = 5


async def retried(attempt: Callable[[], Awaitable[Out]]) -> Out:
    """What an attempt gives, made up to five times while the database undoes it.

    A connection that broke at the commit is no such case: nobody knows whether it committed, so nothing is repeated.
    """
    pauses = Backoff(0.01, 0.2)
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except Undone:
            await asyncio.sleep(pauses.pause())
    return await attempt()
