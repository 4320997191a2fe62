"""The agent's own key: when it is no good any more, the agent decides nothing, before the receipt has returned."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from keywright.core.errors import (
    IllegalTransition,
    KeywrightError,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from keywright.core.ids import new_id
from keywright.services.decisions import Question, Shown
from keywright.services.relay import messages as m
from keywright.services.relay import serving
from keywright.verify import node as verify_node
from tests.support.agents import (
    MAY_RUN,
    Wire,
    a_key,
    agents_of,
    an_agents_key,
    beside,
    change,
    counted,
    eventually,
    in_seconds,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.doors.rest.house import House, MovableClock
    from tests.support.agents import Beside

pytestmark = pytest.mark.anyio

QUICK_MS = verify_node.MARGIN_SECONDS * 1_000 + 2_500
"""Less than the lease: nobody has waited it out."""


async def deleted(home: House, own: Any) -> Any:
    return await change(home, "DELETE", f"/v1/keys/{own['key']['id']}")


async def disabled(home: House, own: Any) -> Any:
    return await change(home, "PATCH", f"/v1/keys/{own['key']['id']}", active=False)


async def narrowed(home: House, own: Any) -> Any:
    scope = [{"actions": ["keys:verify"]}]
    return await change(home, "PATCH", f"/v1/keys/{own['key']['id']}", scope=scope)


async def without_verify(home: House, own: Any) -> Any:
    scope = [{"actions": ["nodes:run"]}]
    return await change(home, "PATCH", f"/v1/keys/{own['key']['id']}", scope=scope)


async def identity_disabled(home: House, own: Any) -> Any:
    return await change(home, "PATCH", f"/v1/service-accounts/{own['key']['identity']['id']}", active=False)


async def role_taken(home: House, own: Any) -> Any:
    held = await change(home, "GET", f"/v1/memberships?identity_id={own['key']['identity']['id']}")
    return await change(home, "DELETE", f"/v1/memberships/{held['items'][0]['id']}")


async def role_narrowed(home: House, own: Any) -> Any:
    held = await change(home, "GET", f"/v1/memberships?identity_id={own['key']['identity']['id']}")
    role = held["items"][0]["role"]
    return await change(home, "PATCH", f"/v1/roles/{role}", policies=[{"actions": ["keys:verify"]}])


async def tenant_disabled(home: House, _own: Any) -> Any:
    return await change(home, "PATCH", "/v1/tenants/default", None, active=False)


ENDS: list[Callable[[House, Any], Awaitable[Any]]] = [
    deleted,
    disabled,
    narrowed,
    without_verify,
    identity_disabled,
    role_taken,
    role_narrowed,
    tenant_disabled,
]


async def a_runner(home: House) -> Any:
    """A key of a service account with a role that may run a node."""
    role = f"runner-{new_id('rol')[-8:]}"
    await change(home, "POST", "/v1/roles", name=role, policies=MAY_RUN)
    account = await change(home, "POST", "/v1/service-accounts", name="Runner", memberships=[{"role": role}])
    return await an_agents_key(home, identity_id=account["id"])


async def decides_nothing(one: Beside, token: str) -> None:
    """It neither answers programs nor gateways, and is not ready."""
    assert one.sidecar.ended.done()
    assert not one.sidecar.ready
    assert one.sidecar.own is None
    for named in (None, "default"):
        with pytest.raises(Unavailable):
            await one.sidecar.enter(named)
    with pytest.raises(Unavailable):
        one.sidecar.asker()
    with pytest.raises(Unavailable):
        await one.sidecar.judge.judge(Shown(token=token))
    assert (await one.sidecar.deciding.verifier.verify(token)).code == "STALE"


@pytest.mark.parametrize("end", ENDS, ids=lambda end: str(end.__name__))
async def test_an_agent_whose_key_is_taken_away_has_stopped_when_the_receipt_returns(
    home: House, end: Callable[[House, Any], Awaitable[Any]]
) -> None:
    token = (await a_key(home))["token"]
    own = await a_runner(home)
    async with beside(home, own["token"]) as one:
        assert (await one.decide(token)).valid
        asker = one.sidecar.asker()
        receipt = (await end(home, own))["receipt"]
        await decides_nothing(one, token)
        with pytest.raises(Unavailable):
            await one.sidecar.judge.answer(asker, Question(token=token))
        assert receipt["complete"]
        assert receipt["waited_ms"] < QUICK_MS
        await eventually(lambda: one.sidecar._leaving is not None and one.sidecar._leaving.done())
        assert await agents_of(home) == {}
        assert isinstance(one.sidecar.ended.result(), PermissionDenied | Unauthenticated)


@pytest.mark.parametrize("away", [False, True], ids=["refused", "away"])
async def test_how_much_was_used_that_nobody_takes_any_more_is_told(
    lone: House, caplog: pytest.LogCaptureFixture, away: bool
) -> None:
    """A server takes nothing from a key that is no good, nor what does not arrive."""
    own, key = await an_agents_key(lone), await a_key(lone)
    async with beside(lone, own["token"]) as one:
        await one.sidecar._flush()
        for _ in range(3):
            assert (await one.decide(key["token"])).valid
        if away:
            one.wire.cut.add("uses")
        else:
            await deleted(lone, own)
    told = [one.msg for one in caplog.records if isinstance(one.msg, dict)]
    assert [one["decisions"] for one in told if one["event"] == "usage_lost"] == [3]
    assert await counted(lone, key["key"]["id"]) == {}


async def test_an_agent_sees_by_itself_that_its_key_has_expired(lone: House) -> None:
    """Also where no server can tell it."""
    token = (await a_key(lone))["token"]
    own = await an_agents_key(lone, expires_at=in_seconds(4))
    async with beside(lone, own["token"]) as one:
        assert (await one.decide(token)).valid
        one.wire.cut.add("*")
        await asyncio.sleep(4)
        with pytest.raises(Unavailable):
            await one.sidecar.judge.judge(Shown(token=token))
        await decides_nothing(one, token)
        assert "expired" in one.sidecar.ended.result().detail


async def test_a_change_elsewhere_does_not_have_it_look_at_itself(lone: House) -> None:
    own, other = await an_agents_key(lone), await a_key(lone)
    async with beside(lone, own["token"]) as one:
        one.wire.said.clear()
        await change(lone, "DELETE", f"/v1/keys/{other['key']['id']}")
        assert "look" not in one.wire.said
        await change(lone, "PATCH", f"/v1/keys/{own['key']['id']}", name="Another name")
        assert "look" in one.wire.said
        assert not one.sidecar.ended.done()
        assert one.sidecar.asker().caller.key is not None


async def test_a_role_in_another_tenant_that_is_narrowed_counts_at_a_global_agent(lone: House) -> None:
    """What the agent may verify rests on every tenant in which it holds a role."""
    async with beside(lone, (await an_agents_key(lone, None))["token"]) as one:
        before = one.sidecar.asker()
        one.wire.said.clear()
        own = one.sidecar._own
        assert own is not None
        async with lone.app.database.write() as transaction:
            await transaction.changes.add([own.identity.id], lone.app.clock.now())
        await one.sidecar.deciding.node.catch_up()
        assert one.wire.said.count("look") == 1
        assert one.sidecar.asker() is not before


async def test_whoever_names_a_tenant_asks_in_it(lone: House) -> None:
    async with beside(lone, (await an_agents_key(lone))["token"]) as one:
        assert await one.sidecar.enter(None) is one.sidecar.asker()
        assert (await one.sidecar.enter("default")).tenant == one.sidecar.asker().tenant
        for named in ("other", "*", "nowhere"):
            with pytest.raises(NotFound, match="No such tenant"):
                await one.sidecar.enter(named)
    async with beside(lone, (await an_agents_key(lone, None))["token"]) as one:
        assert (await one.sidecar.enter("*")).tenant is None
        entered = (await one.sidecar.enter("other")).tenant
        assert entered is not None
        assert entered.slug == "other"
        with pytest.raises(NotFound):
            await one.sidecar.enter("nowhere")


async def test_what_is_not_confirmed_is_not_acknowledged(lone: House) -> None:
    """With a server that does not say what its key is, the agent says nothing of the change, and its lease ends."""
    own = await an_agents_key(lone)
    async with beside(lone, own["token"]) as one:
        one.wire.cut.add("look")
        applied = await agents_of(lone)
        answer = await lone.ask(
            "PATCH",
            f"/v1/keys/{own['key']['id']}?wait=false",
            json={"name": "Another"},
            headers={"Keywright-Tenant": "default"},
        )
        assert answer.is_success
        await eventually(lambda: one.sidecar.deciding.node.applied > applied[served_id(one, own)])
        with pytest.raises(Unavailable):
            await one.sidecar.deciding.node.renew()
        assert await agents_of(lone) == applied
        one.wire.cut.clear()
        await one.sidecar.deciding.node.renew()
        assert (await agents_of(lone))[served_id(one, own)] > applied[served_id(one, own)]


def served_id(one: Beside, own: Any) -> str:
    """The id of an agent's node as people see it."""
    return serving._id_of(own["key"]["id"], one.word)


