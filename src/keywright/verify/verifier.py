"""The verifier: a token and a question in, a decision out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from keywright.core.decision import NOT_FOUND, STALE, Asked, Code, Decision, decide, explain_code
from keywright.core.errors import Unavailable
from keywright.core.identities import is_slug
from keywright.core.tokens import Form, digest, form_of, is_reserved
from keywright.verify.limits import buckets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.identities import Tenant
    from keywright.core.limits import Bucket
    from keywright.core.ports import Clock, Counters, KeyFacts, KeyLookup
    from keywright.verify.credits import CreditSpender
    from keywright.verify.node import Node
    from keywright.verify.strangers import Strangers
    from keywright.verify.usage import UseLog

_PLAIN = Asked()
_READ_AGAIN = 3
_LOST = object()
"""In place of a result: whoever was reading was cancelled, and somebody else has to read."""


def _every_tenant(_tenant: Tenant) -> bool:
    return True


class Verifier:
    """Decides about keys, from memory while its node holds a lease.

    Never raises for what a token is or is not; a failure to know is `STALE`. `sees` says which tenants there are for
    whoever asks: a key of any other is not found, and to use a global key in any other is to use it in a tenant that
    does not exist.
    """

    __slots__ = (
        "_boottime",
        "_clock",
        "_counters",
        "_credits",
        "_flights",
        "_looked_up",
        "_lookup",
        "_node",
        "_strangers",
        "_uses",
    )

    def __init__(
        self,
        lookup: KeyLookup,
        clock: Clock,
        uses: UseLog,
        *,
        node: Node,
        counters: Counters,
        credits: CreditSpender,  # noqa: A002 - the product's word for it
        strangers: Strangers,
        looked_up: Callable[[], None] | None = None,
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._uses = uses
        self._node = node
        self._boottime = node.boottime
        self._counters = counters
        self._credits = credits
        self._strangers = strangers
        self._looked_up = looked_up
        self._flights: dict[bytes, asyncio.Future[object]] = {}

    async def verify(
        self,
        token: str,
        asked: Asked = _PLAIN,
        sees: Callable[[Tenant], bool] = _every_tenant,
        *,
        charge: bool = True,
    ) -> Decision:
        """Decide about a token. A mistyped one is refused by its checksum, without any look-up.

        Session tokens are no keys and are not found here. Without `charge` nothing is taken of limits and credits,
        and none of them refuses.
        """
        if is_reserved(token):
            return refused(NOT_FOUND, asked)
        token_digest = digest(token)
        node = self._node
        facts = node.memory.get(token_digest) if self._boottime() < node.lease_end else None
        if facts is None:
            # What is remembered was looked up once, so that its form need not be judged again.
            if form_of(token) is Form.MALFORMED:
                return refused(NOT_FOUND, asked)
        elif facts.tenant is not None and (sees is _every_tenant or sees(facts.tenant)):
            now_us = self._clock.now_us()
            decision = decide(facts, asked, now_us, None)
            if charge and not facts.uncounted and decision.valid:
                try:
                    decision = await self._charged(decision, facts, asked, None)
                except Unavailable:
                    return refused(STALE, asked)
            self._uses.note(facts, decision.code, asked, now_us)
            return decision
        return await self._judge(token_digest, facts, asked, sees, charge=charge)

    def at_once(self, token: str, asked: Asked) -> Decision | None:
        """What `verify` would answer whoever sees every tenant, from memory and in one step in which nothing waits.

        None where it has to look something up or to count a use against limits or credits; nothing is counted then.
        For the thread of the event loop: see `Glances` for others.
        """
        if is_reserved(token):
            return refused(NOT_FOUND, asked)
        node = self._node
        if self._boottime() >= node.lease_end:
            return None
        facts = node.memory.get(digest(token))
        # A key that is uncounted belongs to a tenant, so that no other place needs to be looked up.
        if facts is None or not facts.uncounted:
            return None
        now_us = self._clock.now_us()
        decision = decide(facts, asked, now_us, None)
        self._uses.note(facts, decision.code, asked, now_us)
        return decision

    async def verify_digest(
        self,
        token_digest: bytes,
        asked: Asked = _PLAIN,
        sees: Callable[[Tenant], bool] = _every_tenant,
    ) -> Decision:
        """Decide about the token that has this SHA-256 digest."""
        facts = self._node.memory.get(token_digest) if self._node.holds_lease else None
        return await self._judge(token_digest, facts, asked, sees, charge=True)

    async def _judge(
        self,
        token_digest: bytes,
        facts: KeyFacts | None,
        asked: Asked,
        sees: Callable[[Tenant], bool],
        *,
        charge: bool,
    ) -> Decision:
        try:
            if facts is None:
                if not self._strangers.admits(asked.ip):
                    return refused(Decision(Code.RATE_LIMITED), asked)
                facts = await self._learn(token_digest)
            if facts is None or (facts.tenant is not None and not sees(facts.tenant)):
                self._strangers.note(asked.ip)
                return refused(NOT_FOUND, asked)
            place = None
            if facts.tenant is None and asked.tenant is not None and is_slug(asked.tenant):
                place = await self.tenant(asked.tenant)
                if place is not None and not sees(place):
                    place = None
            now_us = self._clock.now_us()
            decision = decide(facts, asked, now_us, place)
            if charge and not facts.uncounted and decision.valid:
                decision = await self._charged(decision, facts, asked, place)
        except Unavailable:
            return refused(STALE, asked)
        self._uses.note(facts, decision.code, asked, now_us)
        return decision

    async def _charged(
        self, decision: Decision, facts: KeyFacts, asked: Asked, place: Tenant | None
    ) -> Decision:
        """A valid decision after limits and credits were asked for the use; raises `Unavailable`."""
        buckets = facts.buckets
        if buckets is None or place is not None:
            buckets = buckets_of(facts, place)
            if place is None:
                facts.keep(buckets)
        taken, left, code = None, None, Code.VALID
        if buckets:
            taken = await self._counters.take(buckets, asked.cost)
            if taken.refused is not None:
                code = Code.RATE_LIMITED
        if code is Code.VALID and facts.key.credits is not None:
            left = await self._spent(facts.key.id, buckets, asked.cost)
            if left is None:
                code, left = Code.CREDITS_EXHAUSTED, 0
        explanation = decision.explanation
        if asked.explain and code is not Code.VALID:
            explanation = explain_code(code)
        return Decision(
            code,
            facts,
            decision.tenant,
            decision.roles,
            explanation,
            taken,
            left,
            decision.action,
            decision.resource,
        )

    async def _spent(self, key_id: str, buckets: tuple[Bucket, ...], cost: int) -> int | None:
        """The credits left after a use; when there are too few, or nobody knows, the limits get theirs back."""
        left = None
        try:
            left = await self._credits.spend(key_id, cost)
        finally:
            if left is None and buckets:
                await self._counters.give_back(buckets, cost)
        return left

    async def tenant(self, slug: str) -> Tenant | None:
        """The tenant of this slug, from memory while there is a lease. Raises `Unavailable`."""
        if self._node.holds_lease:
            known = self._node.memory.place(slug)
            if known is not None:
                return known
        try:
            found = await self._lookup.tenant(slug)
        except Unavailable:
            known = self._node.memory.place(slug) if self._node.in_grace else None
            if known is None:
                raise
            return known
        if found is None:
            return None
        self._node.memory.put_place(*found)
        return found[0]

    async def _learn(self, token_digest: bytes) -> KeyFacts | None:
        """The facts as the database has them, or in an outage, for the time of grace, as they are remembered."""
        try:
            return await self._fetched(token_digest)
        except Unavailable:
            facts = self._node.memory.get(token_digest) if self._node.in_grace else None
            if facts is None:
                raise
            return facts

    async def _fetched(self, token_digest: bytes) -> KeyFacts | None:
        """Read what the database knows now, once for all who ask at the same time.

        A read that began before this question may be older than a change of which somebody has been told that it is
        done. Its result counts only under a lease and where no change that was heard of overtook it; else the one that
        began after the question is waited for.
        """
        running = self._flights.get(token_digest)
        if running is not None:
            found = await asyncio.shield(running)
            if found is not _LOST and self._is_current(found):
                return found  # type: ignore[return-value] # a flight gives facts, None or _LOST
            running = self._flights.get(token_digest)
            if running is not None:
                found = await asyncio.shield(running)
                if found is not _LOST:
                    return found  # type: ignore[return-value] # as above
        return await self._read(token_digest)

    def _is_current(self, found: object) -> bool:
        # A key that was not there may have been made since, and its maker told so.
        return (
            found is not None and self._node.holds_lease and self._node.memory.is_newest(found)  # type: ignore[arg-type] # as above
        )

    async def _read(self, token_digest: bytes) -> KeyFacts | None:
        flight: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._flights[token_digest] = flight
        result: object = _LOST
        try:
            facts = None
            for _ in range(_READ_AGAIN):
                facts = await self._lookup.by_digest(token_digest)
                if self._looked_up is not None:
                    self._looked_up()
                if facts is None or self._node.memory.put(token_digest, facts):
                    break
            result = facts
        except Unavailable as away:
            flight.set_exception(away)
            flight.exception()  # seen, also where nobody else waits for it
            raise
        else:
            return facts
        finally:
            self._flights.pop(token_digest, None)
            if not flight.done():
                flight.set_result(result)


def refused(decision: Decision, asked: Asked) -> Decision:
    """A refusal that knows nothing of a key, with its explanation where one was asked for."""
    return Decision(decision.code, explanation=explain_code(decision.code)) if asked.explain else decision
