"""What the edge writes down of each request: a line and figures, with nothing in them that a client made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import NotFound
from keywright.ops.metrics import Metrics
from tests.web.asgi import Answer, Seen, call, edge, failing

if TYPE_CHECKING:
    from collections.abc import Callable

    Lines = Callable[[], list[dict[str, Any]]]

pytestmark = pytest.mark.anyio

SECRET = "a-secret-that-nobody-may-see"


async def test_the_access_line(lines: Lines) -> None:
    await call(
        edge(Seen()),
        "GET",
        f"/{SECRET}",
        headers=[("User-Agent", SECRET), ("Cookie", SECRET), ("Referer", SECRET)],
        scope={"query_string": SECRET.encode()},
    )
    (line,) = lines()
    del line["timestamp"], line["request_id"], line["ms"]
    assert line == {
        "level": "info",
        "logger": "keywright.http",
        "event": "request",
        "method": "GET",
        "route": "unmatched",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("path", "route", "label"),
    [
        ("/known", None, "/known"),
        ("/quiet", None, "/quiet"),
        (f"/v1/keys/{SECRET}", SimpleNamespace(path="/v1/keys/{id}"), "/v1/keys/{id}"),
        (f"/{SECRET}", None, "unmatched"),
        (f"/{SECRET}", SimpleNamespace(), "unmatched"),
        (f"/known/{SECRET}", None, "unmatched"),
        ("/KNOWN", None, "unmatched"),
    ],
)
async def test_metrics_and_lines_name_routes_and_no_paths(
    lines: Lines, path: str, route: object, label: str
) -> None:
    metrics = Metrics()
    await call(edge(Seen(), metrics), path=path, scope={"route": route})
    text = metrics.render()[0].decode()
    assert f'keywright_http_requests_total{{method="GET",route="{label}",status="200"}} 1.0' in text
    assert SECRET not in text
    assert lines()[0]["route"] == label


async def test_a_method_that_nobody_knows_is_another(lines: Lines) -> None:
    metrics = Metrics()
    for method in ("BREW", SECRET.upper(), "get"):
        await call(edge(Seen(), metrics), method)
    assert {line["method"] for line in lines()} == {"other"}
    text = metrics.render()[0].decode()
    assert 'method="other"' in text
    assert SECRET.upper() not in text


async def test_paths_that_machines_call_all_day_are_logged_at_debug_level(lines: Lines) -> None:
    for path in ("/quiet", "/known"):
        await call(edge(Seen()), path=path)
    assert [(line["route"], line["level"]) for line in lines()] == [("/quiet", "debug"), ("/known", "info")]


async def test_an_answer_is_counted_with_its_status_and_time() -> None:
    metrics = Metrics()
    served = edge(failing(NotFound("x")), metrics)
    for _ in range(3):
        await call(served, path="/known")
    text = metrics.render()[0].decode()
    assert 'keywright_http_requests_total{method="GET",route="/known",status="404"} 3.0' in text
    assert 'keywright_http_request_duration_seconds_count{method="GET",route="/known"} 3.0' in text


async def test_an_application_that_answers_nothing_is_counted_as_such(lines: Lines) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None: ...

    answer = await call(edge(app))
    assert answer == Answer()
    assert lines()[0]["status"] == 499
