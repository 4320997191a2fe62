"""Users: logging in, with a second factor too, the session in an organization, and what keys are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from keywright.core.instants import SystemClock
from tests.dialects.cycloid.client import Cycloid
from tests.dialects.cycloid.models import checked, refused
from tests.support.keywright import ADMIN, PASSWORD

if TYPE_CHECKING:
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def nobody(keywright: Keywright) -> Cycloid:
    """Whoever has no credential; `uma-day` administers `hooli` and is a member of `initech`, not of `vehement`."""
    for slug in ("hooli", "vehement", "initech"):
        keywright.tenant(slug)
    anna = keywright.person("uma-day", "hooli")
    member = {"identity_id": anna["id"], "role": "member"}
    keywright.rest("POST", "/v1/memberships", member, tenant="initech")
    keywright.person("lone-wolf")
    return Cycloid(keywright, "hooli", None)


def log_in(
    nobody: Cycloid, email: str = "uma-day@example.com", path: str = "/user/login", **more: Any
) -> Any:
    return nobody.ask("POST", path, {"email": email, "password": PASSWORD, **more})


def test_a_login(nobody: Cycloid) -> None:
    session = checked("UserSession", log_in(nobody))
    assert session["owns"] == ["hooli"]
    assert session["permissions"] == {}
    assert checked("UserSession", log_in(nobody, "uma-day"))["token"] != session["token"]
    user = nobody.other(session["token"])
    account = checked("UserAccount", user.ask("GET", "/user"))
    assert account["emails"][0]["email"] == "uma-day@example.com"
    assert (account["username"], account["mfa_enabled"]) == ("uma-day", False)
    assert [one["canonical"] for one in checked("[Organization]", user.ask("GET", "/organizations"))] == [
        "hooli",
        "initech",
    ]


@pytest.mark.parametrize("canonical", ["hooli", "initech"])
def test_a_login_to_an_organization(nobody: Cycloid, canonical: str) -> None:
    in_path = checked("UserSession", log_in(nobody, path=f"/user/login/{canonical}"))
    in_body = checked("UserSession", log_in(nobody, organization_canonical=canonical))
    assert in_path["permissions"] == in_body["permissions"]
    assert ("**" in in_path["permissions"]) is (canonical == "hooli")
    assert in_path["permissions"].keys() & {"**", "keys:own:*"}


@pytest.mark.parametrize("canonical", ["vehement", "no-such-org", "*", "-"])
def test_a_login_to_an_organization_of_others_leaves_no_session(nobody: Cycloid, canonical: str) -> None:
    kept = nobody.keywright.session("uma-day")
    before = nobody.keywright.rest("GET", "/v1/sessions", token=kept)["items"]
    answers = [
        log_in(nobody, organization_canonical=canonical),
        log_in(nobody, path=f"/user/login/{canonical}"),
    ]
    for answer in answers:
        assert refused(answer, 422, "Invalid") == [
            "organization_canonical should be an organization of the user"
        ]
    assert len(nobody.keywright.rest("GET", "/v1/sessions", token=kept)["items"]) == len(before)


def test_a_session_in_an_organization(nobody: Cycloid) -> None:
    user = nobody.other(nobody.keywright.session("uma-day"))
    path = "/user/refresh_token?organization_canonical"
    assert checked("UserSession", user.ask("GET", f"{path}=hooli"))["permissions"]["**"]["resources"] == []
    member = checked("UserSession", user.ask("GET", f"{path}=initech&child_canonical="))
    assert member["permissions"]["tenants:read"]["id"] > 0
    child = checked("UserSession", user.ask("GET", f"{path}=hooli&child_canonical=initech"))
    assert child["permissions"] == member["permissions"]
    assert checked("UserSession", user.ask("GET", "/user/refresh_token"))["permissions"] == {}
    for other in ("vehement", "no-such-org"):
        refused(user.ask("GET", f"{path}={other}"), 404, "NotFoundEntity")
    again = nobody.other(member["token"])
    assert checked("UserAccount", again.ask("GET", "/user"))["username"] == "uma-day"


def test_who_belongs_nowhere_still_is_somebody(nobody: Cycloid) -> None:
    session = checked("UserSession", log_in(nobody, "lone-wolf"))
    assert (session["owns"], session["permissions"]) == ([], {})
    user = nobody.other(session["token"])
    assert checked("UserAccount", user.ask("GET", "/user"))["username"] == "lone-wolf"
    assert checked("[Organization]", user.ask("GET", "/organizations")) == []
    refused(user.ask("GET", "/organizations/hooli"), 404, "NotFoundEntity")
    refused(user.ask("GET", "./api_keys"), 404, "NotFoundEntity")


def test_who_administers_everything_sees_every_organization(nobody: Cycloid) -> None:
    user = nobody.other(nobody.keywright.session(ADMIN))
    every = checked("[Organization]", user.ask("GET", "/organizations"))
    assert {"hooli", "vehement", "initech"} <= {one["canonical"] for one in every}
    listed = user.ask("GET", "/organizations?page_size=2&page_index=2")
    assert checked("[Organization]", listed) == every[2:4]
    assert listed.json()["pagination"] == {"index": 2, "size": 2, "total": len(every)}
    assert checked("UserSession", log_in(nobody, ADMIN))["permissions"].keys() == {"**"}


def test_wrong_passwords_and_unknown_users_are_refused_alike(nobody: Cycloid) -> None:
    wrong = {"email": "uma-day@example.com", "password": "not-the-password"}
    answers = [
        nobody.ask("POST", "/user/login", one) for one in (wrong, {**wrong, "email": "who@example.com"})
    ]
    assert refused(answers[0], 401, "Unauthenticated") == refused(answers[1], 401, "Unauthenticated")
    assert answers[0].json()["errors"] == answers[1].json()["errors"]


def test_who_tries_too_often_has_to_wait(nobody: Cycloid) -> None:
    nobody.keywright.person("guessed-at")
    body = {"email": "guessed-at", "password": "not-the-password"}
    statuses = [nobody.ask("POST", "/user/login", body).status_code for _ in range(12)]
    assert set(statuses) == {401, 429}
    answer = nobody.ask("POST", "/user/login", body)
    refused(answer, 429, "RetryOperation")
    assert int(answer.headers["retry-after"]) > 0


def test_a_second_factor(nobody: Cycloid) -> None:
    keywright = nobody.keywright
    keywright.person("mfa-user", "hooli")
    token = keywright.session("mfa-user")
    secret = keywright.rest("POST", "/v1/factors/totp", token=token)["secret"]
    app = pyotp.TOTP(secret)
    begun = app.timecode(SystemClock().now())
    code = app.generate_otp(begun)
    codes = keywright.rest("POST", "/v1/factors/totp/confirm", {"code": code}, token=token)["recovery_codes"]
    details = refused(log_in(nobody, "mfa-user"), 401, "Unauthenticated")
    assert details[0] == "A second factor is needed with the password."
    assert [one.partition(":")[0] for one in details[1:]] == ["mfa_token", "mfa_token"]
    for wrong in ("not-one", code):
        refused(log_in(nobody, "mfa-user", mfa_token=wrong), 401, "Unauthenticated")
    session = checked("UserSession", log_in(nobody, "mfa-user", mfa_token=codes[0]))
    refused(log_in(nobody, "mfa-user", mfa_token=codes[0]), 401, "Unauthenticated")
    assert checked("UserAccount", nobody.other(session["token"]).ask("GET", "/user"))["mfa_enabled"]
    spaced = app.generate_otp(begun + 1)
    assert checked("UserSession", log_in(nobody, "mfa-user", mfa_token=f"{spaced[:3]} {spaced[3:]}"))


def test_an_organization_that_asks_for_two_factors(nobody: Cycloid) -> None:
    keywright = nobody.keywright
    keywright.tenant("strict-org")
    keywright.person("single-factor", "strict-org")
    change = {"settings": {"two_factor_required": True}}
    keywright.rest("PATCH", "/v1/tenants/strict-org", change)
    user = Cycloid(keywright, "strict-org", keywright.session("single-factor"))
    refused(user.ask("GET", "./api_keys"), 403, "Unauthorized")
    assert checked("Organization", user.ask("GET", "/organizations/strict-org"))["mfa_enabled"]


def test_nobody_signs_up(nobody: Cycloid) -> None:
    body = {"email": "new@example.com", "password": "long-enough-password", "full_name": "New"}
    assert "invited" in refused(nobody.ask("POST", "/user", body), 403, "Unauthorized")[0]


@pytest.mark.parametrize("path", ["/user", "/user/refresh_token", "/organizations"])
def test_keys_are_refused_where_users_alone_may_call(nobody: Cycloid, path: str) -> None:
    for tenant in ("hooli", None):
        role = "admin" if tenant else "super_admin"
        key = nobody.other(nobody.keywright.key(tenant, role)["token"])
        answer = key.ask("GET", path)
        assert refused(answer, 422, "Invalid") == []
        assert answer.json()["errors"][0]["message"] == "This endpoint cannot be used with API Key"


def test_a_key_sees_its_own_organization_alone(nobody: Cycloid) -> None:
    key = nobody.other(nobody.keywright.key("hooli", "admin")["token"])
    assert checked("Organization", key.ask("GET", "/organizations/hooli"))["canonical"] == "hooli"
    refused(key.ask("GET", "/organizations/wayne"), 404, "NotFoundEntity")
