"""An agent over real connections: it gives an answer again in the same bytes, for as long as its own key is good."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.cli.agent.running import _Server
from keywright.cli.protocol import QuickProtocol
from keywright.core.errors import PermissionDenied, Unauthenticated
from tests.cli.agent import serving_agent
from tests.doors.rest.house import house
from tests.support.agents import a_key, an_agents_key, change, counted, eventually, in_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.cli.agent import ServedAgent
    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

WAYS = ["tcp", "unix"]
STALE = (503, "STALE", False)


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("home")) as found:
        await change(found, "POST", "/v1/tenants", None, slug="other")
        yield found


@pytest.fixture(scope="module")
async def own(home: House) -> Any:
    return await an_agents_key(home)


@pytest.fixture(scope="module")
async def served(
    home: House, own: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServedAgent]:
    async with serving_agent(home, own["token"], tmp_path_factory.mktemp("agent")) as found:
        yield found


def asking(token: str, *more: str, **question: Any) -> bytes:
    """A question as programs send it to an agent: without a key of their own."""
    body = json.dumps({"token": token, **question}).encode()
    fields = ("Host: agent", "Content-Type: application/json", f"Content-Length: {len(body)}", *more)
    return "\r\n".join(("POST /v1/verify HTTP/1.1", *fields, "", "")).encode() + body


@pytest.mark.parametrize("way", WAYS)
async def test_a_question_asked_again_is_answered_in_the_same_bytes(
    home: House, served: ServedAgent, way: str
) -> None:
    scope = [{"actions": ["article:*"], "resources": ["article:cs:**"]}]
    token = (await a_key(home, scope=scope, metadata={"team": "search"}, allowed_cidrs=["192.0.2.0/24"]))[
        "token"
    ]
    line = await served.line(way)
    found = [
        await line.warm(asking(token, **question))
        for question in (
            {"ip": "192.0.2.7"},
            {"ip": "198.51.100.1"},
            {},
            {"action": "article:read", "resource": "article:cs:17", "ip": "192.0.2.7"},
            {"action": "article:read", "resource": "article:en:17", "ip": "192.0.2.7", "cost": 3},
        )
    ]
    codes = [json.loads(one.partition(b"\r\n\r\n")[2])["code"] for one in found]
    assert codes == ["VALID", "IP_NOT_ALLOWED", "IP_NOT_ALLOWED", "VALID", "INSUFFICIENT_PERMISSIONS"]
    # Neither another connection nor another way makes another question of it.
    for other in WAYS:
        assert (await (await served.line(other)).ask(asking(token, ip="192.0.2.7"))) == (found[0], True)


@pytest.mark.parametrize("way", WAYS)
async def test_a_body_may_come_behind_its_head(home: House, served: ServedAgent, way: str) -> None:
    line = await served.line(way)
    request = asking((await a_key(home))["token"])
    cut = request.index(b"\r\n\r\n") + 4
    found = [await line.ask(request[:cut], request[cut:]) for _ in range(4)]
    assert [quick for _, quick in found] == [False, False, True, True]
    assert len({answer for answer, _ in found}) == 1


async def test_what_a_program_shows_has_no_part_in_the_answer(home: House, served: ServedAgent) -> None:
    token = (await a_key(home))["token"]
    line = await served.line()
    plain = await line.warm(asking(token))
    for shown in ("Bearer kw_nonsense", f"Bearer {token}", "Basic YTpi", "Bearer kws_session"):
        assert await line.warm(asking(token, f"Authorization: {shown}")) == plain


async def test_the_tenant_that_a_program_names_counts_as_at_the_server(
    home: House, served: ServedAgent
) -> None:
    token, foreign = (await a_key(home))["token"], (await a_key(home, "other"))["token"]
    line = await served.line()
    assert await line.warm(asking(token, "Keywright-Tenant: default")) == await line.warm(asking(token))
    for named in ("other", "*", "nowhere", "No slug"):
        for _ in range(3):
            assert await line.verdict(asking(token, f"Keywright-Tenant: {named}")) == (
                404,
                "not_found",
                False,
            )
    for _ in range(3):
        assert await line.verdict(asking(foreign)) == (200, "NOT_FOUND", False)
        twice = asking(token, "Keywright-Tenant: default", "Keywright-Tenant: default")
        assert (await line.verdict(twice)) == (400, "malformed_request", False)


async def test_an_agent_of_the_installation_confines_itself_to_the_tenant_that_is_named(
    home: House, tmp_path: Path
) -> None:
    key = await an_agents_key(home, None)
    tokens = {slug: (await a_key(home, slug))["token"] for slug in ("default", "other")}
    async with serving_agent(home, key["token"], tmp_path) as served:
        line = await served.line()
        for token in tokens.values():
            plain = await line.warm(asking(token))
            assert await line.warm(asking(token, "Keywright-Tenant: *")) == plain
        for named, other in (("default", "other"), ("other", "default")):
            field = f"Keywright-Tenant: {named}"
            await line.warm(asking(tokens[named], field))
            for _ in range(3):
                assert await line.verdict(asking(tokens[other], field)) == (200, "TENANT_MISMATCH", False)
        # The tenant is asked for at the server when it is named first.
        await change(home, "POST", "/v1/tenants", None, slug="fresh")
        served.wire.cut.add("place")
        assert await line.verdict(asking(tokens["other"], "Keywright-Tenant: fresh")) == STALE
        served.wire.cut.clear()
        found = await line.verdict(asking(tokens["other"], "Keywright-Tenant: fresh"))
        assert found == (200, "TENANT_MISMATCH", False)


@pytest.mark.parametrize(
    "more",
    [
        ("X-Request-Id: 0192f0a1b2c37d4e8f90a1b2c3d4e5f6",),
        ("X-Forwarded-For: 192.0.2.7",),
        ("Content-Encoding: identity",),
        ("Authorization: Bearer a", "Authorization: Bearer b"),
    ],
    ids=["id", "forwarded", "coding", "two credentials"],
)
async def test_what_is_unusual_goes_to_the_application_each_time(
    home: House, served: ServedAgent, more: tuple[str, ...]
) -> None:
    line = await served.line()
    request = asking((await a_key(home))["token"], *more)
    for _ in range(4):
        assert not (await line.ask(request))[1]


REVOKED = {
    "disabled": ("PATCH", {"active": False}, "DISABLED"),
    "deleted": ("DELETE", {}, "NOT_FOUND"),
    "narrowed": ("PATCH", {"scope": []}, "INSUFFICIENT_PERMISSIONS"),
}


@pytest.mark.parametrize("how", REVOKED)
@pytest.mark.parametrize("way", WAYS)
async def test_what_was_revoked_is_so_at_the_next_question(
    home: House, served: ServedAgent, how: str, way: str
) -> None:
    method, body, code = REVOKED[how]
    made = await a_key(home, scope=[{"actions": ["article:read"]}])
    line = await served.line(way)
    request = asking(made["token"], action="article:read")
    await line.warm(request)
    await change(home, method, f"/v1/keys/{made['key']['id']}", **body)
    assert await line.verdict(request) == (200, code, False)
    again = [await line.verdict(request) for _ in range(3)]
    assert {one[1] for one in again} == {code}
    assert again[2][2] is (code != "NOT_FOUND")


async def deleted(home: House, own: Any) -> None:
    await change(home, "DELETE", f"/v1/keys/{own['key']['id']}")


async def disabled(home: House, own: Any) -> None:
    await change(home, "PATCH", f"/v1/keys/{own['key']['id']}", active=False)


async def narrowed(home: House, own: Any) -> None:
    scope = [{"actions": ["nodes:run"]}]
    await change(home, "PATCH", f"/v1/keys/{own['key']['id']}", scope=scope)


@pytest.mark.parametrize("end", [deleted, disabled, narrowed], ids=lambda end: str(end.__name__))
@pytest.mark.parametrize("way", WAYS)
async def test_it_refuses_as_soon_as_its_own_key_ends(
    home: House, tmp_path: Path, end: Any, way: str
) -> None:
    own, token = await an_agents_key(home), (await a_key(home))["token"]
    async with serving_agent(home, own["token"], tmp_path) as served:
        line = await served.line(way)
        request = asking(token)
        await line.warm(request)
        await end(home, own)
        for _ in range(3):
            assert await line.verdict(request) == STALE
        assert served.sidecar.own is None
        assert isinstance(served.sidecar.ended.result(), PermissionDenied | Unauthenticated)


async def test_it_sees_by_itself_that_its_key_has_expired(home: House, tmp_path: Path) -> None:
    """Also when nothing but questions that were asked before comes, and no server can tell."""
    ends = datetime.now(UTC) + timedelta(seconds=2.5)
    own, token = await an_agents_key(home, expires_at=ends.isoformat()), (await a_key(home))["token"]
    async with serving_agent(home, own["token"], tmp_path) as served:
        # A lease that outlives the key, so that nothing but its end can stop it.
        served.wire.cut.add("renew")
        node = served.sidecar.deciding.node
        node.lease_end += 60
        line = await served.line()
        request = asking(token)
        await line.warm(request)
        quick = 0
        while True:
            asked_at = datetime.now(UTC)
            found = await line.verdict(request)
            if found[1] != "VALID":
                break
            assert asked_at < ends
            quick += found[2]
            await asyncio.sleep(0.01)
        assert found == STALE
        assert datetime.now(UTC) >= ends
        assert quick > 0
        assert "expired" in served.sidecar.ended.result().detail


async def test_its_key_may_change_and_be_good_still(home: House, tmp_path: Path) -> None:
    own, token = await an_agents_key(home), (await a_key(home))["token"]
    async with serving_agent(home, own["token"], tmp_path) as served:
        line = await served.line()
        request = asking(token)
        expected = await line.warm(request)
        before = served.sidecar.own
        await change(home, "PATCH", f"/v1/keys/{own['key']['id']}", name="Another name")
        assert served.sidecar.own is not before
        found = [await line.ask(request) for _ in range(3)]
        assert found == [(expected, False), (expected, True), (expected, True)]


async def test_the_addresses_from_which_its_key_may_be_used_are_for_the_server_to_judge(
    home: House, tmp_path: Path
) -> None:
    own = await an_agents_key(home, allowed_cidrs=["127.0.0.1/32"])
    token = (await a_key(home))["token"]
    async with serving_agent(home, own["token"], tmp_path) as served:
        for way in WAYS:
            assert (await (await served.line(way)).verdict(asking(token)))[1] == "VALID"
        line = await served.line("unix")
        await line.ask(asking(token))
        assert await line.verdict(asking(token)) == (200, "VALID", True)


async def test_without_a_lease_nothing_is_given_again(home: House, served: ServedAgent) -> None:
    token = (await a_key(home))["token"]
    line = await served.line()
    request = asking(token)
    expected = await line.warm(request)
    served.wire.cut.add("*")
    node = served.sidecar.deciding.node
    try:
        await eventually(lambda: not node.holds_lease)
        for _ in range(3):
            assert await line.verdict(request) == STALE
    finally:
        served.wire.cut.clear()
    await eventually(lambda: node.holds_lease)
    assert [await line.ask(request) for _ in range(4)][3] == (expected, True)


async def test_a_revocation_between_a_head_and_its_body_counts(home: House, tmp_path: Path) -> None:
    """The agent's own key is good when the head comes, and not when the question does."""
    own, token = await an_agents_key(home), (await a_key(home))["token"]
    async with serving_agent(home, own["token"], tmp_path) as served:
        line = await served.line()
        request = asking(token)
        cut = request.index(b"\r\n\r\n") + 4
        await line.ask(request)
        await line.send(request[:cut])
        await eventually(lambda: served.calls == 2)
        await disabled(home, own)
        assert (await line.verdict(request[cut:]))[:2] == STALE[:2]


