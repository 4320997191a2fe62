"""Logging in through an identity provider: a flow is begun, answered by the provider, and ended once."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keywright.core import tokens
from keywright.core.errors import KeywrightError, LoginTaken, SignOnFailed, Unavailable
from keywright.core.sessions import SIGN_ON, SIGN_ON_MFA
from keywright.core.sign_on import claimed, is_code, redirect_uri, secrets_of
from keywright.services import throttle
from keywright.services.sign_on.people import Arrival
from keywright.storage.challenges import Challenge
from keywright.storage.external_identities import LinkRace

if TYPE_CHECKING:
    from datetime import datetime

    from keywright.core.sign_on import Claimed
    from keywright.core.tokens import Token
    from keywright.ops.metrics import Metrics
    from keywright.services.sessions import LoggedIn, SessionKeeper
    from keywright.services.sign_on.people import Rules
    from keywright.services.sign_on.provider import Provider
    from keywright.services.tools import Tools

FLOW_LIVES: Final = timedelta(minutes=10)
_PURPOSE: Final = "sign_on"
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Started:
    """A flow: where to log in, and the secret with which its starter ends it until `expires_at`."""

    authorization_url: str = field(repr=False)
    flow: Token
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from the provider, and the flow that it is said to belong to."""

    flow: str
    state: str
    code: str

    def __repr__(self) -> str:
        """Without what is in it."""
        return "Answer(…)"


class SignOn:
    """Single sign-on by one provider."""

    def __init__(
        self, tools: Tools, metrics: Metrics, *, sessions: SessionKeeper, provider: Provider, rules: Rules
    ) -> None:
        self._tools = tools
        self._metrics = metrics
        self._sessions = sessions
        self._provider = provider
        self._rules = rules

    async def close(self) -> None:
        """Let go of the connections to the provider."""
        await self._provider.close()

    async def start(self, redirect: str | None, *, ip: str | None) -> Started:
        """Begin a flow; `redirect` is where the person is to come back, Keywright's own address unless named.

        Raises `InvalidValue` for a place that nobody is sent back to, `SignOnUnavailable`, and
        `TooManyAttempts` for an address that begins flow after flow or has failed to log in too often.
        """
        back = redirect_uri(redirect, self._tools.public_url)
        flow = tokens.mint(tokens.FLOW_PREFIX)
        url = await self._provider.authorization_url(back, secrets_of(flow.reveal()))
        expires_at = self._tools.clock.now() + FLOW_LIVES
        async with self._tools.database.write() as transaction:
            await self._tools.throttle.check(transaction, throttle.address(ip))
            await self._tools.throttle.failed(transaction, throttle.challenges(ip))
            await transaction.challenges.add(
                Challenge(
                    id=flow.digest.hex(),
                    purpose=_PURPOSE,
                    identity_id=None,
                    payload=json.dumps({"redirect_uri": back}),
                    expires_at=expires_at,
                )
            )
        return Started(url, flow, expires_at)

    async def finish(self, answer: Answer, *, ip: str | None, request_id: str | None) -> LoggedIn:
        """End a flow with a session for who the provider says has come.

        A flow ends with the first answer, whatever that is. Raises `SignOnFailed`, `SignOnUnavailable`, and
        `TooManyAttempts` while the address has to wait.
        """
        try:
            logged_in = await self._finish(answer, ip, request_id)
        except SignOnFailed as refused:
            self._metrics.login(refused.code)
            async with self._tools.database.write() as transaction:
                await self._tools.throttle.failed(transaction, throttle.address(ip))
            raise
        except KeywrightError as refused:
            self._metrics.login(refused.code)
            raise
        self._metrics.login("ok")
        return logged_in

    async def _finish(self, answer: Answer, ip: str | None, request_id: str | None) -> LoggedIn:
        back = await self._taken(answer, ip)
        claims = await self._provider.claims(answer.code, back, secrets_of(answer.flow))
        who = claimed(self._provider.issuer, claims, self._rules.groups_claim)
        return await self._arrived(who, ip, request_id)

    async def _taken(self, answer: Answer, ip: str | None) -> str:
        """Where the flow that is answered sends people back to; from now on it has ended."""
        async with self._tools.database.write() as transaction:
            await self._tools.throttle.check(transaction, throttle.address(ip))
            taken = await transaction.challenges.take(
                tokens.digest(answer.flow).hex(), _PURPOSE, self._tools.clock.now()
            )
        if taken is None or not _matches(answer) or not is_code(answer.code):
            raise SignOnFailed("This sign-on was not begun here, or has ended. Begin anew.")
        return str(json.loads(taken.payload)["redirect_uri"])

    async def _arrived(self, who: Claimed, ip: str | None, request_id: str | None) -> LoggedIn:
        """A session for somebody who has come, in one transaction with what changes by that."""
        proofs = (SIGN_ON_MFA if who.multi_factor else SIGN_ON,)
        for _ in range(_ATTEMPTS):
            try:
                async with self._tools.database.write() as transaction:
                    await self._tools.throttle.succeeded(transaction, throttle.challenges(ip))
                    arrival = Arrival(
                        transaction=transaction, rules=self._rules, claimed=who, now=self._tools.clock.now()
                    )
                    identity = await arrival.person()
                    if arrival.changes:
                        entry = arrival.entry(identity, ip=ip, request_id=request_id)
                        await transaction.audit(None).add(entry)
                    logged_in = await self._sessions.start(
                        transaction, identity, proofs, ip=ip, request_id=request_id
                    )
                    now = self._tools.clock.now()
                    epoch = await transaction.changes.add([identity.id], now) if arrival.regranted else None
            except (LinkRace, LoginTaken):
                continue  # another login was faster, and is found now
            if epoch is not None:
                await self._tools.receipts.wait(epoch, wait=True)
            return logged_in
        raise Unavailable("Too many people log in for the first time at this moment. Try again.")


def _matches(answer: Answer) -> bool:
    """Whether the state that came back is the one that the flow sent out."""
    expected = secrets_of(answer.flow).state
    return hmac.compare_digest(answer.state.encode("utf-8", "surrogatepass"), expected.encode())
