"""The verifier inside an application: no network between, and a node like any server."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Self, TypeVar
from weakref import WeakSet

from keywright.core import checks
from keywright.core.decision import Asked
from keywright.core.errors import MissingField
from keywright.core.instants import SystemClock
from keywright.ops.logging import get_logger
from keywright.ops.metrics import Metrics
from keywright.services.deciding import Deciding, Room, ground_of
from keywright.services.upkeep import Upkeep, every
from keywright.storage import Database
from keywright.storage.counters import counters_of
from keywright.storage.migrate import require_current
from keywright.verify import Glances, Label, Terms

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from keywright.core.decision import Decision
    from keywright.verify import Bearer

T = TypeVar("T")
FLUSH_SECONDS = 5.0

log = get_logger("keywright")
# An application asks about the same few addresses and things, and to read them takes as long as to decide.
_address = lru_cache(maxsize=4096)(checks.address)


class Verifier:
    """Decides about API keys from the memory of this process, on the database of a Keywright server.

    It is one of the nodes that changes wait for: once a revocation has returned, it refuses the key. Use it as an async
    context manager for as long as the application runs, and in one event loop:

        async with Verifier("postgresql://…", tenant="my-blog") as verifier:
            decision = await verifier.verify(token, action="article:read", resource="article:cs:42")
            if decision.valid:
                ...

    `tenant` is the slug of the tenant in which keys are used, where a call names no other; `redis_url` where nodes
    count rate limits together, without which this process counts alone. `metrics` show what it does.
    """

    def __init__(
        self,
        database_url: str,
        *,
        tenant: str | None = None,
        redis_url: str | None = None,
        lease_seconds: float = 3.0,
        stale_grace_seconds: float = 0.0,
        cache_entries: int = 100_000,
        cache_megabytes: int = 256,
        name: str | None = None,
    ) -> None:
        clock = SystemClock()
        self.metrics = Metrics()
        self._tenant = tenant
        self._database = Database.connect(database_url)
        self._deciding = Deciding(
            ground_of(self._database, clock),
            clock,
            counters_of(redis_url, self.metrics),
            self.metrics,
            label=Label(name=name or socket.gethostname(), kind="embedded", version=version("keywright")),
            terms=Terms(lease=lease_seconds, grace=stale_grace_seconds),
            room=Room(entries=cache_entries, bytes=cache_megabytes * 1_000_000),
        )
        self._upkeep = Upkeep(
            self._database,
            clock,
            self._deciding.uses,
            self.metrics,
            keep_expired=timedelta.max,
            keep_usage=timedelta.max,
        )
        self._stack = AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None
        self._glances = Glances(self._deciding.node, clock, self._deciding.uses, self._soon)

    async def __aenter__(self) -> Self:
        """Register as a node. Raises `Unavailable`, and `SchemaMismatch` for a database of another version."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._database.close)
            await require_current(self._database)
            stack.push_async_callback(self._upkeep.flush)
            stack.push_async_callback(self._deciding.stop)
            # Whatever other threads have decided is in the last batch, and they decide nothing after it.
            stack.callback(self._glances.close)
            self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
            self._glances.open()
            _open.add(self)
            await self._deciding.start()
            flushing = asyncio.create_task(
                every(FLUSH_SECONDS, self._upkeep.flush, _not_written), name="flush"
            )
            stack.push_async_callback(_ended, flushing)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Write down what was used, give back what was not spent, and leave."""
        await self._stack.aclose()

    @property
    def ready(self) -> bool:
        """Whether it may decide from memory now; without a lease each decision asks the database."""
        return self._deciding.node.holds_lease

    async def verify(
        self,
        token: str,
        *,
        action: str | None = None,
        resource: str | None = None,
        tenant: str | None = None,
        ip: str | None = None,
        cost: int = 1,
        explain: bool = False,
    ) -> Decision:
        """Decide about a token: may its holder do this now. Never raises for what the token is or is not.

        `STALE` when nobody can know. Raises `InvalidValue` for an action, a resource, an address or a cost that is
        none, and `MissingField` for a resource without an action.
        """
        asked = _asked(self._tenant if tenant is None else tenant, action, resource, ip, cost, explain)
        return await self._deciding.verifier.verify(token, asked)

    def at_once(
        self,
        token: str,
        *,
        action: str | None = None,
        resource: str | None = None,
        tenant: str | None = None,
        ip: str | None = None,
        cost: int = 1,
        explain: bool = False,
    ) -> Decision | None:
        """The same decision where memory alone can tell, without waiting and from any thread; None where it cannot.

        Then nothing was counted, and `verify` is to be asked: about a key that is not remembered, or has limits or
        credits, and without a lease. Raises what `verify` raises.
        """
        asked = _asked(self._tenant if tenant is None else tenant, action, resource, ip, cost, explain)
        if threading.get_ident() == self._thread:
            return self._deciding.verifier.at_once(token, asked)
        return self._glances.at_once(token, asked)

    def bearer(
        self,
        token: str,
        *,
        told: Callable[[Decision], T],
        tenant: str | None = None,
        ip: str | None = None,
    ) -> Bearer[T] | None:
        """Whoever shows a token in a tenant from an address, to ask about again and again: `decide(action, resource)`.

        That gives what `told` makes of the decision that `at_once` would give, and makes it once of the same decision;
        None where `at_once` gives None. So does this. Raises what `verify` raises.
        """
        place = self._tenant if tenant is None else tenant
        address = None if ip is None else _address(ip)

        def asked(action: str | None, resource: str | None) -> Asked:
            return Asked(place, *_named(action, resource), address)

        return self._glances.bearer(token, asked, told)

    def _soon(self) -> None:
        """Have the loop note what other threads have used."""
        loop = self._loop
        assert loop is not None  # noqa: S101 - nothing is decided from memory before there is one
        # A loop that is closed has no lease left, and has noted everything.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._glances.hand_over)

    def _forked(self) -> None:
        """Remember nothing in a process that was forked off: nobody waits for it, and it hears of no change."""
        self._deciding.node.give_up()


_open: WeakSet[Verifier] = WeakSet()


def _forked() -> None:
    for one in tuple(_open):
        one._forked()  # noqa: SLF001 - it is of this module


os.register_at_fork(after_in_child=_forked)


@lru_cache(maxsize=4096, typed=True)
def _asked(
    tenant: str | None,
    action: str | None,
    resource: str | None,
    ip: str | None,
    cost: int,
    explain: bool,  # noqa: FBT001 - as above
) -> Asked:
    """The question; raises `InvalidValue` and `MissingField` for what is none."""
    action, resource = _named(action, resource)
    return Asked(
        tenant=tenant,
        action=action,
        resource=resource,
        ip=None if ip is None else _address(ip),
        cost=checks.cost(cost),
        explain=explain,
    )


def _named(action: str | None, resource: str | None) -> tuple[str | None, str | None]:
    """Both as they are; raises `InvalidValue` and `MissingField` where they are no names."""
    if action is None:
        if resource is not None:
            raise MissingField("A resource is asked about together with an action.", field="action")
        return None, None
    return checks.action(action), None if resource is None else checks.action(resource, "resource")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _not_written(error: Exception) -> None:
    log.error("scheduled_work_failed", work="flush", exc_info=error)
