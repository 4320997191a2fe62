"""The one place that knows everybody: settings in, a running application out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from keywright.api.graphql import graphql_door
from keywright.api.rest.door import RestDoor
from keywright.api.rest.verify import VerifyDoor
from keywright.core.checks import token_hash
from keywright.core.instants import SystemClock
from keywright.ops.logging import get_logger
from keywright.ops.metrics import Metrics
from keywright.services.access import Gate
from keywright.services.decisions import Decisions
from keywright.services.first_start import FirstStart, prepare
from keywright.services.passwords import Passwords
from keywright.services.service import Services
from keywright.services.sessions import SessionKeeper
from keywright.services.throttle import Throttle
from keywright.services.upkeep import Upkeep, every
from keywright.storage import Database
from keywright.storage.migrate import require_current, upgrade
from keywright.verify import UseLog, Verifier
from keywright.web import pages
from keywright.web.edge import Edge
from keywright.web.errors import send_json
from keywright.web.health import Health

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.core.ports import Clock
    from keywright.settings import Settings

VERSION = version("keywright")
_QUIET = frozenset({"/v1/verify", "/v1/verify/batch", "/healthz", "/readyz", "/metrics"})
_PATHS = _QUIET | {"/", "/docs", "/graphiql", "/graphql", "/openapi.json"}

log = get_logger("keywright")


class Application:
    """An ASGI application. `first_start` is set by a start that found an empty database, and None otherwise."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self.metrics.build_info(VERSION)
        self.database = Database.connect(settings.effective_database_url.reveal())
        self.passwords = Passwords()
        self.first_start: FirstStart | None = None
        self._uses = UseLog()
        self.verifier = Verifier(self.database.lookup, clock, self._uses)
        self.upkeep = Upkeep(
            self.database,
            clock,
            self._uses,
            self.metrics,
            keep_expired=timedelta(days=settings.sweep_after_days),
        )
        self.services = self._services()
        self.health = Health(self.metrics, self.services.ready)
        self.rest = RestDoor(self.services, VERSION)
        self._tasks: list[asyncio.Task[None]] = []
        self._edge = Edge(
            self._dispatcher(), self.metrics, settings.trusted_proxies, routes=_PATHS, quiet=_QUIET
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Serve a request, or start and stop with the server."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._edge(scope, receive, send)

    async def start(self) -> None:
        """Make ready to serve: schema, first start, scheduled work. Raises `StorageError` or `Unavailable`."""
        if self.database.dialect == "sqlite":
            self.settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            await upgrade(self.database)
        else:
            await require_current(self.database)
        settings = self.settings
        self.first_start = await prepare(
            self.database,
            self.passwords,
            self.clock.now(),
            admin_password=None if settings.admin_password is None else settings.admin_password.reveal(),
            root_token_hash=(
                None if settings.root_token_hash is None else token_hash(settings.root_token_hash.reveal())
            ),
        )
        sweep_every = timedelta(seconds=settings.sweep_interval_seconds)
        self._tasks = [
            self._schedule(settings.usage_flush_seconds, "flush", self.upkeep.flush),
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
        await self.upkeep.flush()
        self.passwords.close()
        await self.database.close()

    def _services(self) -> Services:
        settings = self.settings
        sessions = SessionKeeper(
            self.database,
            self.clock,
            self.passwords,
            Throttle(self.clock),
            idle=timedelta(seconds=settings.session_idle_seconds),
            longest=timedelta(seconds=settings.session_max_seconds),
        )
        return Services(
            database=self.database,
            clock=self.clock,
            gate=Gate(self.verifier, sessions, self.clock),
            sessions=sessions,
            decisions=Decisions(self.verifier, self.database),
            metrics=self.metrics,
        )

    def _dispatcher(self) -> Callable[[Any, Any, Any], Any]:
        """Paths that must be fast or are few go straight to their door, all others to REST, which answers 404."""
        verify = VerifyDoor(self.services, self.metrics)
        graphql = graphql_door(self.services, self.metrics)
        rest = self.rest.app
        open_pages = Starlette(routes=[*pages.routes(), *self.health.routes()])
        document = self.rest.document

        async def openapi(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
            await send_json(send, 200, document)

        exact = {
            "/v1/verify": verify,
            "/v1/verify/batch": verify,
            "/graphql": graphql,
            "/openapi.json": openapi,
        }
        exact |= dict.fromkeys(("/", "/docs", "/graphiql", "/healthz", "/readyz", "/metrics"), open_pages)

        async def dispatch(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
            path: str = scope["path"]
            door = exact.get(path)
            if door is None:
                door = open_pages if path.startswith("/assets/") else rest
            await door(scope, receive, send)

        return dispatch

    def _schedule(self, seconds: float, name: str, work: Callable[[], Any]) -> asyncio.Task[None]:
        def failed(error: Exception) -> None:
            log.error("scheduled_work_failed", work=name, exc_info=error)

        return asyncio.create_task(every(seconds, work, failed), name=name)

    async def _lifespan(self, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        await receive()
        try:
            await self.start()
        except Exception as error:
            await self.stop()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def build(settings: Settings, clock: Clock | None = None) -> Application:
    """The application for these settings. Nothing is opened before it starts."""
    return Application(settings, clock or SystemClock())
