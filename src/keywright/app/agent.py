"""The agent: a verifying node beside the programs of a host, which asks a server for what it does not know."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from keywright.api.rest.authorize import PATH as AUTHORIZE
from keywright.api.rest.authorize import AuthorizeDoor
from keywright.api.rest.callers import Everybody
from keywright.api.rest.quick import QuickVerify
from keywright.api.rest.repeats import Repeats
from keywright.api.rest.verify import VerifyDoor
from keywright.ops.metrics import Metrics
from keywright.services.deciding import Room
from keywright.services.relay.link import Link
from keywright.services.relay.sidecar import Sidecar
from keywright.web.edge import Edge
from keywright.web.handlers import defect, no_such_path, wrong_method
from keywright.web.health import Health

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from httpx2 import AsyncBaseTransport

    from keywright.core.errors import KeywrightError
    from keywright.services.decisions import Asker
    from keywright.web.visit import Visit

_VERIFY = ("/v1/verify", "/v1/verify/batch")
_PATHS = frozenset({*_VERIFY, AUTHORIZE, "/healthz", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What an agent is started with: its server, its key, its name, whom it believes, and how much it may remember."""

    url: str
    token: str = field(repr=False)
    name: str
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = ()
    cache_entries: int = 100_000
    cache_megabytes: int = 256


class Agent:
    """An ASGI application, to be started and stopped by whoever serves it.

    `/v1/verify` and `/v1/authorize` are answered as a server answers them, to everybody who can reach the agent, with
    what its own key may see.
    """

    def __init__(self, settings: AgentSettings, transport: AsyncBaseTransport | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.metrics.build_info(version("keywright"))
        self._transport = transport
        self._health = Health(self.metrics, self._ready)
        self._sidecar: Sidecar | None = None
        self.repeats: Repeats | None = None
        self._outermost: QuickVerify | None = None

    @property
    def ended(self) -> Future[KeywrightError]:
        """Done, with the reason, when the agent's key is no good any more; only once it was started."""
        return self._started().ended

    async def start(self) -> None:
        """Register with the server. Raises what `Sidecar` raises."""
        settings = self.settings
        room = Room(entries=settings.cache_entries, bytes=settings.cache_megabytes * 1_000_000)
        link = Link(settings.url, settings.token, transport=self._transport)
        sidecar = Sidecar(link, settings.token, self.metrics, name=settings.name, room=room)
        try:
            await sidecar.__aenter__()
        except BaseException:
            await link.close()
            raise
        self._link = link
        self._sidecar = sidecar
        edge = Edge(
            self._dispatcher(sidecar), self.metrics, settings.trusted_proxies, routes=_PATHS, quiet=_PATHS
        )
        recall = sidecar.deciding.recall
        callers = Everybody(recall, lambda: sidecar.own, sidecar.digest)
        self.repeats = Repeats(recall, self.metrics, callers)
        self._outermost = QuickVerify(
            edge, sidecar.deciding.verifier, recall, self.metrics, callers, self.repeats
        )
        self._health.serving = True

    async def stop(self) -> None:
        """Send what was used, leave, and let go of the server."""
        self._health.serving = False
        sidecar, self._sidecar = self._sidecar, None
        if sidecar is not None:
            await sidecar.__aexit__(None, None, None)
            await self._link.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Serve a request."""
        assert self._outermost is not None  # noqa: S101 - nobody listens before the start
        await self._outermost(scope, receive, send)

    async def _ready(self) -> bool:
        return self._sidecar is not None and self._sidecar.ready

    def _started(self) -> Sidecar:
        assert self._sidecar is not None  # noqa: S101 - asked for only by whoever started it
        return self._sidecar

    def _dispatcher(self, sidecar: Sidecar) -> Any:  # noqa: ANN401 - ASGI is untyped
        async def asker(visit: Visit) -> Asker:
            return await sidecar.enter(visit.header(b"keywright-tenant"))

        verify = VerifyDoor(sidecar.judge, asker, self.metrics)
        gateways = AuthorizeDoor(sidecar.judge, self.metrics, self.settings.trusted_proxies)
        others = Starlette(
            routes=self._health.routes(),
            exception_handlers={404: no_such_path, 405: wrong_method, Exception: defect},
        )

        async def dispatch(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
            path: str = scope["path"]
            door: Any = others
            if path in _VERIFY:
                door = verify
            elif path == AUTHORIZE or path.startswith(f"{AUTHORIZE}/"):
                door = gateways
            await door(scope, receive, send)

        return dispatch
