"""An application on Flask whose articles are read with API keys."""

import os

from flask import Flask, g

from keywright import Verifier
from keywright.client import Client
from keywright.client.flask import KeyAuth


def verifier() -> Verifier | Client:
    """Decides in this process, or asks a server over HTTP."""
    if "KEYWRIGHT_URL" in os.environ:
        return Client(os.environ["KEYWRIGHT_URL"], os.environ["KEYWRIGHT_API_KEY"], timeout=2, tries=1)
    return Verifier(os.environ["KEYWRIGHT_DATABASE_URL"], tenant="default")


app = Flask(__name__)
keys = KeyAuth(verifier)


@app.get("/health")
def health() -> dict[str, str]:
    """Open to all."""
    return {"status": "ok"}


@app.get("/articles/<article_id>")
@keys.requires("article:read", "article:{article_id}")
def read(article_id: str) -> dict[str, str]:
    """For keys that may read this article."""
    return {"article": article_id, "for": g.keywright.identity.name, "tenant": g.keywright.tenant}
