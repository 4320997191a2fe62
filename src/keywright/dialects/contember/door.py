"""The door: `/tenant` answers GraphQL as Contember's HTTP server does, in plain ASGI."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from keywright.core.codes import Code
from keywright.core.errors import KeywrightError, Unauthenticated
from keywright.dialects.contember import errors
from keywright.dialects.contember.fields import Request
from keywright.dialects.contember.requests import (
    Incomplete,
    NoCredential,
    Unreadable,
    WrongCredential,
    question_of,
    token_of,
)
from keywright.dialects.contember.schema import build_schema
from keywright.web.asking import Asking
from keywright.web.calls import call_with
from keywright.web.errors import encode
from keywright.web.graphql.engine import Engine, Invalid, cleared
from keywright.web.mounts import Answer, name_route, path_below, preflight
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from graphql import ExecutionResult

    from keywright.services.service import Services
    from keywright.web.visit import Visit

TENANT: Final = "/tenant"
METHODS: Final = "GET,HEAD,PUT,POST,DELETE,PATCH"
_COMPRESSED_FROM: Final = 1024
_COMPRESSED_BY: Final = 6


class ContemberDoor:
    """The tenant API; what else Contember serves is not here."""

    def __init__(self, services: Services) -> None:
        self.engine = Engine(build_schema())
        self._services = services

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        """Answer one request."""
        visit = visit_of(scope)
        found = await self._routed(scope, visit)
        if len(found.body) > _COMPRESSED_FROM and _takes_gzip(visit):
            found = replace(
                found,
                body=gzip.compress(found.body, _COMPRESSED_BY, mtime=0),
                headers={**found.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
            )
        if scope["method"] == "HEAD":
            found = replace(found, body=b"")
        await found.send(send)

    async def _routed(self, scope: Any, visit: Visit) -> Answer:  # noqa: ANN401 - an ASGI scope
        path = path_below(scope)
        if scope["method"] == "OPTIONS":
            return preflight(visit, METHODS)
        if path in (TENANT, f"{TENANT}/"):
            name_route(scope, TENANT)
            try:
                return await self._answer(scope, visit)
            except KeywrightError as error:
                return errors.refuse(error, visit)
        if path in ("", "/", "/health"):
            name_route(scope, path)
            return errors.plain(200, "OK" if path == "/health" else "App is running", visit)
        return errors.problem(404, "Route not found", visit)

    async def _answer(self, scope: Any, visit: Visit) -> Answer:  # noqa: ANN401 - an ASGI scope
        """Authenticate, whatever is asked, and then answer it."""
        request = await self._request(visit)
        if isinstance(request, Answer):
            return request
        try:
            asked = question_of(scope["method"], scope["query_string"], visit)
            operation = self.engine.operation(asked.query, asked.operation)
            result = await self.engine.run(operation, asked.variables, request)
        except Unreadable:
            return errors.plain(400, "Bad Request", visit)
        except Incomplete as lacking:
            return errors.failed(visit, {"message": str(lacking)})
        except Invalid as invalid:
            return errors.failed(visit, *map(errors.unrun, invalid.errors))
        return _answered(result, visit)

    async def _request(self, visit: Visit) -> Request | Answer:
        """The request of whoever sent a credential that is accepted, or the refusal of it."""
        try:
            token = token_of(visit)
        except NoCredential:
            return errors.problem(401, "Authentication required", visit)
        except WrongCredential:
            return errors.problem(401, "Authorization failure: invalid Authorization header format", visit)
        try:
            call = await call_with(token, visit, self._services)
        except Unauthenticated as refused:
            return await self._refused(refused.reason, token, visit)
        return Request(self._services, Asking(self._services, call), visit, token)

    async def _refused(self, reason: Code | None, token: str, visit: Visit) -> Answer:
        """A refused credential, with the moment from which it is refused, as its holder is told."""
        ended = None
        if reason is Code.DISABLED:
            ended = await self._services.disabled_at(token)
        elif reason is Code.EXPIRED:
            ended = await self._services.expired_at(token)
        return errors.unauthenticated(reason, ended, visit)


def _answered(result: ExecutionResult, visit: Visit) -> Answer:
    """What was run: 200 as long as there is some of it, whatever went wrong with the rest."""
    if not result.errors:
        return errors.answer(200, encode({"data": result.data}), visit)
    shown = [errors.shown(_without_values(one)) for one in result.errors]
    status = 200
    if result.data is None:
        status = 500 if any(one["message"] == errors.INTERNAL for one in shown) else 400
    return errors.answer(status, encode({"errors": shown, "data": result.data}), visit)


def _without_values(error: GraphQLError) -> GraphQLError:
    """An error as it is, or one of graphql's own without the values that were sent."""
    if error.original_error is not None:
        return error
    told = cleared(error)
    return GraphQLError(told.message, nodes=error.nodes, path=error.path)


def _takes_gzip(visit: Visit) -> bool:
    accepted = (visit.listed(b"accept-encoding") or "").lower()
    return any(
        one.strip().startswith("gzip") and not one.replace(" ", "").endswith(";q=0")
        for one in accepted.split(",")
    )
