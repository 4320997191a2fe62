"""Logging in and out, and who one is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

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
