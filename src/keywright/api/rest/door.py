"""The REST door as one application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from keywright.api.rest import keys, openapi, sessions, tenants
from keywright.api.rest.routes import Door
from keywright.api.rest.validation import error_of
from keywright.core.errors import KeywrightError
from keywright.web.errors import MEDIA_TYPE, Problem, encode, problem, problem_of
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from keywright.services.service import Services
    from keywright.services.work import UseCase

_HTTP_CODES = {
    400: ("malformed_request", "The body cannot be read."),
    404: ("no_such_path", "There is nothing at this path. See /docs."),
    405: ("method_not_allowed", "This path does not take this method."),
}


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
        app.add_exception_handler(HTTPException, _http)
        self.app = app
        self.declared: Mapping[tuple[str, str], UseCase[Any, Any]] = door.declared
        self.document = openapi.document(app, version)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, KeywrightError)  # noqa: S101 - it is registered for these
    return _response(*problem_of(error, visit_of(request.scope).request_id))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    return await _refused(request, error_of(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    code, detail = _HTTP_CODES[error.status_code]
    found = problem(code, error.status_code, detail, visit_of(request.scope).request_id)
    return _response(found, dict(error.headers or {}))


def _response(found: Problem, headers: Mapping[str, str]) -> Response:
    return Response(encode(found), found.status, dict(headers), MEDIA_TYPE)
