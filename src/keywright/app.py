"""The one place that knows everybody: settings in, a running application out."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from keywright.api.graphql import graphql_door
from keywright.api.rest.door import RestDoor
from keywright.api.rest.verify import VerifyDoor
from keywright.core.checks import token_hash
from keywright.core.errors import SignOnUnavailable, Unavailable
from keywright.core.instants import SystemClock
from keywright.ops.logging import get_logger
from keywright.ops.metrics import Metrics
from keywright.services.access import Gate
from keywright.services.decisions import Decisions
from keywright.services.first_start import FirstStart, RootTokenSpent, prepare
from keywright.services.mail import Mailer, MailProblem
from keywright.services.passwords import Passwords
from keywright.services.relying_party import RelyingParty
from keywright.services.service import Services
from keywright.services.sessions import SessionKeeper
from keywright.services.sign_on import provider_of, sign_on_of
from keywright.services.throttle import Throttle
from keywright.services.tools import Tools
from keywright.services.upkeep import Upkeep, every
from keywright.settings.mail import mail_server
from keywright.storage import Database, SchemaMismatch, StorageError
from keywright.storage.migrate import require_current, revision, upgrade
from keywright.verify import UseLog, Verifier
from keywright.web import pages
from keywright.web.edge import Edge
from keywright.web.errors import encode
from keywright.web.handlers import defect, no_such_path, wrong_method
from keywright.web.health import Health

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request

    from keywright.core.ports import Clock
    from keywright.services.sign_on import Provider
    from keywright.settings import Settings

VERSION = version("keywright")
MAX_CLOCK_APART = 5.0
_MAIL_PROBLEMS = {
    MailProblem.UNREACHABLE: "the server of smtp_url does not answer",
    MailProblem.NOT_SECURE: "the server offers no encryption, or its certificate does not hold",
    MailProblem.LOGIN_REFUSED: "the server does not accept the user name and password of smtp_url",
    MailProblem.REFUSED: "the server refuses to talk to this host",
}
_QUIET = frozenset({"/v1/verify", "/v1/verify/batch", "/healthz", "/readyz", "/metrics"})
_PATHS = _QUIET | {"/", "/docs", "/graphiql", "/graphql", "/invitations/accept", "/openapi.json"}

log = get_logger("keywright")


class StartError(Exception):
    """Keywright cannot start, or cannot do its upkeep; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of `diagnose` found."""

    name: str
    ok: bool
    detail: str


class Application:
    """An ASGI application.

    `first_start` is set by a start that found an empty database, `start_error` by one that failed.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self.metrics.build_info(VERSION)
        with _sentences(settings):
            self.database = Database.connect(settings.effective_database_url.reveal())
        self.passwords = Passwords()
        self.mailer = _mailer(settings)
        self.first_start: FirstStart | None = None
        self.start_error: StartError | None = None
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
        """Make ready to serve: schema, first start, scheduled work. Raises `StartError`."""
        with _sentences(self.settings):
            await _prepare_database(self.database, self.settings)
            self.first_start = await self._first_start()
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
        )
        sessions = SessionKeeper(
            tools,
            idle=timedelta(seconds=settings.session_idle_seconds),
            longest=timedelta(seconds=settings.session_max_seconds),
        )
        self.sign_on = sign_on_of(settings, tools, self.metrics, sessions)
        return Services(
            tools=tools,
            sign_on=self.sign_on,
            gate=Gate(self.verifier, sessions),
            sessions=sessions,
            decisions=Decisions(self.verifier, self.database),
            metrics=self.metrics,
        )

    def _dispatcher(self) -> Callable[[Any, Any, Any], Any]:
        """Paths that must be fast or are few go straight to their door, all others to REST, which answers 404."""
        verify = VerifyDoor(self.services, self.metrics)
        graphql = graphql_door(self.services, self.metrics)
        rest = self.rest.app
        open_pages = self._open_pages()
        exact: dict[str, Callable[[Any, Any, Any], Awaitable[None]]] = {
            "/v1/verify": verify,
            "/v1/verify/batch": verify,
            "/graphql": graphql,
        }
        exact |= dict.fromkeys(_PATHS - exact.keys(), open_pages)

        async def dispatch(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
            path: str = scope["path"]
            door = exact.get(path)
            if door is None:
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


def build(settings: Settings, clock: Clock | None = None) -> Application:
    """The application for these settings; nothing is opened before it starts. Raises `StartError`."""
    return Application(settings, clock or SystemClock())


def _mailer(settings: Settings) -> Mailer:
    """What sends mail, by the settings' server if there is one."""
    url = settings.smtp_url
    return Mailer(None if url is None else mail_server(url.reveal()), settings.mail_from or "")


async def migrate(settings: Settings) -> tuple[str | None, str]:
    """Bring the database to this version's schema; answers the revisions before and after. Raises `StartError`."""
    with _sentences(settings):
        database = _connect(settings)
        try:
            return await upgrade(database)
        finally:
            await database.close()


async def diagnose(settings: Settings) -> list[Finding]:
    """Look at what a server with these settings would meet, changing nothing."""
    findings = [_data_folder(settings)] if settings.database_url is None else []
    try:
        with _sentences(settings):
            database = Database.connect(settings.effective_database_url.reveal())
            try:
                findings += await _database_findings(database)
            finally:
                await database.close()
    except StartError as error:
        findings.append(Finding("database", ok=False, detail=str(error)))
    if settings.smtp_url is not None:
        findings.append(await _mail_finding(_mailer(settings)))
    if (provider := provider_of(settings, SystemClock())) is not None:
        findings.append(await _sign_on_finding(provider))
    return findings


async def _mail_finding(mailer: Mailer) -> Finding:
    problem = await mailer.probe()
    mailer.close()
    if problem is None:
        return Finding(
            "mail", ok=True, detail="The mail server answers, and accepts the login if one is set."
        )
    return Finding("mail", ok=False, detail=f"No mail can be sent: {_MAIL_PROBLEMS[problem]}.")


async def _sign_on_finding(provider: Provider) -> Finding:
    try:
        await provider.probe()
    except SignOnUnavailable as error:
        return Finding("sign-on", ok=False, detail=f"{error} Check oidc_issuer.")
    finally:
        await provider.close()
    return Finding("sign-on", ok=True, detail="The identity provider answers as it should.")


async def _database_findings(database: Database) -> list[Finding]:
    if database.dialect == "sqlite" and not database.exists():
        return [Finding("database", ok=True, detail="There is none yet; the first start makes it.")]
    found = await revision(database)
    findings = [Finding("database", ok=True, detail=f"It answers ({database.dialect}).")]
    try:
        await require_current(database)
        findings.append(Finding("schema", ok=True, detail=f"It is at {found}, as this version needs."))
    except SchemaMismatch as mismatch:
        findings.append(Finding("schema", ok=False, detail=str(mismatch)))
        return findings
    async with database.read() as transaction:
        apart = abs((await transaction.now() - SystemClock().now()).total_seconds())
    findings.append(
        Finding("clock", ok=apart < MAX_CLOCK_APART, detail=f"Database and host differ by {apart:.1f} s.")
    )
    return findings


def _data_folder(settings: Settings) -> Finding:
    folder = settings.data
    place = folder if folder.exists() else folder.absolute().parent
    usable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    detail = f"{folder} can be written." if usable else f"{folder} cannot be written: choose another DATA."
    return Finding("data folder", ok=usable, detail=detail)


def _connect(settings: Settings) -> Database:
    """The database; for SQLite the folder it lies in is made first."""
    database = Database.connect(settings.effective_database_url.reveal())
    if database.dialect == "sqlite":
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return database


async def _prepare_database(database: Database, settings: Settings) -> None:
    """SQLite is brought to the newest schema at every start; a PostgreSQL that several servers share is not."""
    if database.dialect == "sqlite":
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        before, after = await upgrade(database)
        if before != after:
            log.info("schema_upgraded", before=before, after=after)
    else:
        await require_current(database)


@contextmanager
def _sentences(settings: Settings) -> Iterator[None]:
    """Turn what stops a start into one sentence for the operator."""
    try:
        yield
    except (StorageError, RootTokenSpent) as error:
        raise StartError(str(error)) from error
    except Unavailable as error:
        cause = error.__cause__
        raise StartError(
            f"The database cannot be reached ({type(cause).__name__}). Check DATABASE_URL and that it is running."
        ) from error
    except OSError as error:
        raise StartError(
            f"{error.filename or settings.data} cannot be used: {error.strerror}. Choose another DATA folder."
        ) from error
