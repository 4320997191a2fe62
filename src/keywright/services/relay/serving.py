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
from keywright.core.errors import IllegalTransition, InvalidValue, PermissionDenied, Unavailable
from keywright.core.identities import is_slug
from keywright.core.ids import is_id
from keywright.core.instants import to_us
from keywright.core.limits import MAX_COST, MAX_LIMITS, MAX_USES, Bucket, Level, Limit, UnspentCredits
from keywright.services.decisions import VERIFY
from keywright.services.relay import messages as m
from keywright.services.relay.permits import Permits
from keywright.services.relay.uses import use_of
from keywright.services.upkeep import write_uses
from keywright.storage.credits import DatabaseCredits
from keywright.storage.feed import DatabaseFeed
from keywright.storage.lookup import KEY_SQL, TENANT_SQL, facts_of, placed
from keywright.verify.credits import MAX_BLOCK

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
_LONGEST_VERSION = 40
_LAST_EPOCH = 2**62
_GLANCE_SECONDS = 0.5
_MOST_BUCKETS = MAX_LIMITS * len(Level)


class Relay:
    """Answers the messages of `services.relay.messages`. `serving` says whether this server is not about to stop."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        throttle: Throttle,
        *,
        node: Node,
        terms: Terms,
        counters: Counters,
        serving: Callable[[], bool],
    ) -> None:
        self._serving = serving
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
            m.Look: self._look,
            m.Place: self._place,
            m.TakeCredits: self._take_credits,
            m.GiveBackCredits: self._give_back_credits,
            m.Count: self._count,
            m.Uses: self._uses,
        }

    async def answer(self, caller: Caller, message: m.Message) -> m.Answer:
        """Do what a message says, which is not a `Leave`.

        Raises `PermissionDenied`, `IllegalTransition`, `InvalidValue`, `NotFound`, `TooManyAttempts` and `Unavailable`.
        """
        if caller.key is None:
            raise PermissionDenied("A node runs with an API key, and not with the login of a person.")
        home = None if caller.bound is None else caller.bound.id
        if not self._sees(caller, home):
            raise PermissionDenied(f"This needs the permissions {RUN} and {VERIFY}.")
        return await self._handlers[type(message)](message, caller)

    async def leave(self, message: m.Leave) -> m.Answer:
        """Wait no more for a node, if it is its own word that says so, with a key or without. Raises `Unavailable`."""
        if is_id(message.key_id, "key") and _NODE.fullmatch(message.node):
            node_id = _id_of(message.key_id, message.node)
            # Anybody can send this, so that nothing is written for a node that is not there.
            if any(one.id == node_id for one in await self._feed.nodes()):
                await self._feed.leave(node_id)
        return m.Done()

    async def _hello(self, _message: m.Hello, _caller: Caller) -> m.Answer:
        return m.Terms(self._terms.lease, self._terms.grace)

    async def _register(self, message: m.Register, caller: Caller) -> m.Answer:
        """Make a node known that remembers nothing yet, and so has applied all that there is now."""
        if message.lease_us > self._terms.lease * 1e6 or message.grace_us > self._terms.grace * 1e6:
            raise IllegalTransition("The server does not grant so long a lease. Start the agent again.")
        if message.lease_us < 1 or message.grace_us < 0:
            raise InvalidValue("A lease is at least one microsecond long.", field="lease_us")
        now = self._clock.now()
        state = NodeState(
            id=_own(caller, message.node),
            name=checks.short_line(message.name, _LONGEST_NAME, "name"),
            kind=AGENT,
            version=checks.short_line(message.version, _LONGEST_VERSION, "version"),
            started_at=now,
            renewed_at=now,
            beat=0,
            applied=0,
            lease_us=message.lease_us,
            grace_us=message.grace_us,
        )
        before = None if message.instead_of is None else _own(caller, message.instead_of)
        async with self._database.write() as transaction:
            await self._permits.count_registration(transaction, caller)
            if state.id in {one.id for one in await transaction.nodes.all()}:
                # Whoever sends it has a lease under it perhaps, and has not applied what the new row would say.
                raise InvalidValue("This word was used already.", field="node")
            if before is not None:
                await transaction.nodes.remove(before)
            await transaction.nodes.add(replace(state, applied=await transaction.changes.head()))
        return m.Done()

    async def _renew(self, message: m.Renew, caller: Caller) -> m.Answer:
        """As `ChangeFeed.renew`; one that applies nothing gets no further lease, so that changes cease to wait for it.

        Its row stays, since it may hold the lease of its last renewal still, until it has registered anew.
        """
        node_id = _own(caller, message.node)
        applied = _epoch(message.applied, "applied")
        async with self._database.write() as transaction:
            stuck = await transaction.nodes.is_stuck(node_id, applied)
            known = not stuck and await transaction.nodes.renew(node_id, applied, self._clock.now())
        return m.Known(known)

    async def _since(self, message: m.Since, _caller: Caller) -> m.Answer:
        epoch = _epoch(message.epoch, "epoch")
        ends = self._node.boottime() + min(max(message.wait, 0.0), m.LONGEST_WAIT)
        newest, entries = await self._feed.since(epoch)
        while newest == epoch and (left := ends - self._node.boottime()) > 0:
            if not self._serving():
                raise Unavailable("The server is about to stop.")
            # Much stirs that is no change, and what this server has not heard of need not be looked for.
            if self._node.applied <= epoch:
                await self._node.pause(min(left, _GLANCE_SECONDS))
            if self._node.applied > epoch:
                newest, entries = await self._feed.since(epoch)
        return _told(newest, entries)

    async def _acknowledge(self, message: m.Acknowledge, caller: Caller) -> m.Answer:
        await self._feed.acknowledge(_own(caller, message.node), _epoch(message.applied, "applied"))
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
        if not is_slug(message.slug):
            return m.Rows([])
        rows = await self._database.lookup.rows(TENANT_SQL, message.slug)
        found = placed(rows)
        seen = found is not None and self._sees(caller, found[0].id)
        return m.Rows([list(row) for row in rows] if seen else [])

    async def _take_credits(self, message: m.TakeCredits, caller: Caller) -> m.Answer:
        if not 0 <= message.need <= message.wish <= max(message.need, MAX_BLOCK) <= MAX_COST:
            raise InvalidValue("One takes as much as one needs, or a block.", field="wish")
        await self._permits.require(caller, Level.KEY, message.key_id)
        # By the server's own clock: credits are not filled up sooner because an agent's is ahead.
        now_us = to_us(self._clock.now())
        if message.need == 0:
            block = await self._credits.left(message.key_id, now_us)
        else:
            block = await self._credits.take(message.key_id, message.need, message.wish, now_us)
        return m.Block(block.taken, block.left, block.version, block.ends_us)

    async def _give_back_credits(self, message: m.GiveBackCredits, caller: Caller) -> m.Answer:
        """Put back what is of keys that are there and that the agent may know; the rest is lost, as in a crash."""
        if len(message.unspent) > m.MAX_UNSPENT:
            raise InvalidValue(f"At most {m.MAX_UNSPENT} blocks at once.", field="unspent")
        if any(not 0 < one.amount <= MAX_USES or not 0 <= one.version <= MAX_USES for one in message.unspent):
            raise InvalidValue("Nobody gives back what nobody can take.", field="unspent")
        async with self._database.read() as transaction:
            keys = await self._permits.keys(transaction, caller, [one.key_id for one in message.unspent])
        unspent = tuple(
            UnspentCredits(one.key_id, one.amount, one.version)
            for one in message.unspent
            if one.key_id in keys
        )
        if unspent:
            await self._credits.give_back(unspent)
        return m.Done()

    async def _count(self, message: m.Count, caller: Caller) -> m.Answer:
        if not 0 < len(message.buckets) <= _MOST_BUCKETS:
            raise InvalidValue(f"A use is charged to 1 to {_MOST_BUCKETS} limits.", field="buckets")
        buckets = tuple(Bucket(one.level, one.subject, _limit(one)) for one in message.buckets)
        cost = checks.cost(message.cost)
        for one in message.buckets:
            await self._permits.require(caller, one.level, one.subject)
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
        if len({one.key_id for one in uses}) < len(uses):
            raise InvalidValue("A key is named once.", field="uses")
        async with self._database.write() as transaction:
            keys = await self._permits.keys(transaction, caller, [one.key_id for one in uses])
            sound = [one for one in uses if one.key_id in keys and keys[one.key_id] == one.tenant_id]
            await write_uses(transaction, sound)
        return m.Done()

    def _sees(self, caller: Caller, tenant_id: str | None) -> bool:
        return caller.may(tenant_id, RUN) and caller.may(tenant_id, VERIFY)


def _own(caller: Caller, word: str) -> str:
    """The id of the node that a word stands for when this caller says it; nobody else can say the same."""
    if not _NODE.fullmatch(word):
        raise InvalidValue("A node's word is 32 lower-case hexadecimal digits.", field="node")
    return _id_of(caller.credential_id, word)


def _id_of(key_id: str, word: str) -> str:
    """The id of a node, of the form and the order of any other: a word begins with the milliseconds of its making."""
    own = hashlib.sha256(f"{key_id} {word}".encode()).hexdigest()
    return f"nod_{word[:12]}7{own[:3]}8{own[3:18]}"


def _epoch(number: int, field: str) -> int:
    if not 0 <= number < _LAST_EPOCH:
        raise InvalidValue("This is no epoch.", field=field)
    return number


def _limit(counted: m.Counted) -> Limit:
    """A limit that an agent names. Raises `InvalidValue` for one that no key can have."""
    found = checks.limits([(counted.name, counted.limit, counted.window_seconds)], "buckets")
    return found[0]


def _told(newest: int, entries: tuple[FeedEntry, ...] | None) -> m.Changes:
    if entries is None:
        return m.Changes(newest, None)
    return m.Changes(newest, tuple((one.epoch, tuple(map(m.hidden, one.touched))) for one in entries))