@pytest.mark.parametrize(
    ("made", "error", "says"),
    [
        ({"scope": [{"actions": ["keys:verify"]}]}, PermissionDenied, "nodes:run"),
        ({"scope": [{"actions": ["nodes:run"]}]}, PermissionDenied, "keys:verify"),
        ({"not_before": "2999-01-01T00:00:00Z"}, Unauthenticated, "not valid yet"),
    ],
)
async def test_a_key_that_may_not_run_a_node_starts_none(
    lone: House, made: Any, error: type[KeywrightError], says: str
) -> None:
    own = await an_agents_key(lone, **made)
    with pytest.raises(error, match=says):
        await beside(lone, own["token"]).__aenter__()
    assert await agents_of(lone) == {}


async def test_an_unknown_key_starts_none(lone: House) -> None:
    with pytest.raises(Unauthenticated):
        await beside(lone, "kw_nonsense").__aenter__()


@pytest.mark.parametrize("ends", [deleted, narrowed], ids=["deleted", "narrowed"])
async def test_a_key_that_ends_in_the_middle_of_the_start_starts_nothing(
    lone: House, ends: Callable[[House, Any], Awaitable[Any]]
) -> None:
    """After the server has said hello."""
    own = await an_agents_key(lone)

    class Sudden(Wire):
        async def handle_async_request(self, request: Any) -> Any:
            answer = await super().handle_async_request(request)
            if self.said == ["hello"]:
                await ends(lone, own)
            return answer

    with pytest.raises((PermissionDenied, Unauthenticated, Unavailable)):
        await beside(lone, own["token"], Sudden(lone.app)).__aenter__()
    assert await agents_of(lone) == {}


