"""What Starlette's applications answer when no route does: problem details like any other refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from keywright.web.errors import (
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NO_SUCH_PATH,
    Problem,
    defect_problem,
    encode,
    other_problem,
)
from keywright.web.visit import visit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request


async def no_such_path(request: Request, _error: Exception) -> Response:
    """Answer for a path that leads nowhere."""
    visit = visit_of(request.scope)
    return response(
        other_problem(NO_SUCH_PATH, "There is nothing at this path. See /docs.", visit.request_id)
    )


async def wrong_method(request: Request, error: Exception) -> Response:
    """Answer for a method that a path does not take; Starlette's error says in its headers which ones it takes."""
    return method_not_allowed(request, getattr(error, "headers", None) or {})


async def defect(request: Request, _error: Exception) -> Response:
    """Answer for an unexpected error; it goes on to the edge, which logs it."""
    return response(defect_problem(visit_of(request.scope).request_id))


def method_not_allowed(request: Request, headers: Mapping[str, str]) -> Response:
    """The answer for a method that a path does not take; `headers` hold `Allow`."""
    visit = visit_of(request.scope)
    found = other_problem(METHOD_NOT_ALLOWED, "This path does not take this method.", visit.request_id)
    return response(found, headers)


def response(found: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Problem details as Starlette's response."""
    return Response(encode(found), found.status, dict(headers or {}), MEDIA_TYPE)
