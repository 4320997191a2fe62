"""Django: a middleware for the whole project, and a decorator for single views.

    # settings.py
    KEYWRIGHT = {"VERIFIER": lambda: Verifier("postgresql://…")}
    MIDDLEWARE = [..., "keywright.client.django.KeyRequiredMiddleware"]

    # views.py
    @requires_key("article:read", "article:{article_id}")
    def read(request, article_id):
        return JsonResponse({"for": request.keywright.identity.name})

The decorator works without the middleware too. The middleware asks for a valid key before every view that is not
`@open_to_all`.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpResponse
from django.utils.module_loading import import_string

from keywright.client.guard import Refusal, Resource, Rule
from keywright.client.protection import Protection, Refused
from keywright.client.wsgi import admit, admit_later

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keywright.client.people import Admitted

__all__ = ["KeyRequiredMiddleware", "open_to_all", "protection", "requires_key"]

_ARGUMENTS: Final = {"KEY_FROM": "key_from", "TRUSTED_PROXIES": "trusted_proxies", "REALM": "realm"}
_ANY: Final = Rule()
_made: list[Protection] = []


def protection() -> Protection:
    """What the setting `KEYWRIGHT` describes; one for the process. Raises `ImproperlyConfigured`.

    `VERIFIER` is a verifier or a function that makes one, `KEY_FROM` a function of the request, each also by its dotted
    name. `TRUSTED_PROXIES` and `REALM` are as for `Guard`.
    """
    if _made:
        return _made[0]
    told: Mapping[str, Any] = getattr(settings, "KEYWRIGHT", {})
    unknown = sorted(set(told) - {"VERIFIER", *_ARGUMENTS})
    if "VERIFIER" not in told or unknown:
        raise ImproperlyConfigured(
            f"KEYWRIGHT needs VERIFIER, and has no {unknown[0]}." if unknown else "KEYWRIGHT needs VERIFIER."
        )
    named = {
        name: import_string(value) if name in ("VERIFIER", "KEY_FROM") and isinstance(value, str) else value
        for name, value in told.items()
    }
    arguments = {_ARGUMENTS[name]: value for name, value in named.items() if name != "VERIFIER"}
    _made.append(Protection(named["VERIFIER"], **arguments))
    return _made[0]


def _forget(setting: str, **_more: object) -> None:
    if setting == "KEYWRIGHT":
        for one in _made:
            one.close()
        _made.clear()


setting_changed.connect(_forget)


def requires_key(
    action: str | None = None, resource: Resource = None, *, cost: int = 1
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for a view, also an async one, that wants a key which may do this.

    A template is filled from the arguments that the path gives; functions get Django's request. The verdict is in
    `request.keywright`, and `request.user` is who it is.
    """
    rule = Rule(action, resource, cost)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_later(request: Any, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - a view takes anything
                refusal = await _refusal_later(request, rule, more)
                return await view(request, *args, **more) if refusal is None else _response(refusal)

            found: Callable[..., Any] = guarded_later
        else:

            @wraps(view)
            def guarded(request: Any, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - as above
                refusal = _refusal(request, rule, more)
                return view(request, *args, **more) if refusal is None else _response(refusal)

            found = guarded
        found.keywright_rule = rule  # type: ignore[attr-defined] # where the middleware looks for it
        return found

    return decorate


def open_to_all(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that needs no key, whatever the middleware wants of others."""
    view.keywright_open = True  # type: ignore[attr-defined] # where the middleware looks for it
    return view


class KeyRequiredMiddleware:
    """Wants a valid key before every view: one that may do what its `requires_key` names, if it has one."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        protection()

    def __call__(self, request: Any) -> Any:  # noqa: ANN401 - Django has no types
        """Answer a request; views are judged in `process_view`."""
        return self._get_response(request)

    def process_view(
        self,
        request: Any,  # noqa: ANN401 - Django has no types
        view: Callable[..., Any],
        _args: object,
        more: Mapping[str, Any],
    ) -> Any:  # noqa: ANN401 - as above
        """A refusal, or None to go on; Django calls this when it knows the view."""
        if getattr(view, "keywright_open", False):
            return None
        refusal = _refusal(request, getattr(view, "keywright_rule", _ANY), more)
        return None if refusal is None else _response(refusal)


def judge(request: Any, rule: Rule, params: Mapping[str, Any]) -> Admitted:  # noqa: ANN401 - Django has no types
    """Whoever sends a request, if they may pass; raises `Refused`."""
    return admit(protection(), rule, request.META, params, request)


def _refusal(request: Any, rule: Rule, params: Mapping[str, Any]) -> Refusal | None:  # noqa: ANN401 - as above
    if _is_judged(request, rule):
        return None
    try:
        _let_in(request, rule, judge(request, rule, params))
    except Refused as refused:
        return refused.refusal
    return None


async def _refusal_later(request: Any, rule: Rule, params: Mapping[str, Any]) -> Refusal | None:  # noqa: ANN401 - as above
    if _is_judged(request, rule):
        return None
    try:
        found = await admit_later(protection(), rule, request.META, params, request)
    except Refused as refused:
        return refused.refusal
    _let_in(request, rule, found)
    return None


def _is_judged(request: Any, rule: Rule) -> bool:  # noqa: ANN401 - as above
    """Whether the middleware has asked already: a second use would be counted."""
    return getattr(request, "_keywright_rule", None) is rule


def _let_in(request: Any, rule: Rule, found: Admitted) -> None:  # noqa: ANN401 - as above
    request.keywright = found.verdict
    request._keywright_rule = rule  # noqa: SLF001 - the request is where Django's middlewares leave things
    request.user = found.user


def _response(refusal: Refusal) -> Any:  # noqa: ANN401 - Django has no types
    headers = {**refusal.headers, "Content-Type": "application/problem+json"}
    return HttpResponse(refusal.body, status=refusal.status, headers=headers)
