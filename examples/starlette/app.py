"""An application on Starlette whose articles are read with API keys."""

import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from keywright import Verifier
from keywright.client import AsyncClient
from keywright.client.asgi import KeyRequired, Protection


def verifier() -> Verifier | AsyncClient:
    """Decides in this process, or asks a server over HTTP."""
    if "KEYWRIGHT_URL" in os.environ:
        return AsyncClient(os.environ["KEYWRIGHT_URL"], os.environ["KEYWRIGHT_API_KEY"], timeout=2, tries=1)
    return Verifier(os.environ["KEYWRIGHT_DATABASE_URL"], tenant="default")


keys = Protection(verifier)
reads = Middleware(KeyRequired, keys, action="article:read", resource="article:{article_id}")


async def health(_request: Request) -> JSONResponse:
    """Open to all."""
    return JSONResponse({"status": "ok"})


async def read(request: Request) -> JSONResponse:
    """For keys that may read this article."""
    verdict = request.state.keywright
    return JSONResponse(
        {
            "article": request.path_params["article_id"],
            "for": request.user.display_name,
            "tenant": verdict.tenant,
        }
    )


app = Starlette(
    lifespan=keys.lifespan,
    routes=[Route("/health", health), Route("/articles/{article_id}", read, middleware=[reads])],
)
