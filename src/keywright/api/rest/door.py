"""The REST door as one application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute

from keywright.api.rest import keys, openapi, sessions, tenants
from keywright.api.rest.routes import Door
from keywright.api.rest.validation import error_of
from keywright.core.errors import KeywrightError
from keywright.web.errors import (
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NO_SUCH_PATH,
    Problem,
    defect_problem,
    encode,
    other_problem,
    problem_of,
)
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from keywright.services.service import Services
    from keywright.services.work import UseCase


class RestDoor:
    """`/v1` and `/openapi.json`, without the two paths that are plain ASGI.

    `declared` maps method and path to the use case behind it.
    """

    def __init__(self, services: Services, version: str) -> None:
        door = Door(services)
        keys.declare(door)
        tenants.declare(door)
        sessions.declare(door)
        app = FastAPI(
            title="Keywright",
            version=version,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        app.include_router(door.router)
        app.add_exception_handler(KeywrightError, _refused)
        app.add_exception_handler(RequestValidationError, _invalid)
        app.add_exception_handler(404, _no_such_path)
        app.add_exception_handler(405, _method_not_allowed(door.router.routes))
        app.add_exception_handler(Exception, _defect)
        self.app = app
        self.declared: Mapping[tuple[str, str], UseCase[Any, Any]] = door.declared
        self.document = openapi.document(app, version)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, KeywrightError)  # noqa: S101 - it is registered for these
    return _response(*problem_of(error, visit_of(request.scope).request_id))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    return await _refused(request, error_of(error.errors()))


async def _no_such_path(request: Request, _error: Exception) -> Response:
    visit = visit_of(request.scope)
    return _response(
        other_problem(NO_SUCH_PATH, "There is nothing at this path. See /docs.", visit.request_id), {}
    )


def _method_not_allowed(routes: Iterable[BaseRoute]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The handler of 405, which names every method of the path: Starlette names those of one route."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        assert isinstance(route, APIRoute)  # noqa: S101 - the door declares no others
        methods.setdefault(route.path, set()).update(route.methods or ())

    async def handle(request: Request, _error: Exception) -> Response:
        found = other_problem(
            METHOD_NOT_ALLOWED,
            "This path does not take this method.",
            visit_of(request.scope).request_id,
        )
        return _response(found, {"Allow": ", ".join(sorted(methods[request.scope["route"].path]))})

    return handle


async def _defect(request: Request, _error: Exception) -> Response:
    """Answer for an unexpected error; it goes on to the edge, which logs it."""
    return _response(defect_problem(visit_of(request.scope).request_id), {})


def _response(found: Problem, headers: Mapping[str, str]) -> Response:
    return Response(encode(found), found.status, dict(headers), MEDIA_TYPE)
