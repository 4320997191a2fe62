"""The verifier: a token and a question in, a decision out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.decision import NOT_FOUND, STALE, Asked, Code, Decision, decide, explain_code
from keywright.core.errors import Unavailable
from keywright.core.identities import is_slug
from keywright.core.tokens import Form, digest, form_of, is_reserved

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.identities import Tenant
    from keywright.core.ports import Clock, KeyLookup
    from keywright.verify.usage import UseLog

_PLAIN = Asked()


def _every_tenant(_tenant: Tenant) -> bool:
    return True


class Verifier:
    """Decides about keys. Never raises for what a token is or is not; a failure to know is `STALE`.

    `sees` says which tenants there are for whoever asks: a key of any other is not found, and to use a
    global key in any other is to use it in a tenant that does not exist.
    """

    __slots__ = ("_clock", "_lookup", "_uses")

    def __init__(self, lookup: KeyLookup, clock: Clock, uses: UseLog) -> None:
        self._lookup = lookup
        self._clock = clock
        self._uses = uses

    async def verify(
        self, token: str, asked: Asked = _PLAIN, sees: Callable[[Tenant], bool] = _every_tenant
    ) -> Decision:
        """Decide about a token. A mistyped one is refused by its checksum, without any look-up.

        Session tokens are no keys and are not found here.
        """
        if form_of(token) is Form.MALFORMED or is_reserved(token):
            return refused(NOT_FOUND, asked)
        return await self.verify_digest(digest(token), asked, sees)

    async def verify_digest(
        self, token_digest: bytes, asked: Asked = _PLAIN, sees: Callable[[Tenant], bool] = _every_tenant
    ) -> Decision:
        """Decide about the token that has this SHA-256 digest."""
        try:
            facts = await self._lookup.by_digest(token_digest)
            if facts is None or (facts.tenant is not None and not sees(facts.tenant)):
                return refused(NOT_FOUND, asked)
            place = None
            if facts.tenant is None and asked.tenant is not None and is_slug(asked.tenant):
                place = await self._lookup.tenant(asked.tenant)
        except Unavailable:
            return refused(STALE, asked)
        if place is not None and not sees(place):
            place = None
        decision = decide(facts, asked, self._clock.now(), place)
        if decision.code is Code.VALID:
            self._uses.used(facts.key.id, self._clock.now_us(), asked.ip)
        return decision


def refused(decision: Decision, asked: Asked) -> Decision:
    """A refusal that knows nothing of a key, with its explanation where one was asked for."""
    return Decision(decision.code, explanation=explain_code(decision.code)) if asked.explain else decision
