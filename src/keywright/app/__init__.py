"""The one place that knows everybody: settings in, a running application out."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from keywright.api.graphql import graphql_door
from keywright.api.rest import authorize, oauth, relay
from keywright.api.rest.callers import ByKey
from keywright.api.rest.door import RestDoor
from keywright.api.rest.quick import QuickVerify
from keywright.api.rest.repeats import Repeats
from keywright.api.rest.verify import VerifyDoor
from keywright.app.diagnosis import Finding, diagnose
from keywright.app.dialects import chosen
from keywright.app.opening import StartError, connected, database_of, mailer_of, prepare_database, sentences
from keywright.console import console_door, is_console
from keywright.core.boottime import boottime
from keywright.core.checks import token_hash
from keywright.core.instants import SystemClock
from keywright.ops.logging import get_logger
from keywright.ops.metrics import Metrics
from keywright.services.access import Gate
from keywright.services.counting import counted_at
from keywright.services.deciding import Deciding, Room, ground_of
from keywright.services.decisions import Decisions
from keywright.services.first_start import FirstStart, prepare
from keywright.services.passwords import Passwords
from keywright.services.receipts import Receipts
from keywright.services.relay.serving import Relay
from keywright.services.relying_party import RelyingParty
from keywright.services.service import Services
from keywright.services.sessions import Lifetime, SessionKeeper
from keywright.services.sign_on import sign_on_of
from keywright.services.throttle import Throttle
from keywright.services.tools import Tools
from keywright.services.upkeep import Upkeep, every
from keywright.storage.counters import counters_of
from keywright.storage.migrate import upgrade
from keywright.verify import Label, Terms
from keywright.web import pages
from keywright.web.calls import asker_of
from keywright.web.edge import Edge
from keywright.web.errors import encode
from keywright.web.handlers import defect, no_such_path, wrong_method
from keywright.web.health import Health
from keywright.web.mounts import PREFIX, Mounts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

    from keywright.core.ports import Clock
    from keywright.settings import Settings

VERSION = version("keywright")
_QUIET = frozenset(
    {
        "/v1/verify",
        "/v1/verify/batch",
        authorize.PATH,
        oauth.INTROSPECT,
        relay.PATH,
        "/healthz",
        "/readyz",
        "/metrics",
    }
)
_PATHS = _QUIET | {
    *(oauth.REVOKE, "/docs", "/graphiql", "/graphql", "/openapi.json"),
}

log = get_logger("keywright")

__all__ = ["VERSION", "Application", "Finding", "StartError", "build", "diagnose", "migrate"]


class Application:
    """An ASGI application.

    `first_start` is set by a start that found an empty database, `start_error` by one that failed. `repeats` is for
    the server around it, which may give an answer of `/v1/verify` again; None where it must not.
    """

    def __init__(self, settings: Settings, clock: Clock, shared: Path | None = None) -> None:
        self.settings = settings
        self._shared = shared
        self.clock = clock
        self.metrics = Metrics()
        self.metrics.build_info(VERSION)
        with sentences(settings):
            self.database = database_of(settings)
        self.passwords = Passwords()
        self.mailer = mailer_of(settings)
        self.first_start: FirstStart | None = None
        self.start_error: StartError | None = None
        self.deciding = self._deciding()
        self.upkeep = Upkeep(
            self.database,
            clock,
            self.deciding.uses,
            self.metrics,
            keep_expired=timedelta(days=settings.sweep_after_days),
            keep_usage=timedelta(days=settings.usage_keep_days),
        )
        self.services = self._services()
        self.health = Health(self.metrics, self.services.ready)
        self.rest = RestDoor(self.services, VERSION)
        self._tasks: list[asyncio.Task[None]] = []
        self._mounts = Mounts(self.services, chosen(settings.dialects))
        edge = Edge(
            self._dispatcher(),
            self.metrics,
            settings.trusted_proxies,
            routes=_PATHS,
            quiet=_QUIET,
            refusal=self._mounts.refusal,
        )
        self._outermost: Callable[[Any, Any, Any], Awaitable[None]] = edge
        self.repeats: Repeats | None = None
        # These write no line in the log, so that whoever wants every line goes without them.
        if settings.log_level != "debug":
            recall = self.deciding.recall
            callers = ByKey(recall)
            self.repeats = Repeats(recall, self.metrics, callers)
            self._outermost = QuickVerify(
                edge, self.deciding.verifier, recall, self.metrics, callers, self.repeats
            )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Serve a request, or start and stop with the server."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._outermost(scope, receive, send)

    async def start(self) -> None:
        """Make ready to serve: schema, first start, scheduled work. Raises `StartError`."""
        with sentences(self.settings):
            await prepare_database(self.database, self.settings)
            self.first_start = await self._first_start()
            await self.deciding.start()
        settings = self.settings
        sweep_every = timedelta(seconds=settings.sweep_interval_seconds)
        self._tasks = [
            self._schedule(settings.usage_flush_seconds, "flush", self.upkeep.flush),
            # Due after half the time, so that a node whose clock is a little behind does not skip its turn.
            self._schedule(
                settings.sweep_interval_seconds, "sweep", lambda: self.upkeep.sweep(sweep_every / 2)
            ),
        ]
        self.health.serving = True

    async def stop(self) -> None:
        """Stop the scheduled work, write down what was used, and let go of the database."""
        self.health.serving = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.deciding.stop()
        await self.upkeep.flush()
        self.passwords.close()
        self.mailer.close()
        if self.sign_on is not None:
            await self.sign_on.close()
        await self.database.close()

    async def _first_start(self) -> FirstStart | None:
        password, root = self.settings.admin_password, self.settings.root_token_hash
        return await prepare(
            self.database,
            self.passwords,
            self.clock.now(),
            admin_password=None if password is None else password.reveal(),
            root_token_hash=None if root is None else token_hash(root.reveal()),
        )

    def _deciding(self) -> Deciding:
        settings = self.settings
        redis_url = settings.redis_url
        host = None if self._shared is None else counted_at(self._shared)
        return Deciding(
            ground_of(self.database, self.clock),
            self.clock,
            counters_of(None if redis_url is None else redis_url.reveal(), self.metrics, host=host),
            self.metrics,
            label=Label(name=socket.gethostname(), kind="server", version=VERSION),
            terms=Terms(lease=settings.lease_seconds, grace=settings.stale_grace_seconds),
            room=Room(entries=settings.cache_entries, bytes=settings.cache_megabytes * 1_000_000),
        )

    def _services(self) -> Services:
        settings = self.settings
        tools = Tools(
            database=self.database,
            clock=self.clock,
            passwords=self.passwords,
            throttle=Throttle(self.clock),
            relying_party=RelyingParty(settings.effective_public_url),
            mailer=self.mailer,
            public_url=settings.effective_public_url,
            receipts=Receipts(self.deciding.node, self.clock, boottime, self.metrics),
            node=self.deciding.node,
            lifetime=Lifetime(
                idle=timedelta(seconds=settings.session_idle_seconds),
                longest=timedelta(seconds=settings.session_max_seconds),
            ),
        )
        sessions = SessionKeeper(tools)
        self.sign_on = sign_on_of(settings, tools, self.metrics, sessions)
        return Services(
            tools=tools,
            sign_on=self.sign_on,
            gate=Gate(self.deciding.verifier, sessions),
            sessions=sessions,
            decisions=Decisions(self.deciding.verifier, self.database),
            metrics=self.metrics,
        )

    def _relay(self) -> Relay:
        """What agents may have done here: they are nodes without a database."""
        settings = self.settings
        return Relay(
            self.database,
            self.clock,
            self.services.throttle,
            node=self.deciding.node,
            terms=Terms(lease=settings.lease_seconds, grace=settings.stale_grace_seconds),
            counters=self.deciding.counters,
            serving=lambda: self.health.serving,
        )

    def _dispatcher(self) -> Callable[[Any, Any, Any], Any]:
        """Paths that must be fast or are few go straight to their door, all others to REST, which answers 404."""
        judge = self.services.decisions
        verify = VerifyDoor(judge, lambda visit: asker_of(visit, self.services), self.metrics)
        gateways = authorize.AuthorizeDoor(judge, self.metrics, self.settings.trusted_proxies)
        tokens = oauth.OAuthDoor(self.services, self.metrics, self.settings.effective_public_url)
        graphql = graphql_door(self.services, self.metrics)
        rest = self.rest.app
        mounts = self._mounts
        open_pages = self._open_pages()
        console = console_door(self.services)
        exact: dict[str, Callable[[Any, Any, Any], Awaitable[None]]] = {
            "/v1/verify": verify,
            "/v1/verify/batch": verify,
            authorize.PATH: gateways,
            oauth.INTROSPECT: tokens,
            oauth.REVOKE: tokens,
            relay.PATH: relay.RelayDoor(self.services, self._relay()),
            "/graphql": graphql,
        }
        exact |= dict.fromkeys(_PATHS - exact.keys(), open_pages)

        async def dispatch(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
            path: str = scope["path"]
            door = exact.get(path)
            if door is None:
                if path.startswith(f"{authorize.PATH}/"):
                    door = gateways
                elif path.startswith(PREFIX):
                    door = mounts.door(path) or open_pages
                elif is_console(path):
                    door = console
                else:
                    door = open_pages if path.startswith("/assets/") else rest
            await door(scope, receive, send)

        return dispatch

    def _open_pages(self) -> Starlette:
        """What needs no credential: pages, their assets, the OpenAPI document, health and metrics."""
        document = encode(self.rest.document)

        async def openapi(_request: Request) -> Response:
            return Response(document, media_type="application/json")

        return Starlette(
            routes=[*pages.routes(), *self.health.routes(), Route("/openapi.json", openapi)],
            exception_handlers={404: no_such_path, 405: wrong_method, Exception: defect},
        )

    def _schedule(self, seconds: float, name: str, work: Callable[[], Any]) -> asyncio.Task[None]:
        def failed(error: Exception) -> None:
            log.error("scheduled_work_failed", work=name, exc_info=error)

        return asyncio.create_task(every(seconds, work, failed), name=name)

    async def _lifespan(self, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        await receive()
        try:
            await self.start()
        except StartError as error:
            self.start_error = error
            await self.stop()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def build(settings: Settings, clock: Clock | None = None, shared: Path | None = None) -> Application:
    """The application for these settings; nothing is opened before it starts. Raises `StartError`.

    `shared` is the folder that it shares with the other workers of its server, where it is one of several.
    """
    return Application(settings, clock or SystemClock(), shared)


async def migrate(settings: Settings) -> tuple[str | None, str]:
    """Bring the database to this version's schema; answers the revisions before and after. Raises `StartError`."""
    with sentences(settings):
        database = connected(settings)
        try:
            return await upgrade(database)
        finally:
            await database.close()
