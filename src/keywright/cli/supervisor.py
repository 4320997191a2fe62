"""Several workers on one host, and what looks after them: starts them, replaces those that end, and stops them all.

The supervisor opens the sockets and keeps them open, so that a connection waits while a worker is replaced. It answers
no request itself. Each worker is a process of its own, begun anew and not copied, and a node of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from keywright.cli.accepting import PLACES, Loads
from keywright.cli.exits import Exit, Failed
from keywright.cli.orders import LEAVE, STOP, Order
from keywright.cli.welcome import leave, welcome
from keywright.ops.backoff import Backoff
from keywright.ops.logging import get_logger
from keywright.ops.siblings import forget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.settings import Settings

STEADY_SECONDS: Final = 30.0
"""A worker that lived for so long ended for a reason of its own, and is replaced at once."""
CLEANUP_SECONDS: Final = 15.0
"""What a worker may take, beyond the time that its requests have, to write down what it gathered."""
_LONGEST_SOCKET_FOLDER: Final = 60

log = get_logger("keywright")


def supervise(settings: Settings, flags: Mapping[str, str | None], sockets: list[socket.socket]) -> None:
    """Run the settings' number of workers until a signal ends it. Raises `Failed`, or `StartError`."""
    # The path of a Unix socket may have about a hundred characters.
    place = None if len(tempfile.gettempdir()) <= _LONGEST_SOCKET_FOLDER else "/tmp"  # noqa: S108 - made for us alone
    with tempfile.TemporaryDirectory(prefix="keywright-", dir=place) as folder:
        asyncio.run(Supervisor(settings, flags, sockets, Path(folder)).run())


@dataclass(eq=False, slots=True)
class _Worker:
    """A worker's process, and the line to it; `leaving` when its end is no surprise."""

    number: int
    name: str
    place: int
    process: asyncio.subprocess.Process
    writer: asyncio.StreamWriter
    first_words: asyncio.Task[dict[str, Any]]
    since: float
    leaving: bool = False

    async def ready(self) -> bool:
        """Whether it takes requests; False when it ended before it did."""
        return "failed" not in await self.first_words

    def tell(self, word: bytes) -> None:
        """Send it a word."""
        self.writer.write(word)


