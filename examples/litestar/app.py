"""An application on Litestar whose articles are read with API keys."""

import os
from typing import Any

from litestar import Litestar, Request, get
from litestar.params import FromPath

from keywright import Verifier
from keywright.client import AsyncClient
from keywright.client.litestar import KeyAuth


def verifier() -> Verifier | AsyncClient:
    """Decides in this process, or asks a server over HTTP."""
    if "KEYWRIGHT_URL" in os.environ:
        return AsyncClient(os.environ["KEYWRIGHT_URL"], os.environ["KEYWRIGHT_API_KEY"], timeout=2, tries=1)
    return Verifier(os.environ["KEYWRIGHT_DATABASE_URL"], tenant="default")


keys = KeyAuth(verifier)


@get("/health")
async def health() -> dict[str, str]:
    """Open to all."""
    return {"status": "ok"}


@get("/articles/{article_id:str}", guards=[keys.requires("article:read", "article:{article_id}")])
async def read(request: Request[Any, Any, Any], article_id: FromPath[str]) -> dict[str, str | None]:
    """For keys that may read this article."""
    verdict = request.state.keywright
    return {"article": article_id, "for": request.user.display_name, "tenant": verdict.tenant}


app = Litestar([health, read], lifespan=[keys.lifespan])
