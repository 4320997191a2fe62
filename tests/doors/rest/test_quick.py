"""`/v1/verify` from memory: the same answers as from the door behind it, and only where there is nothing else to do."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from keywright.api.rest import callers, quick
from keywright.api.rest.repeats import Repeats
from keywright.core.errors import Unavailable
from keywright.core.tokens import mint
from tests.doors.rest.house import ROOT, MovableClock, house
from tests.web.asgi import call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House
    from tests.web.asgi import Answer

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory, clock: MovableClock) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("quick"), clock=clock) as found:
        for slug in ("blog", "shop"):
            assert (await found.ask("POST", "/v1/tenants", json={"slug": slug})).status_code == 201
        yield found


class Behind:
    """The application behind the quick path, which counts what came through to it."""

    def __init__(self, rest: House) -> None:
        self._rest = rest
        outermost: Any = rest.app._outermost
        self._edge = outermost._app
        recall = rest.app.deciding.recall
        shown = callers.ByKey(recall)
        self.repeats = Repeats(recall, rest.app.metrics, shown)
        self.quick = quick.QuickVerify(
            self, rest.app.deciding.verifier, recall, rest.app.metrics, shown, self.repeats
        )
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await self._edge(scope, receive, send)

    async def ask(
        self, body: Any, token: str, *, quickly: bool = True, **more: Any
    ) -> tuple[int, dict[str, str], Any, bool]:
        """The status, the headers without the request's id, the body, and whether it came from memory."""
        before = self.calls
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = [
            ("content-type", "application/json"),
            ("authorization", f"Bearer {token}"),
            *more.pop("headers", ()),
        ]
        answer: Answer = await call(
            self.quick if quickly else self._edge,
            "POST",
            "/v1/verify",
            headers=headers,
            parts=more.pop("parts", (raw,)),
            **more,
        )
        found = answer.headers
        assert len(found.pop("x-request-id")) == 32
        return answer.status or 0, found, json.loads(answer.body), self.calls == before


@pytest.fixture
def behind(rest: House) -> Behind:
    return Behind(rest)


async def made(rest: House, **fields: Any) -> tuple[str, str]:
    answer = await rest.ask(
        "POST", "/v1/keys", json={"name": "A key", **fields}, headers={"keywright-tenant": "blog"}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["key"]["id"], answer.json()["token"]


@pytest.fixture(scope="module")
async def asker(rest: House) -> str:
    return (await made(rest, name="Asker"))[1]


async def test_the_second_answer_comes_from_memory_and_is_the_same(
    rest: House, behind: Behind, asker: str
) -> None:
    scope = [{"actions": ["article:*"], "resources": ["article:cs:**"]}]
    _, token = await made(rest, scope=scope, metadata={"team": "search"}, allowed_cidrs=["192.0.2.0/24"])
    questions: list[dict[str, Any]] = [
        {"ip": "192.0.2.7"},
        {"ip": "198.51.100.1"},
        {},
        {"action": "article:read", "ip": "192.0.2.7"},
        {"action": "article:read", "resource": "article:cs:17", "ip": "192.0.2.7"},
        {"action": "article:read", "resource": "article:en:17", "ip": "192.0.2.7", "cost": 3},
        {"action": "keys:read", "ip": "192.0.2.7"},
    ]
    for question in questions:
        body = {"token": token, **question}
        await behind.ask(body, asker)
        status, headers, answer, from_memory = await behind.ask(body, asker)
        assert from_memory
        assert (status, headers, answer) == (await behind.ask(body, asker, quickly=False))[:3]
        again = await behind.ask(body, asker)
        assert again == (status, headers, answer, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"limits": [{"name": "hour", "limit": 5, "window_seconds": 3600}]},
        {"credits": {"remaining": 4}},
        {"limits": [], "credits": {"remaining": 3}, "scope": [{"actions": ["article:*"]}]},
    ],
    ids=["limits", "credits", "credits and scope"],
)
async def test_uses_that_are_counted_are_answered_alike(
    rest: House, behind: Behind, asker: str, fields: dict[str, Any]
) -> None:
    questions: list[dict[str, Any]] = [
        {"action": "article:read"},
        {"action": "article:read", "cost": 0},
        {"action": "keys:read"},
        {"action": "article:read", "cost": 3},
        {"action": "article:read", "cost": 3},
        {"action": "article:read"},
        {"action": "article:read"},
    ]
    told = []
    for quickly in (True, False):
        token = (await made(rest, **fields))[1]
        assert (await behind.ask({"token": token, "cost": 0}, asker))[0] == 200  # it is remembered then
        answers = []
        for question in questions:
            status, headers, answer, from_memory = await behind.ask(
                {"token": token, **question}, asker, quickly=quickly
            )
            assert from_memory
            answers.append((status, *settled(headers, answer)))
        told.append(answers)
    assert told[0] == told[1]
    assert {answer["code"] for _, _, answer in told[0]} > {"VALID"}


