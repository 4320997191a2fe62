"""An event loop in a thread of its own, for verifiers that are awaited in applications that do not await."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
R = TypeVar("R")


class Background(Generic[T]):
    """Something that lives in an event loop of its own until the process ends.

    It is entered, in the loop's thread, where it is an async context manager. It belongs to the process that made this:
    neither threads nor connections come along when a process is forked. Raises whatever entering it raises.
    """

    def __init__(self, living: T) -> None:
        self._living = living
        self._process = os.getpid()
        self._closing = threading.Lock()
        self._stack = AsyncExitStack()
        self._loop = asyncio.new_event_loop()
        # Not waited for at the end of the process, which ends it by itself.
        self._thread = threading.Thread(target=self._loop.run_forever, name="keywright", daemon=True)
        self._thread.start()
        try:
            self.run(self._enter)
        except BaseException:
            self._end()
            raise
        atexit.register(self.close)

    @property
    def is_here(self) -> bool:
        """Whether it is open, in this process."""
        return self._process == os.getpid() and self._thread.is_alive()

    def run(self, ask: Callable[[T], Coroutine[Any, Any, R]]) -> R:
        """What comes of a question to it. Raises whatever asking raises."""
        return asyncio.run_coroutine_threadsafe(ask(self._living), self._loop).result()

    def close(self) -> None:
        """Leave what was entered, and end the thread."""
        if not self.is_here:
            return
        with self._closing:
            if not self._thread.is_alive():
                return
            atexit.unregister(self.close)
            try:
                self.run(self._leave)
            finally:
                self._end()

    async def _enter(self, living: T) -> None:
        if hasattr(living, "__aenter__"):
            await self._stack.enter_async_context(living)  # type: ignore[arg-type] # it has what makes it one

    async def _leave(self, _living: T) -> None:
        await self._stack.aclose()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
