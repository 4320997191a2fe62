"""FastAPI: a dependency that stands in the OpenAPI document as a security scheme.

keys = KeyAuth(Verifier("postgresql://…"))
app = FastAPI(lifespan=keys.lifespan)
app.router.route_class = KeyRoute
Reader = Annotated[Verdict, keys.requires("article:read", "article:{article_id}")]

@app.get("/articles/{article_id}")
async def read(article_id: str, caller: Reader) -> dict[str, str]:
return {"for": caller.identity.name}

`KeyRoute` is for speed alone: on any other route FastAPI solves the dependency, which takes longer than the key does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, isroutine
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import Depends, HTTPException, routing
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection  # noqa: TC002 - FastAPI reads the annotation when it runs

from keywright.client.asgi import admit, known, let_in
from keywright.client.guard import Resource, Rule
from keywright.client.protection import Protection, Refused
from keywright.client.verdict import Verdict  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi.dependencies.models import Dependant
    from fastapi.openapi.models import SecurityBase as SecurityModel
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["KeyAuth", "KeyRoute", "RequireKey"]


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
        self.protection = protection
        self.rule = rule

    async def __call__(self, connection: HTTPConnection) -> Verdict:
        """The verdict about the key of a request."""
        scope = connection.scope
        asked: dict[RequireKey, Verdict] = scope.get(_ASKED) or {}
        if self in asked:
            return asked[self]  # a second use would be counted
        try:
            found, credential = known(self.protection, self.rule, scope, connection)
            if found is None:
                found = await admit(self.protection, self.rule, scope, connection, credential)
        except Refused as refused:
            raise _answered(refused) from None
        let_in(scope, found)
        return found.verdict


def _answered(refused: Refused) -> HTTPException:
    refusal = refused.refusal
    return HTTPException(refusal.status, refusal.problem, dict(refusal.headers))


_ASKED: Final = "keywright.asked"
"""Where the scope of a request has the verdicts of what `KeyRoute` has asked."""
_REQUEST: Final = "keywright_request"
"""The name under which FastAPI gives the request to an endpoint that does not ask for it itself."""


class KeyRoute(APIRoute):
    """A route that asks about keys before FastAPI reads the body and solves other dependencies.

    It asks about what is declared by `KeyAuth.requires`, as a dependency of the route, of its router or as a parameter
    of the endpoint, and no more: the answers, the value and the OpenAPI document are the same on any other route. What
    stands deeper, as a dependency of a dependency, FastAPI solves as ever.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, behind its keys."""
        whole = super().get_route_handler()
        route = self._described()
        keys = _keys_of(route.dependant)
        if not keys:
            return whole
        dependant = route.dependant
        # FastAPI makes its handler of what the route has at this moment, and later the OpenAPI document of all of it.
        route.dependant = _without(dependant, keys)
        try:
            lean = super().get_route_handler()
        finally:
            route.dependant = dependant
        required = tuple(dict.fromkeys(cast("RequireKey", one.call) for one in keys))
        provider = route.dependency_overrides_provider

        async def guarded(request: Request) -> Response:
            if provider is not None and provider.dependency_overrides:
                # A test may have put something in the place of a key.
                return await whole(request)
            scope = request.scope
            asked: dict[RequireKey, Verdict] = {}
            scope[_ASKED] = asked
            try:
                for one in required:
                    found, credential = known(one.protection, one.rule, scope, request)
                    if found is None:
                        found = await admit(one.protection, one.rule, scope, request, credential)
                    let_in(scope, found)
                    asked[one] = found.verdict
            except Refused as refused:
                raise _answered(refused) from None
            return await lean(request)

        return guarded

    def _described(self) -> Any:  # noqa: ANN401 - it looks like a route
        """What describes this route: itself, or where a router with it is included, what that makes of it.

        FastAPI says so under a name that it does not promise. Without it a router's own keys are solved by FastAPI.
        """
        current = getattr(routing, "_effective_route_context_var", None)
        included = None if current is None else current.get()
        return self if included is None or included.original_route is not self else included


def _keys_of(dependant: Dependant) -> list[Dependant]:
    """The keys that are asked about directly, as far as another may take FastAPI's place in that."""
    call = dependant.call
    # The value of a parameter is handed over by a function around the endpoint, which must be of the same kind.
    plain = isroutine(call) and not isgeneratorfunction(call) and not isasyncgenfunction(call)
    return [
        one for one in dependant.dependencies if type(one.call) is RequireKey and (plain or one.name is None)
    ]


def _without(dependant: Dependant, keys: list[Dependant]) -> Dependant:
    """The same without some keys; the endpoint is given the verdicts that it names."""
    left = [one for one in dependant.dependencies if not any(one is key for key in keys)]
    named = {one.name: one.call for one in keys if one.name is not None}
    if not named:
        return replace(dependant, dependencies=left)
    own = dependant.request_param_name
    name = own or _REQUEST
    call: Any = dependant.call

    def filled(values: dict[str, Any]) -> dict[str, Any]:
        request = values[name] if own else values.pop(name)
        asked = request.scope[_ASKED]
        for parameter, key in named.items():
            values[parameter] = asked[key]
        return values

    if iscoroutinefunction(call):

        @wraps(call)
        async def later(**values: Any) -> Any:  # noqa: ANN401 - an endpoint takes anything
            return await call(**filled(values))

        return replace(dependant, dependencies=left, request_param_name=name, call=later)

    @wraps(call)
    def endpoint(**values: Any) -> Any:  # noqa: ANN401 - as above
        return call(**filled(values))

    return replace(dependant, dependencies=left, request_param_name=name, call=endpoint)