async def test_an_agent_that_has_ended_says_nothing_more(lone: House) -> None:
    """Neither what it has used nor that it has left is heard where the key is gone and the wire is cut."""
    own = await an_agents_key(lone)
    async with beside(lone, own["token"]) as one:
        one.wire.cut.add("leave")
        await deleted(lone, own)
        await eventually(one.sidecar.ended.done)
        one.wire.said.clear()
        for ask in (one.sidecar.deciding.node.renew(), one.sidecar.deciding.node.catch_up()):
            with pytest.raises(Unavailable):
                await ask
        one.sidecar._end(PermissionDenied("Once is enough."))
        assert set(one.wire.said) <= {"leave"}
        assert "Once" not in one.sidecar.ended.result().detail


async def test_a_clock_that_is_ahead_finds_its_own_key_over(lone: House, clock: MovableClock) -> None:
    """The agent judges by its own clock, and starts nothing with a key that is over there."""
    clock.ahead = -timedelta(hours=1)
    own = await an_agents_key(lone, expires_at=in_seconds(-600))
    with pytest.raises(PermissionDenied, match="has expired"):
        await beside(lone, own["token"]).__aenter__()


async def test_a_server_of_another_version_ends_an_agent(
    lone: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that it would be told have other columns."""
    own, token = await an_agents_key(lone), (await a_key(lone))["token"]
    async with beside(lone, own["token"]) as one:
        assert (await one.decide(token)).valid
        monkeypatch.setattr("keywright.api.rest.relay.FORM", "another")
        with pytest.raises(Unavailable):
            await one.sidecar.deciding.node.renew()
        await decides_nothing(one, token)
        assert isinstance(one.sidecar.ended.result(), IllegalTransition)
    with pytest.raises(IllegalTransition, match="versions"):
        await beside(lone, own["token"]).__aenter__()
    assert await agents_of(lone) == {}
    refused = await say(lone, own["token"], {"do": "hello"}, form=None)
    assert refused.status_code == 409
    assert m.FORM not in refused.text
