"""`Services`: what every door is given, and nothing behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from keywright.core.errors import IdempotencyKeyReused, KeywrightError
from keywright.services.work import perform
from keywright.storage.idempotency import ReplayRace

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from keywright.core.ports import Clock
    from keywright.ops.metrics import Metrics
    from keywright.services.access import Gate
    from keywright.services.callers import Caller
    from keywright.services.decisions import Decisions
    from keywright.services.sessions import LoggedIn, SessionKeeper
    from keywright.services.work import Call, UseCase
    from keywright.storage import Database

In = TypeVar("In")
Out = TypeVar("Out")

_ATTEMPTS = 3


class Services:
    """Runs use cases, authenticates callers and decides about keys."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        gate: Gate,
        sessions: SessionKeeper,
        decisions: Decisions,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._clock = clock
        self._gate = gate
        self._sessions = sessions
        self._metrics = metrics
        self.decisions = decisions

    async def authenticate(self, token: str | None, ip: IPv4Address | IPv6Address | None) -> Caller:
        """The caller that holds a token; raises `Unauthenticated` or `Unavailable`."""
        return await self._gate.authenticate(token, ip)

    async def log_in(self, login: str, password: str, *, ip: str | None, request_id: str | None) -> LoggedIn:
        """Start a session; see `SessionKeeper.log_in`."""
        try:
            logged_in = await self._sessions.log_in(login, password, ip=ip, request_id=request_id)
        except KeywrightError as refused:
            self._metrics.login(refused.code)
            raise
        self._metrics.login("ok")
        return logged_in

    async def run(self, use: UseCase[In, Out], call: Call, data: In) -> Out:
        """Run a use case in a transaction of its own; raises the errors of `core.errors`."""
        try:
            result = await self._attempt(use, call, data)
        except KeywrightError as refused:
            self._metrics.use_case(use.name, refused.code)
            raise
        self._metrics.use_case(use.name, "ok")
        return result

    async def ready(self) -> None:
        """Raises `Unavailable` unless the database answers."""
        async with self._database.read() as transaction:
            await transaction.probe()

    async def _attempt(self, use: UseCase[In, Out], call: Call, data: In) -> Out:
        for _ in range(_ATTEMPTS):
            try:
                begin = self._database.write if use.changes else self._database.read
                async with begin() as transaction:
                    return await perform(use, transaction, call, data, self._clock.now())
            except ReplayRace:
                continue  # the other request has committed by now, and its result is found
        raise IdempotencyKeyReused(
            "Another request is using this idempotency key. Try again.", field="Idempotency-Key"
        )
