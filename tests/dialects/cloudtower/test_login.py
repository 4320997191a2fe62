"""Logging in, with and without a second factor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from tests.dialects.cloudtower.calls import CREATE
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from tests.dialects.cloudtower.calls import Tower


@dataclass(frozen=True, slots=True)
class App:
    """Somebody with an authenticator app, turned on by the code of now."""

    login: str
    secret: str
    recovery_codes: list[str]
    confirmed: int

    def code(self) -> str:
        """The code after the one that turned it on, which is good at once."""
        return pyotp.TOTP(self.secret).generate_otp(self.confirmed + 1)


def with_app(tower: Tower, login: str) -> App:
    keywright = tower.keywright
    keywright.person(login, "default")
    session = keywright.session(login)
    secret = keywright.rest("POST", "/v1/factors/totp", {}, token=session)["secret"]
    step = pyotp.TOTP(secret).timecode(datetime.now(UTC))
    code = pyotp.TOTP(secret).generate_otp(step)
    confirmed = keywright.rest("POST", "/v1/factors/totp/confirm", {"code": code}, token=session)
    return App(login, secret, confirmed["recovery_codes"], step)


@pytest.fixture(scope="module")
def bea(tower: Tower) -> App:
    return with_app(tower, "bea")


def attempt(tower: Tower, who: App, **fields: Any) -> Any:
    return tower.rest("login", **{"username": who.login, "password": PASSWORD, **fields})


@pytest.mark.parametrize(
    "fields", [{}, {"source": "LOCAL"}, {"mfa_type": "Mail"}, {"mfa_type": "Totp"}], ids=str
)
def test_a_password_alone_gives_no_token_where_a_second_factor_is_on(
    tower: Tower, bea: App, fields: dict[str, str]
) -> None:
    answer = attempt(tower, bea, **fields)
    assert answer.status_code == 401
    assert answer.json() == {
        "path": "/login",
        "status": 401,
        "message": "A second factor is needed with the password.",
        "code": "MfaRequired",
        "props": {"mfa_types": ["Totp", "TotpRecoveryCode"]},
    }


def test_whether_there_is_a_second_factor_is_told_to_who_knows_the_password(tower: Tower, bea: App) -> None:
    for code in (None, "000000"):
        answer = attempt(tower, bea, password="wrong", mfa_code=code)
        assert answer.json()["code"] == "LoginFailed"
        assert answer.json() == tower.rest("login", username="nobody-at-all", password="wrong").json()


def test_the_code_completes_it_in_the_same_call_and_a_key_takes_its_place(tower: Tower, bea: App) -> None:
    code = bea.code()
    answer = attempt(tower, bea, mfa_code=f"{code[:3]} {code[3:]}")
    token = answer.json()["data"]["token"]
    key = tower.key(token)["key"]
    assert tower.rest("get-my-info", key).json()["username"] == "bea"
    answer = attempt(tower, bea, mfa_code=code, mfa_type="Totp")
    assert (answer.status_code, answer.json()["code"]) == (401, "MfaCodeReused")
    first, second = bea.recovery_codes[:2]
    answer = attempt(tower, bea, mfa_code=first)
    assert answer.status_code == 200
    answer = attempt(tower, bea, mfa_code=first)
    assert (answer.status_code, answer.json()["code"]) == (401, "MfaCodeReused")
    answer = attempt(tower, bea, mfa_code=second, mfa_type="TotpRecoveryCode")
    assert answer.status_code == 200
    assert code not in tower.keywright.process.errors()
    assert first not in tower.keywright.process.errors()


def test_a_wrong_code_gives_nothing(tower: Tower) -> None:
    cleo = with_app(tower, "cleo")
    for fields in (
        {"mfa_code": "12345"},
        {"mfa_code": ""},
        {"mfa_code": "123456", "mfa_type": "TotpRecoveryCode"},
    ):
        answer = attempt(tower, cleo, **fields)
        assert (answer.status_code, answer.json()["code"]) == (401, "InvalidMfaCode")
        assert "data" not in answer.json()


def test_a_token_has_no_end_and_is_a_session_like_any_other(tower: Tower) -> None:
    keywright = tower.keywright
    keywright.person("dora", "default")
    first, second = tower.login("dora"), tower.login("dora", source="LDAP", auth_config_id="x")
    listed = keywright.rest("GET", "/v1/sessions", token=second)["items"]
    (other,) = [one for one in listed if not one["current"]]
    assert {one["expires_at"][:4] for one in listed} == {"9999"}
    keywright.rest("DELETE", f"/v1/sessions/{other['id']}", token=second)
    assert [tower.rest("get-vms", token).status_code for token in (first, second)] == [401, 200]


def test_who_has_nothing_to_do_with_the_tenant_is_told_what_a_stranger_is_told(tower: Tower) -> None:
    keywright = tower.keywright
    keywright.tenant("elsewhere")
    keywright.person("emil", "elsewhere")
    keywright.person("erna")
    stranger = tower.rest("login", username="nobody-here", password=PASSWORD)
    for login in ("emil", "erna"):
        assert tower.rest("login", username=login, password=PASSWORD).json() == stranger.json()
        own = keywright.session(login)
        assert len(keywright.rest("GET", "/v1/sessions", token=own)["items"]) == 1
        answer = tower.rest("get-vms", own)
        assert (answer.status_code, answer.json()) == (401, tower.rest("get-vms", "kw_nobody").json())


def test_a_disabled_person_neither_logs_in_nor_keeps_a_key(tower: Tower) -> None:
    keywright = tower.keywright
    person = keywright.person("fritz", "default")
    token = tower.login("fritz")
    key = tower.key(token)["key"]
    keywright.rest("PATCH", f"/v1/users/{person['id']}", {"active": False}, tenant="*")
    assert tower.rest("login", username="fritz", password=PASSWORD).json()["code"] == "LoginFailed"
    assert [tower.rest("get-vms", one).status_code for one in (token, key)] == [401, 401]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "MissingField", "username"),
        ({"username": "ada"}, "MissingField", "password"),
        ({"username": None, "password": "x"}, "MissingField", "username"),
        ({"username": 1, "password": "x"}, "InvalidValue", "username"),
        ({"username": "ada", "password": ["x"]}, "InvalidValue", "password"),
        ({"username": "ada", "password": "x", "source": "PAPER"}, "InvalidValue", "source"),
        ({"username": "ada", "password": "x", "mfa_type": "Pigeon"}, "InvalidValue", "mfa_type"),
        ({"username": "ada", "password": "x", "mfa_code": 123456}, "InvalidValue", "mfa_code"),
        ({"username": "ada", "password": "x", "otp": "1"}, "UnknownField", None),
    ],
    ids=range(9),
)
def test_what_is_no_login(tower: Tower, body: dict[str, Any], code: str, field: str | None) -> None:
    answer = tower.post("/v2/api/login", body)
    found = answer.json()
    assert (answer.status_code, found["code"], found["path"]) == (400, code, "/login")
    assert found.get("props", {}).get("field") == field


def test_a_tenant_that_asks_for_two_factors_lets_nobody_in_without(tower: Tower, bea: App) -> None:
    """At the end, since it holds for everybody."""
    keywright = tower.keywright
    keywright.person("gerd", "default")
    before = tower.login("gerd")
    key = tower.key(before)["key"]
    settings = {"settings": {"two_factor_required": True}}
    keywright.rest("PATCH", "/v1/tenants/default", settings)
    try:
        answer = tower.rest("login", username="gerd", password=PASSWORD)
        assert (answer.status_code, answer.json()["code"]) == (403, "MfaSetupRequired")
        assert len(keywright.rest("GET", "/v1/sessions", token=before)["items"]) == 1
        assert tower.rest("get-vms", before).json()["code"] == "MfaSetupRequired"
        assert tower.ask(CREATE, before, name="x")["errors"][0]["extensions"]["code"] == "MfaSetupRequired"
        assert tower.rest("get-vms", key).status_code == 200
        answer = attempt(tower, bea, mfa_code=bea.recovery_codes[5])
        assert tower.rest("get-vms", answer.json()["data"]["token"]).status_code == 200
    finally:
        keywright.rest("PATCH", "/v1/tenants/default", {"settings": {"two_factor_required": False}})
