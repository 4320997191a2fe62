"""`POST /v1/relay` as a door: what it takes, from whom, and how it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keywright.services.relay.messages import FORM
from tests.doors.rest.house import ROOT
from tests.support.agents import a_key, an_agents_key, say

if TYPE_CHECKING:
    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

HELLO = {"do": "hello"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_taken(rest: House, method: str) -> None:
    answer = await rest.ask(method, "/v1/relay", token=(await an_agents_key(rest))["token"])
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_an_agents_key_is_heard(rest: House) -> None:
    for token in ((await an_agents_key(rest))["token"], ROOT):
        answer = await say(rest, token, HELLO)
        assert (answer.status_code, answer.json()) == (200, {"lease": 3.0, "grace": 0.0})
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_request"),
        (b"{", 400, "malformed_request"),
        (b"\xff", 400, "malformed_request"),
        (b'"\\ud800"', 400, "malformed_request"),
        (b"[" * 100_000, 422, "invalid_type"),
        (b"[]", 422, "invalid_type"),
        (b"{}", 422, "invalid_type"),
        (b'{"do": "nothing"}', 422, "invalid_type"),
        (b'{"do": "renew"}', 422, "invalid_type"),
        (b'{"do": "renew", "node": 1, "applied": 1}', 422, "invalid_type"),
        (b'{"do": "since", "epoch": 1e400}', 422, "invalid_type"),
        (b'{"do": "since", "epoch": 99999999999999999999}', 422, "invalid_value"),
        (b'{"do": "count", "buckets": [{"level": "world"}], "cost": 1}', 422, "invalid_type"),
    ],
    ids=range(13),
)
async def test_what_is_no_message_is_refused(rest: House, body: bytes, status: int, code: str) -> None:
    own = (await an_agents_key(rest))["token"]
    answer = await say(rest, own, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    # Who may not send any is not told what is wrong with it.
    assert (await say(rest, "kw_nonsense", body)).status_code == 401


async def test_nobody_else_is_heard(rest: House) -> None:
    assert (await say(rest, None, HELLO)).status_code == 401
    assert (await say(rest, "kw_nonsense", HELLO)).status_code == 401
    session = await say(rest, await rest.log_in(), HELLO)
    assert (session.status_code, session.json()["code"]) == (403, "permission_denied")
    for actions in (["nodes:run"], ["keys:verify"], ["keys:read"]):
        key = await an_agents_key(rest, scope=[{"actions": actions}])
        refused = await say(rest, key["token"], HELLO)
        assert refused.status_code == 403
        assert "nodes:run and keys:verify" in refused.json()["detail"]
    member = await a_key(rest, memberships=[{"role": "member"}])
    assert (await say(rest, member["token"], HELLO)).status_code == 403
    gone = await an_agents_key(rest)
    path = f"/v1/keys/{gone['key']['id']}"
    await rest.ask("PATCH", path, json={"active": False}, headers={"Keywright-Tenant": "default"})
    assert (await say(rest, gone["token"], HELLO)).status_code == 401
    far = await an_agents_key(rest, allowed_cidrs=["203.0.113.0/24"])
    assert (await say(rest, far["token"], HELLO)).status_code == 401


@pytest.mark.parametrize("form", [None, "", "another", FORM.upper() + "0"])
async def test_an_agent_of_another_version_is_told_so(rest: House, form: str | None) -> None:
    own = (await an_agents_key(rest))["token"]
    refused = await say(rest, own, HELLO, form=form)
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert (await say(rest, None, HELLO, form=form)).status_code == 401


async def test_it_stands_in_no_description_of_the_api(rest: House) -> None:
    """It is spoken between an agent and a server of the same version, and nobody else writes to it."""
    document = await rest.ask("GET", "/openapi.json")
    assert "/v1/relay" not in document.json()["paths"]
