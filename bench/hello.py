"""A hello in each framework, once open to all and once for keys: what `bench.parts.middleware` measures.

`HELLO_DATABASE_URL` names the database. A module attribute is one application; the others are not imported.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from keywright import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable

ACTION, RESOURCE = "article:read", "article:{article_id}"
WAYS = {
    "fastapi": {
        "keyed": "FastAPI, on a KeyRoute",
        "varied": "FastAPI, on a KeyRoute, each request for another article",
        "value": "FastAPI, on a KeyRoute, with the verdict as a parameter",
        "dependency": "FastAPI, as a dependency",
        "parameter": "FastAPI, as a dependency, with the verdict as a parameter",
    },
    "starlette": {"keyed": "Starlette"},
    "litestar": {"keyed": "Litestar, as a middleware", "guarded": "Litestar, as a guard"},
    "flask": {"keyed": "Flask"},
    "django": {"keyed": "Django"},
    "drf": {"keyed": "Django REST framework"},
    "wsgi": {"keyed": "plain WSGI"},
}
"""Where each application wants a key, beside `open`, and what to call that."""
FAST, SYNC = ("fastapi", "starlette", "litestar"), ("flask", "django", "drf", "wsgi")
HELLO = {"hello": "world"}


def verifier() -> Verifier:
    """Decides in this process."""
    return Verifier(os.environ["HELLO_DATABASE_URL"], tenant="default")


def _apart(apps: dict[str, Any]) -> Any:  # noqa: ANN401 - an application
    """Each for the paths that begin with its name: in one, a route would pay for those that stand before it.

    The first opens the verifier of all.
    """

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI is untyped
        kind = "open" if scope["type"] == "lifespan" else scope["path"].split("/", 2)[1]
        await apps[kind](scope, receive, send)

    return app


def fastapi() -> Any:  # noqa: ANN401 - an application of a framework
    """FastAPI."""
    from fastapi import FastAPI  # noqa: PLC0415 - one framework is loaded, not all
    from fastapi.routing import APIRoute  # noqa: PLC0415 - as above

    from keywright.client.fastapi import KeyAuth, KeyRoute  # noqa: PLC0415 - as above

    keys = KeyAuth(verifier)
    reads = keys.requires(ACTION, RESOURCE)

    async def hello(article_id: str) -> dict[str, str]:
        return HELLO if article_id else {}

    async def told(article_id: str, caller: Any = reads) -> dict[str, str]:  # noqa: ANN401 - a verdict
        return HELLO if article_id and caller else {}

    def app(kind: str, endpoint: Any, route: type[APIRoute], *dependencies: Any) -> FastAPI:  # noqa: ANN401 - of FastAPI
        made = FastAPI(lifespan=keys.lifespan)
        made.router.route_class = route
        made.add_api_route(f"/{kind}/{{article_id}}", endpoint, dependencies=dependencies)
        return made

    return _apart(
        {
            "open": app("open", hello, APIRoute),
            "keyed": app("keyed", hello, KeyRoute, reads),
            "varied": app("varied", hello, KeyRoute, reads),
            "value": app("value", told, KeyRoute),
            "dependency": app("dependency", hello, APIRoute, reads),
            "parameter": app("parameter", told, APIRoute),
        }
    )


def starlette() -> Any:  # noqa: ANN401 - as above
    """Starlette."""
    from starlette.applications import Starlette  # noqa: PLC0415 - as above
    from starlette.middleware import Middleware  # noqa: PLC0415 - as above
    from starlette.responses import JSONResponse  # noqa: PLC0415 - as above
    from starlette.routing import Route  # noqa: PLC0415 - as above

    from keywright.client.asgi import KeyRequired, Protection  # noqa: PLC0415 - as above

    keys = Protection(verifier)
    needed = Middleware(KeyRequired, keys, action=ACTION, resource=RESOURCE)

    async def hello(_request: object) -> JSONResponse:
        return JSONResponse(HELLO)

    return _apart(
        {
            "open": Starlette(lifespan=keys.lifespan, routes=[Route("/open/{article_id}", hello)]),
            "keyed": Starlette(routes=[Route("/keyed/{article_id}", hello, middleware=[needed])]),
        }
    )


def litestar() -> Any:  # noqa: ANN401 - as above
    """Litestar."""
    from litestar import Litestar, get  # noqa: PLC0415 - as above
    from litestar.middleware import DefineMiddleware  # noqa: PLC0415 - as above

    from keywright.client.asgi import KeyRequired  # noqa: PLC0415 - as above
    from keywright.client.litestar import KeyAuth  # noqa: PLC0415 - as above

    keys = KeyAuth(verifier)

    @get("/open/{article_id:str}")
    async def open_to_all() -> dict[str, str]:
        return HELLO

    reads = DefineMiddleware(KeyRequired, protection=keys, action=ACTION, resource=RESOURCE)

    @get("/keyed/{article_id:str}", middleware=[reads])
    async def keyed() -> dict[str, str]:
        return HELLO

    @get("/guarded/{article_id:str}", guards=[keys.requires(ACTION, RESOURCE)])
    async def guarded() -> dict[str, str]:
        return HELLO

    return Litestar([open_to_all, keyed, guarded], lifespan=[keys.lifespan], openapi_config=None)


def flask() -> Any:  # noqa: ANN401 - as above
    """Flask."""
    from flask import Flask  # noqa: PLC0415 - as above

    from keywright.client.flask import KeyAuth  # noqa: PLC0415 - as above

    app, keys = Flask("hello"), KeyAuth(verifier)

    def hello(article_id: str) -> dict[str, str]:
        return HELLO if article_id else {}

    app.add_url_rule("/open/<article_id>", "open", hello)
    app.add_url_rule("/keyed/<article_id>", "keyed", keys.requires(ACTION, RESOURCE)(hello))
    return app


def django() -> Any:  # noqa: ANN401 - as above
    """Django."""
    from django.http import JsonResponse  # noqa: PLC0415 - as above
    from django.urls import path  # noqa: PLC0415 - as above

    application, urls = _project()
    from keywright.client.django import requires_key  # noqa: PLC0415 - as above

    def hello(_request: object, article_id: str) -> JsonResponse:
        return JsonResponse(HELLO if article_id else {})

    urls += [
        path("open/<str:article_id>", hello),
        path("keyed/<str:article_id>", requires_key(ACTION, RESOURCE)(hello)),
    ]
    return application


def drf() -> Any:  # noqa: ANN401 - as above
    """Django REST framework."""
    from django.urls import path  # noqa: PLC0415 - as above

    application, urls = _project()
    from rest_framework.response import Response  # noqa: PLC0415 - as above
    from rest_framework.views import APIView  # noqa: PLC0415 - as above

    from keywright.client.drf import KeyAuthentication, KeyPermission, Rule  # noqa: PLC0415 - as above

    class Open(APIView):  # type: ignore[misc] # the framework has no types
        authentication_classes: tuple[type, ...] = ()
        permission_classes: tuple[type, ...] = ()

        def get(self, _request: object, article_id: str) -> Response:
            return Response(HELLO if article_id else {})

    class Keyed(Open):
        authentication_classes = (KeyAuthentication,)
        permission_classes = (KeyPermission,)
        keywright = Rule(ACTION, RESOURCE)

    urls += [path("open/<str:article_id>", Open.as_view()), path("keyed/<str:article_id>", Keyed.as_view())]
    return application


def wsgi() -> Any:  # noqa: ANN401 - as above
    """Plain WSGI."""
    from keywright.client.wsgi import KeyRequired, Protection  # noqa: PLC0415 - as above

    body = json.dumps(HELLO).encode()

    def hello(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    keyed = KeyRequired(hello, Protection(verifier), action=ACTION, resource=RESOURCE)

    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Any:  # noqa: ANN401 - as above
        kind, _, article = environ["PATH_INFO"][1:].partition("/")
        environ["wsgiorg.routing_args"] = ((), {"article_id": article})
        return (keyed if kind == "keyed" else hello)(environ, start_response)

    return app


def _project() -> tuple[Any, list[Any]]:
    """A Django project without middleware, and its list of paths."""
    from types import ModuleType  # noqa: PLC0415 - as above

    from django.conf import settings  # noqa: PLC0415 - as above
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - as above

    urls = ModuleType("hello_urls")
    urls.urlpatterns = []  # type: ignore[attr-defined] # where Django looks for them
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=urls,
        MIDDLEWARE=[],
        KEYWRIGHT={"VERIFIER": verifier},
        REST_FRAMEWORK={
            "UNAUTHENTICATED_USER": None,
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        },
    )
    return get_wsgi_application(), urls.urlpatterns
