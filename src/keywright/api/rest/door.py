"""The REST door as one application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from keywright.api.rest import (
    agents,
    audit,
    catalog,
    factors,
    invitations,
    keys,
    memberships,
    nodes,
    openapi,
    roles,
    service_accounts,
    sessions,
    sign_on,
    tenants,
    usage,
    users,
)
from keywright.api.rest.routes import Door
from keywright.api.rest.validation import error_of
from keywright.core.errors import KeywrightError
from keywright.web.errors import problem_of
from keywright.web.handlers import defect, method_not_allowed, no_such_path, response
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from keywright.services.service import Services
    from keywright.services.work import UseCase


class RestDoor:
    """`/v1`, without the two paths that are plain ASGI.

    `declared` maps method and path to the use case behind it; `document` is the OpenAPI document.
    """

    def __init__(self, services: Services, version: str) -> None:
        door = Door(services)
        keys.declare(door)
        tenants.declare(door)
        users.declare(door)
        invitations.declare(door)
        service_accounts.declare(door)
        roles.declare(door)
        memberships.declare(door)
        agents.declare(door)
        catalog.declare(door)
        audit.declare(door)
        usage.declare(door)
        nodes.declare(door)
        sessions.declare(door)
        factors.declare(door)
        sign_on.declare(door)
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
        app.add_exception_handler(404, no_such_path)
        app.add_exception_handler(405, _method_not_allowed(door.router.routes))
        app.add_exception_handler(Exception, defect)
        self.app = app
        self.declared: Mapping[tuple[str, str], UseCase[Any, Any]] = door.declared
        self.document = openapi.document(app, version)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, KeywrightError)  # noqa: S101 - it is registered for these
    return response(*problem_of(error, visit_of(request.scope).request_id))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    return await _refused(request, error_of(error.errors()))


def _method_not_allowed(routes: Iterable[BaseRoute]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The handler of 405, which names every method of the path: Starlette names those of one route."""
    methods: dict[str, set[str]] = {}
    for route in routes:
        assert isinstance(route, APIRoute)  # noqa: S101 - the door declares no others
        methods.setdefault(route.path, set()).update(route.methods or ())

    async def handle(request: Request, _error: Exception) -> Response:
        return method_not_allowed(request, {"Allow": ", ".join(sorted(methods[request.scope["route"].path]))})

    return handle