def settled(headers: dict[str, str], answer: Any) -> tuple[dict[str, str], Any]:
    """The same without what is another in each key, or goes on by itself."""
    answer = {name: value for name, value in answer.items() if name not in {"key_id", "identity"}}
    answer["limits"] = [{**one, "reset_seconds": 0} for one in answer.get("limits", ())]
    answer.pop("retry_after_seconds", None)
    kept = {name: re.sub(r";t=\d+", "", value) for name, value in headers.items()}
    for name in ("content-length", "retry-after"):
        kept.pop(name, None)
    return kept, answer


async def test_what_nobody_can_count_now_is_told_alike(
    rest: House, behind: Behind, asker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_key_id: str, _cost: int) -> int:
        raise Unavailable("Nobody knows.")

    token = (await made(rest, credits={"remaining": 3}))[1]
    assert (await behind.ask({"token": token}, asker))[2]["credits_left"] == 2
    monkeypatch.setattr(rest.app.deciding.verifier, "_credits", SimpleNamespace(spend=away))
    quick_one = await behind.ask({"token": token}, asker)
    assert quick_one[3]
    assert quick_one[:3] == (await behind.ask({"token": token}, asker, quickly=False))[:3]
    assert (quick_one[0], quick_one[2]["code"], quick_one[1]["retry-after"]) == (503, "STALE", "1")


async def test_a_change_is_true_at_once(rest: House, behind: Behind, asker: str) -> None:
    key_id, token = await made(rest)
    for _ in range(2):
        assert (await behind.ask({"token": token}, asker))[2]["valid"]
    answer = await rest.ask(
        "PATCH", f"/v1/keys/{key_id}", json={"active": False}, headers={"keywright-tenant": "blog"}
    )
    assert answer.status_code == 200
    for _ in range(2):
        assert (await behind.ask({"token": token}, asker))[2]["code"] == "DISABLED"
    assert (await behind.ask({"token": token}, asker))[3]


async def test_the_clock_is_asked_at_each_question(rest: House, behind: Behind, clock: MovableClock) -> None:
    ends = (clock.now() + timedelta(hours=1)).isoformat()
    asker, token = (await made(rest, expires_at=ends))[1], (await made(rest, expires_at=ends))[1]
    for _ in range(2):
        assert (await behind.ask({"token": token}, asker))[2]["valid"]
    clock.ahead += timedelta(hours=2)
    status, _, answer, from_memory = await behind.ask({"token": token}, asker)
    assert (status, answer["code"], from_memory) == (401, "unauthenticated", False)
    fresh = (await made(rest))[1]
    await behind.ask({"token": token}, fresh)
    found = await behind.ask({"token": token}, fresh)
    assert (found[2]["code"], found[3]) == ("EXPIRED", True)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        {},
        {"token": None},
        {"token": 1},
        {"token": "x", "token_hash": "y"},
        {"token": "x", "unknown": 1},
        {"token": "x", "tenant": "blog"},
        {"token": "x", "explain": True},
        {"token": "x", "cost": -1},
        {"token": "x", "action": "a b"},
        {"token": "x", "action": "a", "resource": "*"},
        {"token": "x", "resource": "a"},
        {"token": "x", "ip": "nowhere"},
        {"token": "kws_session"},
    ],
    ids=range(17),
)
async def test_what_is_unusual_is_for_the_door_behind(behind: Behind, asker: str, body: Any) -> None:
    await behind.ask({"token": asker}, asker)
    status, headers, answer, from_memory = await behind.ask(body, asker)
    assert not from_memory
    again = (await behind.ask(body, asker, quickly=False))[:3]
    for one in (answer, again[2]):
        one.pop("request_id", None)
    assert (status, headers, answer) == again


async def test_who_asks_in_an_unusual_way_is_for_the_door_behind(
    rest: House, behind: Behind, asker: str
) -> None:
    question = {"token": asker}
    bounded = (await made(rest, allowed_cidrs=["192.0.2.0/24"]))[1]
    powerless = (await made(rest, scope=[{"actions": ["keys:read"]}]))[1]
    session = mint("kws").reveal()
    for token in (asker, bounded, powerless):
        await behind.ask(question, token)
    assert (await behind.ask(question, asker))[3]
    asked: list[tuple[str, dict[str, Any]]] = [
        (bounded, {}),
        (powerless, {}),
        (session, {}),
        (mint().reveal(), {}),
        (f" {asker}", {}),
        ("x" * 600, {}),
        (asker, {"headers": [("x-request-id", "0" * 32)]}),
        (asker, {"headers": [("keywright-tenant", "shop")]}),
        (asker, {"headers": [("keywright-tenant", "*")]}),
        (asker, {"headers": [("keywright-tenant", "blog"), ("keywright-tenant", "blog")]}),
        (asker, {"headers": [("authorization", f"Bearer {asker}")]}),
        (asker, {"headers": [("x-forwarded-for", "192.0.2.7")]}),
        (asker, {"client": None}),
        (asker, {"client": ("a socket", 0)}),
        (asker, {"scope": {"query_string": b"a=b"}}),
        (asker, {"parts": (b'{"token":', json.dumps(asker).encode(), b"}")}),
    ]
    for token, more in asked:
        assert not (await behind.ask(question, token, **more))[3], more
    assert (await behind.ask(question, asker, parts=(b'{"token":', json.dumps(asker).encode(), b"}")))[2][
        "valid"
    ]
    shop = await rest.ask("POST", "/v1/keys", json={"name": "A key"}, headers={"keywright-tenant": "shop"})
    foreign = {"token": shop.json()["token"]}
    for _ in range(2):
        found = await behind.ask(foreign, asker)
        assert (found[2]["code"], found[3]) == ("NOT_FOUND", False)


