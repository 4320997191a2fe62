"""Django REST framework: an authentication class and a permission class.

    class Article(APIView):
        authentication_classes = [KeyAuthentication]
        permission_classes = [KeyPermission]
        keywright = {"get": Rule("article:read", "article:{article_id}")}

        def get(self, request, article_id):
            return Response({"for": request.user.display_name})

`keywright` is one rule for all methods of a view, or one for each method or action; a method that has none is refused.
The setting `KEYWRIGHT` is as for Django, and `EXCEPTION_HANDLER` may be `keywright.client.drf.exception_handler`, which
also gives the `RateLimit` fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission

from keywright.client.django import judge, protection
from keywright.client.guard import Refusal, Rule
from keywright.client.protection import Refused
from keywright.client.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keywright.client.people import KeyUser

__all__ = ["KeyAuthentication", "KeyPermission", "KeyRefused", "Rule", "exception_handler"]

_NO_RULE: Final = Refusal(403, "INSUFFICIENT_PERMISSIONS")


class KeyRefused(APIException):  # type: ignore[misc] # the framework has no types
    """A key was shown that may not do this, or cannot be checked."""

    def __init__(self, refusal: Refusal) -> None:
        self.status_code = refusal.status
        super().__init__(dict(refusal.problem), refusal.code)
        self.refusal = refusal
        # The framework's own handler makes headers of these two.
        self.auth_header = refusal.headers.get("WWW-Authenticate")
        self.wait = int(refusal.headers["Retry-After"]) if "Retry-After" in refusal.headers else None


class KeyAuthentication(BaseAuthentication):  # type: ignore[misc] # the framework has no types
    """Knows who shows a key: `request.user` is a `KeyUser`, and `request.auth` the verdict.

    It asks once, whether the key is valid and may do what the view's rule names. A request without a key is left to
    other authentication classes, and to permissions.
    """

    def authenticate(self, request: Any) -> tuple[KeyUser, Verdict] | None:  # noqa: ANN401 - as above
        """Who it is; None where no key is shown. Raises `KeyRefused`."""
        context = request.parser_context
        rule = rule_of(context.get("view"), request)
        try:
            found = judge(request._request, rule, context.get("kwargs") or {})  # noqa: SLF001 - the documented way to Django's request
        except Refused as refused:
            if refused.refusal.status == 401 and "error=" not in refused.refusal.headers["WWW-Authenticate"]:
                return None
            raise KeyRefused(refused.refusal) from None
        request._request.keywright = found.verdict  # noqa: SLF001 - as above
        return found.user, found.verdict

    def authenticate_header(self, _request: object) -> str:
        """The challenge to whom permissions refuse because nobody is logged in."""
        return protection().guard.challenge


class KeyPermission(BasePermission):  # type: ignore[misc] # the framework has no types
    """Lets those through who were let in by a key."""

    def has_permission(self, request: Any, _view: object) -> bool:  # noqa: ANN401 - as above
        """Whether a key that may do this was shown."""
        return isinstance(request.auth, Verdict) and request.auth.valid


def rule_of(view: Any, request: Any) -> Rule:  # noqa: ANN401 - as above
    """What a view asks of a key for a request. Raises `KeyRefused` when its rules have none for the method."""
    told: Rule | Mapping[str, Rule] | None = getattr(view, "keywright", None)
    if told is None:
        return Rule()
    if isinstance(told, Rule):
        return told
    method = request.method.lower()
    for name in (getattr(view, "action", None), method, "get" if method == "head" else None):
        if name is not None and name in told:
            return told[name]
    raise KeyRefused(_NO_RULE)


def exception_handler(error: Exception, context: Any) -> Any:  # noqa: ANN401 - as above
    """The framework's own handler, with every header that a refusal has."""
    # Its module reads the settings, which may name classes of this one.
    from rest_framework.views import exception_handler as usual_handler  # noqa: PLC0415 - see above

    response = usual_handler(error, context)
    if isinstance(error, KeyRefused) and response is not None:
        for name, value in error.refusal.headers.items():
            response[name] = value
    return response
