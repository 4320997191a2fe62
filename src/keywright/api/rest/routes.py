"""How a route is declared: by the use case it runs, and what it reads and shows. There is no other way.

Annotations are evaluated here, since FastAPI reads those of functions that are made while the program runs.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.routing import Match
from starlette.types import Scope

from keywright.api.rest.models import ProblemOut
from keywright.api.rest.reading import check_query, read_json
from keywright.api.rest.receipts import Waiting, receipted, with_receipt
from keywright.core.errors import KeywrightError
from keywright.services.cursors import Listed
from keywright.services.service import Services
from keywright.services.work import Call, Reach, UseCase
from keywright.web.calls import call_of
from keywright.web.errors import MEDIA_TYPE, encode, problem_of
from keywright.web.visit import Visit, visit_of

TENANT = {
    "name": "Keywright-Tenant",
    "in": "header",
    "required": False,
    "description": "The tenant's slug, where the credential does not say it.",
    "schema": {"type": "string"},
}
TENANT_OR_ALL = {
    **TENANT,
    "description": "The tenant's slug, where the credential does not say it; `*` for the whole installation.",
}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request under the same key makes one thing within 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_REFUSALS = {
    400: "The request cannot be read.",
    401: "No credential, or one that is not accepted.",
    403: "The caller lacks a permission.",
    404: "There is no such thing, or the caller may not know of it.",
    409: "The request clashes with what is there.",
    410: "What was asked for was there, and works no more.",
    413: "The body is over 1 MiB.",
    422: "A field is wrong; `field` names it.",
    429: "Too many attempts; see Retry-After.",
    503: "The database cannot be reached.",
}
REQUEST_ID = {
    "X-Request-Id": {
        "description": "The request's id, which is also on each log line of it.",
        "required": True,
        "schema": {"type": "string"},
    }
}
RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
_CHALLENGE = {
    "WWW-Authenticate": {"description": "The scheme to use.", "required": True, "schema": {"type": "string"}}
}
_REPLAYED = {
    "Idempotency-Replayed": {
        "description": "`true` when an earlier request under the same Idempotency-Key had made it.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_HEADERS = {401: _CHALLENGE, 429: RETRY_AFTER, 503: RETRY_AFTER}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that a route documents."""
    return {
        status: {
            "description": _REFUSALS[status],
            "headers": REQUEST_ID | _HEADERS.get(status, {}),
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemOut.__name__}"}}},
        }
        for status in statuses
    }


class JsonRequest(Request):
    """A request whose body was read as JSON already."""

    value: object = None

    async def json(self) -> object:
        """The body's value."""
        return self.value