async def global_key(rest: House) -> str:
    """The token of a key of the root that belongs to no tenant."""
    answer = await rest.ask(
        "POST", "/v1/keys", json={"name": "Everywhere"}, headers={"keywright-tenant": "*"}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


@pytest.mark.parametrize("named", [None, "*", "blog"])
async def test_a_key_of_no_tenant_asks_about_those_of_each_where_it_may(
    rest: House, behind: Behind, named: str | None
) -> None:
    token, headers = (await made(rest))[1], [] if named is None else [("keywright-tenant", named)]
    asked = {"token": token, "action": "article:read"}
    for caller in (ROOT, await global_key(rest)):
        await behind.ask(asked, caller, headers=headers)
        found = await behind.ask(asked, caller, headers=headers)
        assert found[3]
        assert found[:3] == (await behind.ask(asked, caller, quickly=False, headers=headers))[:3]
        assert found[2]["valid"]


async def test_a_tenant_that_is_named_is_where_its_keys_are(rest: House, behind: Behind, asker: str) -> None:
    token = (await made(rest))[1]
    for caller, named, status in (
        (ROOT, "shop", 200),
        (ROOT, "nowhere", 404),
        (ROOT, "No slug", 404),
        (asker, "shop", 404),
        (asker, "*", 404),
    ):
        headers = [("keywright-tenant", named)]
        for _ in range(2):
            found = await behind.ask({"token": token}, caller, headers=headers)
            assert (found[0], found[3]) == (status, False)
        assert found[2].get("code") == ("TENANT_MISMATCH" if status == 200 else "not_found")
    for _ in range(2):
        found = await behind.ask({"token": token}, asker, headers=[("keywright-tenant", "blog")])
    assert found[3]
    assert found[2]["valid"]


async def test_other_paths_pass(behind: Behind) -> None:
    for method, path in (("GET", "/healthz"), ("GET", "/v1/verify"), ("POST", "/v1/verify/batch")):
        before = behind.calls
        await call(behind.quick, method, path)
        assert behind.calls == before + 1
    answer = await call(behind.quick, "POST", "/v1/verify")
    assert answer.status == 401


async def test_both_ways_count_alike(rest: House, behind: Behind, asker: str) -> None:
    key_id, token = await made(rest)
    await behind.ask({"token": token, "action": "article:read"}, asker)
    await rest.app.upkeep.flush()
    for quickly in (True, False):
        before = rest.app.metrics.render()[0]
        await behind.ask({"token": token, "action": "article:read"}, asker, quickly=quickly)
        assert _counted(rest.app.metrics.render()[0]) == _counted(before, more=1)
    tallies = {tally.key_id: tally.use() for tally in rest.app.deciding.uses.take()}
    assert {code: n for _, code, n in tallies[key_id].counts} == {"VALID": 2}
    assert {action: n for action, n, _ in tallies[key_id].actions} == {"article:read": 2}
    assert [use.ip for key, use in tallies.items() if key != key_id] == ["192.0.2.1"]


def _counted(rendered: bytes, more: int = 0) -> list[float]:
    wanted = (
        'keywright_decisions_total{code="VALID",door="rest"}',
        'keywright_http_requests_total{method="POST",route="/v1/verify",status="200"}',
        'keywright_http_request_duration_seconds_count{method="POST",route="/v1/verify"}',
    )
    lines = dict(line.rsplit(" ", 1) for line in rendered.decode().splitlines() if not line.startswith("#"))
    return [float(lines[name]) + more for name in wanted]


async def test_what_is_kept_is_bounded(
    rest: House, behind: Behind, asker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "MAX_KEPT", 1)
    tokens = [(await made(rest))[1] for _ in range(2)]
    for token in (*tokens, *tokens, *tokens):
        assert (await behind.ask({"token": token}, asker))[2]["valid"]
    assert len(behind.quick._answers) == 1
