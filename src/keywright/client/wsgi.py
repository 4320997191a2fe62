"""WSGI: a middleware for whatever speaks it.

    keys = Protection(lambda: Verifier("postgresql://…"))
    app = KeyRequired(app, keys, action="article:read")

The application finds the verdict in `environ["keywright"]`, and the id of who it is in `REMOTE_USER`.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2s
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from keywright.client.guard import Question, Resource, Rule
from keywright.client.people import Admitted, admitted
from keywright.client.protection import Protection, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from keywright.client.bearers import Credential

__all__ = ["KeyRequired", "Protection"]

_AUTHORIZATION, _KEY, _CHAIN = "HTTP_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_X_FORWARDED_FOR"
_HEADERS: Final = {"authorization": _AUTHORIZATION, "x-api-key": _KEY, "x-forwarded-for": _CHAIN}
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
        try:
            verdict = admit(self._protection, self._rule, environ, params, environ).verdict
        except Refused as refused:
            refusal = refused.refusal
            status = HTTPStatus(refusal.status)
            start_response(f"{status.value} {status.phrase}", list(refusal.all_headers.items()))
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [refusal.body]
        environ["keywright"] = verdict
        environ["AUTH_TYPE"] = "Bearer"
        environ["REMOTE_USER"] = "" if verdict.identity is None else verdict.identity.id
        return self._app(environ, start_response)


def admit(
    protection: Protection, rule: Rule, environ: WSGIEnvironment, params: Mapping[str, Any], request: object
) -> Admitted:
    """Whoever sends a request, if they may pass. Raises `Refused`."""
    found = _at_once(protection, rule, environ, params, request)
    if isinstance(found, Question):
        return admitted(protection.waited_for(found), rule.action)
    return found


async def admit_later(
    protection: Protection, rule: Rule, environ: WSGIEnvironment, params: Mapping[str, Any], request: object
) -> Admitted:
    """The same in an event loop, which does not wait."""
    found = _at_once(protection, rule, environ, params, request)
    if isinstance(found, Question):
        return admitted(await asyncio.to_thread(protection.waited_for, found), rule.action)
    return found


def _at_once(
    protection: Protection, rule: Rule, environ: WSGIEnvironment, params: Mapping[str, Any], request: object
) -> Admitted | Question:
    """Whoever sends a request, or what has to be asked about them. Raises `Refused`."""
    credential = _credential(protection, environ)
    found = None if credential is None else protection.known(rule, credential, params, request)
    if found is not None:
        return found
    peer = environ.get("REMOTE_ADDR") or None
    question = protection.question(rule, _header_of(environ), peer, params, request)
    verdict = protection.at_once(question, credential)
    return question if verdict is None else admitted(verdict, rule.action)


def _credential(protection: Protection, environ: WSGIEnvironment) -> Credential | None:
    """What a request shows; None where that is nothing, more than one, or of no use."""
    if not protection.recognizes:
        return None
    text, key = environ.get(_AUTHORIZATION), environ.get(_KEY)
    shown = key if text is None else text
    if shown is None or (text is not None and key is not None):
        return None
    return (
        # Whatever a server makes of bytes, each text has bytes of its own.
        blake2s(shown.encode("utf-8", "surrogatepass")).digest(),
        text is None,
        environ.get("REMOTE_ADDR") or None,
        environ.get(_CHAIN) if protection.trusts_proxies else None,
    )


def _header_of(environ: WSGIEnvironment) -> Callable[[str], str | None]:
    """Looks up the headers that a guard reads, in the form in which WSGI has them."""

    def header(name: str) -> str | None:
        found: str | None = environ.get(_HEADERS[name])
        return found

    return header
