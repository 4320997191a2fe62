"""Logging in and out, sessions for others, passwords and second factors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from tests.dialects.contember.asking import Tenant, as_uuid, forbidden
from tests.support.keywright import PASSWORD

if TYPE_CHECKING:
    from tests.support.keywright import Keywright

UNKNOWN = "11111111-2222-4333-8444-555555555555"
SIGN_IN = (
    "mutation ($email: String!, $password: String!, $expiration: Int, $otpToken: String, $backupCode: String) "
    "{ signIn(email: $email, password: $password, expiration: $expiration, otpToken: $otpToken, "
    "backupCode: $backupCode, options: {trustForwardedClientInfo: true}) { ok errors { code endUserMessage } "
    "error { code developerMessage retryAfter mfaEnrollment { otpUri } } "
    "result { token backupCodes person { id email name otpEnabled identity { id } } } } }"
)
TOKEN = (
    "mutation ($email: String, $personId: String, $expiration: Int) { createSessionToken(email: $email, "
    "personId: $personId, expiration: $expiration) { ok error { code developerMessage } "
    "result { token person { id } } } }"
)
SIGN_OUT = (
    "mutation ($all: Boolean) { signOut(all: $all) "
    "{ ok logoutUrl error { code developerMessage } errors { code } } }"
)
SESSIONS = "{ me { sessions { id isCurrent expiresAt lastUsedAt } } }"
REVOKE = "mutation ($id: String!) { revokeSession(sessionId: $id) { ok error { code } } }"
CHANGE = (
    "mutation ($old: String!, $new: String!) { changeMyPassword(currentPassword: $old, newPassword: $new) "
    "{ ok error { code developerMessage } } }"
)
PREPARE = "mutation ($label: String) { prepareOtp(label: $label) { ok result { otpUri otpSecret } } }"
CONFIRM = (
    "mutation ($code: String!) { confirmOtp(otpToken: $code) { ok error { code } result { backupCodes } } }"
)
DISABLE_OTP = "mutation { disableOtp { ok error { code } } }"
RENEW = "mutation { regenerateBackupCodes { ok error { code } result { backupCodes } } }"


@pytest.fixture(scope="module")
def login(keywright: Keywright) -> Tenant:
    """The key with which an application logs people in."""
    return Tenant(keywright, keywright.key(None, "login")["token"])


def signed_in(login: Tenant, name: str, **more: Any) -> Tenant:
    answer = login.ask(SIGN_IN, **{"email": f"{name}@example.com", "password": PASSWORD, **more})
    assert answer["ok"], answer
    return Tenant(login.keywright, answer["result"]["token"])


def minutes(session: Tenant) -> float:
    """How long a session lives from its last use on."""
    from datetime import datetime  # noqa: PLC0415 - for this one alone

    (one,) = session.ask(SESSIONS)["me"]["sessions"]
    ends, used = (datetime.fromisoformat(one[name]) for name in ("expiresAt", "lastUsedAt"))
    return (ends - used).total_seconds() / 60


def test_any_credential_may_log_somebody_in(keywright: Keywright, login: Tenant, reader: Tenant) -> None:
    made = keywright.person("ivan", "default", "read_only")
    for caller in (login, reader, Tenant(keywright, keywright.key(None)["token"])):
        answer = caller.ask(SIGN_IN, email="Ivan@Example.com", password=PASSWORD)
        assert (answer["ok"], answer["errors"], answer["error"]) == (True, [], None)
        person = answer["result"]["person"]
        assert person == {
            "id": as_uuid(made["id"]),
            "email": "ivan@example.com",
            "name": "Ivan",
            "otpEnabled": False,
            "identity": {"id": as_uuid(made["id"])},
        }
        assert answer["result"]["backupCodes"] is None
        assert re.fullmatch(r"\w+", answer["result"]["token"])
        assert Tenant(keywright, answer["result"]["token"]).me()["person"] == {"id": person["id"]}
    nobody = Tenant(keywright, None).send(SIGN_IN, {"email": "ivan@example.com", "password": PASSWORD})
    assert nobody.status_code == 401


def test_what_is_wrong_is_not_told(keywright: Keywright, root: Tenant, login: Tenant) -> None:
    made = keywright.person("jana")
    keywright.rest("PATCH", f"/v1/users/{made['id']}", {"active": False})
    keywright.person("karel")
    texts = {
        login.send(SIGN_IN, {"email": email, "password": password}).text
        for email, password in (
            ("karel@example.com", "wrong"),
            ("nobody@example.com", PASSWORD),
            ("jana@example.com", PASSWORD),
            ("", ""),
            ("\0", "x" * 5_000),
        )
    }
    assert len(texts) == 1
    answer = login.ask(SIGN_IN, email="karel@example.com", password="wrong")
    assert answer["error"] == {
        "code": "INVALID_CREDENTIALS",
        "developerMessage": "Invalid credentials",
        "retryAfter": None,
        "mfaEnrollment": None,
    }
    assert answer["errors"] == [{"code": "INVALID_CREDENTIALS", "endUserMessage": None}]


def test_who_guesses_has_to_wait(keywright: Keywright, login: Tenant) -> None:
    keywright.person("lada")
    for _ in range(30):
        answer = login.ask(SIGN_IN, email="lada@example.com", password="guess")
        if answer["error"]["code"] != "INVALID_CREDENTIALS":
            break
    assert answer["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert answer["error"]["retryAfter"] > 0


def test_how_long_a_session_lives(keywright: Keywright, login: Tenant) -> None:
    keywright.person("milan", "default", "read_only")
    for sent, expected in ((None, 30), (0, 30), (1, 1), (20_160, 20_160)):
        session = signed_in(login, "milan", expiration=sent)
        assert minutes(session) == pytest.approx(expected)
        session.ask(SIGN_OUT)
    error = login.error(SIGN_IN, email="milan@example.com", password=PASSWORD, expiration=-1)
    assert error["extensions"] == {"code": "UserInputError"}
    session = signed_in(login, "milan", expiration=2**31 - 1)
    assert session.ask(SESSIONS)["me"]["sessions"][0]["expiresAt"] is None


def test_a_session_ends(keywright: Keywright, login: Tenant) -> None:
    keywright.person("nela", "default", "read_only")
    one, two, three = (signed_in(login, "nela") for _ in range(3))
    assert one.ask(SIGN_OUT) == {"ok": True, "logoutUrl": None, "error": None, "errors": []}
    assert (
        one.send("{ me { id } }").json()["errors"][0]["message"]
        == "Authorization failure: API key was not found"
    )
    assert two.ask(SIGN_OUT, all=True)["ok"]
    for session in (two, three):
        assert session.send("{ me { id } }").status_code == 401


def test_a_key_cannot_sign_out(keywright: Keywright, root: Tenant, login: Tenant, reader: Tenant) -> None:
    for caller in (root, login, reader):
        answer = caller.ask(SIGN_OUT)
        assert answer["error"] == {"code": "NOT_A_PERSON", "developerMessage": "Only a person can sign out"}
        assert answer["errors"] == [{"code": "NOT_A_PERSON"}]
    keywright.person("oskar", "default", "admin")
    session = keywright.session("oskar")
    own = keywright.rest("POST", "/v1/keys", {"name": "Own"}, token=session, tenant="default")["token"]
    caller = Tenant(keywright, own)
    assert caller.ask(SIGN_OUT)["error"]["code"] == "NOT_POSSIBLE_SIGN_OUT_WITH_PERMANENT_API_KEY"
    assert caller.me()["person"] is None


def test_one_session_is_revoked(keywright: Keywright, root: Tenant, login: Tenant) -> None:
    keywright.person("pavel", "default", "read_only")
    keywright.person("quido", "default", "read_only")
    one, two, theirs = signed_in(login, "pavel"), signed_in(login, "pavel"), signed_in(login, "quido")
    other = next(item["id"] for item in one.ask(SESSIONS)["me"]["sessions"] if not item["isCurrent"])
    foreign = theirs.ask(SESSIONS)["me"]["sessions"][0]["id"]
    assert one.ask(REVOKE, id=other)["ok"]
    assert two.send("{ me { id } }").status_code == 401
    for wanted in (other, foreign, UNKNOWN, "x"):
        assert one.ask(REVOKE, id=wanted)["error"]["code"] == "SESSION_NOT_FOUND"
    assert root.ask(REVOKE, id=foreign)["error"]["code"] == "NOT_A_PERSON"
    assert theirs.me()["id"]


def test_a_session_for_somebody_else(
    keywright: Keywright, root: Tenant, overseer: Tenant, reader: Tenant
) -> None:
    made = keywright.person("rita", "default", "member")
    wanted = as_uuid(made["id"])
    for more in (
        {"email": "Rita@example.com"},
        {"personId": wanted},
        {"email": "rita@example.com", "personId": UNKNOWN},
    ):
        answer = root.ask(TOKEN, **more)
        assert answer["result"]["person"] == {"id": wanted}
        session = Tenant(keywright, answer["result"]["token"])
        assert session.me()["person"] == {"id": wanted}
        session.ask(SIGN_OUT)
    assert minutes(Tenant(keywright, root.ask(TOKEN, personId=wanted, expiration=5)["result"]["token"])) == 5
    assert root.ask(TOKEN, email="nobody@example.com")["error"]["code"] == "UNKNOWN_EMAIL"
    for nobody in (UNKNOWN, "x"):
        assert root.ask(TOKEN, personId=nobody)["error"]["code"] == "UNKNOWN_PERSON_ID"
    for nothing in ({}, {"email": ""}, {"email": None, "personId": None}):
        error = root.error(TOKEN, **nothing)
        assert error["message"] == "Please provide either email or personId"
        assert error["extensions"] == {"code": "UserInputError"}
    assert root.error(TOKEN, personId=wanted, expiration=-1)["extensions"] == {"code": "UserInputError"}
    for whom in (wanted, UNKNOWN):
        assert forbidden(reader.error(TOKEN, personId=whom), "You are not allowed to create a session key")
    admin = root.ask("query { persons(filter: {}) { id name } }")["persons"][0]
    error = overseer.error(TOKEN, personId=admin["id"])
    assert forbidden(error, "You are not allowed to create a session key for this person.")
    keywright.rest("PATCH", f"/v1/users/{made['id']}", {"active": False})
    assert root.ask(TOKEN, personId=wanted)["error"]["code"] == "PERSON_DISABLED"


def test_a_password_is_changed_by_its_owner(keywright: Keywright, root: Tenant, login: Tenant) -> None:
    keywright.person("sona", "default", "read_only")
    session, other = signed_in(login, "sona"), signed_in(login, "sona")
    new = "another password of hers"
    for old, wanted, code in (
        ("wrong", new, "INVALID_PASSWORD"),
        (PASSWORD, "short", "TOO_WEAK"),
        (PASSWORD, PASSWORD, "TOO_WEAK"),
    ):
        assert session.ask(CHANGE, old=old, new=wanted)["error"]["code"] == code
    assert root.ask(CHANGE, old=PASSWORD, new=new)["error"]["code"] == "NOT_A_PERSON"
    assert session.ask(CHANGE, old=PASSWORD, new=new)["ok"]
    assert other.send("{ me { id } }").status_code == 401
    assert login.ask(SIGN_IN, email="sona@example.com", password=PASSWORD)["ok"] is False
    assert signed_in(login, "sona", password=new).me()["id"]


def test_a_second_factor_from_its_beginning_to_its_end(keywright: Keywright, login: Tenant) -> None:
    keywright.person("tomas", "default", "read_only")
    session = signed_in(login, "tomas")
    assert session.ask(CONFIRM, code="123456")["error"]["code"] == "NOT_PREPARED"
    assert session.ask(DISABLE_OTP)["error"]["code"] == "OTP_NOT_ACTIVE"
    assert session.ask(RENEW)["error"]["code"] == "OTP_NOT_ACTIVE"
    plain = session.ask(PREPARE)["result"]
    assert plain["otpUri"].startswith("otpauth://totp/Keywright:tomas?secret=")
    begun = session.ask(PREPARE, label="a phone: é")["result"]
    assert begun["otpUri"] == (
        f"otpauth://totp/Keywright:a%20phone%3A%20%C3%A9?secret={begun['otpSecret']}&issuer=Keywright"
    )
    assert begun["otpSecret"] != plain["otpSecret"]
    for wrong in ("", "000000", "x"):
        assert session.ask(CONFIRM, code=wrong)["error"]["code"] == "INVALID_OTP_TOKEN"
    app = pyotp.TOTP(begun["otpSecret"])
    code = app.now()
    codes = session.ask(CONFIRM, code=code)["result"]["backupCodes"]
    assert len(codes) == 10
    assert session.ask(CONFIRM, code=code)["error"]["code"] == "NOT_PREPARED"
    assert session.error(PREPARE)["extensions"] == {"code": "UserInputError"}
    wanted = {"email": "tomas@example.com", "password": PASSWORD}
    assert login.ask(SIGN_IN, **wanted)["error"]["code"] == "OTP_REQUIRED"
    for more in ({"otpToken": code}, {"otpToken": "000000"}, {"backupCode": "nothing"}):
        assert login.ask(SIGN_IN, **wanted, **more)["error"]["code"] == "INVALID_OTP_TOKEN"
    made = login.ask(SIGN_IN, **wanted, backupCode=codes[0], otpToken="")["result"]
    assert made["person"]["otpEnabled"] is True
    renewed = session.ask(RENEW)["result"]["backupCodes"]
    assert not set(renewed) & set(codes)
    assert login.ask(SIGN_IN, **wanted, backupCode=codes[1])["error"]["code"] == "INVALID_OTP_TOKEN"
    assert session.ask(DISABLE_OTP)["ok"]
    assert signed_in(login, "tomas").me()["id"]


def test_a_key_has_no_second_factor(root: Tenant, login: Tenant) -> None:
    for caller in (root, login):
        for query, more in ((PREPARE, {}), (CONFIRM, {"code": "1"}), (DISABLE_OTP, {}), (RENEW, {})):
            assert forbidden(caller.error(query, **more), "You are not allowed to set up a second factor")
