"""The database as an agent has it: the ports of the verifier, each call a message to a server."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keywright.core.changes import FeedEntry
from keywright.core.errors import KeywrightError, Unavailable
from keywright.core.limits import MAX_USES, CreditBlock, LimitState, Taken
from keywright.services.relay import messages as m
from keywright.storage.counters import MemoryCounters
from keywright.storage.lookup import facts_of, placed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.changes import NodeState
    from keywright.core.identities import Tenant
    from keywright.core.limits import Bucket, UnspentCredits
    from keywright.core.ports import KeyFacts
    from keywright.ops.metrics import Metrics
    from keywright.services.relay.link import Link

PAUSE_SECONDS: Final = 1.0
"""For so long limits are counted here alone after the server did not count."""
_SECOND_US: Final = 1_000_000


class RelayedFeed:
    """See `ChangeFeed`. `vouched` is awaited before the server hears that anything was applied.

    `key_id` answers the id of the key with which the agent asks.
    """

    def __init__(self, link: Link, vouched: Callable[[], Awaitable[None]], key_id: Callable[[], str]) -> None:
        self._link = link
        self._vouched = vouched
        self._key_id = key_id
        self._before: str | None = None

    async def register(self, node: NodeState) -> None:
        """See `ChangeFeed`."""
        word, before = _word(node.id), self._before
        # Also where no answer comes: the row may be there.
        self._before = word
        message = m.Register(word, node.name, node.version, node.lease_us, node.grace_us, before)
        await self._link.ask(message, m.Done)

    async def renew(self, node_id: str, applied: int) -> bool:
        """See `ChangeFeed`."""
        await self._vouched()
        return (await self._link.ask(m.Renew(_word(node_id), applied), m.Known)).known

    async def since(self, epoch: int) -> tuple[int, tuple[FeedEntry, ...] | None]:
        """See `ChangeFeed`; what was touched goes by its hidden name."""
        return _read(await self._link.ask(m.Since(epoch), m.Changes))

    async def awaited(self, epoch: int, seconds: float) -> int:
        """The newest epoch, once it is another than this one, or after some seconds."""
        found = await self._link.ask(m.Since(epoch, seconds), m.Changes, longer=seconds)
        return found.newest

    async def acknowledge(self, node_id: str, applied: int) -> None:
        """See `ChangeFeed`."""
        await self._vouched()
        await self._link.ask(m.Acknowledge(_word(node_id), applied), m.Done)

    async def leave(self, node_id: str) -> None:
        """See `ChangeFeed`."""
        await self._link.ask(m.Leave(_word(node_id), self._key_id()), m.Done)

    async def nodes(self) -> tuple[NodeState, ...]:
        """None: an agent waits for no other node, and looks after none."""
        return ()

    async def forget(self, node_id: str, beat: int) -> None:
        """See `ChangeFeed`; `nodes` names none."""
        raise AssertionError(f"an agent was told of {node_id} at {beat}")


class RelayedLookup:
    """See `KeyLookup`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def by_digest(self, digest: bytes) -> KeyFacts | None:
        """See `KeyLookup`."""
        return facts_of((await self._asked(m.Look(digest.hex()))).rows)

    async def tenant(self, slug: str) -> tuple[Tenant, int] | None:
        """See `KeyLookup`."""
        return placed((await self._asked(m.Place(slug))).rows)

    async def _asked(self, message: m.Look | m.Place) -> m.Rows:
        try:
            return await self._link.ask(message, m.Rows)
        except Unavailable:
            raise
        except KeywrightError as error:
            # That the agent itself may no longer ask says nothing about the token.
            raise Unavailable("The server does not tell this agent about keys.") from error


class RelayedCredits:
    """See `CreditStore`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def take(self, key_id: str, need: int, wish: int, now_us: int) -> CreditBlock:
        """See `CreditStore`; the server's clock counts."""
        return await self._block(m.TakeCredits(key_id, need, wish, now_us))

    async def left(self, key_id: str, now_us: int) -> CreditBlock:
        """See `CreditStore`."""
        return await self._block(m.TakeCredits(key_id, 0, 0, now_us))

    async def give_back(self, unspent: tuple[UnspentCredits, ...]) -> None:
        """See `CreditStore`. What may have come back is not sent twice, so nothing is tried again."""
        blocks = [m.Unspent(one.key_id, min(one.amount, MAX_USES), one.version) for one in unspent]
        for start in range(0, len(blocks), m.MAX_UNSPENT):
            with suppress(KeywrightError):
                await self._link.ask(m.GiveBackCredits(tuple(blocks[start : start + m.MAX_UNSPENT])), m.Done)

    async def _block(self, message: m.TakeCredits) -> CreditBlock:
        try:
            found = await self._link.ask(message, m.Block)
        except Unavailable:
            raise
        except KeywrightError as error:
            raise Unavailable("The server gives this agent no credits.") from error
        return CreditBlock(found.taken, found.left, found.version, found.ends_us)


class RelayedCounters:
    """See `Counters`: counts where the server counts, and alone while it cannot be asked, from what it said last."""

    def __init__(self, link: Link, metrics: Metrics) -> None:
        self._link = link
        self._metrics = metrics
        self._local = MemoryCounters()
        self._alone_until = 0.0

    async def take(self, buckets: tuple[Bucket, ...], cost: int) -> Taken:
        """See `Counters`."""
        if time.monotonic() >= self._alone_until:
            try:
                found = await self._link.ask(m.Count(_counted(buckets), cost), m.Taken)
            except KeywrightError:
                self._alone_until = time.monotonic() + PAUSE_SECONDS
                self._metrics.shared_counters(up=False)
            else:
                self._metrics.shared_counters(up=True)
                return self._told(buckets, found)
        self._metrics.counted_alone()
        return (await self._local.take(buckets, cost))._replace(local=True)

    async def give_back(self, buckets: tuple[Bucket, ...], cost: int) -> None:
        """See `Counters`."""
        await self._local.give_back(buckets, cost)
        if time.monotonic() >= self._alone_until:
            try:
                await self._link.ask(m.Count(_counted(buckets), cost, back=True), m.Done)
            except KeywrightError:
                self._alone_until = time.monotonic() + PAUSE_SECONDS

    async def close(self) -> None:
        """Nothing to let go of: the link is not its own."""

    def _told(self, buckets: tuple[Bucket, ...], found: m.Taken) -> Taken:
        states = tuple(
            LimitState(bucket, *state) for bucket, state in zip(buckets, found.states, strict=True)
        )
        for one in states:
            self._local.adopt(one.bucket, round(one.reset_seconds * _SECOND_US) * one.bucket.parts)
        refused = None if found.refused is None else states[found.refused]
        return Taken(states, refused, found.retry_after, found.local)


def _counted(buckets: tuple[Bucket, ...]) -> tuple[m.Counted, ...]:
    return tuple(
        m.Counted(one.level, one.subject, one.limit.name, one.limit.limit, one.limit.window_seconds)
        for one in buckets
    )


def _read(found: m.Changes) -> tuple[int, tuple[FeedEntry, ...] | None]:
    if found.entries is None:
        return found.newest, None
    return found.newest, tuple(FeedEntry(epoch, touched) for epoch, touched in found.entries)


def _word(node_id: str) -> str:
    """The word of a node, which only this agent knows: its own id, as it is never told to others."""
    return node_id.partition("_")[2]
