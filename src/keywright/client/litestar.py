"""Litestar: a guard for handlers, controllers and routers.

keys = KeyAuth(Verifier("postgresql://…"))

@get("/articles/{article_id:str}", guards=[keys.requires("article:read", "article:{article_id}")])
async def read(request: Request, article_id: FromPath[str]) -> dict[str, str]:
return {"for": request.state.keywright.identity.name}

app = Litestar([read], lifespan=[keys.lifespan])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.exceptions import HTTPException

from keywright.client.asgi import admit, known, let_in
from keywright.client.guard import Resource, Rule
from keywright.client.protection import Protection, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler

__all__ = ["KeyAuth"]


class KeyAuth(Protection):
    """Protection for a Litestar application; `requires` makes guards."""

    def requires(
        self, action: str | None = None, resource: Resource = None, *, cost: int = 1
    ) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]:
        """A guard that wants a key which may do this.

        A template is filled from the parameters of the path; functions get the connection.
        """
        rule = Rule(action, resource, cost)

        async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
            try:
                found, credential = known(self, rule, connection.scope, connection)
                if found is None:
                    found = await admit(self, rule, connection.scope, connection, credential)
            except Refused as refused:
                refusal = refused.refusal
                raise HTTPException(
                    detail=refusal.detail,
                    status_code=refusal.status,
                    headers=dict(refusal.headers),
                    extra={"code": refusal.code},
                ) from None
            let_in(connection.scope, found)

        return guard