@dataclass(eq=False)
class Supervisor:
    """The workers of one server."""

    settings: Settings
    flags: Mapping[str, str | None]
    sockets: list[socket.socket]
    folder: Path
    _workers: set[_Worker] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _backoffs: dict[int, Backoff] = field(default_factory=dict)
    _begun: int = 0
    _up: bool = False
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _rolling: asyncio.Task[None] | None = None
    _loads_file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def __post_init__(self) -> None:
        self._loads_file.truncate(Loads.SIZE)
        self._loads = Loads(self._loads_file.fileno())

    async def run(self) -> None:
        """Start the workers, and end when a signal says so. Raises `Failed` when they cannot start."""
        self._handle_signals()
        async with AsyncExitStack() as stack:
            if self.settings.redis_url is None:
                from keywright.services.counting import counting  # noqa: PLC0415 - with Redis nobody counts here

                await stack.enter_async_context(counting(self.folder))
            stack.push_async_callback(self._end)
            await self._begin()
            await self._stopping.wait()

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, self._told, sig)
        # From a terminal it says that the terminal is gone, and under nohup that this does not matter.
        if not os.isatty(0) and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            loop.add_signal_handler(signal.SIGHUP, self._told_to_roll)

    def _told(self, sig: int) -> None:
        """Begin to stop; a second signal ends all processes at once."""
        if self._stopping.is_set():
            for worker in self._workers:
                _kill(worker)
            shutil.rmtree(self.folder, ignore_errors=True)
            leave(sig)
        self._stopping.set()

    def _told_to_roll(self) -> None:
        if self._up and (self._rolling is None or self._rolling.done()):
            self._rolling = self._task(self._roll())

    async def _begin(self) -> None:
        """Start the workers: one, which makes the database ready and what the first start makes, then all others."""
        count = self.settings.workers
        if await self._begun_by(await self._start(1)):
            others = [await self._start(number) for number in range(2, count + 1)]
            for worker in others:
                if not await self._begun_by(worker):
                    return
            self._up = True
            address = self.sockets[0].getsockname()
            log.info("listening", host=address[0], port=address[1], workers=count)

    async def _begun_by(self, worker: _Worker) -> bool:
        """Wait until a worker takes requests; False when a signal comes first. Raises `Failed` when it cannot."""
        stopped = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([stopped, worker.first_words], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        words = worker.first_words.result() if worker.first_words.done() else {}
        if "failed" in words and not self._stopping.is_set():
            raise Failed(words["failed"], Exit.NO_SERVER)
        if "login" in words:
            welcome(words["login"], words["password"], self.settings)
        return not self._stopping.is_set()

    async def _start(self, number: int, *, leaving: bool = False) -> _Worker:
        """Start a worker; raises OSError when the system lets us have no more processes."""
        self._begun += 1
        name = f"{number}-{self._begun}"
        near, far = socket.socketpair()
        fds = [one.fileno() for one in self.sockets]
        loads = self._loads_file.fileno()
        try:
            with far:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "keywright.cli.worker", str(far.fileno())),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=[*fds, loads, far.fileno()],
                    process_group=0,  # what a terminal sends to all, each would take for itself
                )
        except BaseException:
            near.close()
            raise
        reader, writer = await asyncio.open_unix_connection(sock=near)
        place = self._begun % PLACES
        order = Order(
            flags=dict(self.flags),
            port=self.settings.port,
            sockets=fds,
            folder=str(self.folder),
            name=name,
            loads=loads,
            place=place,
        )
        writer.write(order.line())
        now = asyncio.get_running_loop().time()
        words = asyncio.create_task(_first_words(reader))
        worker = _Worker(number, name, place, process, writer, words, now, leaving)
        self._workers.add(worker)
        self._task(self._look_after(worker))
        return worker

    async def _look_after(self, worker: _Worker) -> None:
        """Wait for a worker's end, and start another one in its place if nobody wanted it to end."""
        status = await worker.process.wait()
        words = await worker.first_words
        worker.writer.close()
        self._workers.discard(worker)
        self._loads.clear(worker.place)
        forget(self.folder, worker.name)
        if worker.leaving or self._stopping.is_set() or ("failed" in words and not self._up):
            return
        log.error("worker_ended", worker=worker.process.pid, status=status, reason=words.get("failed"))
        pauses = self._backoffs.setdefault(worker.number, Backoff(0.1, 30.0))
        if asyncio.get_running_loop().time() - worker.since > STEADY_SECONDS:
            pauses.reset()
        started: _Worker | None = None
        while started is None:
            await asyncio.sleep(pauses.pause())
            if self._stopping.is_set():
                return
            started = await self._try_to_start(worker.number)

    async def _try_to_start(self, number: int, *, leaving: bool = False) -> _Worker | None:
        try:
            return await self._start(number, leaving=leaving)
        except OSError as error:
            log.error("worker_not_started", reason=error.strerror)  # noqa: TRY400 - a traceback would say no more
            return None

    async def _roll(self) -> None:
        """Replace one worker after the other, each when its successor takes requests."""
        log.info("replacing_workers")
        for old in sorted(self._workers, key=lambda worker: worker.number):
            new = await self._try_to_start(old.number, leaving=True)
            if new is None:
                return
            if not await new.ready():
                log.error("worker_not_replaced", reason=(await new.first_words)["failed"])
                return
            if old.process.returncode is not None:  # it has ended by itself, and has a successor already
                new.tell(LEAVE)
                continue
            old.leaving, new.leaving = True, False
            old.tell(LEAVE)
            await self._ended({old}, self.settings.shutdown_seconds + CLEANUP_SECONDS)
        log.info("workers_replaced")

    async def _end(self) -> None:
        """Stop all workers; what goes on for too long is cut off."""
        self._stopping.set()
        if self._rolling is not None:
            self._rolling.cancel()
        workers = set(self._workers)
        log.info("stopping", workers=len(workers))
        for worker in workers:
            worker.tell(STOP)
        settings = self.settings
        await self._ended(workers, settings.drain_seconds + settings.shutdown_seconds + CLEANUP_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        log.info("stopped")

    async def _ended(self, workers: set[_Worker], seconds: float) -> None:
        """Wait for workers to end, and end those that do not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(worker.process.wait() for worker in workers))
                return
        for worker in workers:
            if worker.process.returncode is None:
                log.error("worker_cut_off", worker=worker.process.pid)
                _kill(worker)
        await asyncio.gather(*(worker.process.wait() for worker in workers))

    def _task(self, work: Any) -> asyncio.Task[None]:  # noqa: ANN401 - a coroutine
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _first_words(reader: asyncio.StreamReader) -> dict[str, Any]:
    """What a worker says first: that it is ready, and whom it made at the first start, or why it has failed."""
    with suppress(OSError):
        if line := await reader.readline():
            words: dict[str, Any] = json.loads(line)
            return words
    return {"failed": "A worker ended before it took requests. Its last log lines may say why."}


def _kill(worker: _Worker) -> None:
    with suppress(ProcessLookupError):
        worker.process.kill()
