"""PostgreSQL: how connections to it are made, and what each of them is told."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import create_async_engine

from keywright.core.errors import Unavailable
from keywright.ops.backoff import Backoff
from keywright.storage import engine as engines
from keywright.storage.away import is_away
from keywright.storage.engine import StorageError

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.ext.asyncio import AsyncEngine

POOL_SIZE: Final = 10
LOCK_MILLISECONDS: Final = 7_000
"""Longer than the server lets somebody hold a lock who does nothing with it."""
IDLE_IN_TRANSACTION_MILLISECONDS: Final = 5_000
"""A process that stands still in a transaction holds up every change; the server ends its transaction then."""
# So that either side notices within about ten seconds that the other one is gone without a word.
_KEEPALIVES: Final = {"idle": 5, "interval": 2, "count": 3}
_UNHEARD_MILLISECONDS: Final = 10_000
_OUR_KEEPALIVES: Final = (
    ("TCP_KEEPIDLE", _KEEPALIVES["idle"]),
    ("TCP_KEEPINTVL", _KEEPALIVES["interval"]),
    ("TCP_KEEPCNT", _KEEPALIVES["count"]),
    ("TCP_USER_TIMEOUT", _UNHEARD_MILLISECONDS),
)
_FOUND = "SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])"
_SET = "SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS wanted (name, value)"
_DURABLE = "synchronous_commit"
_PROBE = "SELECT pg_notify('keywright_probe', '')"


class Postgres:
    """One PostgreSQL server as this process knows it: where it is, how patient to be with it, and what it can do.

    `size` bounds the connections of each pool to it, and `statement_seconds` every statement of management.
    """

    def __init__(self, url: URL, *, size: int = POOL_SIZE, statement_seconds: float | None = None) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self.size = size
        self.statement_seconds = engines.STATEMENT_SECONDS if statement_seconds is None else statement_seconds
        self._failing = Backoff(0.02, 0.5)
        self._failed = False
        self.notifies: bool | None = None
        """Whether it carries notifications; None until that is known."""

    async def connect(
        self,
        *_place: object,
        name: str,
        seconds: float,
        **pool: Any,  # noqa: ANN401 - what asyncpg's pool hands on, the place among it that it was not told
    ) -> asyncpg.Connection[Any]:
        """Connect under a name that the server's administrator sees; `seconds` bound every statement.

        After a failure it waits for a moment first, so that a server which comes back is not met by everybody at
        once. Raises `Unavailable`, or `StorageError` for options that asyncpg does not know.
        """
        if self._failed:
            await asyncio.sleep(self._failing.pause())
        try:
            connection = await self._connect(name, seconds, pool)
        except (asyncpg.PostgresError, asyncpg.InternalClientError, OSError) as away:
            self._failed = True
            raise Unavailable("The database cannot be reached.") from away
        except asyncpg.InterfaceError:  # its message may repeat the URL
            raise StorageError("The options in the database's URL cannot be used.") from None
        self._failed = False
        self._failing.reset()
        return connection

    async def _connect(self, name: str, seconds: float, pool: dict[str, Any]) -> asyncpg.Connection[Any]:
        pool["connection_class"] = _Connection
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            self._dsn,
            timeout=engines.CONNECT_SECONDS,
            command_timeout=seconds,
            server_settings={"application_name": name},
            **pool,
        )
        try:
            async with asyncio.timeout(engines.CONNECT_SECONDS):
                await self._set_up(connection, seconds)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _set_up(self, connection: asyncpg.Connection[Any], seconds: float) -> None:
        await _limit(connection, seconds)
        if self.notifies is None:
            self.notifies = await _carries_notifications(connection)


def postgres_engines(server: Postgres) -> tuple[AsyncEngine, AsyncEngine]:
    """Two engines on one pool of connections to PostgreSQL: to write, and to read one snapshot, as on SQLite."""

    async def connect() -> asyncpg.Connection[Any]:
        return await server.connect(name="keywright", seconds=server.statement_seconds)

    engine = create_async_engine(
        "postgresql+asyncpg://",  # where to connect is asyncpg's business alone
        async_creator=connect,
        pool_size=server.size,
        max_overflow=0,
        pool_timeout=engines.CONNECT_SECONDS,
        execution_options={engines.WRITES: True},
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _note(_connection: object, record: Any) -> None:  # noqa: ANN401 - the pool's own class
        record.info[engines.NOTIFIES] = server.notifies is True

    @event.listens_for(engine.sync_engine, "checkout")
    def _still_open(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401 - the driver's own class
        if connection.driver_connection.is_closed():
            raise DisconnectionError

    engines.tell_when_away(engine)
    reader = engine.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True, **{engines.WRITES: False}
    )
    return engine, reader


class _Connection(asyncpg.Connection):
    """A connection that notices a server which is gone without a word, also while it waits for nothing."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: asyncio.Transport, *more: Any) -> None:  # noqa: ANN401 - asyncpg's
        super().__init__(protocol, transport, *more)
        _keep_alive(transport.get_extra_info("socket"))


def _keep_alive(wire: socket.socket | None) -> None:
    if wire is None or wire.family == socket.AF_UNIX:
        return
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        for option, value in _OUR_KEEPALIVES:
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def _limit(connection: asyncpg.Connection[Any], seconds: float) -> None:
    """Set the server's own limits, but for those that whoever runs it has set lower, and have commits be durable."""
    wanted = {
        "statement_timeout": round(seconds * 1000),
        "lock_timeout": min(LOCK_MILLISECONDS, round(seconds * 1000)),
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MILLISECONDS,
        "tcp_keepalives_idle": _KEEPALIVES["idle"],
        "tcp_keepalives_interval": _KEEPALIVES["interval"],
        "tcp_keepalives_count": _KEEPALIVES["count"],
        "tcp_user_timeout": _UNHEARD_MILLISECONDS,
    }
    found = dict(await connection.fetch(_FOUND, [*wanted, _DURABLE]))
    missing = {name: str(value) for name, value in wanted.items() if _exceeds(found.get(name), value)}
    # A revocation that was answered is not to be undone by a crash of the server, and a lease not to look older.
    missing |= {_DURABLE: "on"} if found.get(_DURABLE) == "off" else {}
    await connection.fetch(_SET, list(missing), list(missing.values()))


def _exceeds(setting: str | None, wanted: int) -> bool:
    """Whether a setting that the server knows, where 0 means no limit, allows more than is wanted."""
    return setting is not None and setting.isdigit() and not 0 < int(setting) <= wanted


async def _carries_notifications(connection: asyncpg.Connection[Any]) -> bool | None:
    """Try it, outside of any transaction that it could break; None when the server cannot say now."""
    try:
        await connection.execute(_PROBE)
    except asyncpg.PostgresError as error:
        return None if is_away(error, write=True) else False
    return True
