"""How a route is declared: by the use case it runs, and what it reads and shows. There is no other way.

Annotations are evaluated here, since FastAPI reads those of functions that are made while the program runs.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from keywright.api.rest.models import ProblemOut
from keywright.services.service import Services
from keywright.services.work import Call, Reach, UseCase
from keywright.web.calls import call_of
from keywright.web.errors import MEDIA_TYPE
from keywright.web.visit import visit_of

_PROBLEM = {"model": ProblemOut, "content": {MEDIA_TYPE: {}}}
_ALWAYS = {
    400: "The request cannot be read.",
    401: "No credential, or one that is not accepted.",
    403: "The caller lacks a permission.",
    404: "There is no such thing, or the caller may not know of it.",
    409: "The request clashes with what is there.",
    413: "The body is over 1 MiB.",
    422: "A field is wrong; `field` names it.",
    429: "Too many attempts; see Retry-After.",
    503: "The database cannot be reached.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that a route documents."""
    return {status: {**_PROBLEM, "description": _ALWAYS[status]} for status in statuses}


class JsonRoute(APIRoute):
    """A route that reads its body as JSON whatever the content type says.

    Nothing here is authenticated by cookies, so a form posted from elsewhere can do no harm, and the most
    common slip with curl is to leave the header out.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind a change of the content type."""
        handle = super().get_route_handler()

        async def as_json(request: Request) -> Response:
            headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
            scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
            return await handle(Request(scope, request.receive))

        return as_json


class Door:
    """Declares routes on a router, each over one use case of `services`."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.router = APIRouter(route_class=JsonRoute, prefix="/v1")
        self.declared: dict[tuple[str, str], UseCase[Any, Any]] = {}

    def route(
        self,
        method: str,
        path: str,
        use: UseCase[Any, Any],
        *,
        read: Callable[..., Any],
        show: Callable[[Any], Any],
        model: type[Any] | None = None,
        status: int = 200,
        refusals: tuple[int, ...] = (),
        tag: str,
    ) -> None:
        """Run a use case at a method and path.

        `read` is a FastAPI dependency that makes the use case's input, `show` makes the answer of its
        result, and None means an answer without a body.
        """
        services = self.services

        async def call(request: Request) -> Call:
            return await call_of(visit_of(request.scope), services)

        async def endpoint(who: Annotated[Any, Depends(call)], data: Annotated[Any, Depends(read)]) -> Any:  # noqa: ANN401 - what a use case takes and gives is its own
            shown = show(await services.run(use, who, data))
            return Response(status_code=status) if shown is None else shown

        needs = f"Needs the permission `{use.permission}`." if use.permission else "Any caller may."
        if use.reach is Reach.INSTALLATION:
            needs += " It must be held over the whole installation."
        self.declared[method, path] = use
        self.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=use.name,
            summary=(use.run.__doc__ or "").partition("\n")[0],
            description=f"{use.run.__doc__ or ''}\n\n{needs}",
            response_model=model,
            status_code=status,
            responses=problems(400, 401, 403, *refusals, 413, 422, 503),
            tags=[tag],
            openapi_extra={"x-permission": use.permission},
        )
