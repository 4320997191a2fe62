"""An answer that is given again: as long as it is true and no longer, and counted like any other."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from keywright.api.rest import repeats as repeats_module
from keywright.core.errors import Unavailable
from tests.cli.quick import asking, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.cli.quick import Served

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving(tmp_path_factory.mktemp("protocol")) as found:
        yield found


@pytest.fixture(scope="module")
async def caller(served: Served) -> str:
    return (await served.key(name="Caller"))[1]


REVOKED = {
    "disabled": ("PATCH", "/v1/keys/{key}", {"active": False}, (200, "DISABLED")),
    "deleted": ("DELETE", "/v1/keys/{key}", {}, (200, "NOT_FOUND")),
    "narrowed": ("PATCH", "/v1/keys/{key}", {"scope": []}, (200, "INSUFFICIENT_PERMISSIONS")),
    "caller disabled": ("PATCH", "/v1/keys/{caller}", {"active": False}, (401, "unauthenticated")),
    "caller deleted": ("DELETE", "/v1/keys/{caller}", {}, (401, "unauthenticated")),
    "caller narrowed": (
        "PATCH",
        "/v1/keys/{caller}",
        {"scope": [{"actions": ["keys:read"]}]},
        (403, "permission_denied"),
    ),
}


@pytest.mark.parametrize("change", REVOKED)
async def test_what_was_revoked_is_so_at_the_next_question(served: Served, change: str) -> None:
    method, path, body, expected = REVOKED[change]
    caller_id, caller = await served.key(name="Another caller")
    key_id, token = await served.key(scope=[{"actions": ["article:read"]}])
    line = await served.line()
    request = asking(caller, token, action="article:read")
    await line.warm(request)
    await served.change(method, path.format(key=key_id, caller=caller_id), **body)
    assert await line.verdict(request) == (*expected, False)
    # If the new answer is one for everybody's memory, it comes from there in the end, and else never.
    again = [await line.verdict(request) for _ in range(3)]
    assert {one[:2] for one in again} == {expected}
    assert again[2][2] is (expected[1] in {"DISABLED", "INSUFFICIENT_PERMISSIONS"})


@pytest.mark.parametrize("way", ["change", "another"])
async def test_a_caller_who_is_revoked_between_a_head_and_its_body(served: Served, way: str) -> None:
    """Whoever sends a head first and asks later asks later."""
    caller_id, caller = await served.key(name="Another caller")
    _, token = await served.key()
    line = await served.line()
    request = asking(caller, token)
    cut = request.index(b"\r\n\r\n") + 4
    head, body = request[:cut], request[cut:]
    # Once, so that both keys are remembered, and the head is not: it would wait for its body.
    await line.ask(request)
    calls = served.calls
    await line.send(head)
    async with asyncio.timeout(20):
        while served.calls == calls:  # noqa: ASYNC110 - the application tells of no beginning
            await asyncio.sleep(0.01)
    if way == "change":
        await served.change("PATCH", f"/v1/keys/{caller_id}", active=False)
        assert await line.verdict(body) == (401, "unauthenticated", True)
    else:
        await served.change("PATCH", f"/v1/keys/{caller_id}", name="The same caller")
        assert await line.verdict(body) == (200, "VALID", True)


async def test_a_key_that_is_enabled_again_is_valid_again(served: Served, caller: str) -> None:
    key_id, token = await served.key()
    line = await served.line()
    request = asking(caller, token)
    await line.warm(request)
    for active, code in ((False, "DISABLED"), (True, "VALID"), (False, "DISABLED")):
        await served.change("PATCH", f"/v1/keys/{key_id}", active=active)
        found = [await line.verdict(request) for _ in range(3)]
        assert found[0] == (200, code, False)
        assert found[2] == (200, code, True)


async def test_a_tenant_that_is_disabled(served: Served) -> None:
    assert (await served.rest.ask("POST", "/v1/tenants", json={"slug": "shop"})).status_code == 201
    _, caller = await served.key("shop")
    _, token = await served.key("shop")
    line = await served.line()
    request = asking(caller, token)
    await line.warm(request)
    answer = await served.rest.ask("PATCH", "/v1/tenants/shop", json={"active": False})
    assert answer.status_code == 200, answer.text
    for _ in range(3):
        status, _, quick = await line.verdict(request)
        assert (status in {401, 403}, quick) == (True, False)


async def test_a_span_of_validity_ends_for_either_key(served: Served, caller: str) -> None:
    now = served.clock.now()
    spans = {
        "not_before": (now + timedelta(hours=1)).isoformat(),
        "expires_at": (now + timedelta(hours=2)).isoformat(),
    }
    _, token = await served.key(**spans)
    _, brief = await served.key(expires_at=(now + timedelta(hours=1)).isoformat())
    line = await served.line()
    request, own = asking(caller, token), asking(brief, caller)
    try:
        for code in ("NOT_YET_VALID", "VALID", "EXPIRED"):
            found = [await line.verdict(request) for _ in range(3)]
            assert {one[:2] for one in found} == {(200, code)}
            assert [one[2] for one in found] == (
                [False, False, True] if code == "NOT_YET_VALID" else [False, True, True]
            )
            if code == "NOT_YET_VALID":
                await line.warm(own)
            else:
                assert await line.verdict(own) == (401, "unauthenticated", False)
            served.clock.ahead += timedelta(hours=1)
        served.clock.ahead = timedelta(0)
        # A clock that was set back is believed too.
        assert (await line.verdict(request))[:2] == (200, "NOT_YET_VALID")
    finally:
        served.clock.ahead = timedelta(0)


async def test_without_a_lease_nothing_is_answered_from_memory(
    served: Served, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id, token = await served.key()
    line = await served.line()
    request = asking(caller, token)
    await line.warm(request)
    node, lookup = served.rest.app.deciding.node, served.rest.app.deciding.verifier._lookup
    with monkeypatch.context() as patched:
        patched.setattr(node, "boottime", lambda: float("inf"))
        patched.setattr(served.rest.app.deciding.recall, "_boottime", lambda: float("inf"))
        patched.setattr(served.rest.app.deciding.verifier, "_boottime", lambda: float("inf"))
        assert await line.verdict(request) == (200, "VALID", False)

        async def away(_digest: bytes) -> None:
            raise Unavailable("The database cannot be reached.")

        patched.setattr(type(lookup), "by_digest", lambda _self, digest: away(digest))
        for _ in range(3):
            assert await line.verdict(request) == (503, "STALE", False)
    await served.change("PATCH", f"/v1/keys/{key_id}", active=False)
    assert await line.verdict(request) == (200, "DISABLED", False)


async def test_what_the_memory_has_forgotten_is_not_answered(served: Served, caller: str) -> None:
    _, token = await served.key()
    line = await served.line()
    request = asking(caller, token)
    await line.warm(request)
    node = served.rest.app.deciding.node
    node.memory.forget_all(node.applied)
    assert [(await line.verdict(request)) for _ in range(3)] == [
        (200, "VALID", False),
        (200, "VALID", False),
        (200, "VALID", True),
    ]


async def test_the_address_is_part_of_the_question(served: Served, caller: str) -> None:
    bound_id, bound = await served.key(allowed_cidrs=["127.0.0.1/32"])
    here, there = await served.line("127.0.0.1"), await served.line("127.0.0.2")
    for _ in range(4):
        assert await here.verdict(asking(bound, caller)) == (200, "VALID", False)
        status, _, quick = await there.verdict(asking(bound, caller))
        assert (status, quick) == (401, False)
    request = asking(caller, bound)
    await here.warm(request)
    await there.warm(request)
    await served.rest.app.upkeep.flush()
    await there.ask(request)
    await here.ask(request)
    tallies = {tally.key_id: tally.use() for tally in served.rest.app.deciding.uses.take()}
    assert bound_id in tallies
    assert [use.ip for key, use in tallies.items() if key != bound_id] == ["127.0.0.1"]


async def test_a_key_that_is_counted_is_asked_each_time(served: Served, caller: str) -> None:
    _, limited = await served.key(limits=[{"name": "few", "limit": 3, "window_seconds": 3600}])
    _, credited = await served.key(credits={"remaining": 3})
    line = await served.line()
    for token, code in ((limited, "RATE_LIMITED"), (credited, "CREDITS_EXHAUSTED")):
        found = [await line.verdict(asking(caller, token)) for _ in range(5)]
        assert found == [(200, "VALID", False)] * 3 + [(200, code, False)] * 2


async def test_what_is_kept_is_bounded_and_loses_no_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats_module, "MAX_KEPT", 2)
    monkeypatch.setattr(repeats_module, "MAX_WAITING", 1)
    async with serving(tmp_path) as served:
        _, caller = await served.key(name="Caller")
        made = [await served.key() for _ in range(4)]
        line = await served.line()
        await served.rest.app.upkeep.flush()
        quick = 0
        for _ in range(3):
            for _, token in made:
                for _ in range(4):
                    found = await line.verdict(asking(caller, token))
                    assert found[:2] == (200, "VALID")
                    quick += found[2]
        assert quick >= 12
        assert len(served.repeats) == 2
        assert len(served.repeats._met) <= 2
        tallies = {tally.key_id: tally.total() for tally in served.rest.app.deciding.uses.take()}
        assert [tallies.pop(key_id) for key_id, _ in made] == [12] * 4
        assert list(tallies.values()) == [48]


async def test_everything_is_counted_as_one_by_one(served: Served, caller: str) -> None:
    key_id, token = await served.key(scope=[{"actions": ["article:read"]}])
    line = await served.line()
    app = served.rest.app
    await app.upkeep.flush()
    before = counted(app.metrics.render()[0])
    for _ in range(7):
        await line.ask(asking(caller, token, action="article:read", ip="192.0.2.7"))
    for _ in range(5):
        await line.ask(asking(caller, token, action="article:write"))
    after = counted(app.metrics.render()[0])
    assert [now - then for now, then in zip(after, before, strict=True)] == [7, 5, 12, 12]
    assert counted(app.metrics.render()[0]) == after
    now_us = app.clock.now_us()
    tallies = {tally.key_id: tally.use() for tally in app.deciding.uses.take()}
    use = tallies.pop(key_id)
    assert {code: n for _, code, n in use.counts} == {"VALID": 7, "INSUFFICIENT_PERMISSIONS": 5}
    assert [(action, n) for action, n, _ in use.actions] == [("article:read", 7)]
    assert use.ip == "192.0.2.7"
    assert use.at_us is not None
    assert now_us - 20_000_000 < use.at_us <= now_us
    (own,) = tallies.values()
    assert ([n for _, _, n in own.counts], own.ip) == ([12], "127.0.0.1")
    assert app.deciding.uses.take() == ()


def counted(rendered: bytes) -> list[float]:
    wanted = (
        'keywright_decisions_total{code="VALID",door="rest"}',
        'keywright_decisions_total{code="INSUFFICIENT_PERMISSIONS",door="rest"}',
        'keywright_http_requests_total{method="POST",route="/v1/verify",status="200"}',
        'keywright_http_request_duration_seconds_count{method="POST",route="/v1/verify"}',
    )
    lines = dict(line.rsplit(" ", 1) for line in rendered.decode().splitlines() if not line.startswith("#"))
    return [float(lines.get(name, 0)) for name in wanted]


async def test_an_answer_that_took_long_is_shown_as_long(
    served: Served, caller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await served.line()
    request = asking(caller, caller, action="keys:update")
    await line.warm(request)

    def shown() -> tuple[float, float, float]:
        """The requests in the lowest bucket, all of them, and the sum of their seconds."""
        families = text_string_to_metric_families(served.rest.app.metrics.render()[0].decode())
        found = {
            (sample.name.rpartition("_")[2], sample.labels.get("le")): sample.value
            for family in families
            for sample in family.samples
            if family.name == "keywright_http_request_duration_seconds"
            and sample.labels["route"] == "/v1/verify"
        }
        return found["bucket", "0.0005"], found["count", None], found["sum", None]

    short, whole, took = shown()
    clock = iter([100.0, 100.2])
    with monkeypatch.context() as patched:
        patched.setattr("keywright.cli.protocol.time.perf_counter", lambda: next(clock))
        await line.send(request)
        await line.read()
    assert shown() == (short, whole + 1, pytest.approx(took + 0.2))
    clock = iter([100.0, 100.0001])
    with monkeypatch.context() as patched:
        patched.setattr("keywright.cli.protocol.time.perf_counter", lambda: next(clock))
        await line.send(request)
        await line.read()
    assert shown() == (short + 1, whole + 2, pytest.approx(took + 0.2001))


async def test_each_use_counts_in_its_hour(served: Served, caller: str) -> None:
    key_id, token = await served.key()
    line = await served.line()
    request = asking(caller, token)
    hour = datetime(2030, 1, 1, 12, tzinfo=UTC)
    try:
        served.clock.ahead = hour - timedelta(minutes=1) - served.clock.now()
        await line.warm(request)
        await served.rest.app.upkeep.flush()
        for minutes in (0, 0, 2, -2, 62):
            served.clock.ahead += timedelta(minutes=minutes)
            assert (await line.verdict(request)) == (200, "VALID", True)
        at_us = served.clock.now_us()
        served.clock.ahead -= timedelta(minutes=1)
        assert (await line.verdict(request)) == (200, "VALID", True)
        tallies = {tally.key_id: tally.use() for tally in served.rest.app.deciding.uses.take()}
    finally:
        served.clock.ahead = timedelta(0)
    use = tallies[key_id]
    found = {datetime.fromtimestamp(at / 1e6, UTC): n for at, _, n in use.counts}
    assert found == {hour - timedelta(hours=1): 3, hour: 1, hour + timedelta(hours=1): 2}
    # The latest moment, and not that of the last question.
    assert use.at_us is not None
    assert abs(use.at_us - at_us) < 10_000_000
    await served.rest.app.upkeep.flush()


async def test_no_token_is_kept(served: Served, caller: str) -> None:
    _, token = await served.key()
    line = await served.line()
    await line.warm(asking(caller, token))
    kept = repr((served.repeats._kept, served.repeats._met, served.repeats._waiting))
    assert token not in kept
    assert caller not in kept
