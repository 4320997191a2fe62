"""A node without a database: it decides from its own memory, by what a server tells it, for the programs beside it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Self

import msgspec

from keywright.core.codes import Code
from keywright.core.decision import Asked, decide
from keywright.core.errors import InvalidValue, KeywrightError, PermissionDenied, Unavailable
from keywright.core.instants import SystemClock, to_us
from keywright.core.tokens import digest
from keywright.ops.backoff import Backoff
from keywright.ops.logging import get_logger
from keywright.services.access import caller_with
from keywright.services.deciding import Deciding, Ground
from keywright.services.decisions import VERIFY, Asker, Judge
from keywright.services.relay import messages as m
from keywright.services.relay.ports import RelayedCounters, RelayedCredits, RelayedFeed, RelayedLookup
from keywright.services.relay.serving import AGENT, RUN
from keywright.services.relay.uses import told
from keywright.services.upkeep import every
from keywright.verify import Label, Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from keywright.core.decision import Decision
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.services.deciding import Room
    from keywright.services.decisions import Question, Shown
    from keywright.services.relay.link import Link
    from keywright.verify import Tally, Verifier

FLUSH_SECONDS: Final = 5.0
MOST_BYTES: Final = 500_000
"""Of what was used in one message, which is well below the longest that a server reads."""
_REFUSALS: Final = {
    Code.DISABLED: "is disabled",
    Code.EXPIRED: "has expired",
    Code.NOT_YET_VALID: "is not valid yet",
    Code.IDENTITY_DISABLED: "speaks for an identity that is disabled",
    Code.TENANT_DISABLED: "belongs to a tenant that is disabled",
}

log = get_logger("keywright")


class Sidecar:
    """Decides about keys on the word of a server, for as long as its own key lets it; use it as a context manager.

    `ended` becomes done, with the reason, when its key does not: from that moment it decides nothing. `digest` is that
    of the key's token.
    """

    def __init__(self, link: Link, token: str, metrics: Metrics, *, name: str, room: Room) -> None:
        self._link = link
        self.digest = digest(token)
        self._metrics = metrics
        self._name = name
        self._room = room
        self._clock = SystemClock()
        self._lookup = RelayedLookup(link)
        self._feed = RelayedFeed(link, self._vouch, lambda: self._key_id)
        self._key_id = ""
        self._own: KeyFacts | None = None
        self._asker: Asker | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()
        self.ended: asyncio.Future[KeywrightError] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        """Register as a node.

        Raises `Unauthenticated` and `PermissionDenied` for the key, `IllegalTransition` for a server of another
        version, and `Unavailable`.
        """
        terms = await self._link.ask(m.Hello(), m.Terms)
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
        )
        self.judge = _Bounded(self.deciding.verifier, self._require_alive)
        self._link.refused = self._end
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
        if self._leaving is not None:
            await self._leaving
        lost = sum(one.total() for one in self.deciding.uses.take())
        if lost:
            log.warning("usage_lost", decisions=lost)

    @property
    def ready(self) -> bool:
        """Whether it may decide from memory now."""
        return not self.ended.done() and self.deciding.node.holds_lease

    @property
    def own(self) -> KeyFacts | None:
        """What the agent's own key is, as long as its span of validity lasts; None once the agent has ended."""
        return None if self.ended.done() else self._own

    def asker(self) -> Asker:
        """Whoever asks here asks with what the agent's own key may. Raises `Unavailable` once that is nothing."""
        self._require_alive()
        assert self._asker is not None  # noqa: S101 - set for as long as the agent is alive
        return self._asker

    async def enter(self, named: str | None) -> Asker:
        """The same in the tenant that a request names. Raises as `Judge.enter`, and `Unavailable`."""
        asker = self.asker()
        return asker if named is None else await self.judge.enter(asker.caller, named)

    def _require_alive(self) -> None:
        """Raise `Unavailable` where the agent's own key is no good, also when it has just expired."""
        own = self._own
        if own is not None and not self.ended.done() and _is_over(own, self._clock.now_us()):
            self._end(PermissionDenied("The agent's key has expired."))
        if self.ended.done():
            raise Unavailable("The agent's key is no good any more.")

    async def _vouch(self) -> None:
        """Look whether the agent's own key is still good, if a change that was heard of concerns it.

        Before the change is acknowledged, so that whoever waits for it knows that this agent has stopped. Raises
        `Unavailable`.
        """
        own = self._own
        if own is not None and not self.deciding.node.memory.is_newest(own):
            reason = await self._look_at_itself()
            if reason is not None:
                self._end(PermissionDenied(reason))
        self._require_alive()

    async def _look_at_itself(self) -> str | None:
        """Read what the agent's own key is; answers why it may not decide, if it may not."""
        own = await self._lookup.by_digest(self.digest)
        if own is None:
            return "The agent's key was deleted."
        reason = _reason(own, self._clock.now_us())
        if reason is None:
            self._own, self._asker, self._key_id = own, _asker(own), own.key.id
        return reason

    def _end(self, reason: KeywrightError) -> None:
        """Decide nothing from now on, and have nobody wait for this node any more."""
        if self.ended.done():
            return
        self.deciding.node.give_up()
        self._link.end()
        self.ended.set_result(reason)
        self._leaving = asyncio.create_task(self._left(), name="leave")
        log.error("agent_ended", reason=reason.detail)

    async def _left(self) -> None:
        with suppress(KeywrightError):
            await self.deciding.node.leave()

    async def _flush(self) -> None:
        """Send what was used; what the server does not take now is kept, unless it does not want it at all."""
        waiting = list(self.deciding.uses.take())
        try:
            while waiting:
                count, batch = _batch(waiting)
                try:
                    await self._link.ask(m.Uses(batch), m.Done)
                except InvalidValue as unwanted:
                    log.warning("usage_refused", reason=unwanted.detail)
                    self._metrics.usage_dropped(sum(one.total() for one in waiting[:count]))
                else:
                    self._metrics.usage_flush(ok=True, keys=count)
                del waiting[:count]
        except Unavailable:
            self._metrics.usage_flush(ok=False, keys=len(waiting))
        finally:  # also when the agent stops at this moment
            self.deciding.uses.put_back(waiting)
            self._metrics.usage_dropped(self.deciding.uses.take_dropped())


