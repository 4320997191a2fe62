"""A node without a database: it decides from its own memory, by what a server tells it, for the programs beside it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Self

from keywright.core.codes import Code
from keywright.core.decision import Asked, decide
from keywright.core.errors import KeywrightError, PermissionDenied, Unavailable
from keywright.core.instants import SystemClock
from keywright.core.tokens import digest
from keywright.ops.backoff import Backoff
from keywright.ops.logging import get_logger
from keywright.services.callers import Caller
from keywright.services.deciding import Deciding, Ground
from keywright.services.decisions import VERIFY, Asker, Judge
from keywright.services.relay import messages as m
from keywright.services.relay.ports import RelayedCounters, RelayedCredits, RelayedFeed, RelayedLookup
from keywright.services.relay.serving import AGENT, RUN
from keywright.services.relay.uses import told
from keywright.services.upkeep import every
from keywright.verify import Label, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import TracebackType

    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.services.deciding import Room
    from keywright.services.relay.link import Link

FLUSH_SECONDS: Final = 5.0
_REFUSALS: Final = {
    Code.DISABLED: "is disabled",
    Code.EXPIRED: "has expired",
    Code.NOT_YET_VALID: "is not valid yet",
    Code.IDENTITY_DISABLED: "speaks for an identity that is disabled",
    Code.TENANT_DISABLED: "belongs to a tenant that is disabled",
    Code.IP_NOT_ALLOWED: "may not be used from this address",
}

log = get_logger("keywright")


class Sidecar:
    """Decides about keys on the word of a server, for as long as its own key lets it; use it as a context manager.

    `ended` becomes done, with the reason in a sentence, when its key does not: from that moment it decides nothing.
    """

    def __init__(self, link: Link, token: str, metrics: Metrics, *, name: str, room: Room) -> None:
        self._link = link
        self._digest = digest(token)
        self._metrics = metrics
        self._name = name
        self._room = room
        self._clock = SystemClock()
        self._lookup = RelayedLookup(link)
        self._feed = RelayedFeed(link, self._vouch)
        self._doubted = False
        self._own: KeyFacts | None = None
        self._asker: Asker | None = None
        self._stack = AsyncExitStack()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        """Register as a node. Raises `Unauthenticated` and `PermissionDenied` for the key, and `Unavailable`."""
        terms = await self._link.ask(m.Hello(m.FORM), m.Terms)
        reason = await self._look_at_itself()
        if reason is not None:
            raise PermissionDenied(reason)
        self.deciding = Deciding(
            Ground(
                feed=self._feed,
                lookup=self._lookup,
                credits=RelayedCredits(self._link),
                watch=partial(_Poll, self),
                called=m.hidden,
            ),
            self._clock,
            RelayedCounters(self._link, self._metrics),
            self._metrics,
            label=Label(name=self._name, kind=AGENT, version=version("keywright")),
            terms=Terms(lease=terms.lease, grace=terms.grace),
            room=self._room,
            heard=self._heard,
        )
        self.judge = Judge(self.deciding.verifier)
        self._link.refused = self._refused
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._flush)
            stack.push_async_callback(self.deciding.stop)
            await self.deciding.start()
            flushing = asyncio.create_task(every(FLUSH_SECONDS, self._flush, _not_sent), name="flush")
            stack.push_async_callback(_stopped, flushing)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Send what was used, give back what was not spent, and leave."""
        await self._stack.aclose()

    @property
    def ready(self) -> bool:
        """Whether it may decide from memory now."""
        return not self.ended.done() and self.deciding.node.holds_lease

    def asker(self) -> Asker:
        """Whoever asks here asks with what the agent's own key may. Raises `Unavailable` once that is nothing."""
        if self.ended.done() or self._asker is None:
            raise Unavailable("The agent's key is no good any more.")
        return self._asker

    def _heard(self, touched: Collection[str] | None) -> None:
        own = self._own
        if own is None:
            return
        names = {own.key.id, own.key.identity_id, own.key.tenant_id or own.key.id}
        if touched is None or not names.isdisjoint(touched) or any(m.hidden(one) in touched for one in names):
            self._doubted = True

    async def _vouch(self) -> None:
        """Look whether the agent's own key is still good, if a change that was heard of concerns it.

        Before the change is acknowledged, so that whoever waits for it knows that this agent has stopped. Raises
        `Unavailable`.
        """
        if not self._doubted:
            return
        reason = await self._look_at_itself()
        if reason is not None:
            self._end(reason)
        self._doubted = False

    async def _look_at_itself(self) -> str | None:
        """Read what the agent's own key is; answers why it may not decide, if it may not."""
        self._own = await self._lookup.by_digest(self._digest)
        reason = self._reason()
        self._asker = None if reason is not None or self._own is None else _asker(self._own)
        return reason

    def _reason(self) -> str | None:
        """Why the agent may not decide, in a sentence; None where it may."""
        own = self._own
        if own is None:
            return "The agent's key was deleted."
        decision = decide(own, Asked(action=RUN), self._clock.now_us(), None)
        tenant_id = own.key.tenant_id
        if decision.code is Code.INSUFFICIENT_PERMISSIONS or not _caller(own).may(tenant_id, VERIFY):
            return f"The agent's key needs the permissions {RUN} and {VERIFY}."
        if decision.code is Code.IP_NOT_ALLOWED:  # the server judges by the address that it sees
            return None
        return None if decision.valid else f"The agent's key {_REFUSALS.get(decision.code, 'is no good')}."

    def _refused(self, error: KeywrightError) -> None:
        """Decide nothing from now on: the server does not take the key any more."""
        self._end(f"The server does not take its key any more: {error.detail}")

    def _end(self, reason: str) -> None:
        if not self.ended.done():
            self.deciding.node.give_up()
            self.ended.set_result(reason)
            log.error("agent_ended", reason=reason)

    async def _flush(self) -> None:
        """Send what was used; what the server does not take now is kept, unless it does not want it at all."""
        waiting = self.deciding.uses.take()
        try:
            while waiting:
                batch = waiting[: m.MAX_USES]
                await self._link.ask(m.Uses(tuple(told(one.use()) for one in batch)), m.Done)
                waiting = waiting[m.MAX_USES :]
                self._metrics.usage_flush(ok=True, keys=len(batch))
        except Unavailable:
            self.deciding.uses.put_back(waiting)
            self._metrics.usage_flush(ok=False, keys=len(waiting))
        finally:
            self._metrics.usage_dropped(self.deciding.uses.take_dropped())


class _Poll:
    """Asks the server to answer when something changes, again and again, and has the node look then."""

    def __init__(self, sidecar: Sidecar, hint: Callable[[], None], _stir: Callable[[], None]) -> None:
        self._sidecar = sidecar
        self._hint = hint
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._run(), name="changes")

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        backoff = Backoff(0.05, 2.0)
        node = self._sidecar.deciding.node
        while not self._sidecar.ended.done():
            try:
                newest = await self._sidecar._feed.awaited(node.applied, m.LONGEST_WAIT)  # noqa: SLF001 - its own part
            except KeywrightError:
                await asyncio.sleep(backoff.pause())
            else:
                backoff.reset()
                if newest != node.applied:
                    self._hint()
                    await node.pause(1.0)


def _caller(own: KeyFacts) -> Caller:
    return Caller(identity=own.identity, grants=own.grants, key=own.key, bound=own.tenant)


def _asker(own: KeyFacts) -> Asker:
    caller = _caller(own)
    return Asker(caller, own.tenant, may_explain=caller.may(own.key.tenant_id, "keys:read"))


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _not_sent(error: Exception) -> None:
    log.error("scheduled_work_failed", work="flush", exc_info=error)
