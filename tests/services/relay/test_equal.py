"""An agent decides as its server decides."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from keywright.app.agent import Agent, AgentSettings
from keywright.core.codes import Code
from keywright.core.tokens import mint
from tests.support.agents import URL, Wire, a_key, an_agents_key, beside, change, in_seconds

if TYPE_CHECKING:
    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

ROLE = {
    "name": "editor",
    "policies": [{"actions": ["article:*"], "resources": ["article:${language}:**"]}],
    "variables": {"language": {}},
}
SOON = 3.0
"""Seconds in which a busy machine makes a key that is to expire."""
PASSING = {"request_id", "epoch", "key_id", "id", "reset_seconds", "retry_after"}
ASKED: list[dict[str, Any]] = [
    {},
    {"action": "article:read"},
    {"action": "article:read", "resource": "article:cs:42", "explain": True},
    {"action": "article:read", "resource": "article:de:42"},
    {"action": "**", "ip": "10.1.2.3"},
    {"action": "keys:read", "ip": "10.1.2.3"},
    {"ip": "192.0.2.7"},
    {"tenant": "other"},
    {"tenant": "nowhere"},
    {"cost": 0},
    {"cost": 2},
    {"cost": 100},
    {"action": "a b"},
    {"resource": "article:1"},
]

NAMED = ["default", "other", "nowhere", "*", "No slug"]


async def keys_of_every_kind(home: House) -> dict[str, str]:
    """Tokens by what is special about their keys."""
    soon = "2999-01-01T00:00:00Z"
    editor = [{"role": "editor", "variables": {"language": ["cs", "sk"]}}]
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "scoped": {"scope": [{"actions": ["article:read"], "resources": ["article:cs:*"]}]},
        "with variables": {"memberships": editor},
        "with addresses": {"allowed_cidrs": ["10.0.0.0/8"]},
        "limited": {"limits": [{"name": "few", "limit": 3, "window_seconds": 86_400}]},
        "with credits": {"credits": {"remaining": 40}},
        "both": {
            "limits": [{"name": "some", "limit": 50, "window_seconds": 86_400}],
            "credits": {"remaining": 3, "refill": {"amount": 5, "every": "month"}},
        },
        "with dates": {"expires_at": soon, "metadata": {"plan": "gold", "ř": [1, None]}},
        "not yet": {"not_before": soon},
        "with nothing": {"memberships": []},
    }
    tokens = {kind: (await a_key(home, **fields))["token"] for kind, fields in kinds.items()}
    disabled = await a_key(home)
    await change(home, "PATCH", f"/v1/keys/{disabled['key']['id']}", active=False)
    deleted = await a_key(home)
    await change(home, "DELETE", f"/v1/keys/{deleted['key']['id']}")
    expired = await a_key(home, expires_at=in_seconds(SOON))
    account = await change(
        home, "POST", "/v1/service-accounts", name="Importer", memberships=[{"role": "admin"}]
    )
    asleep = await a_key(home, identity_id=account["id"])
    await change(home, "PATCH", f"/v1/service-accounts/{account['id']}", active=False)
    await asyncio.sleep(SOON)
    return tokens | {
        "disabled": disabled["token"],
        "deleted": deleted["token"],
        "expired": expired["token"],
        "of an identity that is disabled": asleep["token"],
        "of another tenant": (await a_key(home, "other"))["token"],
        "unknown": mint().reveal(),
        "malformed": "kw_nonsense",
        "a session": await home.log_in(),
    }


def told(answer: httpx2.Response) -> tuple[int, Any]:
    """The status and the body, without what differs between twins and from one moment to the next."""
    return answer.status_code, _plain(answer.json())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if name not in PASSING}
    return [_plain(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("bound", [True, False], ids=["of a tenant", "global"])
async def test_answers_are_those_of_the_server(home: House, bound: bool) -> None:
    """Each key has a twin, since asking the one side about limits and credits leaves less of them to the other."""
    if "editor" not in {one["name"] for one in (await change(home, "GET", "/v1/roles"))["items"]}:
        await change(home, "POST", "/v1/roles", **ROLE)
    for_server, for_agent = await keys_of_every_kind(home), await keys_of_every_kind(home)
    if not bound:
        for tokens in (for_server, for_agent):
            tokens["global"] = (await a_key(home, None))["token"]
    key = await an_agents_key(home, "default" if bound else None)
    agent = Agent(AgentSettings(url=URL, token=key["token"], name="one"), Wire(home.app))
    await agent.start()
    codes = set()
    try:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=agent), base_url=URL) as client:
            for kind, asked in itertools.product(for_server, ASKED):
                body = {"token": for_server[kind], **asked}
                expected = told(await home.ask("POST", "/v1/verify", token=key["token"], json=body))
                found = told(await client.post("/v1/verify", json={"token": for_agent[kind], **asked}))
                assert found == expected, (kind, asked)
                codes.add(found[1]["code"])
            for kind, named in itertools.product(for_server, NAMED):
                headers = {"Keywright-Tenant": named}
                body = {"token": for_server[kind]}
                expected = told(
                    await home.ask("POST", "/v1/verify", token=key["token"], headers=headers, json=body)
                )
                body = {"token": for_agent[kind]}
                found = told(await client.post("/v1/verify", headers=headers, json=body))
                assert found == expected, (kind, named)
            for kind, token in for_agent.items():
                by_server = await home.ask("GET", "/v1/authorize", token=for_server[kind])
                by_agent = await client.get("/v1/authorize", headers={"Authorization": f"Bearer {token}"})
                # The server answers every gateway about every tenant, an agent about its own.
                hidden = bound and kind == "of another tenant"
                assert by_agent.status_code == (401 if hidden else by_server.status_code), kind
    finally:
        await agent.stop()
    assert codes >= set(Code) - {Code.STALE, Code.IDENTITY_DISABLED, Code.TENANT_DISABLED}


async def test_a_tenant_that_is_disabled_refuses_its_keys_at_an_agent_too(home: House) -> None:
    """Its own agents have ended; one of the whole installation sees why."""
    token = (await a_key(home, "other"))["token"]
    async with beside(home, (await an_agents_key(home, None))["token"]) as one:
        assert (await one.decide(token)).valid
        await change(home, "PATCH", "/v1/tenants/other", None, active=False)
        assert await one.code(token) == Code.TENANT_DISABLED
