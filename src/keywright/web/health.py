"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from keywright.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from keywright.ops.metrics import Metrics

READY_SECONDS = 2.0


class Health:
    """Whether the process lives, and whether it can decide. It cannot before the start and while it stops."""

    def __init__(self, metrics: Metrics, ready: Callable[[], Awaitable[bool]]) -> None:
        self._metrics = metrics
        self._ready = ready
        self.serving = False
        self.figures: Callable[[], Awaitable[tuple[bytes, str]]] = self._own_figures
        """What `/metrics` answers; one of several workers puts the sum of all in its place."""

    def routes(self) -> list[BaseRoute]:
        """The three routes; none needs a credential, and none tells more than it must."""
        return [
            Route("/healthz", self._alive, methods=["GET"]),
            Route("/readyz", self._can_decide, methods=["GET"]),
            Route("/metrics", self._figures, methods=["GET"]),
        ]

    async def _alive(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _can_decide(self, _request: Request) -> Response:
        if not self.serving:
            return JSONResponse({"status": "stopping"}, 503)
        try:
            async with asyncio.timeout(READY_SECONDS):
                holds_lease = await self._ready()
        except (Unavailable, TimeoutError):
            self._metrics.database(up=False)
            return JSONResponse({"status": "database unavailable"}, 503)
        self._metrics.database(up=True)
        if not holds_lease:
            return JSONResponse({"status": "no lease"}, 503)
        return JSONResponse({"status": "ready"})

    async def _figures(self, _request: Request) -> Response:
        body, content_type = await self.figures()
        return Response(body, headers={"content-type": content_type})

    async def _own_figures(self) -> tuple[bytes, str]:
        return self._metrics.render()
