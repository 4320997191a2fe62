"""Mounts: which door a path belongs to, what it is told of it, and how what goes wrong there is answered."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import KeywrightError, NotFound
from keywright.core.ids import uuid7
from keywright.ops.metrics import Metrics
from keywright.web.edge import MAX_BODY, Edge
from keywright.web.mounts import Answer, Dialect, Mounts, name_route, path_below, preflight
from keywright.web.setups import Setup
from keywright.web.visit import Visit
from tests.web.asgi import call

if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = Callable[[], list[dict[str, Any]]]

pytestmark = pytest.mark.anyio
SERVICES: Any = object()
SETUP = Setup(noun="place", key_name="k", lines=lambda made: made.token)


class Doors:
    """Dialects whose doors answer where they are, or raise; `made` is what each door was made for."""

    def __init__(self, raises: Exception | None = None) -> None:
        self.made: list[tuple[str, object, str | None]] = []
        self.raises = raises

    def dialect(self, name: str) -> Dialect:
        def door(services: object, tenant: str | None) -> Any:
            self.made.append((name, services, tenant))
            return self.answer

        def refuse(error: KeywrightError | None, _visit: Visit) -> Answer:
            return Answer(418, f"{name}: {error!r}".encode(), {"X-Of": name}, "text/plain")

        return Dialect(name=name, title=name.title(), door=door, refuse=refuse, setup=SETUP)

    async def answer(self, scope: Any, _receive: Any, send: Any) -> None:
        if self.raises is not None:
            raise self.raises
        name_route(scope, "/named")
        await Answer(200, f"{scope['root_path']}|{path_below(scope)}".encode()).send(send)


def edge_of(mounts: Mounts, metrics: Metrics | None = None) -> Edge:
    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        door = mounts.door(scope["path"])
        if door is None:
            raise NotFound("Nothing is here.")
        await door(scope, receive, send)

    return Edge(
        dispatch,
        metrics or Metrics(),
        [],
        routes=frozenset(),
        quiet=frozenset(),
        refusal=mounts.refusal,
    )


def mounts_of(doors: Doors) -> Mounts:
    return Mounts(SERVICES, [(doors.dialect("one"), None), (doors.dialect("two"), "acme")])


def test_each_door_is_made_once_for_its_tenant() -> None:
    doors = Doors()
    mounts_of(doors)
    assert doors.made == [("one", SERVICES, None), ("two", SERVICES, "acme")]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/dialects/one", "one"),
        ("/dialects/one/", "one"),
        ("/dialects/two/a/b", "two"),
        ("/dialects/one/dialects/two", "one"),
        ("/dialects/oneself", None),
        ("/dialects/One", None),
        ("/dialects/", None),
        ("/dialects", None),
        ("/dialects//one", None),
        ("/v1/dialects/one", None),
        ("", None),
    ],
)
def test_the_door_of_a_path(path: str, name: str | None) -> None:
    mounts = mounts_of(Doors())
    refuse = mounts.refusal(path)
    assert (mounts.door(path) is None) is (refuse is None) is (name is None)
    if refuse is not None:
        assert refuse(None, Visit(uuid7(), None, [])).headers == {"X-Of": name}


@pytest.mark.parametrize("below", ["", "/", "/a", "/a/b/"])
async def test_a_door_knows_where_it_is(below: str) -> None:
    answer = await call(edge_of(mounts_of(Doors())), path=f"/dialects/one{below}")
    assert answer.body.decode() == f"/dialects/one|{below}"


async def test_metrics_and_logs_name_the_route_and_not_the_path(lines: Lines) -> None:
    metrics = Metrics()
    await call(edge_of(mounts_of(Doors()), metrics), path="/dialects/one/secret")
    await call(edge_of(mounts_of(Doors(RuntimeError())), metrics), path="/dialects/two/secret")
    routes = [line["route"] for line in lines() if line["event"] == "request"]
    assert routes == ["/dialects/one/named", "/dialects/two/…"]
    assert b"secret" not in metrics.render()[0]


@pytest.mark.parametrize(
    ("raised", "told"), [(NotFound("x"), "one: NotFound('x')"), (RuntimeError("secret"), "one: None")]
)
async def test_what_escapes_a_door_is_answered_in_its_form(
    raised: Exception, told: str, lines: Lines
) -> None:
    answer = await call(edge_of(mounts_of(Doors(raised))), path="/dialects/one/x")
    assert (answer.status, answer.body.decode()) == (418, told)
    assert (answer.headers["x-of"], answer.headers["content-type"]) == ("one", "text/plain")
    assert answer.headers["cache-control"] == "no-store"
    assert ("unexpected_error" in {line["event"] for line in lines()}) is isinstance(raised, RuntimeError)


@pytest.mark.parametrize(
    ("headers", "parts", "told"),
    [
        ([], [b"x" * (MAX_BODY + 1)], "BodyTooLarge"),
        ([("content-length", str(MAX_BODY + 1))], [b""], "BodyTooLarge"),
        ([("content-encoding", "gzip")], [b""], "MalformedRequest"),
    ],
)
async def test_a_body_that_the_edge_refuses_is_refused_in_the_form_of_the_door(
    headers: Any, parts: list[bytes], told: str
) -> None:
    answer = await call(edge_of(mounts_of(Doors())), "POST", "/dialects/two/x", headers=headers, parts=parts)
    assert answer.body.decode().startswith(f"two: {told}")


async def test_where_no_dialect_is_errors_are_our_own() -> None:
    answer = await call(edge_of(mounts_of(Doors())), path="/dialects/three")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ([], None),
        ([("Access-Control-Request-Headers", "authorization,x-any")], "authorization,x-any"),
        (
            [
                ("Access-Control-Request-Headers", "authorization"),
                ("Access-Control-Request-Headers", "x-any"),
            ],
            "authorization,x-any",
        ),
    ],
)
def test_a_page_from_elsewhere_may_send_what_it_asks_for(asked: Any, allowed: str | None) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in asked]
    answer = preflight(Visit(uuid7(), ip_address("192.0.2.1"), raw), "POST, OPTIONS")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers.get("Access-Control-Allow-Headers") == allowed
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert ("Vary" in answer.headers) is (allowed is not None)
