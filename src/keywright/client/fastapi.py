"""FastAPI: a dependency that stands in the OpenAPI document as a security scheme.

keys = KeyAuth(Verifier("postgresql://…"))
app = FastAPI(lifespan=keys.lifespan)
Reader = Annotated[Verdict, keys.requires("article:read", "article:{article_id}")]

@app.get("/articles/{article_id}")
async def read(article_id: str, caller: Reader) -> dict[str, str]:
return {"for": caller.identity.name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Depends, HTTPException
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads the annotation when it runs

from keywright.client.asgi import header_of
from keywright.client.guard import Resource, Rule
from keywright.client.people import Grants, KeyUser
from keywright.client.protection import Protection, Refused
from keywright.client.verdict import Verdict  # noqa: TC001 - as above

if TYPE_CHECKING:
    from fastapi.openapi.models import SecurityBase as SecurityModel

__all__ = ["KeyAuth", "RequireKey"]


class KeyAuth(Protection):
    """Protection for a FastAPI application; `requires` makes dependencies for its routes."""

    scheme_name = "Keywright"
    scheme: SecurityModel = HTTPBearer(description="An API key; it may also stand in X-Api-Key.")
    """How OpenAPI names and describes the key; a class of one's own with another `key_from` says otherwise."""

    def requires(self, action: str | None = None, resource: Resource = None, *, cost: int = 1) -> Any:  # noqa: ANN401 - what FastAPI's own `Depends` is
        """A dependency on a key that may do this; its value is the verdict.

        A template is filled from the parameters of the path; functions get the connection.
        """
        return Depends(RequireKey(self, Rule(action, resource, cost)))


class RequireKey(SecurityBase):
    """The dependency itself. Raises `HTTPException`, whose `detail` is the problem, for a key that may not."""

    def __init__(self, protection: KeyAuth, rule: Rule) -> None:
        self.model = protection.scheme
        self.scheme_name = protection.scheme_name
        self._protection = protection
        self._rule = rule

    async def __call__(self, connection: HTTPConnection) -> Verdict:
        """The verdict about the key of a request."""
        scope = connection.scope
        client = scope.get("client")
        try:
            verdict = await self._protection.admit(
                self._rule,
                header_of(scope["headers"]),
                None if client is None else client[0],
                scope["path_params"],
                connection,
            )
        except Refused as refused:
            refusal = refused.refusal
            raise HTTPException(refusal.status, refusal.problem, dict(refusal.headers)) from None
        scope.setdefault("state", {})["keywright"] = verdict
        scope["user"] = KeyUser(verdict)
        scope["auth"] = Grants(verdict, self._rule)
        return verdict
