"""The agent's end when wire or server are not sound: what it goes on with, what it loses, and what it never does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2
import pytest

from keywright.core.codes import Code
from keywright.core.errors import IllegalTransition, InvalidValue, KeywrightError, Unavailable
from keywright.services.relay import messages as m
from keywright.services.relay import ports, sidecar
from keywright.services.relay.link import Link
from keywright.services.relay.ports import RelayedFeed
from tests.support.agents import (
    URL,
    Wire,
    a_key,
    agents_of,
    an_agents_key,
    beside,
    change,
    counted,
    eventually,
)

if TYPE_CHECKING:
    from tests.doors.rest.house import House
    from tests.support.agents import Beside

pytestmark = pytest.mark.anyio

FEW = [{"name": "few", "limit": 3, "window_seconds": 86_400}]


async def test_a_revocation_is_heard_at_once_and_waits_for_the_agent(home: House) -> None:
    key = await a_key(home)
    async with beside(home, (await an_agents_key(home))["token"]) as one:
        assert await one.code(key["token"]) == Code.VALID
        (node_id,) = await agents_of(home)
        held = one.wire.held["since"] = asyncio.Event()
        revoking = asyncio.create_task(change(home, "DELETE", f"/v1/keys/{key['key']['id']}"))
        await asyncio.sleep(0.3)
        assert not revoking.done()
        held.set()
        receipt = (await revoking)["receipt"]
        assert {"id": node_id, "outcome": "acknowledged"} in receipt["nodes"]
        assert await one.code(key["token"]) == Code.NOT_FOUND
        narrowed = await a_key(home)
        assert await one.code(narrowed["token"], action="article:read") == Code.VALID
        path = f"/v1/keys/{narrowed['key']['id']}"
        await change(home, "PATCH", path, scope=[{"actions": ["article:write"]}])
        assert await one.code(narrowed["token"], action="article:read") == Code.INSUFFICIENT_PERMISSIONS


async def test_a_server_that_is_away_is_waited_for_under_no_lease(home: House) -> None:
    key = await a_key(home)
    async with beside(home, (await an_agents_key(home))["token"]) as one:
        assert await one.code(key["token"]) == Code.VALID
        node = one.sidecar.deciding.node
        one.wire.cut.add("*")
        assert await one.code(key["token"]) == Code.VALID
        node.lease_end = node.boottime()
        assert await one.code(key["token"]) == Code.STALE
        assert not one.sidecar.ready
        with pytest.raises(Unavailable):
            await node.renew()
        one.wire.cut.clear()
        await node.renew()
        assert one.sidecar.ready
        assert await one.code(key["token"]) == Code.VALID


async def test_a_global_key_in_a_tenant_that_cannot_be_looked_up_is_not_judged(lone: House) -> None:
    key = await a_key(lone, None)
    async with beside(lone, (await an_agents_key(lone, None))["token"]) as one:
        assert await one.code(key["token"], tenant="default") == Code.VALID
        one.wire.cut.add("place")
        assert await one.code(key["token"], tenant="other") == Code.STALE
        one.wire.cut.clear()
        one.wire.answers["look"] = httpx2.Response(422, json={})
        assert await one.code((await a_key(lone))["token"]) == Code.STALE


async def test_credits_are_never_overspent_when_answers_are_lost(home: House) -> None:
    key = await a_key(home, credits={"remaining": 20})
    valid = 0
    async with beside(home, (await an_agents_key(home))["token"]) as one:
        for round_ in range(60):
            one.wire.lost = {"take_credits"} if round_ % 3 == 0 else set()
            valid += await one.code(key["token"]) == Code.VALID
        one.wire.lost.clear()
    last = await change(home, "GET", f"/v1/keys/{key['key']['id']}")
    assert 0 < valid <= 20 - last["credits"]["remaining"]


async def test_credits_that_were_not_spent_come_back(home: House) -> None:
    key = await a_key(home, credits={"remaining": 1_000})
    path = f"/v1/keys/{key['key']['id']}"
    async with beside(home, (await an_agents_key(home))["token"]) as one:
        for _ in range(10):
            assert await one.code(key["token"]) == Code.VALID
    assert (await change(home, "GET", path))["credits"]["remaining"] == 990
    async with beside(home, (await an_agents_key(home))["token"]) as one:
        assert await one.code(key["token"], cost=0) == Code.VALID
        for _ in range(3):
            assert await one.code(key["token"], cost=5) == Code.VALID
        one.wire.lost.add("give_back_credits")
        one.wire.answers["take_credits"] = httpx2.Response(404, json={})
        assert await one.code(key["token"], cost=1_000) in {Code.STALE, Code.CREDITS_EXHAUSTED}
        await change(home, "PATCH", path, credits={"remaining": 7})
        del one.wire.answers["take_credits"]
        assert one.sidecar.deciding.credits.held == ()
        assert await one.code(key["token"], cost=8) == Code.CREDITS_EXHAUSTED
    assert (await change(home, "GET", path))["credits"]["remaining"] <= 7


async def test_limits_are_counted_with_the_server_and_alone_while_it_is_away(lone: House) -> None:
    key, own = await a_key(lone, limits=FEW), (await an_agents_key(lone))["token"]
    async with beside(lone, own) as one, beside(lone, own) as two:
        assert [await one.code(key["token"]), await two.code(key["token"])] == [Code.VALID] * 2
        one.wire.cut.add("count")
        decision = await one.decide(key["token"])
        assert decision.valid
        assert decision.limits is not None
        assert decision.limits.local
        # It goes on from what the server said last, asks nobody for a while, and then asks again.
        assert await one.code(key["token"]) == Code.VALID
        assert await one.code(key["token"]) == Code.RATE_LIMITED
        assert one.wire.said.count("count") == 2
        one.wire.cut.clear()
        one.sidecar.deciding.counters._alone_until = 0.0  # type: ignore[attr-defined] # relayed ones
        assert await one.code(key["token"]) == Code.VALID
        assert await two.code(key["token"]) == Code.RATE_LIMITED


@pytest.mark.parametrize("cut", [False, True])
async def test_a_use_that_finds_no_credits_gives_back_what_it_was_charged(lone: House, cut: bool) -> None:
    key = await a_key(lone, limits=FEW, credits={"remaining": 0})
    async with beside(lone, (await an_agents_key(lone))["token"]) as one:
        if cut:
            one.wire.cut.add("take_credits")
        for _ in range(2):
            expected = Code.STALE if cut else Code.CREDITS_EXHAUSTED
            assert await one.code(key["token"]) == expected
        path = f"/v1/keys/{key['key']['id']}"
        await change(lone, "PATCH", path, credits={"remaining": 9})
        one.wire.cut.clear()
        codes = [await one.code(key["token"]) for _ in range(4)]
        assert codes == [Code.VALID, Code.VALID, Code.VALID, Code.RATE_LIMITED]
        counters = one.sidecar.deciding.counters
        assert isinstance(counters, ports.RelayedCounters)
        decision = await one.decide(key["token"])
        assert decision.limits is not None
        buckets = tuple(state.bucket for state in decision.limits.states)
        one.wire.cut.add("count")
        await counters.give_back(buckets, 1)
        asked = one.wire.said.count("count")
        await counters.give_back(buckets, 1)
        assert one.wire.said.count("count") == asked


async def test_usage_is_exact_when_the_agent_has_stopped(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "FLUSH_SECONDS", 0.02)
    monkeypatch.setattr(sidecar, "MOST_BYTES", 1)
    one_key, two_key = await a_key(home), await a_key(home, scope=[{"actions": ["a"]}])
    async with beside(home, (await an_agents_key(home))["token"]) as one:
        for _ in range(3):
            await one.decide(one_key["token"], action="a", ip="10.0.0.1")
        await eventually(lambda: "uses" in one.wire.said)
        one.wire.cut.add("uses")
        for _ in range(4):
            await one.decide(one_key["token"])
            await one.decide(two_key["token"], action="b")
        await eventually(lambda: one.metric('keywright_usage_flushes_total{outcome="failed"}') > 0)
        one.wire.cut.clear()
    assert await counted(home, one_key["key"]["id"]) == {"VALID": 7}
    assert await counted(home, two_key["key"]["id"]) == {"INSUFFICIENT_PERMISSIONS": 4}
    assert (await change(home, "GET", f"/v1/keys/{one_key['key']['id']}"))["last_used_at"] is not None


async def test_usage_that_the_server_does_not_want_is_dropped_and_told(
    lone: House, caplog: pytest.LogCaptureFixture
) -> None:
    key = await a_key(lone)
    async with beside(lone, (await an_agents_key(lone))["token"]) as one:
        await one.decide(key["token"])
        one.wire.answers["uses"] = httpx2.Response(422, content=b"not even JSON")
        await one.sidecar._flush()
        assert "usage_refused" in caplog.text
        assert one.metric("keywright_usage_dropped_total") == 1
        del one.wire.answers["uses"]
    assert await counted(lone, key["key"]["id"]) == {}


async def test_a_defect_while_usage_is_sent_is_told_and_does_not_end_the_schedule(
    lone: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    async def flush(_self: object) -> None:
        if broken:
            raise RuntimeError("A defect.")

    monkeypatch.setattr(sidecar, "FLUSH_SECONDS", 0.01)
    monkeypatch.setattr(sidecar.Sidecar, "_flush", flush)
    async with beside(lone, (await an_agents_key(lone))["token"]):
        while "scheduled_work_failed" not in caplog.text:  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.01)
        broken = False


async def test_an_answer_to_a_registration_that_is_lost_leaves_no_row_behind(lone: House) -> None:
    own = (await an_agents_key(lone))["token"]
    async with beside(lone, own) as one:
        async with lone.app.database.write() as transaction:
            for node_id in await agents_of(lone):
                await transaction.nodes.remove(node_id)
        one.wire.lost.add("register")
        with pytest.raises(Unavailable):
            await one.sidecar.deciding.node.renew()
        assert not one.sidecar.ready
        one.wire.lost.clear()
        await one.sidecar.deciding.node.renew()
        assert one.sidecar.ready
        assert len(await agents_of(lone)) == 1


async def test_an_agent_that_cannot_say_goodbye_is_waited_out(lone: House) -> None:
    async with beside(lone, (await an_agents_key(lone))["token"]) as one:
        one.wire.cut.add("*")
    assert len(await agents_of(lone)) == 1


async def test_a_server_that_cannot_be_reached_at_the_start_starts_nothing(lone: House) -> None:
    own = (await an_agents_key(lone))["token"]
    for cut in ("hello", "look", "register"):
        wire = Wire(lone.app)
        wire.cut.add(cut)
        with pytest.raises(Unavailable):
            await beside(lone, own, wire).__aenter__()
    assert await agents_of(lone) == {}


async def test_many_changes_at_once_are_heard_as_everything(
    lone: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keywright.storage.feed.MAX_ENTRIES", 1)
    key = await a_key(lone)
    async with beside(lone, (await an_agents_key(lone))["token"]) as one:
        assert await one.code(key["token"]) == Code.VALID
        one.wire.cut.add("since")
        async with lone.app.database.write() as transaction:
            for _ in range(3):
                await transaction.changes.add([key["key"]["id"]], lone.app.clock.now())
        one.wire.cut.clear()
        await one.sidecar.deciding.node.catch_up()
        assert one.sidecar.deciding.node.cached_keys == 0
        assert one.sidecar.ready


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(200, content=b"?"), Unavailable),
        (httpx2.Response(200, json={"known": 1}), Unavailable),
        (httpx2.Response(307, headers={"Location": "http://elsewhere.test"}), Unavailable),
        (httpx2.Response(429, json={}), Unavailable),
        (httpx2.Response(500), Unavailable),
        (httpx2.Response(409, json={"detail": "No."}), IllegalTransition),
        (httpx2.Response(422, content=b"?"), InvalidValue),
    ],
    ids=["no JSON", "another shape", "elsewhere", "too often", "broken", "conflict", "refused"],
)
async def test_what_comes_instead_of_an_answer(
    lone: House, answer: httpx2.Response, error: type[KeywrightError]
) -> None:
    wire = Wire(lone.app)
    wire.answers["hello"] = answer
    link = Link(URL, "kw_secret", transport=wire)
    with pytest.raises(error) as raised:
        await link.ask(m.Hello(), m.Terms)
    assert "kw_secret" not in str(raised.value)
    await link.close()


async def test_an_agent_looks_after_no_other_node(lone: House) -> None:
    async with beside(lone, (await an_agents_key(lone))["token"]) as one:
        feed = one.sidecar._feed
        assert isinstance(feed, RelayedFeed)
        assert await feed.nodes() == ()
        with pytest.raises(AssertionError):
            await feed.forget(one.node_id, 1)


async def test_two_agents_of_one_tenant_hear_of_the_same_revocation(home: House) -> None:
    key, own = await a_key(home), (await an_agents_key(home))["token"]
    everywhere = (await an_agents_key(home, None))["token"]
    async with beside(home, own) as one, beside(home, own) as two, beside(home, everywhere) as three:
        agents: list[Beside] = [one, two, three]
        assert [await each.code(key["token"]) for each in agents] == [Code.VALID] * 3
        receipt = (await change(home, "DELETE", f"/v1/keys/{key['key']['id']}"))["receipt"]
        assert len(receipt["nodes"]) == 4
        assert [await each.code(key["token"]) for each in agents] == [Code.NOT_FOUND] * 3
