"""Logging in through an identity provider over REST."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tests.doors.rest.house import house
from tests.support.provider import TOKEN, IdentityProvider, Reply, identity_provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from httpx2 import Response

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

START, FINISH = "/v1/sign-on/start", "/v1/sign-on/finish"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory, idp: IdentityProvider) -> AsyncIterator[House]:
    roles = [
        {"group": "watchers", "role": "monitor"},
        {"group": "staff", "role": "member", "tenant": "default"},
    ]
    settings = {
        "oidc_issuer": idp.issuer,
        "oidc_client_id": idp.client_id,
        "oidc_client_secret": idp.client_secret or "",
        "oidc_roles": json.dumps(roles),
        "oidc_groups_claim": "teams",
        "oidc_scopes": "openid teams",
        "public_url": "https://keys.example.com",
    }
    async with house(tmp_path_factory.mktemp("sign-on"), **settings) as found:
        yield found


async def post(rest: House, path: str, body: Any) -> Response:
    return await rest.ask("POST", path, token=None, json=body)


async def begun(rest: House, **body: Any) -> dict[str, Any]:
    answer = await post(rest, START, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_from_beginning_to_end(rest: House, idp: IdentityProvider) -> None:
    idp.person["teams"] = ["watchers", "staff"]
    flow = await begun(rest)
    assert set(flow) == {"authorization_url", "flow", "expires_at"}
    assert flow["flow"].startswith("kwf_")
    assert flow["authorization_url"].startswith(f"{idp.url}/authorize?")
    assert "scope=openid%20teams" in flow["authorization_url"]
    assert "redirect_uri=https%3A%2F%2Fkeys.example.com%2Fsign-on%2Fcallback" in flow["authorization_url"]
    back = idp.log_in(flow["authorization_url"])
    body = {"flow": flow["flow"], "state": back["state"], "code": back["code"]}
    made = await post(rest, FINISH, body)
    assert made.status_code == 201
    session = made.json()
    assert session["token"].startswith("kws_")
    assert session["identity"]["name"] == "Ada Lovelace"
    who = (await rest.ask("GET", "/v1/whoami", token=session["token"])).json()
    assert (who["credential"], who["session_id"]) == ("session", session["id"])
    assert [role["role"] for role in who["roles"]] == ["monitor"]
    held = await rest.ask("GET", f"/v1/memberships?identity_id={session['identity']['id']}")
    assert [one["role"] for one in held.json()["items"]] == ["member"]
    again = await post(rest, FINISH, body)
    assert (again.status_code, again.json()["code"]) == (401, "sign_on_failed")
    assert "www-authenticate" in again.headers


async def test_a_program_on_the_same_machine_may_be_come_back_to(rest: House, idp: IdentityProvider) -> None:
    flow = await begun(rest, redirect_uri="http://127.0.0.1:5123/back")
    assert idp.visit(flow["authorization_url"]).startswith("http://127.0.0.1:5123/back?code=")
    answer = await post(rest, START, {"redirect_uri": "https://evil.example/"})
    assert (answer.status_code, answer.json()["field"]) == (422, "redirect_uri")
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (START, {"redirect": "x"}, 422, "unknown_field"),
        (START, {"redirect_uri": 7}, 422, "invalid_type"),
        (START, [], 422, "invalid_type"),
        (FINISH, {}, 422, "missing_field"),
        (FINISH, {"flow": "a", "state": "b"}, 422, "missing_field"),
        (FINISH, {"flow": "a", "state": "b", "code": 7}, 422, "invalid_type"),
        (FINISH, {"flow": "a", "state": "b", "code": "c"}, 401, "sign_on_failed"),
        (FINISH, {"flow": "\ud800", "state": "\ud800", "code": "\ud800"}, 401, "sign_on_failed"),
        (f"{START}?redirect_uri=x", {}, 422, "unknown_field"),
        (f"{FINISH}?code=x", {"flow": "a", "state": "b", "code": "c"}, 422, "unknown_field"),
    ],
    ids=range(10),
)
async def test_what_is_refused(rest: House, path: str, body: Any, status: int, code: str) -> None:
    sent = json.dumps(body).encode()
    answer = await rest.ask("POST", path, token=None, content=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_provider_that_is_away(rest: House, idp: IdentityProvider) -> None:
    flow = await begun(rest)
    back = idp.log_in(flow["authorization_url"])
    idp.replies = {TOKEN: Reply(b"<html>", 502)}
    answer = await post(rest, FINISH, {"flow": flow["flow"], "state": back["state"], "code": back["code"]})
    idp.replies = {}
    assert (answer.status_code, answer.json()["code"]) == (503, "sign_on_unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_nothing_secret_is_logged(
    rest: House, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    flow = await begun(rest)
    back = idp.log_in(flow["authorization_url"])
    secrets = [flow["flow"], back["state"], back["code"], idp.client_secret or ""]
    idp.claims = {"aud": "other"}
    answer = await post(rest, FINISH, dict(zip(("flow", "state", "code"), secrets, strict=False)))
    idp.claims = {}
    assert answer.status_code == 401
    lines = [repr(one.__dict__) for one in caplog.records]
    assert any("sign_on_refused" in line for line in lines)
    for text in (*lines, answer.text):
        for secret in secrets:
            assert secret not in text


async def test_without_a_provider_there_is_no_single_sign_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with house(tmp_path_factory.mktemp("without")) as rest:
        for path, body in ((START, {}), (FINISH, {"flow": "a", "state": "b", "code": "c"})):
            answer = await post(rest, path, body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert answer.json()["detail"] == "Single sign-on is not set up here."
