"""Counters that the processes of one host share without Redis: one counts, the others ask it over a Unix socket.

A message is four bytes that say how long it is, the highest first, and as many bytes of MessagePack.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import msgspec

from keywright.core.limits import MAX_USES, Bucket, Level, Limit
from keywright.storage.counters.memory import MemoryCounters
from keywright.storage.counters.shared import RemoteAway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

LONGEST: Final = 65_536
_HEAD: Final = 4
_PROBE: Final = (Bucket(Level.KEY, "probe", Limit("probe", MAX_USES, 1)),)


class _Asked(msgspec.Struct, array_like=True):
    """A call: its number, whether it gives back, and each bucket as level, subject, name, limit and window."""

    number: int
    back: bool
    buckets: tuple[tuple[Level, str, str, int, int], ...]
    cost: int


class _Answered(msgspec.Struct, array_like=True):
    """The answer to a call: the backlog of each bucket before it, as whole microseconds and parts."""

    number: int
    backlogs: tuple[tuple[int, int], ...]


_encode = msgspec.msgpack.Encoder().encode
_asked = msgspec.msgpack.Decoder(_Asked)
_answered = msgspec.msgpack.Decoder(_Answered)


class HostRemote:
    """Counters in another process of this host; see `Remote`. Calls share one connection, opened when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[tuple[tuple[int, int], ...]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def take(self, buckets: Sequence[Bucket], cost: int) -> Sequence[int]:
        """See `Remote`."""
        answer = await self._ask(buckets, cost, back=False)
        return [us * bucket.parts + part for bucket, (us, part) in zip(buckets, answer, strict=True)]

    async def give_back(self, buckets: Sequence[Bucket], cost: int) -> None:
        """See `Remote`."""
        await self._ask(buckets, cost, back=True)

    async def probe(self) -> None:
        """See `Remote`."""
        await self._ask(_PROBE, 1, back=False)

    async def close(self) -> None:
        """See `Remote`."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def _ask(self, buckets: Sequence[Bucket], cost: int, *, back: bool) -> tuple[tuple[int, int], ...]:
        writer = self._writer or await self._open()
        number = next(self._numbers)
        plain = tuple(
            (b.level, b.subject, b.limit.name, b.limit.limit, b.limit.window_seconds) for b in buckets
        )
        answer: asyncio.Future[tuple[tuple[int, int], ...]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            writer.write(_framed(_Asked(number, back, plain, cost)))
            return await answer
        finally:
            del self._waiting[number]

    async def _open(self) -> asyncio.StreamWriter:
        async with self._opening:
            if self._writer is None:
                try:
                    reader, self._writer = await asyncio.open_unix_connection(self._path)
                except OSError as error:
                    raise RemoteAway from error
                self._listening = asyncio.create_task(self._listen(reader, self._writer))
            return self._writer

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (message := await _message(reader)) is not None:
                answered = _answered.decode(message)
                # Nobody waits any more for what came too late.
                with suppress(KeyError, asyncio.InvalidStateError):
                    self._waiting[answered.number].set_result(answered.backlogs)
        finally:
            self._writer = None
            writer.close()
            for one in self._waiting.values():
                with suppress(asyncio.InvalidStateError):
                    one.set_exception(RemoteAway())


@asynccontextmanager
async def host_counters(path: Path) -> AsyncIterator[MemoryCounters]:
    """Count for the other processes of this host for as long as the block; only this account may ask.

    A file that is left at the path by a process that is gone is replaced.
    """
    counters = MemoryCounters()
    calls: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        calls.add(task)
        try:
            while (message := await _message(reader)) is not None:
                writer.write(_framed(await _count(counters, _asked.decode(message))))
                await writer.drain()
        except (msgspec.MsgspecError, OSError, asyncio.CancelledError):
            return  # not one of ours, or gone, or this ends: it sees that the connection is closed
        finally:
            calls.discard(task)
            writer.close()

    server = await asyncio.start_unix_server(serve, sock=_bound(path))
    try:
        yield counters
    finally:
        server.close()
        running = [call for call in calls if call is not None]
        for call in running:
            call.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        _remove(path)


def _bound(path: Path) -> socket.socket:
    """A socket at a path, for this account alone from the first moment on."""
    _remove(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(mask)
    return listening


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _count(counters: MemoryCounters, asked: _Asked) -> _Answered:
    buckets = tuple(
        Bucket(level, subject, Limit(name, limit, window))
        for level, subject, name, limit, window in asked.buckets
    )
    if asked.back:
        await counters.give_back(buckets, asked.cost)
        return _Answered(asked.number, ())
    _, backlogs = counters.count(buckets, asked.cost)
    pairs = (divmod(backlog, bucket.parts) for bucket, backlog in zip(buckets, backlogs, strict=True))
    return _Answered(asked.number, tuple(pairs))


def _framed(message: _Asked | _Answered) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(_HEAD, "big") + body


async def _message(reader: asyncio.StreamReader) -> bytes | None:
    """The next message, None at the end or where none of ours would begin so."""
    try:
        length = int.from_bytes(await reader.readexactly(_HEAD), "big")
        return await reader.readexactly(length) if length <= LONGEST else None
    except (asyncio.IncompleteReadError, OSError):
        return None
