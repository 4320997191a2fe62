"""What is particular to ASGI, FastAPI and Litestar."""

from __future__ import annotations

from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads the annotation when it runs
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi import Request as FastAPIRequest
from fastapi.routing import APIRoute
from litestar import Litestar, Request, get
from litestar.params import FromPath  # noqa: TC002 - Litestar reads the annotation when it runs
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from keywright.client import Verdict
from keywright.client.asgi import KeyRequired, Protection
from keywright.client.fastapi import KeyAuth, KeyRoute
from keywright.client.litestar import KeyAuth as LitestarKeyAuth
from tests.middleware.plain import VALID, Plain

pytestmark = pytest.mark.anyio
KEY = {"X-Api-Key": "kw_x"}
DENIED = Verdict(valid=False, code="INSUFFICIENT_PERMISSIONS")


async def ask(
    app: Any, path: str, headers: dict[str, str] | None = KEY, method: str = "GET"
) -> httpx2.Response:
    transport = httpx2.ASGITransport(app, client=("192.0.2.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://here") as http:
        return await http.request(method, path, headers=headers)


async def me(request: Any) -> JSONResponse:
    verdict = request.state.keywright
    user = request.user
    return JSONResponse([verdict.key_id, user.identity, user.display_name, str(user), request.auth.scopes])


async def test_an_endpoint_knows_who_it_is_where_starlette_looks() -> None:
    plain = Plain()
    guarded = Middleware(KeyRequired, Protection(plain), action="a:b", resource="c:{one}:{two}")
    app = Starlette(routes=[Route("/{one}/{two:int}", requires("a:b")(me), middleware=[guarded])])
    assert (await ask(app, "/x/7")).json() == ["key_1", "idn_1", "Ada", "Ada", ["authenticated", "a:b"]]
    assert plain.asked == [{"action": "a:b", "resource": "c:x:7", "ip": "192.0.2.1"}]


async def test_a_whole_application_or_a_part_of_it_is_guarded() -> None:
    whole = Starlette(routes=[Route("/", me)], middleware=[Middleware(KeyRequired, Protection(Plain()))])
    assert (await ask(whole, "/")).status_code == 200
    assert (await ask(whole, "/nowhere", {})).status_code == 401
    part = Mount(
        "/tenants/{tenant}",
        routes=[Route("/x", me)],
        middleware=[Middleware(KeyRequired, Protection(plain := Plain()), action="a", resource="t:{tenant}")],
    )
    assert (await ask(Starlette(routes=[part]), "/tenants/acme/x")).status_code == 200
    assert plain.asked[0]["resource"] == "t:acme"


async def test_around_an_application_there_are_no_parameters_and_nobody_is_let_in() -> None:
    app = KeyRequired(
        Starlette(routes=[Route("/{one}", me)]), Protection(Plain()), action="a", resource="b:{one}"
    )
    with pytest.raises(LookupError):
        await ask(app, "/x")


async def websocket(app: Any, headers: list[tuple[bytes, bytes]], extensions: Any = None) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": headers, "client": None, "extensions": extensions}
    await app(scope, receive, send)
    return sent


async def test_a_websocket_without_a_key_is_not_accepted() -> None:
    async def accept(scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept", "key": scope["state"]["keywright"].key_id})

    app = KeyRequired(accept, Protection(Plain()))
    assert await websocket(app, [(b"x-api-key", b"kw_x")]) == [{"type": "websocket.accept", "key": "key_1"}]
    assert await websocket(app, []) == [{"type": "websocket.close", "code": 1008}]
    twice = [(b"x-api-key", b"a"), (b"x-api-key", b"b")]
    start, body = await websocket(app, twice, {"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 400)
    assert (body["type"], b"malformed_request" in body["body"]) == ("websocket.http.response.body", True)


async def test_what_is_no_request_goes_through() -> None:
    seen = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    await KeyRequired(app, Protection(Plain()))({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


def fastapi_app(plain: Plain, **options: Any) -> FastAPI:
    keys = KeyAuth(plain, **options)
    app = FastAPI(lifespan=keys.lifespan)

    @app.get("/open")
    async def open_to_all() -> None:
        return None

    @app.get("/articles/{number}")
    async def read(
        number: int,
        caller: Verdict = keys.requires("article:read", "article:{number}", cost=2),  # noqa: B008 - FastAPI's form
    ) -> list[Any]:
        return [number, caller.key_id]

    @app.get("/cheap", dependencies=[keys.requires()])
    async def cheap() -> None:
        return None

    return app


async def test_fastapi_documents_the_key_and_nothing_else() -> None:
    document = (await ask(fastapi_app(Plain()), "/openapi.json", {})).json()
    schemes = document["components"]["securitySchemes"]
    assert schemes == {
        "Keywright": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key; it may also stand in X-Api-Key.",
        }
    }
    for path, security in (
        ("/articles/{number}", [{"Keywright": []}]),
        ("/cheap", [{"Keywright": []}]),
        ("/open", None),
    ):
        operation = document["paths"][path]["get"]
        assert operation.get("security") == security
        assert [one["name"] for one in operation.get("parameters", [])] == (["number"] if "{" in path else [])


async def test_fastapi_asks_once_with_what_the_route_says() -> None:
    plain = Plain()
    assert (await ask(fastapi_app(plain), "/articles/7")).json() == [7, "key_1"]
    assert plain.asked == [{"action": "article:read", "resource": "article:7", "ip": "192.0.2.1", "cost": 2}]
    denied = await ask(fastapi_app(Plain(DENIED)), "/articles/7")
    assert (denied.status_code, denied.json()["detail"]["code"]) == (403, DENIED.code)
    assert (await ask(fastapi_app(Plain()), "/articles/7", {})).status_code == 401
    elsewhere = fastapi_app(Plain(), key_from=lambda connection: connection.query_params.get("key"))
    assert (await ask(elsewhere, "/cheap?key=kw_x", {})).status_code == 200
    assert (await ask(elsewhere, "/cheap", KEY)).status_code == 401


def quick_app(plain: Plain, *, quick: bool = True) -> tuple[FastAPI, Any]:
    """An application with keys in every place where FastAPI takes dependencies, and the key of one of them."""
    keys = KeyAuth(plain)
    app = FastAPI()
    if quick:
        app.router.route_class = KeyRoute
    reads = keys.requires("article:read", "article:{number}")
    anything = keys.requires()

    async def nested(caller: Verdict = reads) -> str | None:
        return caller.key_id

    @app.get("/value/{number}")
    async def value(number: int, caller: Verdict = reads) -> list[Any]:
        return [number, caller.key_id]

    @app.get("/sync/{number}")
    def in_a_thread(request: FastAPIRequest, number: int, caller: Verdict = reads) -> list[Any]:
        return [number, caller.key_id, request.user.identity]

    @app.get("/stream/{number}")
    async def stream(number: int, caller: Verdict = reads) -> AsyncIterator[Any]:
        yield [number, caller.key_id]

    @app.get("/nested/{number}", dependencies=[reads])
    async def within(number: int, key_id: str | None = Depends(nested)) -> list[Any]:
        return [number, key_id]

    @app.post("/both/{number}", dependencies=[anything, reads])
    async def both(number: int, body: dict[str, int], again: Verdict = reads) -> list[Any]:
        return [number, again.key_id, body]

    @app.get("/open")
    async def open_to_all() -> None:
        return None

    router = APIRouter(route_class=KeyRoute if quick else APIRoute)

    @router.get("/{number}", dependencies=[reads])
    async def part(number: int) -> list[Any]:
        return [number]

    app.include_router(router, prefix="/part", dependencies=[anything])
    return app, reads.dependency


PATHS = ("/value/7", "/sync/7", "/stream/7", "/nested/7", "/both/7", "/part/7", "/open")


def method_of(path: str) -> str:
    return "POST" if path.startswith("/both") else "GET"


@pytest.mark.parametrize("path", PATHS)
async def test_fastapis_quick_route_answers_as_any_other(path: str) -> None:
    seen = []
    for quick in (True, False):
        plain = Plain()
        app, _ = quick_app(plain, quick=quick)
        transport = httpx2.ASGITransport(app, client=("192.0.2.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as http:
            found = []
            for answer, headers in ((VALID, KEY), (DENIED, KEY), (VALID, {})):
                plain.answer = answer
                body = {"x": 1} if path.startswith("/both") else None
                got = await http.request(method_of(path), path, headers=headers, json=body)
                found.append((got.status_code, got.text, got.headers.get("www-authenticate")))
        seen.append((found, plain.asked))
    assert seen[0] == seen[1]
    (first, *others), asked = seen[0]
    assert first[0] == 200
    assert [one[0] for one in others] == ([200, 200] if path == "/open" else [403, 401])
    assert bool(asked) is (path != "/open")


async def test_fastapis_quick_route_stands_in_the_document_as_any_other() -> None:
    documents = [
        (await ask(quick_app(Plain(), quick=quick)[0], "/openapi.json", {})).json() for quick in (True, False)
    ]
    assert documents[0] == documents[1]
    assert documents[0]["paths"]["/both/{number}"]["post"]["security"] == [{"Keywright": []}]


async def test_fastapis_quick_route_asks_before_it_reads_anything_else() -> None:
    for quick, status in ((True, 401), (False, 422)):
        app, _ = quick_app(Plain(), quick=quick)
        transport = httpx2.ASGITransport(app, client=("192.0.2.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as http:
            wrong = {"content-type": "application/json"}
            assert (await http.post("/both/7", content=b"{", headers=wrong)).status_code == status


async def test_a_test_may_put_something_in_the_place_of_a_key() -> None:
    app, key = quick_app(plain := Plain())
    app.dependency_overrides[key] = lambda: VALID
    assert (await ask(app, "/value/7", {})).json() == [7, "key_1"]
    assert plain.asked == []
    app.dependency_overrides.clear()
    assert (await ask(app, "/value/7", {})).status_code == 401


async def test_a_fastapi_that_does_not_say_what_an_inclusion_makes_is_asked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(KeyRoute, "_described", lambda self: self)
    app, _ = quick_app(plain := Plain())
    assert (await ask(app, "/part/7")).json() == [7]
    assert plain.asked == [
        {"action": "article:read", "resource": "article:7", "ip": "192.0.2.1"},
        {"action": None, "resource": None, "ip": "192.0.2.1"},
    ]
    assert (await ask(app, "/part/7", {})).status_code == 401


async def test_litestar_knows_who_it_is() -> None:
    keys = LitestarKeyAuth(plain := Plain())

    @get(
        "/{number:int}",
        guards=[keys.requires("a:b", lambda connection: f"c:{connection.path_params['number']}")],
    )
    async def read(request: Request[Any, Any, Any], number: FromPath[int]) -> list[Any]:
        return [number, request.state.keywright.key_id, request.user.identity, request.auth.scopes]

    app = Litestar([read], lifespan=[keys.lifespan])
    assert (await ask(app, "/7")).json() == [7, "key_1", "idn_1", ["authenticated", "a:b"]]
    assert plain.asked == [{"action": "a:b", "resource": "c:7", "ip": "192.0.2.1"}]
    plain.answer = DENIED
    denied = await ask(app, "/7")
    assert (denied.status_code, denied.json()["extra"]) == (403, {"code": DENIED.code})
    assert "insufficient_scope" in denied.headers["www-authenticate"]
