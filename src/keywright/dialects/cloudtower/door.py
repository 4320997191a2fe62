"""The door: which of the two ways of calling a request is for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from keywright.core.identities import DEFAULT_TENANT
from keywright.dialects.cloudtower.errors import NO_SUCH_OPERATION, error_body, request_id
from keywright.dialects.cloudtower.graphql import GraphQLDoor
from keywright.dialects.cloudtower.rest import PREFIX, RestDoor
from keywright.dialects.cloudtower.schema import build_schema
from keywright.web.errors import encode
from keywright.web.graphql.engine import Engine
from keywright.web.mounts import Answer, name_route, path_below
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from keywright.services.service import Services
    from keywright.web.mounts import Door

GRAPHQL_PATHS: Final = frozenset({"/api", "/api/"})
HEALTH_PATH: Final = "/api/healthz"
"""What clients of a pair of servers ask to know which of them is active: any that answers is, here."""


def door(services: Services, tenant: str | None) -> Door:
    """The application for one tenant, the default one unless another was chosen."""
    slug = tenant or DEFAULT_TENANT
    graphql = GraphQLDoor(services, slug, Engine(build_schema()))
    rest = RestDoor(services, slug)

    async def serve(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        visit = visit_of(scope)
        path = path_below(scope)
        if path in GRAPHQL_PATHS:
            name_route(scope, "/api")
            answer = await graphql.answer(visit, scope["method"])
        elif path.startswith(PREFIX):
            answer = await rest.answer(scope, visit, path[len(PREFIX) :])
        elif path == HEALTH_PATH:
            name_route(scope, path)
            answer = Answer(200, b'{"status":"ok"}')
        else:
            body = error_body(NO_SUCH_OPERATION, "There is nothing at this path.", "/", {})
            answer = Answer(NO_SUCH_OPERATION[0], encode(body))
        await replace(answer, headers={**answer.headers, **request_id(visit)}).send(send)

    return serve
