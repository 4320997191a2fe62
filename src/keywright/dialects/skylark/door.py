"""The door as one ASGI application: one URL, for queries and mutations of programs and of pages from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.instants import SystemClock
from keywright.dialects.skylark.errors import (
    CORS,
    INVALID,
    METHOD,
    NOT_FOUND,
    VALIDATION,
    answer,
    executed,
    fault,
    invalid,
)
from keywright.dialects.skylark.requests import read, request_of
from keywright.dialects.skylark.schema import build_schema
from keywright.web.errors import encode
from keywright.web.graphql.engine import Engine, Invalid
from keywright.web.mounts import Answer, name_route, path_below, preflight
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from keywright.core.ports import Clock
    from keywright.services.service import Services
    from keywright.web.visit import Visit

PATH: Final = "/graphql"
_METHODS: Final = "POST, OPTIONS"


class SkylarkDoor:
    """`POST /graphql`. The account is the tenant that the key in use belongs to, so `_tenant` has no effect."""

    def __init__(self, services: Services, _tenant: str | None = None, clock: Clock | None = None) -> None:
        self.engine = Engine(build_schema())
        self._services = services
        self._clock = clock or SystemClock()

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one request. The edge answers what is raised by the dialect's `refuse`."""
        if path_below(scope).removesuffix("/") != PATH:
            found = answer([fault(NOT_FOUND, f"The API is at {PATH}.")])
        else:
            name_route(scope, PATH)
            found = await self._answer(scope["method"], visit_of(scope))
        await found.send(send)

    async def _answer(self, method: str, visit: Visit) -> Answer:
        if method == "OPTIONS":
            return preflight(visit, _METHODS)
        if method != "POST":
            refusal = fault(METHOD, "Queries and mutations are sent with POST.")
            return answer([refusal], headers={"Allow": _METHODS})
        # First of all, since clients tell a wrong key from a wrong address by it, whatever they ask.
        request = await request_of(visit, self._services, self._clock)
        body = read(visit.body)
        try:
            operation = self.engine.operation(body.query, body.operation_name)
        except Invalid as wrong:
            return invalid(VALIDATION, wrong.errors)
        try:
            result = await self.engine.run(operation, body.variables, request)
        except Invalid as wrong:
            return invalid(INVALID, wrong.errors)
        told: dict[str, Any] = {"data": result.data}
        if result.errors:
            told["errors"] = [executed(error) for error in result.errors]
        return Answer(200, encode(told), CORS)