class JsonRoute(APIRoute):
    """A route that reads its body as JSON whatever the content type says.

    Nothing here is authenticated by cookies, so a form posted from elsewhere can do no harm, and the most
    common slip with curl is to leave the header out.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind our own reading of the body."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def as_json(request: Request) -> Response:
            headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-type"]
            scope = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
            read = JsonRequest(scope, request.receive)
            if takes_body:
                read.value = read_json(visit_of(scope).body)
            return await handle(read)

        return as_json


class JsonLines(StreamingResponse):
    """JSON objects, each on a line of its own."""

    media_type = "application/x-ndjson"


def _beside_words(words: set[str]) -> type[JsonRoute]:
    """Routes of which one with an id in its path is none for a path that another one has in words.

    So `DELETE /v1/sessions/end-others` is a method that this path does not have, and ends no session.
    """

    class Route(JsonRoute):
        def __init__(self, path: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - FastAPI's own
            super().__init__(path, *args, **kwargs)
            if "{" not in path:
                words.add(path)

        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            if "{" in self.path and scope["path"] in words:
                return Match.NONE, {}
            return super().matches(scope)

    return Route


class Door:
    """Declares routes on a router, each over one use case of `services`."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.router = APIRouter(route_class=_beside_words(set()), prefix="/v1")
        self.declared: dict[tuple[str, str], UseCase[Any, Any]] = {}

    def route(
        self,
        method: str,
        path: str,
        use: UseCase[Any, Any],
        *,
        read: Callable[..., Any],
        show: Callable[[Any], Any],
        model: type[BaseModel] | None = None,
        status: int = 200,
        refusals: tuple[int, ...] = (),
        tag: str,
    ) -> None:
        """Run a use case at a method and path.

        `read` is a FastAPI dependency that makes the use case's input, `show` makes the answer of its
        result, and None means an answer without a body. What answers 201 takes an idempotency key, and its
        result says whether it was `replayed`. A use case that touches answers with a receipt beside all else, and
        takes `wait`; a model of its query string is a `Waiting` then.
        """
        creates = status == 201
        self.declared[method, path] = use
        if use.touches:
            model = with_receipt(model)
            endpoint = self._changing(use, read, show, model, status)
        else:
            endpoint = self._endpoint(use, read, show, status)
        self.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=use.name,
            summary=(use.run.__doc__ or "").partition("\n")[0],
            description=_described(use),
            response_model=model,
            status_code=status,
            responses={
                status: {"headers": REQUEST_ID | (_REPLAYED if creates else {})},
                **problems(400, 401, 403, *refusals, 413, 422, 503),
            },
            tags=[tag],
            openapi_extra={"x-permission": use.permission, "parameters": _headers(use, creates=creates)},
        )

    def _endpoint(
        self, use: UseCase[Any, Any], read: Callable[..., Any], show: Callable[[Any], Any], status: int
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        services = self.services
        call = self._call(_query_model(read))

        async def endpoint(
            response: Response,
            who: Annotated[Call, Depends(call)],
            data: Annotated[Any, Depends(read)],  # noqa: ANN401 - what a use case takes and gives is its own
        ) -> Any:  # noqa: ANN401 - as above
            result = await services.run(use, who, data)
            if status == 201 and result.replayed:
                response.headers["Idempotency-Replayed"] = "true"
            shown = show(result)
            return Response(status_code=status) if shown is None else shown

        return endpoint

    def _changing(
        self,
        use: UseCase[Any, Any],
        read: Callable[..., Any],
        show: Callable[[Any], Any],
        model: type[BaseModel],
        status: int,
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        services = self.services
        query = _query_model(read) or Waiting
        call = self._call(query)

        async def endpoint(
            response: Response,
            who: Annotated[Call, Depends(call)],
            data: Annotated[Any, Depends(read)],  # noqa: ANN401 - as above
            waiting: Waiting,
        ) -> Any:  # noqa: ANN401 - as above
            changed = await services.change(use, replace(who, wait=waiting.wait), data)
            if status == 201 and changed.result.replayed:
                response.headers["Idempotency-Replayed"] = "true"
            return receipted(model, show(changed.result), changed.receipt)

        # What FastAPI reads: one query string has one model.
        endpoint.__annotations__["waiting"] = Annotated[query, Query()]
        return endpoint

    def export(
        self,
        path: str,
        use: UseCase[Any, Listed[Any]],
        *,
        name: str,
        summary: str,
        read: Callable[..., Any],
        line: Callable[[Any], BaseModel],
        refusals: tuple[int, ...] = (),
        tag: str,
    ) -> None:
        """Answer with all that a use case lists, one JSON object a line, page by page as they are read.

        `read` makes the input for the first page, and `line` the object of an item. The caller is
        authenticated again for each page. What goes wrong after the first page ends the stream with a line
        that holds problem details, and breaks the connection off.
        """
        self.declared["GET", path] = use
        self.router.add_api_route(
            path,
            self._exporting(use, read, line),
            methods=["GET"],
            operation_id=name,
            summary=summary,
            description=f"{summary}\n\n{_needs(use)}",
            response_class=JsonLines,
            responses={
                200: {"description": "One object a line.", "headers": REQUEST_ID},
                **problems(400, 401, 403, *refusals, 413, 422, 503),
            },
            tags=[tag],
            openapi_extra={"x-permission": use.permission, "parameters": _headers(use, creates=False)},
        )

    def _exporting(
        self, use: UseCase[Any, Listed[Any]], read: Callable[..., Any], line: Callable[[Any], BaseModel]
    ) -> Callable[..., Coroutine[Any, Any, JsonLines]]:
        services = self.services
        call = self._call(_query_model(read))

        async def lines(visit: Visit, page: Listed[Any], data: Any) -> AsyncIterator[bytes]:  # noqa: ANN401 - as above
            try:
                yield _lines(page, line)
                while page.next_cursor is not None:
                    data = replace(data, cursor=page.next_cursor)
                    page = await services.run(use, await call_of(visit, services), data)
                    yield _lines(page, line)
            except KeywrightError as error:
                found, _ = problem_of(error, visit.request_id)
                yield encode(found) + b"\n"
                raise

        async def endpoint(
            request: Request,
            who: Annotated[Call, Depends(call)],
            data: Annotated[Any, Depends(read)],  # noqa: ANN401 - as above
        ) -> JsonLines:
            first = await services.run(use, who, data)
            return JsonLines(lines(visit_of(request.scope), first, data))

        return endpoint

    def _call(self, query: type[BaseModel] | None) -> Callable[[Request], Coroutine[Any, Any, Call]]:
        """The dependency that authenticates a request, and then looks whether its query string is known."""

        async def call(request: Request) -> Call:
            made = await call_of(visit_of(request.scope), self.services)
            check_query(request.query_params, query)
            return made

        return call


def _lines(page: Listed[Any], line: Callable[[Any], BaseModel]) -> bytes:
    return b"".join(line(item).model_dump_json().encode() + b"\n" for item in page.items)


def _query_model(read: Callable[..., Any]) -> type[BaseModel] | None:
    """The model of the query string, by the annotation `Annotated[Model, Query()]` of the dependency that reads it."""
    for parameter in inspect.signature(read).parameters.values():
        if isinstance(next(iter(getattr(parameter.annotation, "__metadata__", ())), None), Query):
            model: type[BaseModel] = parameter.annotation.__origin__
            return model
    return None


def _headers(use: UseCase[Any, Any], *, creates: bool) -> list[dict[str, Any]]:
    tenant = {Reach.TENANT: [TENANT], Reach.EITHER: [TENANT_OR_ALL]}.get(use.reach, [])
    return [*tenant, *([_IDEMPOTENCY] if creates else [])]


def _described(use: UseCase[Any, Any]) -> str:
    return f"{use.run.__doc__ or ''}\n\n{_needs(use)}"


def _needs(use: UseCase[Any, Any]) -> str:
    needs = f"Needs the permission `{use.permission}`." if use.permission else "Any caller may."
    if use.own is not None:
        needs += f" `{use.own}` opens it for what is the caller's own alone."
    if use.reach is Reach.INSTALLATION:
        needs += " It must be held over the whole installation."
    return needs
