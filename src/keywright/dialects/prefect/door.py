"""The door: one address for everything, at both of its paths, with and without a slash at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keywright.core.errors import MalformedRequest
from keywright.dialects.prefect.errors import (
    BAD_USER_INPUT,
    answer,
    fault_of_field,
    invalid,
    refuse,
)
from keywright.dialects.prefect.requests import Request, operations
from keywright.dialects.prefect.schema import build_schema
from keywright.web.graphql.engine import Engine, Invalid
from keywright.web.mounts import name_route, path_below, preflight
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from keywright.dialects.prefect.requests import Operation
    from keywright.services.service import Services
    from keywright.web.mounts import Answer, Door
    from keywright.web.visit import Visit

PATHS: Final = frozenset({"", "/", "/graphql", "/graphql/"})
"""Where clients send their operations; a redirect would make a GET of a POST."""
METHODS: Final = "POST, OPTIONS"
INVALID: Final = "GRAPHQL_VALIDATION_FAILED"


class PrefectDoor:
    """Answers operations of GraphQL, one or an array of them."""

    def __init__(self, services: Services) -> None:
        self.engine = Engine(build_schema())
        self._services = services

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one request."""
        found = await self._answer(scope, visit_of(scope))
        await found.send(send)

    async def _answer(self, scope: Any, visit: Visit) -> Answer:  # noqa: ANN401 - ASGI is untyped
        path, method = path_below(scope), scope["method"]
        if path not in PATHS:
            return _refused(404, "There is nothing here. Operations are sent to / and /graphql.")
        name_route(scope, path.rstrip("/") or "/")
        if method == "OPTIONS":
            return preflight(visit, METHODS)
        if method != "POST":
            return _refused(405, "Operations are sent with POST.", {"Allow": METHODS})
        try:
            sent, in_array = operations(visit.body)
        except MalformedRequest as wrong:
            return refuse(wrong, visit)
        request = Request(self._services, visit)
        done = [await self._run(one, request) for one in sent]
        if in_array:
            # One that is wrong takes nothing from the others, save where none of them can be relied on.
            status = max((status for status, _ in done if status >= 500), default=200)
            return answer(status, [body for _, body in done])
        return answer(*done[0])

    async def _run(self, sent: Operation, request: Request) -> tuple[int, dict[str, Any]]:
        """Run one operation: the status that its answer asks for, and the answer."""
        try:
            operation = self.engine.operation(sent.query, sent.name)
        except Invalid as wrong:
            return 400, invalid(wrong.errors, INVALID)
        try:
            result = await self.engine.run(operation, sent.variables, request)
        except Invalid as wrong:
            return 400, invalid(wrong.errors, BAD_USER_INPUT)
        body: dict[str, Any] = {"data": result.data}
        if not result.errors:  # clients take a list without errors for one of them
            return 200, body
        faults = [fault_of_field(error) for error in result.errors]
        body["errors"] = [fault.plain for fault in faults]
        return max(fault.status for fault in faults), body


def _refused(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    fault = {"message": message, "extensions": {"code": BAD_USER_INPUT}}
    return answer(status, {"errors": [fault]}, headers)


def door(services: Services, _tenant: str | None) -> Door:
    """The door over these services. Each key has its tenant, so that none is chosen for it."""
    return PrefectDoor(services)
