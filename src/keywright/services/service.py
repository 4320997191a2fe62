"""`Services`: what every door is given, and nothing behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from keywright.core.errors import IdempotencyKeyReused, KeywrightError, NotFound
from keywright.services.figures import Watch
from keywright.services.invitations import accept
from keywright.services.refusals import disabled_at, expired_at
from keywright.services.retries import retried
from keywright.services.revocation import holder_of, revoke_key, settled
from keywright.services.sessions import end_session
from keywright.services.work import Call, perform
from keywright.storage.idempotency import ReplayRace

if TYPE_CHECKING:
    from datetime import datetime
    from ipaddress import IPv4Address, IPv6Address

    from keywright.core.changes import Receipt
    from keywright.ops.metrics import Metrics
    from keywright.services.access import Gate
    from keywright.services.callers import Caller
    from keywright.services.decisions import Decisions
    from keywright.services.factors import Factor, PasskeyOptions
    from keywright.services.figures import Figures
    from keywright.services.invitations import Acceptance, Accepted, Visitor
    from keywright.services.sessions import Lifetime, LoggedIn, SessionKeeper
    from keywright.services.sign_on import SignOn
    from keywright.services.throttle import Throttle
    from keywright.services.tools import Tools
    from keywright.services.work import UseCase

In = TypeVar("In")
Out = TypeVar("Out")

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Changed(Generic[Out]):
    """What a use case gave, and for one that touches the receipt: that what it says is true on every node."""

    result: Out
    receipt: Receipt | None


class Services:
    """Runs use cases, authenticates callers and decides about keys."""

    def __init__(
        self,
        *,
        tools: Tools,
        gate: Gate,
        sessions: SessionKeeper,
        decisions: Decisions,
        metrics: Metrics,
        sign_on: SignOn | None = None,
    ) -> None:
        self._tools = tools
        self._gate = gate
        self._sessions = sessions
        self._metrics = metrics
        self._sign_on = sign_on
        self._watch = Watch(tools.node, metrics)
        self.decisions = decisions

    @property
    def sign_on(self) -> SignOn:
        """Single sign-on; raises `NotFound` where no provider is set up."""
        if self._sign_on is None:
            raise NotFound("Single sign-on is not set up here.")
        return self._sign_on

    @property
    def throttle(self) -> Throttle:
        """What holds back who tries too often."""
        return self._tools.throttle

    @property
    def offers_sign_on(self) -> bool:
        """Whether a provider for single sign-on is set up."""
        return self._sign_on is not None

    @property
    def public_url(self) -> str:
        """The address at which people reach Keywright."""
        return self._tools.public_url

    def now(self) -> datetime:
        """The moment, by the clock that decisions go by."""
        return self._tools.clock.now()

    async def authenticate(self, token: str | None, ip: IPv4Address | IPv6Address | None) -> Caller:
        """The caller that holds a token; raises `Unauthenticated` or `Unavailable`."""
        return await self._gate.authenticate(token, ip)

    async def disabled_at(self, token: str) -> datetime | None:
        """When the key that is refused as disabled was disabled; see `services.refusals.disabled_at`."""
        return await disabled_at(self._tools, token)

    async def expired_at(self, token: str) -> datetime | None:
        """When the key or session that is refused as expired ended; see `services.refusals.expired_at`."""
        return await expired_at(self._tools, token)

    async def log_in(
        self,
        login: str | None,
        password: str | None,
        *,
        factor: Factor | None = None,
        lifetime: Lifetime | None = None,
        ip: str | None,
        request_id: str | None,
    ) -> LoggedIn:
        """Start a session; see `SessionKeeper.log_in`."""
        try:
            logged_in = await self._sessions.log_in(
                login, password, factor=factor, lifetime=lifetime, ip=ip, request_id=request_id
            )
        except KeywrightError as refused:
            self._metrics.login(refused.code)
            raise
        self._metrics.login("ok")
        return logged_in

    async def passkey_options(self, *, ip: str | None) -> PasskeyOptions:
        """A challenge for a passkey; see `SessionKeeper.passkey_options`."""
        return await self._sessions.passkey_options(ip=ip)

    async def accept_invitation(self, wanted: Acceptance, visitor: Visitor) -> Accepted:
        """Accept an invitation; see `services.invitations.accept`."""
        try:
            accepted = await accept(self._tools, wanted, visitor)
        except KeywrightError as refused:
            self._metrics.use_case("invitations.accept", refused.code)
            raise
        self._metrics.use_case("invitations.accept", "ok")
        return accepted

    async def revoke(self, token: str, *, ip: str | None, request_id: str | None) -> None:
        """Make a token useless for good, for whoever holds it: a key is deleted, a session ended.

        Returns once no node accepts it, also where it is not known. Raises `Unavailable`.
        """
        holder = await holder_of(self._tools, token)
        if holder is None:
            await settled(self._tools)
            return
        call = Call(caller=holder, ip=ip, request_id=request_id)
        await self.run(end_session if holder.key is None else revoke_key, call, None)

    async def run(self, use: UseCase[In, Out], call: Call, data: In) -> Out:
        """Run a use case in a transaction of its own; raises the errors of `core.errors`.

        Waits as `change` does, for doors that show no receipt.
        """
        return (await self.change(use, call, data)).result

    async def change(self, use: UseCase[In, Out], call: Call, data: In) -> Changed[Out]:
        """Run a use case, and wait until what it changed is true on every node, unless the call does not want to."""
        try:
            result, epoch = await self._settled(use, call, data)
            if use.after is not None:
                result = await use.after(self._tools, result)
            receipt = None if epoch is None else await self._tools.receipts.wait(epoch, wait=call.wait)
        except KeywrightError as refused:
            self._metrics.use_case(use.name, refused.code)
            raise
        self._metrics.use_case(use.name, "ok")
        return Changed(result, receipt)

    def figures(self) -> Figures:
        """What this process says of its own work; see `services.figures`."""
        return self._watch.look()

    async def ready(self) -> bool:
        """Whether this node may decide from memory; raises `Unavailable` unless the database answers."""
        async with self._tools.database.read() as transaction:
            await transaction.probe()
        return self._tools.node.holds_lease

    async def _settled(self, use: UseCase[In, Out], call: Call, data: In) -> tuple[Out, int | None]:
        """Run a use case; that something is not there any more is told when it is true on every node too.

        Otherwise who repeats a deletion that broke off would hear of it too early.
        """
        try:
            return await self._attempt(use, call, data)
        except NotFound:
            if use.touches and call.wait:
                await settled(self._tools)
            raise

    async def _attempt(self, use: UseCase[In, Out], call: Call, data: In) -> tuple[Out, int | None]:
        prepared = None if use.first is None else await use.first(self._tools, call, data)
        for _ in range(_ATTEMPTS):
            try:
                return await retried(lambda: self._once(use, call, data, prepared))
            except ReplayRace:
                continue  # the other request has committed by now, and its result is found
        raise IdempotencyKeyReused(
            "Another request is using this idempotency key. Try again.", field="Idempotency-Key"
        )

    async def _once(
        self,
        use: UseCase[In, Out],
        call: Call,
        data: In,
        prepared: Any,  # noqa: ANN401 - what comes first is each use case's own
    ) -> tuple[Out, int | None]:
        begin = self._tools.database.write if use.changes else self._tools.database.read
        async with begin() as transaction:
            return await perform(use, transaction, call, data, self._tools.clock.now(), prepared)