class _Bounded(Judge):
    """A judge for as long as the agent's own key is good."""

    __slots__ = ("_require_alive",)

    def __init__(self, verifier: Verifier, require_alive: Callable[[], None]) -> None:
        super().__init__(verifier)
        self._require_alive = require_alive

    async def answer(self, asker: Asker, question: Question, at: str = "") -> Decision:
        """See `Judge`. Raises `Unavailable` once the agent has ended."""
        self._require_alive()
        return await super().answer(asker, question, at)

    async def judge(self, shown: Shown) -> Decision:
        """See `Judge`. Raises `Unavailable` once the agent has ended."""
        self._require_alive()
        return await super().judge(shown)


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


def _reason(own: KeyFacts, now_us: int) -> str | None:
    """Why an agent with this key may not decide, in a sentence; None where it may."""
    code = decide(own, Asked(), now_us, None).code
    if code not in {Code.VALID, Code.IP_NOT_ALLOWED}:  # the server judges by the address that it sees
        return f"The agent's key {_REFUSALS.get(code, 'is no good')}."
    caller = caller_with(own)
    if not all(caller.may(own.key.tenant_id, action) for action in (RUN, VERIFY)):
        return f"The agent's key needs the permissions {RUN} and {VERIFY}."
    return None


def _is_over(own: KeyFacts, now_us: int) -> bool:
    ends = own.key.expires_at
    return ends is not None and now_us >= to_us(ends)


def _batch(waiting: Sequence[Tally]) -> tuple[int, tuple[m.Used, ...]]:
    """As many of the first as one message has room for, and at least one."""
    batch: list[m.Used] = []
    size = 0
    for one in waiting[: m.MAX_USES]:
        used = told(one.use())
        size += len(msgspec.json.encode(used))
        if batch and size > MOST_BYTES:
            break
        batch.append(used)
    return len(batch), tuple(batch)


def _asker(own: KeyFacts) -> Asker:
    caller = caller_with(own)
    return Asker(caller, own.tenant, may_explain=caller.may(own.key.tenant_id, "keys:read"))


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _not_sent(error: Exception) -> None:
    log.error("scheduled_work_failed", work="flush", exc_info=error)
