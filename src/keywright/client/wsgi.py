"""WSGI: a middleware for whatever speaks it.

    keys = Protection(lambda: Verifier("postgresql://…"))
    app = KeyRequired(app, keys, action="article:read")

The application finds the verdict in `environ["keywright"]`, and the id of who it is in `REMOTE_USER`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from keywright.client.guard import Resource, Rule
from keywright.client.protection import Protection, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["KeyRequired", "Protection"]

HEADERS: Final = {
    "authorization": "HTTP_AUTHORIZATION",
    "x-api-key": "HTTP_X_API_KEY",
    "x-forwarded-for": "HTTP_X_FORWARDED_FOR",
}
"""Where WSGI has the headers that a guard reads."""
_ROUTING: Final = "wsgiorg.routing_args"
"""Where routers leave the parameters of the path: positional ones, and those that have names."""


class KeyRequired:
    """Lets requests through to an application, or a part of it, that show a key which may do this.

    A template for the resource is filled from the parameters of the path that a router left in `wsgiorg.routing_args`:
    where there is none it raises, and nothing is let through. Functions get the environ.
    """

    def __init__(
        self,
        app: WSGIApplication,
        protection: Protection,
        *,
        action: str | None = None,
        resource: Resource = None,
        cost: int = 1,
    ) -> None:
        self._app = app
        self._protection = protection
        self._rule = Rule(action, resource, cost)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or let the application answer it."""
        params: Mapping[str, Any] = environ.get(_ROUTING, ((), {}))[1]
        peer = environ.get("REMOTE_ADDR") or None
        try:
            verdict = self._protection.admit_now(self._rule, header_of(environ), peer, params, environ)
        except Refused as refused:
            refusal = refused.refusal
            status = HTTPStatus(refusal.status)
            start_response(f"{status.value} {status.phrase}", list(refusal.all_headers.items()))
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [refusal.body]
        environ["keywright"] = verdict
        environ["AUTH_TYPE"] = "Bearer"
        environ["REMOTE_USER"] = "" if verdict.identity is None else verdict.identity.id
        return self._app(environ, start_response)


def header_of(environ: WSGIEnvironment) -> Callable[[str], str | None]:
    """Looks up the headers that a guard reads, in the form in which WSGI has them."""

    def header(name: str) -> str | None:
        found: str | None = environ.get(HEADERS[name])
        return found

    return header
