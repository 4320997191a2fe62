"""The server's end: it does on the database what an agent may do there, in the name of the agent's key.

An agent is a guest. It is granted no longer lease than servers have, so that no change waits longer for it; it sees the
facts of keys where its own key may run a node, and nothing else; what was touched elsewhere it hears under names that
say nothing to it; and nobody can speak for a node but the key that registered it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from keywright.core import checks
from keywright.core.changes import NodeState
from keywright.core.errors import IllegalTransition, InvalidValue, PermissionDenied
from keywright.core.instants import to_us
from keywright.core.limits import Bucket, Level, Limit, UnspentCredits
from keywright.services.relay import messages as m
from keywright.services.relay.permits import Permits
from keywright.services.relay.uses import use_of
from keywright.services.upkeep import write_uses
from keywright.storage.credits import DatabaseCredits
from keywright.storage.feed import DatabaseFeed
from keywright.storage.lookup import KEY_SQL, TENANT_SQL, facts_of, placed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keywright.core.changes import FeedEntry
    from keywright.core.ports import Clock, Counters
    from keywright.services.callers import Caller
    from keywright.services.throttle import Throttle
    from keywright.storage import Database
    from keywright.verify import Node, Terms

RUN: Final = "nodes:run"
AGENT: Final = "agent"
_NODE = re.compile(r"[0-9a-f]{32}")
_LONGEST_NAME = 100


class Relay:
    """Answers the messages of `services.relay.messages`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        throttle: Throttle,
        *,
        node: Node,
        terms: Terms,
        counters: Counters,
    ) -> None:
        self._database = database
        self._clock = clock
        self._feed = DatabaseFeed(database, clock)
        self._credits = DatabaseCredits(database)
        self._node = node
        self._terms = terms
        self._counters = counters
        self._permits = Permits(database, throttle)
        self._handlers: dict[type, Callable[[Any, Caller], Awaitable[m.Answer]]] = {
            m.Hello: self._hello,
            m.Register: self._register,
            m.Renew: self._renew,
            m.Since: self._since,
            m.Acknowledge: self._acknowledge,
            m.Leave: self._leave,
            m.Look: self._look,
            m.Place: self._place,
            m.TakeCredits: self._take_credits,
            m.GiveBackCredits: self._give_back_credits,
            m.Count: self._count,
            m.Uses: self._uses,
        }

    async def answer(self, caller: Caller, message: m.Message) -> m.Answer:
        """Do what a message says. Raises `PermissionDenied`, `InvalidValue`, `NotFound` and `Unavailable`."""
        if caller.key is None:
            raise PermissionDenied("A node runs with an API key, and not with the login of a person.")
        if not caller.may(_home(caller), RUN):
            raise PermissionDenied(f"This needs the permission {RUN}.")
        return await self._handlers[type(message)](message, caller)

    async def _hello(self, message: m.Hello, caller: Caller) -> m.Answer:
        if message.form != m.FORM:
            raise IllegalTransition(
                "The agent and the server are of versions that do not fit. Use the same one."
            )
        slug = None if caller.bound is None else caller.bound.slug
        return m.Terms(self._terms.lease, self._terms.grace, slug)

    async def _register(self, message: m.Register, caller: Caller) -> m.Answer:
        """Make a node known that remembers nothing yet, and so has applied all that there is now."""
        if message.lease_us > self._terms.lease * 1e6 or message.grace_us > self._terms.grace * 1e6:
            raise InvalidValue("The server grants no such lease. Start the agent again.", field="lease_us")
        if message.lease_us < 1 or message.grace_us < 0:
            raise InvalidValue("A lease is at least one microsecond long.", field="lease_us")
        now = self._clock.now()
        state = NodeState(
            id=_id_of(caller, message.node),
            name=checks.short_line(message.name, _LONGEST_NAME, "name"),
            kind=AGENT,
            version=checks.short_line(message.version, _LONGEST_NAME, "version"),
            started_at=now,
            renewed_at=now,
            beat=0,
            applied=0,
            lease_us=message.lease_us,
            grace_us=message.grace_us,
        )
        async with self._database.write() as transaction:
            await self._permits.count_registration(transaction, caller)
            await transaction.nodes.add(replace(state, applied=await transaction.changes.head()))
        return m.Done()

    async def _renew(self, message: m.Renew, caller: Caller) -> m.Answer:
        """As `ChangeFeed.renew`; one that applies nothing is forgotten, so that no change waits for it for ever."""
        node_id = _id_of(caller, message.node)
        async with self._database.write() as transaction:
            if await transaction.nodes.is_stuck(node_id, message.applied):
                await transaction.nodes.remove(node_id)
                return m.Known(known=False)
            return m.Known(await transaction.nodes.renew(node_id, message.applied, self._clock.now()))

    async def _since(self, message: m.Since, _caller: Caller) -> m.Answer:
        ends = self._node.boottime() + min(max(message.wait, 0.0), m.LONGEST_WAIT)
        while True:
            newest, entries = await self._feed.since(message.epoch)
            left = ends - self._node.boottime()
            if newest != message.epoch or left <= 0:
                return _told(newest, entries)
            await self._node.pause(left)

    async def _acknowledge(self, message: m.Acknowledge, caller: Caller) -> m.Answer:
        await self._feed.acknowledge(_id_of(caller, message.node), message.applied)
        return m.Done()

    async def _leave(self, message: m.Leave, caller: Caller) -> m.Answer:
        await self._feed.leave(_id_of(caller, message.node))
        return m.Done()

    async def _look(self, message: m.Look, caller: Caller) -> m.Answer:
        """The rows of a key that the agent may know; none for any other, as for one that is not there."""
        rows = await self._database.lookup.rows(KEY_SQL, checks.token_hash(message.digest, "digest"))
        facts = facts_of(rows)
        if facts is None or not self._sees(caller, facts.key.tenant_id):
            return m.Rows([])
        # The routes stand in each row alike, and may be long.
        return m.Rows([list(rows[0]), *([row[0], None, *row[2:]] for row in rows[1:])])

    async def _place(self, message: m.Place, caller: Caller) -> m.Answer:
        rows = await self._database.lookup.rows(TENANT_SQL, message.slug)
        found = placed(rows)
        seen = found is not None and self._sees(caller, found[0].id)
        return m.Rows([list(row) for row in rows] if seen else [])

    async def _take_credits(self, message: m.TakeCredits, caller: Caller) -> m.Answer:
        if not 0 <= message.need <= message.wish:
            raise InvalidValue("One takes as much as one needs, or more.", field="wish")
        await self._require_key(caller, message.key_id)
        # By the server's own clock: credits are not filled up sooner because an agent's is ahead.
        now_us = to_us(self._clock.now())
        if message.need == 0:
            block = await self._credits.left(message.key_id, now_us)
        else:
            block = await self._credits.take(message.key_id, message.need, message.wish, now_us)
        return m.Block(block.taken, block.left, block.version, block.ends_us)

    async def _give_back_credits(self, message: m.GiveBackCredits, caller: Caller) -> m.Answer:
        for one in message.unspent:
            if one.amount < 0:
                raise InvalidValue("Nobody gives back less than nothing.", field="unspent")
            await self._require_key(caller, one.key_id)
        await self._credits.give_back(
            tuple(UnspentCredits(one.key_id, one.amount, one.version) for one in message.unspent)
        )
        return m.Done()

    async def _count(self, message: m.Count, caller: Caller) -> m.Answer:
        for one in message.buckets:
            await self._permits.require(caller, one.level, one.subject)
        buckets = tuple(Bucket(one.level, one.subject, _limit(one)) for one in message.buckets)
        cost = checks.cost(message.cost)
        if message.back:
            await self._counters.give_back(buckets, cost)
            return m.Done()
        taken = await self._counters.take(buckets, cost)
        states = tuple((one.remaining, one.reset_seconds) for one in taken.states)
        refused = None if taken.refused is None else taken.states.index(taken.refused)
        return m.Taken(states, refused, taken.retry_after, taken.local)

    async def _uses(self, message: m.Uses, caller: Caller) -> m.Answer:
        """Add to the usage of the keys that are there and that the agent may know; all others are left out."""
        if len(message.uses) > m.MAX_USES:
            raise InvalidValue(f"At most {m.MAX_USES} keys at once.", field="uses")
        uses = [use_of(one, to_us(self._clock.now())) for one in message.uses]
        async with self._database.write() as transaction:
            await write_uses(transaction, await self._permits.known(transaction, caller, uses))
        return m.Done()

    def _sees(self, caller: Caller, tenant_id: str | None) -> bool:
        return caller.may(tenant_id, RUN)

    async def _require_key(self, caller: Caller, key_id: str) -> None:
        """Raise `NotFound` for a key that the agent may not know."""
        await self._permits.require(caller, Level.KEY, key_id)


def _id_of(caller: Caller, word: str) -> str:
    """The id of the node that a word stands for when this caller says it; nobody else can say the same.

    It has the form and the order of any other: the word begins with the milliseconds at which it was made.
    """
    if not _NODE.fullmatch(word):
        raise InvalidValue("A node's word is 32 lower-case hexadecimal digits.", field="node")
    own = hashlib.sha256(f"{caller.credential_id} {word}".encode()).hexdigest()
    return f"nod_{word[:12]}7{own[:3]}8{own[3:18]}"


def _limit(counted: m.Counted) -> Limit:
    """A limit that an agent names. Raises `InvalidValue` for one that no key can have."""
    found = checks.limits([(counted.name, counted.limit, counted.window_seconds)], "buckets")
    return found[0]


def _told(newest: int, entries: tuple[FeedEntry, ...] | None) -> m.Changes:
    if entries is None:
        return m.Changes(newest, None)
    return m.Changes(newest, tuple((one.epoch, tuple(map(m.hidden, one.touched))) for one in entries))


def _home(caller: Caller) -> str | None:
    return None if caller.bound is None else caller.bound.id