async def test_everything_is_counted_as_one_by_one(home: House, served: ServedAgent, own: Any) -> None:
    made = await a_key(home, scope=[{"actions": ["article:read"]}])
    valid = 'keywright_decisions_total{code="VALID",door="rest"}'
    requests = 'keywright_http_requests_total{method="POST",route="/v1/verify",status="200"}'

    def shown(name: str) -> float:
        lines = (one.rpartition(" ") for one in served.metrics().splitlines())
        return next((float(value) for found, _, value in lines if found == name), 0.0)

    before = shown(valid), shown(requests)
    line, other = await served.line(), await served.line("unix")
    for _ in range(7):
        await line.ask(asking(made["token"], action="article:read", ip="192.0.2.7"))
        await other.ask(asking(made["token"], action="article:write"))
    assert (shown(valid), shown(requests)) == (before[0] + 7, before[1] + 14)
    # That somebody asks is no use of the agent's own key.
    uses = served.sidecar.deciding.uses
    tallies = uses.take()
    assert {made["key"]["id"]: 14}.items() <= (totals := {one.key_id: one.total() for one in tallies}).items()
    assert own["key"]["id"] not in totals
    uses.put_back(tallies)
    await served.sidecar._flush()
    assert await counted(home, made["key"]["id"]) == {"VALID": 7, "INSUFFICIENT_PERMISSIONS": 7}
    usage = await change(home, "GET", f"/v1/keys/{made['key']['id']}/usage")
    assert [(one["action"], one["count"]) for one in usage["exercised"]] == [("article:read", 7)]


async def test_limits_and_credits_are_asked_each_time(home: House, served: ServedAgent) -> None:
    limited = await a_key(home, limits=[{"name": "few", "limit": 3, "window_seconds": 3600}])
    credited = await a_key(home, credits={"remaining": 3})
    line = await served.line("unix")
    for made, code in ((limited, "RATE_LIMITED"), (credited, "CREDITS_EXHAUSTED")):
        found = [await line.verdict(asking(made["token"])) for _ in range(5)]
        assert found == [(200, "VALID", False)] * 3 + [(200, code, False)] * 2


async def test_a_key_that_expires_is_refused_at_its_end(home: House, served: ServedAgent) -> None:
    made = await a_key(home, expires_at=in_seconds(2.5))
    line = await served.line()
    request = asking(made["token"])
    await line.warm(request)
    await asyncio.sleep(2.5)
    assert await line.verdict(request) == (200, "EXPIRED", False)


def test_the_server_of_an_agent_has_the_protocol(served: ServedAgent) -> None:
    assert _Server(served.agent).config.http is QuickProtocol
