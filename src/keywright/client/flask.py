"""Flask: a decorator for views.

keys = KeyAuth(lambda: Verifier("postgresql://…"))

@app.get("/articles/<article_id>")
@keys.requires("article:read", "article:{article_id}")
def read(article_id: str) -> dict[str, str]:
return {"for": g.keywright.identity.name}
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from flask import Response, abort, current_app, g, request

from keywright.client.guard import Resource, Rule
from keywright.client.protection import Protection, Refused
from keywright.client.wsgi import admit

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.sansio.blueprints import Blueprint

__all__ = ["KeyAuth"]

P = ParamSpec("P")
T = TypeVar("T")


class KeyAuth(Protection):
    """Protection for a Flask application: of single views by `requires`, of all those of a part by `protect`."""

    def requires(
        self, action: str | None = None, resource: Resource = None, *, cost: int = 1
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A decorator for a view that wants a key which may do this; it stands below the one with the route.

        A template is filled from the parameters of the path; functions get Flask's request. The verdict is in
        `flask.g.keywright`.
        """
        rule = Rule(action, resource, cost)

        def decorate(view: Callable[P, T]) -> Callable[P, T]:
            is_awaited = iscoroutinefunction(view)

            @wraps(view)
            def guarded(*args: P.args, **more: P.kwargs) -> T:
                self._let_in(rule)
                if is_awaited:
                    return cast("T", current_app.ensure_sync(view)(*args, **more))
                return view(*args, **more)

            return guarded

        return decorate

    def protect(
        self,
        part: Flask | Blueprint,
        action: str | None = None,
        resource: Resource = None,
        *,
        cost: int = 1,
    ) -> None:
        """Want a key which may do this before every view of an application or a blueprint."""
        rule = Rule(action, resource, cost)
        part.before_request(lambda: self._let_in(rule))

    def _let_in(self, rule: Rule) -> None:
        # `request` looks for the request anew each time that it is asked for something.
        asked = request._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - Flask's way to it
        params: dict[str, Any] = asked.view_args or {}
        try:
            g.keywright = admit(self, rule, asked.environ, params, asked).verdict
        except Refused as refused:
            refusal = refused.refusal
            abort(Response(refusal.body, refusal.status, refusal.all_headers))
