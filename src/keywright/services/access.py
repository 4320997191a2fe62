"""Access: from a credential to a caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keywright.core.codes import Code
from keywright.core.decision import Asked, Decision
from keywright.core.errors import Unauthenticated, Unavailable
from keywright.core.tokens import SESSION_PREFIX, Form, digest, form_of
from keywright.services.callers import Caller

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from keywright.core.ports import KeyFacts
    from keywright.services.sessions import SessionKeeper
    from keywright.verify import Verifier

_REFUSALS = {
    Code.DISABLED: "The API key is disabled.",
    Code.EXPIRED: "The API key has expired.",
    Code.NOT_YET_VALID: "The API key is not valid yet.",
    Code.IDENTITY_DISABLED: "The identity that the API key speaks for is disabled.",
    Code.TENANT_DISABLED: "The tenant of the API key is disabled.",
    Code.IP_NOT_ALLOWED: "The API key may not be used from this address.",
}
_UNKNOWN = "The credential is not known. Send an API key or a session token that is still in use."


class Gate:
    """Turns a token into a caller, or refuses it, or says that nobody can know now."""

    __slots__ = ("_sessions", "_verifier")

    def __init__(self, verifier: Verifier, sessions: SessionKeeper) -> None:
        self._verifier = verifier
        self._sessions = sessions

    async def authenticate(self, token: str | None, ip: IPv4Address | IPv6Address | None) -> Caller:
        """The caller that holds this token, using it from this address."""
        if token is None:
            raise Unauthenticated("Send an API key or a session token as `Authorization: Bearer …`.")
        if token.startswith(f"{SESSION_PREFIX}_"):
            return await self._by_session(token)
        # What Keywright itself is asked is no use of the service that the key's limits and credits are for.
        return caller_of(await self._verifier.verify(token, Asked(ip=ip), charge=False))

    async def _by_session(self, token: str) -> Caller:
        if form_of(token) is not Form.CHECKED:
            raise Unauthenticated(_UNKNOWN, reason=Code.NOT_FOUND)
        found = await self._sessions.find(digest(token))
        if found is None:
            raise Unauthenticated("The session has ended. Log in again.", reason=Code.EXPIRED)
        session, identity, grants, due = found
        return Caller(identity=identity, grants=grants, session=session, password_change_due=due)


def caller_of(decision: Decision) -> Caller:
    """The caller behind a valid decision; raises `Unauthenticated` or `Unavailable` for any other."""
    if decision.code is Code.STALE:
        raise Unavailable("The database cannot be reached, so the credential cannot be checked.")
    if not decision.valid or decision.facts is None:
        reason = Code.NOT_FOUND if decision.valid else decision.code
        raise Unauthenticated(_REFUSALS.get(reason, _UNKNOWN), reason=reason)
    return caller_with(decision.facts)


def caller_with(facts: KeyFacts) -> Caller:
    """The caller who has shown the key with these facts."""
    return Caller(
        identity=facts.identity, grants=facts.grants, key=facts.key, bound=facts.tenant, facts=facts
    )
