"""Wake-ups: hearing at once that another process has changed something. Hints only, and nothing rests on them."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.dialects import sqlite

from keywright.core.errors import Unavailable
from keywright.ops.backoff import Backoff
from keywright.ops.logging import get_logger
from keywright.storage import engine as engines
from keywright.storage.notices import ACKNOWLEDGED, CHANNEL
from keywright.storage.schema import head, node

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keywright.storage.database import Database
    from keywright.storage.postgres import Postgres

POLL_SECONDS: Final = 0.008
"""How often a SQLite file is looked at that was changed of late. A look takes 3 µs, waking up for it 40."""
QUIET_POLL_SECONDS: Final = 0.02
"""How often any other, which is how long the first revocation after a while may wait to be heard of."""
QUIET_AFTER_SECONDS: Final = 10.0
CHECK_SECONDS: Final = 10.0
"""How often a connection that has heard nothing is asked whether it is still there."""

_STANDING = str(
    select(select(head.c.epoch).scalar_subquery(), func.total(node.c.applied), func.count())
    .select_from(node)
    .compile(dialect=sqlite.dialect())
)

log = get_logger("keywright")


class WakeUps:
    """Calls `hint` soon after another process has added to the change feed, and when it may have missed that.

    `acknowledged` is called when a node has said that it knows a change; where it is not given, `hint` is. Both must
    be quick and must not raise. A database that carries no notifications is asked again now and then.
    """

    def __init__(
        self, database: Database, hint: Callable[[], None], acknowledged: Callable[[], None] | None = None
    ) -> None:
        heard = acknowledged or hint
        self._watch: _FileWatch | _Listener
        if database.server is None:
            self._watch = _FileWatch(engines.sqlite_file(database.writer.url), hint, heard)
        else:
            self._watch = _Listener(database.server, hint, heard)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen, in a task of its own; it does not matter whether the database is there yet."""
        self._task = asyncio.create_task(self._watch.run(), name="wake-ups")

    async def stop(self) -> None:
        """Stop listening, and let go of the connection."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None


class _Absence:
    """Says in the log when wake-ups begin to be missing, and when they are back; not at each try between."""

    def __init__(self) -> None:
        self._absent = False

    def begins(self, reason: BaseException) -> None:
        if not self._absent:
            self._absent = True
            log.warning("wake_ups_missing", reason=type(reason.__cause__ or reason).__name__)

    def ends(self) -> None:
        if self._absent:
            self._absent = False
            log.info("wake_ups_back")


class _Listener:
    """A connection to PostgreSQL that does nothing but listen."""

    def __init__(self, server: Postgres, hint: Callable[[], None], acknowledged: Callable[[], None]) -> None:
        self._server = server
        self._hint = hint
        self._acknowledged = acknowledged
        self._absence = _Absence()
        self._backoff = Backoff(0.1, 30.0)

    async def run(self) -> None:
        """Listen until cancelled, on a new connection where the last one was lost."""
        while True:
            try:
                await self._listen()
            except (
                Unavailable,
                engines.StorageError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                OSError,
            ) as away:
                self._absence.begins(away)
            await asyncio.sleep(self._backoff.pause())

    async def _listen(self) -> None:
        """Listen for as long as the connection lasts."""
        connection = await self._server.connect(name="keywright wake-ups", seconds=CHECK_SECONDS)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._absence.ends()
            self._backoff.reset()
            self._hint()  # for what was said while nobody listened
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_SECONDS):
                        await lost.wait()
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()

    def _heard(self, _connection: object, _pid: object, _channel: object, payload: object) -> None:
        if payload == ACKNOWLEDGED:
            self._acknowledged()
        else:
            self._hint()


class _FileWatch:
    """Looks at a SQLite file, on the event loop's own thread: whether somebody has committed, and what it is about.

    Nodes write a row at each renewal, so that a commit alone is no reason to wake anybody.
    """

    def __init__(self, path: Path, hint: Callable[[], None], acknowledged: Callable[[], None]) -> None:
        self._path = path
        self._hint = hint
        self._acknowledged = acknowledged
        self._absence = _Absence()
        self._backoff = Backoff(0.05, 1.0)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: object = None
        self._epoch: object = None
        self._nodes: object = None
        self._quiet_from = 0.0

    async def run(self) -> None:
        """Look again and again until cancelled."""
        try:
            while True:
                pause = self._look()
                await asyncio.sleep(pause)
        finally:
            self._let_go()

    def _look(self) -> float:
        """Look once; answers the seconds until the next time."""
        try:
            connection = self._opened()
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return QUIET_POLL_SECONDS if time.monotonic() > self._quiet_from else POLL_SECONDS
            epoch, *nodes = connection.execute(_STANDING).fetchone()
        except sqlite3.Error as away:
            self._let_go()
            self._absence.begins(away)
            return self._backoff.pause()
        self._absence.ends()
        self._backoff.reset()
        changed, moved = epoch != self._epoch, nodes != self._nodes
        self._version, self._epoch, self._nodes = version, epoch, nodes
        if changed:
            self._quiet_from = time.monotonic() + QUIET_AFTER_SECONDS
            self._hint()
        if moved:
            self._acknowledged()
        return POLL_SECONDS

    def _opened(self) -> sqlite3.Connection:
        file = engines.file_identity(self._path)
        if self._connection is None or file != self._file:
            self._let_go()
            self._connection = sqlite3.connect(engines.sqlite_uri(self._path), uri=True, isolation_level=None)
            self._file = file
            for pragma in engines.sqlite_pragmas(write=False, busy_milliseconds=0):
                self._connection.execute(pragma)
        return self._connection

    def _let_go(self) -> None:
        self._version = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
