"""What is particular to plain WSGI, Flask, Django and Django REST framework."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import django
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory
from django.test.utils import override_settings
from flask import Blueprint, Flask, g

from keywright.client import Verdict
from keywright.client.flask import KeyAuth
from keywright.client.wsgi import KeyRequired, Protection
from tests.middleware.plain import VALID, Plain, Quick

if TYPE_CHECKING:
    from collections.abc import Iterator

if not settings.configured:
    settings.configure(REST_FRAMEWORK={"UNAUTHENTICATED_USER": None}, KEYWRIGHT={})
    django.setup()

from rest_framework.response import Response
from rest_framework.views import APIView

from keywright.client import django as ours
from keywright.client import drf

pytestmark = pytest.mark.anyio
KEY = {"X-Api-Key": "kw_x"}
DENIED = Verdict(valid=False, code="INSUFFICIENT_PERMISSIONS")


def told(app: Any, method: str = "GET", **environ: Any) -> tuple[str, dict[str, str], bytes]:
    """What a WSGI application answers, held to the protocol on the way."""
    found: list[Any] = []
    asked: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        **environ,
    }
    setup_testing_defaults(asked)

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        found.extend((status, dict(headers)))
        return lambda _data: None

    answer = validator(app)(asked, start)
    try:
        body = b"".join(answer)
    finally:
        answer.close()
    return (*found, body)


def who(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join([environ["keywright"].key_id, environ["REMOTE_USER"], environ["AUTH_TYPE"]]).encode()]


def test_plain_wsgi_is_guarded() -> None:
    plain = Plain()
    app = KeyRequired(who, Protection(plain), action="a:b", resource="c:{one}", cost=2)
    here: dict[str, Any] = {"wsgiorg.routing_args": ((), {"one": "x"}), "REMOTE_ADDR": "192.0.2.1"}
    key = {"HTTP_X_API_KEY": "kw_x"}
    assert told(app, **here, **key)[::2] == ("200 OK", b"key_1 idn_1 Bearer")
    assert plain.asked == [{"action": "a:b", "resource": "c:x", "ip": "192.0.2.1", "cost": 2}]
    status, headers, body = told(app, **here)
    assert (status, json.loads(body)["code"]) == ("401 Unauthorized", "NOT_FOUND")
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Length"] == str(len(body))
    assert headers["WWW-Authenticate"] == 'Bearer realm="keywright"'
    assert told(app, "HEAD", **here)[::2] == ("401 Unauthorized", b"")
    plain.answer = DENIED
    assert told(app, **here, **key)[0] == "403 Forbidden"


def test_where_no_router_was_nobody_is_let_in_by_a_parameter() -> None:
    app = KeyRequired(who, Protection(Plain()), action="a:b", resource="c:{one}")
    with pytest.raises(LookupError):
        told(app, HTTP_X_API_KEY="kw_x")


def test_a_whole_application_is_guarded_by_what_its_environ_says() -> None:
    plain = Plain(replace(VALID, identity=None))
    keys = Protection(plain, key_from=lambda environ: environ["QUERY_STRING"] or None)
    app = KeyRequired(who, keys, action="a:b", resource=lambda environ: f"path:{environ['PATH_INFO'][1:]}")
    # No address is known over a Unix socket.
    answer = told(app, PATH_INFO="/x", QUERY_STRING="kw_x", REMOTE_ADDR="", HTTP_X_API_KEY="kw_y")
    assert answer[::2] == ("200 OK", b"key_1  Bearer")
    assert plain.asked == [{"action": "a:b", "resource": "path:x", "ip": None}]
    assert told(app, PATH_INFO="/a b", QUERY_STRING="kw_x")[0] == "403 Forbidden"
    assert told(app, PATH_INFO="/x", HTTP_X_API_KEY="kw_y")[0] == "401 Unauthorized"


def test_flask_guards_views_and_whole_parts() -> None:
    plain = Plain()
    keys, app, part = KeyAuth(plain), Flask(__name__), Blueprint("part", __name__)

    @app.get("/later/<one>")
    @keys.requires("a:b", "c:{one}")
    async def later(one: str) -> list[str]:
        return [one, g.keywright.key_id]

    @part.get("/part/<one>")
    def inside(one: str) -> list[str]:
        return [one, g.keywright.key_id]

    @app.get("/open")
    def open_to_all() -> str:
        return "open"

    keys.protect(part, "d:e", "f:{one}", cost=2)
    app.register_blueprint(part)
    http = app.test_client()
    assert http.get("/later/x", headers=KEY).json == ["x", "key_1"]
    assert http.get("/part/y", headers=KEY).json == ["y", "key_1"]
    assert [one["resource"] for one in plain.asked] == ["c:x", "f:y"]
    assert plain.asked[1]["cost"] == 2
    assert http.get("/open").text == "open"
    for path in ("/later/x", "/part/y"):
        refused = http.get(path)
        assert (refused.status_code, refused.json["code"]) == (401, "NOT_FOUND")
        assert refused.content_type == "application/problem+json"
    plain.answer = DENIED
    assert http.get("/part/y", headers=KEY).status_code == 403


@pytest.fixture
def plain() -> Iterator[Plain]:
    """The verifier of the project."""
    found = Plain()
    with override_settings(
        KEYWRIGHT={"VERIFIER": found, "TRUSTED_PROXIES": ["192.0.2.0/24"], "REALM": "here"}
    ):
        yield found


def django_request(**headers: str) -> Any:
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")


def view(request: Any, **more: Any) -> JsonResponse:
    return JsonResponse([request.keywright.key_id, request.user.pk, request.user.username, more], safe=False)


def test_django_guards_a_view(plain: Plain) -> None:
    guarded = ours.requires_key("a:b", "c:{one}", cost=3)(view)
    request = django_request(x_api_key="kw_x", x_forwarded_for="198.51.100.7")
    answer = guarded(request, one="x")
    assert json.loads(answer.content) == ["key_1", "idn_1", "Ada", {"one": "x"}]
    assert plain.asked == [{"action": "a:b", "resource": "c:x", "ip": "198.51.100.7", "cost": 3}]
    refused = guarded(django_request(), one="x")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer realm="here"')
    user = request.user
    assert (user.is_authenticated, user.is_anonymous, user.is_active, user.is_staff) == (
        True,
        False,
        True,
        False,
    )
    assert (user.get_username(), user.id) == ("Ada", "idn_1")
    assert not user.has_perm("app.add")
    assert not user.has_perms(["app.add"])
    assert not user.has_module_perms("app")


async def test_django_guards_an_async_view(plain: Plain) -> None:
    @ours.requires_key("a:b")
    async def later(request: Any) -> HttpResponse:
        return view(request)

    assert (await later(django_request(x_api_key="kw_x"))).status_code == 200
    plain.answer = DENIED
    refused = await later(django_request(x_api_key="kw_x"))
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")


async def test_an_async_view_of_django_waits_for_nobody_who_knows_at_once() -> None:
    quick = Quick(VALID)
    with override_settings(KEYWRIGHT={"VERIFIER": quick}):

        @ours.requires_key("a:b")
        async def later(request: Any) -> HttpResponse:
            return view(request)

        for _ in range(3):
            assert (await later(django_request(x_api_key="kw_x"))).status_code == 200
        assert (await later(django_request())).status_code == 401
        judged = django_request(x_api_key="kw_x")
        assert ours.KeyRequiredMiddleware(lambda _request: None).process_view(judged, later, (), {}) is None
        assert (await later(judged)).status_code == 200
    assert len(quick.asked) == 1
    assert [one["thread"] for one in quick.asked_at_once] == [threading.current_thread().name] * 3


def through(inner: Any, request: Any, **more: Any) -> Any:
    """A request through the middleware, as Django sends it."""

    def respond(asked: Any) -> Any:
        refusal = middleware.process_view(asked, inner, (), more)
        return inner(asked, **more) if refusal is None else refusal

    middleware = ours.KeyRequiredMiddleware(respond)
    return middleware(request)


def test_djangos_middleware_wants_a_key_of_every_view(plain: Plain) -> None:
    assert through(view, django_request()).status_code == 401
    assert through(view, django_request(x_api_key="kw_x")).status_code == 200
    # It came from a trusted proxy that does not say for whom.
    assert plain.asked == [{"action": None, "resource": None, "ip": "192.0.2.1"}]
    anyone = ours.open_to_all(lambda _request: HttpResponse("open"))
    assert through(anyone, django_request()).content == b"open"


def test_a_view_with_middleware_and_decorator_is_asked_about_once(plain: Plain) -> None:
    guarded = ours.requires_key("a:b", "c:{one}")(view)
    assert through(guarded, django_request(x_api_key="kw_x"), one="x").status_code == 200
    assert [one["resource"] for one in plain.asked] == ["c:x"]


def test_django_is_told_what_its_setting_lacks() -> None:
    for wrong in ({}, {"VERIFIER": Plain(), "OTHER": 1}):
        with (
            override_settings(KEYWRIGHT=wrong),
            pytest.raises(ImproperlyConfigured, match="KEYWRIGHT needs VERIFIER"),
        ):
            ours.protection()


NAMED = Plain()


def key_of(request: Any) -> str | None:
    found: str | None = request.GET.get("key")
    return found


def test_djangos_setting_may_name_what_is_meant() -> None:
    here = __name__
    told = {"VERIFIER": f"{here}.NAMED", "KEY_FROM": f"{here}.key_of"}
    with override_settings(KEYWRIGHT=told):
        guarded = ours.requires_key()(view)
        assert guarded(RequestFactory().get("/?key=kw_x")).status_code == 200
        assert guarded(django_request(x_api_key="kw_x")).status_code == 401


class Article(APIView):  # type: ignore[misc] # the framework has no types
    authentication_classes: ClassVar = [drf.KeyAuthentication]
    permission_classes: ClassVar = [drf.KeyPermission]
    keywright: ClassVar = {"get": drf.Rule("a:read", "a:{one}"), "publish": drf.Rule("a:publish")}

    def get(self, request: Any, one: str) -> Response:
        return Response([one, request.user.display_name, request.auth.key_id])

    def post(self, request: Any, one: str) -> Response:
        return Response([one, request.auth.key_id])


def rendered(answer: Any) -> Any:
    return json.loads(json.dumps(answer.data))


def test_a_method_has_its_own_rule_and_none_is_a_refusal(plain: Plain) -> None:
    article = Article.as_view()
    assert rendered(article(django_request(x_api_key="kw_x"), one="x")) == ["x", "Ada", "key_1"]
    head = article(RequestFactory().head("/", headers=KEY), one="x")
    assert head.status_code == 200
    assert [one["resource"] for one in plain.asked] == ["a:x", "a:x"]
    posted = RequestFactory().post("/", headers=KEY)
    refused = article(posted, one="x")
    assert (refused.status_code, len(plain.asked)) == (403, 2)
    # Without a key nobody learns even that.
    assert article(RequestFactory().post("/"), one="x").status_code in (401, 403)


def test_an_action_of_a_view_set_has_its_own_rule(plain: Plain) -> None:
    class Published(Article):
        action = "publish"

    assert Published.as_view()(RequestFactory().post("/", headers=KEY), one="x").status_code == 200
    assert [one["action"] for one in plain.asked] == ["a:publish"]


def test_one_rule_or_none_is_for_all_methods(plain: Plain) -> None:
    class Simple(Article):
        keywright: ClassVar = drf.Rule("a:any")

    class Open(Article):
        keywright: ClassVar = None

    for kind in (Simple, Open):
        assert kind.as_view()(RequestFactory().post("/", headers=KEY), one="x").status_code == 200
    assert [one["action"] for one in plain.asked] == ["a:any", None]


def test_who_shows_no_key_is_asked_for_one(plain: Plain) -> None:
    answer = Article.as_view()(django_request(), one="x")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="here"')
    assert plain.asked == []


def test_the_frameworks_own_handler_gives_the_most_important_headers(plain: Plain) -> None:
    plain.answer = Verdict(valid=False, code="RATE_LIMITED", retry_after_seconds=7, limits=())
    answer = Article.as_view()(django_request(x_api_key="kw_x"), one="x")
    assert (answer.status_code, answer.data["code"]) == (429, "RATE_LIMITED")
    plain.answer = Verdict(valid=False, code="STALE")
    answer = Article.as_view()(django_request(x_api_key="kw_x"), one="x")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
