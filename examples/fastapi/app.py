"""An application on FastAPI whose articles are read with API keys."""

import os
from typing import Annotated

from fastapi import FastAPI

from keywright import Verifier
from keywright.client import AsyncClient, Verdict
from keywright.client.fastapi import KeyAuth, KeyRoute


def verifier() -> Verifier | AsyncClient:
    """Decides in this process, or asks a server over HTTP."""
    if "KEYWRIGHT_URL" in os.environ:
        return AsyncClient(os.environ["KEYWRIGHT_URL"], os.environ["KEYWRIGHT_API_KEY"], timeout=2, tries=1)
    return Verifier(os.environ["KEYWRIGHT_DATABASE_URL"], tenant="default")


keys = KeyAuth(verifier)
app = FastAPI(lifespan=keys.lifespan)
app.router.route_class = KeyRoute
Reader = Annotated[Verdict, keys.requires("article:read", "article:{article_id}")]


@app.get("/health")
async def health() -> dict[str, str]:
    """Open to all."""
    return {"status": "ok"}


@app.get("/articles/{article_id}")
async def read(article_id: str, caller: Reader) -> dict[str, str | None]:
    """For keys that may read this article."""
    name = None if caller.identity is None else caller.identity.name
    return {"article": article_id, "for": name, "tenant": caller.tenant}
