"""People and invitations over REST: what is sent and shown, and what is wrong with it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from keywright.services.throttle import FREE_FROM_ADDRESS
from tests.doors.rest.house import house
from tests.support.mail import post_office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.doors.rest.house import House

pytestmark = pytest.mark.anyio

MARK = "zq8markzq"
PASSWORD = "a long way to Tipperary"
NOBODY = "idn_" + "0" * 32
MEMBER = [{"role": "member"}]
USERS, INVITATIONS, ACCEPT = "/v1/users", "/v1/invitations", "/v1/invitations/accept"


@pytest.fixture(scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("users")
    async with house(folder, public_url="https://keys.example.com") as found:
        yield found


async def invited(rest: House, **fields: Any) -> dict[str, Any]:
    body = {"name": "Ada", "memberships": MEMBER, **fields}
    answer = await rest.ask("POST", INVITATIONS, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


BAD: list[tuple[str, str, dict[str, Any], str, str | None]] = [
    ("POST", USERS, {}, "missing_field", "login"),
    ("POST", USERS, {"login": "a"}, "missing_field", "name"),
    ("POST", USERS, {"login": 7, "name": "A"}, "invalid_type", "login"),
    ("POST", USERS, {"login": f"{MARK} b", "name": "A"}, "invalid_value", "login"),
    ("POST", USERS, {"login": f"{MARK}@b", "name": "A"}, "invalid_value", "login"),
    ("POST", USERS, {"login": MARK, "name": "\0"}, "invalid_value", "name"),
    ("POST", USERS, {"login": MARK, "name": "A", "email": MARK}, "invalid_value", "email"),
    ("POST", USERS, {"login": MARK, "name": "A", "password": 7}, "invalid_type", "password"),
    ("POST", USERS, {"login": MARK, "name": "A", "password": f"{MARK}1"}, "weak_password", "password"),
    ("POST", USERS, {"login": "admin", "name": MARK}, "login_taken", "login"),
    ("POST", USERS, {"login": "a", "name": "A", MARK: 1}, "unknown_field", None),
    ("PATCH", f"{USERS}/{NOBODY}", {"name": MARK}, "not_found", None),
    ("PATCH", f"{USERS}/{MARK}", {}, "not_found", None),
    ("PATCH", f"{USERS}/{NOBODY}", {"name": None}, "invalid_type", "name"),
    ("PATCH", f"{USERS}/{NOBODY}", {"active": "true"}, "invalid_type", "active"),
    ("PATCH", f"{USERS}/{NOBODY}", {"login": MARK}, "unknown_field", None),
    ("POST", f"{USERS}/{NOBODY}/reset", {}, "not_found", None),
    ("POST", f"{USERS}/{NOBODY}/reset", {"factors": 1}, "invalid_type", "factors"),
    ("POST", f"{USERS}/{NOBODY}/reset", {"expires_in_days": "7"}, "invalid_type", "expires_in_days"),
    ("POST", f"{USERS}/{NOBODY}/remove", {}, "not_found", None),
    ("POST", INVITATIONS, {}, "missing_field", "name"),
    ("POST", INVITATIONS, {"name": "A"}, "missing_field", "memberships"),
    ("POST", INVITATIONS, {"name": "A", "memberships": None}, "invalid_type", "memberships"),
    ("POST", INVITATIONS, {"name": "A", "memberships": [{}]}, "missing_field", "memberships.0.role"),
    (
        "POST",
        INVITATIONS,
        {"name": "A", "memberships": [{"role": MARK}]},
        "unknown_role",
        "memberships.0.role",
    ),
    (
        "POST",
        INVITATIONS,
        {"name": "A", "memberships": [{"role": "member", "variables": {MARK: [MARK]}}]},
        "unknown_variable",
        "memberships.0.variables",
    ),
    ("POST", INVITATIONS, {"name": "A", "memberships": MEMBER, "email": MARK}, "invalid_value", "email"),
    (
        "POST",
        INVITATIONS,
        {"name": "A", "memberships": MEMBER, "login": f"{MARK} a"},
        "invalid_value",
        "login",
    ),
    (
        "POST",
        INVITATIONS,
        {"name": "A", "memberships": MEMBER, "expires_in_days": 10**30},
        "invalid_value",
        "expires_in_days",
    ),
    ("POST", ACCEPT, {}, "missing_field", "token"),
    ("POST", ACCEPT, {"token": 7}, "invalid_type", "token"),
    ("POST", ACCEPT, {"token": "", "password": MARK}, "not_found", "token"),
    ("POST", ACCEPT, {"token": "x" * 10_000, "password": MARK}, "not_found", "token"),
    ("POST", ACCEPT, {"token": f"kwi_{MARK}", MARK: 1}, "unknown_field", None),
]


@pytest.mark.parametrize(("method", "path", "body", "code", "field"), BAD)
async def test_bad_input_is_refused_and_not_repeated(
    rest: House, method: str, path: str, body: dict[str, Any], code: str, field: str | None
) -> None:
    token = None if path == ACCEPT else await rest.log_in()
    headers = {"Keywright-Tenant": "default"}
    rows = await rest.rows()
    answer = await rest.ask(method, path, token=token, json=body, headers=headers)
    problem = answer.json()
    assert (problem["code"], problem.get("field")) == (code, field), answer.text
    assert MARK not in answer.text
    assert {**await rest.rows(), "attempt": []} == {**rows, "attempt": []}


async def test_an_invitation_is_a_link(rest: House) -> None:
    found = await invited(rest, login="ada", email="ada@example.com")
    assert found["link"] == f"https://keys.example.com/invitations/accept#{found['token']}"
    assert found["token"].startswith("kwi_")
    assert (found["mailed"], found["mail_problem"]) == (False, "not_set_up")
    page = await rest.ask("GET", "/invitations/accept", token=None)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


async def test_a_credential_that_is_not_accepted_is_no_stranger(rest: House) -> None:
    """Otherwise a mistyped session would make a second person of somebody who is here."""
    token = (await invited(rest))["token"]
    body = {"token": token, "password": PASSWORD, "login": "x"}
    answer = await rest.ask("POST", ACCEPT, token="kws_" + "0" * 37, json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_key_accepts_nothing(rest: House) -> None:
    made = await rest.make()
    body = {"token": (await invited(rest))["token"]}
    answer = await rest.ask("POST", ACCEPT, token=made["token"], json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


async def test_who_is_logged_in_joins(rest: House) -> None:
    body = {"token": (await invited(rest))["token"]}
    answer = await rest.ask("POST", ACCEPT, token=await rest.log_in(), json=body)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["login"], found["tenant"]) == ("admin", "default")
    assert found["memberships"] == [{"role": "member", "variables": {}}]


async def test_used_and_expired_are_gone(rest: House) -> None:
    used, revoked = await invited(rest), await invited(rest)
    first = await rest.ask(
        "POST", ACCEPT, token=None, json={"token": used["token"], "password": PASSWORD, "login": "bea"}
    )
    assert first.status_code == 200, first.text
    await rest.ask("DELETE", f"{INVITATIONS}/{revoked['invitation']['id']}")
    for made, code in ((used, "invitation_used"), (revoked, "invitation_expired")):
        body = {"token": made["token"], "password": PASSWORD, "login": "cleo"}
        answer = await rest.ask("POST", ACCEPT, token=None, json=body)
        assert (answer.status_code, answer.json()["code"]) == (410, code)


async def test_many_unknown_tokens_are_slowed_down(tmp_path: Path) -> None:
    async with house(tmp_path) as rest:
        for _ in range(FREE_FROM_ADDRESS):
            answer = await rest.ask("POST", ACCEPT, token=None, json={"token": "x", "password": PASSWORD})
            assert answer.status_code == 404
        answer = await rest.ask("POST", ACCEPT, token=None, json={"token": "x", "password": PASSWORD})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1


async def test_a_query_string_is_refused(rest: House) -> None:
    answer = await rest.ask("POST", f"{ACCEPT}?{MARK}=1", token=None, json={"token": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
    assert MARK not in answer.text


async def test_by_mail_and_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with post_office() as post:
        server = f"smtp://127.0.0.1:{post.port}?starttls=never"
        async with house(tmp_path, smtp_url=server, mail_from="Keywright <kw@example.com>") as rest:
            found = await invited(rest, email="ada@example.com", login="ada")
            assert (found["mailed"], found["mail_problem"]) == (True, None)
            (letter,) = post.letters
            assert found["link"] in letter.get_content()
            post.refuses = "554 no"
            assert (await invited(rest, email="ada@example.com"))["mail_problem"] == "refused"
            body = {"token": found["token"], "password": PASSWORD}
            assert (await rest.ask("POST", ACCEPT, token=None, json=body)).status_code == 200
    ours = [record for record in caplog.records if not record.name.startswith(("mail.", "aiosqlite"))]
    assert any(record.name == "keywright.mail" for record in ours)
    text = "\n".join(record.getMessage() for record in ours)
    assert found["token"] not in text
    assert PASSWORD not in text
