"""Logging in and out, and who one is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest

from tests.doors.rest.house import PASSWORD, ROOT, MovableClock, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory, clock: MovableClock) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("sessions"), clock=clock) as found:
        yield found


async def test_a_session_is_used_like_a_key_until_it_is_ended(rest: House) -> None:
    body = {"login": "Admin ", "password": PASSWORD}
    made = await rest.ask("POST", "/v1/sessions", token=None, json=body)
    assert made.status_code == 201
    session = made.json()
    assert set(session) == {"id", "token", "identity", "expires_at"}
    assert session["token"].startswith("kws_")
    assert session["identity"]["name"] == "admin"

    who = (await rest.ask("GET", "/v1/whoami", token=session["token"])).json()
    assert who == {
        "identity": session["identity"],
        "credential": "session",
        "key": None,
        "session_id": session["id"],
        "tenant": None,
        "roles": [{"role": "super_admin", "variables": {}}],
        "expires_at": session["expires_at"],
        "password_change_due": False,
    }
    assert (await rest.ask("GET", "/v1/keys", token=session["token"])).status_code == 200

    ended = await rest.ask("DELETE", "/v1/sessions/current", token=session["token"])
    assert (ended.status_code, ended.content) == (204, b"")
    for method, path in (("GET", "/v1/whoami"), ("DELETE", "/v1/sessions/current")):
        answer = await rest.ask(method, path, token=session["token"])
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_session_ends_when_it_is_idle(rest: House, clock: MovableClock) -> None:
    token = await rest.log_in()
    try:
        clock.ahead = timedelta(hours=11)
        assert (await rest.ask("GET", "/v1/whoami", token=token)).status_code == 200
        clock.ahead = timedelta(hours=22)
        assert (await rest.ask("GET", "/v1/whoami", token=token)).status_code == 200
        clock.ahead = timedelta(hours=34, minutes=1)
        assert (await rest.ask("GET", "/v1/whoami", token=token)).status_code == 401
    finally:
        clock.ahead = timedelta(0)


async def test_a_key_is_told_of_itself(rest: House) -> None:
    made = await rest.make(scope=[{"actions": ["a"]}], expires_at="2099-01-01T00:00:00Z")
    who = (await rest.ask("GET", "/v1/whoami", token=made["token"])).json()
    assert who["credential"] == "key"
    assert who["key"] == made["key"]
    assert who["session_id"] is None
    assert who["tenant"] == "default"
    assert who["roles"] == [{"role": "super_admin", "variables": {}}]
    assert who["expires_at"] == "2099-01-01T00:00:00Z"
    root = (await rest.ask("GET", "/v1/whoami")).json()
    assert (root["tenant"], root["key"]["tenant"], root["key"]["handle"], root["expires_at"]) == (
        None,
        None,
        "root",
        None,
    )


async def test_a_key_has_no_session_to_end(rest: House) -> None:
    answer = await rest.ask("DELETE", "/v1/sessions/current", token=ROOT)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_names_cannot_be_probed_and_guessing_is_slowed(rest: House, clock: MovableClock) -> None:
    answers = []
    for login in ("admin", "nobody"):
        body = {"login": login, "password": "wrong"}
        answer = await rest.ask("POST", "/v1/sessions", token=None, json=body)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="keywright"'
        answers.append({**answer.json(), "request_id": None})
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "invalid_credentials"
    body = {"login": "guessed", "password": "wrong"}
    statuses = [(await rest.ask("POST", "/v1/sessions", token=None, json=body)).status_code for _ in range(6)]
    assert statuses[-1] == 429
    slowed = await rest.ask("POST", "/v1/sessions", token=None, json=body)
    assert slowed.json()["code"] == "too_many_attempts"
    assert int(slowed.headers["retry-after"]) >= 1
    clock.ahead = timedelta(hours=2)
    try:
        assert (await rest.ask("POST", "/v1/sessions", token=None, json=body)).status_code == 401
    finally:
        clock.ahead = timedelta(0)


async def test_logins_are_counted(rest: House) -> None:
    await rest.log_in()
    text = (await rest.ask("GET", "/metrics", token=None)).text
    assert 'keywright_logins_total{outcome="ok"}' in text


async def test_a_password_alone_is_told_which_factor_is_missing_and_gets_no_token(rest: House) -> None:
    user = {"login": "ada", "name": "Ada", "password": "a long way to Tipperary"}
    assert (await rest.ask("POST", "/v1/users", token=ROOT, json=user)).status_code == 201
    body = {"login": "ADA", "password": user["password"]}
    token = (await rest.ask("POST", "/v1/sessions", token=None, json=body)).json()["token"]
    begun = (await rest.ask("POST", "/v1/factors/totp", token=token)).json()
    assert set(begun) == {"secret", "uri", "qr_code"}
    code = pyotp.TOTP(begun["secret"]).at(rest.app.clock.now())
    confirmed = await rest.ask("POST", "/v1/factors/totp/confirm", token=token, json={"code": code})
    assert len(confirmed.json()["recovery_codes"]) == 10

    refused = await rest.ask("POST", "/v1/sessions", token=None, json=body)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (401, "second_factor_required")
    assert problem["factors"] == ["totp", "recovery_code"]
    assert "kws_" not in refused.text
    again = await rest.ask("POST", "/v1/sessions", token=None, json={**body, "code": code})
    assert (again.status_code, again.json()["code"], again.json()["field"]) == (401, "code_reused", "code")
    both = {**body, "code": code, "recovery_code": "x"}
    two = await rest.ask("POST", "/v1/sessions", token=None, json=both)
    assert (two.status_code, two.json()["code"], two.json()["field"]) == (
        422,
        "invalid_value",
        "recovery_code",
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "password"),
        ({"password": "x"}, "login"),
        ({"login": "x"}, "password"),
        ({"code": "1"}, "password"),
    ],
    ids=["nothing", "no login", "no password", "a code alone"],
)
async def test_what_a_login_lacks_is_named(rest: House, body: dict[str, str], field: str) -> None:
    answer = await rest.ask("POST", "/v1/sessions", token=None, json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        422,
        "missing_field",
        field,
    )


async def test_sessions_of_the_past_ask_to_be_confirmed(rest: House, clock: MovableClock) -> None:
    token = await rest.log_in()
    clock.ahead = timedelta(minutes=11)
    try:
        stale = await rest.ask("POST", "/v1/factors/totp", token=token)
        assert (stale.status_code, stale.json()["code"]) == (403, "fresh_login_required")
        path = "/v1/sessions/current/confirm"
        confirmed = await rest.ask("POST", path, token=token, json={"password": PASSWORD})
        assert (confirmed.status_code, confirmed.json()["proofs"]) == (200, ["password"])
        assert (await rest.ask("POST", "/v1/factors/totp", token=token)).status_code == 200
    finally:
        clock.ahead = timedelta(0)
