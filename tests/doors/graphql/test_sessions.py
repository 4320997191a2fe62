"""Logging in over GraphQL: open to anybody, and no way round any limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyotp
import pytest

if TYPE_CHECKING:
    from tests.doors.graphql.conftest import Speaker

pytestmark = pytest.mark.anyio

PASSWORD = "a-password-of-the-graphql-tests"
LOG_IN = """mutation ($input: CreateSessionInput!) {
    createSession(input: $input) { token sessionId expiresAt identity { id kind name } }
}"""
ADMIN = {"login": "admin", "password": PASSWORD}


async def test_a_login_needs_no_credential_and_gives_one(root: Speaker) -> None:
    anybody = root.as_(None)
    made = await anybody.get(LOG_IN, input=ADMIN)
    assert made["identity"]["name"] == "admin"
    mine = root.as_(made["token"])
    listed = await mine.get("{ sessions { nodes { id current proofs } pageInfo { hasNextPage } } }")
    assert listed["nodes"] == [{"id": made["sessionId"], "current": True, "proofs": ["password"]}]
    assert await mine.get("mutation { endSession { ended } }") == {"ended": True}
    assert (await mine.refused("{ factors { recoveryCodesLeft } }"))["code"] == "unauthenticated"
    # What stands beside a login in one request needs a credential as ever.
    both = LOG_IN.rstrip("}\n ") + "} } endOtherSessions { ended } }"
    assert (await anybody.refused(both, input=ADMIN))["code"] == "unauthenticated"


async def test_a_password_alone_is_told_which_factor_is_missing_and_gets_no_token(root: Speaker) -> None:
    anybody = root.as_(None)
    mine = root.as_((await anybody.get(LOG_IN, input=ADMIN))["token"])
    secret = (await mine.get("mutation { beginTotp { secret } }"))["secret"]
    code = pyotp.TOTP(secret).at(root.app.clock.now())
    confirm = "mutation ($input: ConfirmTotpInput!) { confirmTotp(input: $input) { recoveryCodes } }"
    assert len((await mine.get(confirm, input={"code": code}))["recoveryCodes"]) == 10

    answer = await anybody.ask(LOG_IN, {"input": ADMIN})
    assert answer["data"] == {"createSession": None}
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "second_factor_required"
    assert error["extensions"]["factors"] == ["totp", "recovery_code"]
    again = await anybody.refused(LOG_IN, input={**ADMIN, "code": code})
    assert (again["code"], again["field"]) == ("code_reused", "code")


async def test_many_logins_in_one_request_are_limited_like_many_requests(root: Speaker) -> None:
    fields = " ".join(f"a{number}: createSession(input: $input) {{ token }}" for number in range(8))
    wrong = {"login": "admin", "password": "wrong"}
    query = f"mutation ($input: CreateSessionInput!) {{ {fields} }}"
    answer = await root.as_(None).ask(query, {"input": wrong})
    codes = [error["extensions"]["code"] for error in answer["errors"]]
    assert codes == ["invalid_credentials"] * 5 + ["too_many_attempts"] * 3


@pytest.mark.parametrize(
    ("given", "field"),
    [({}, "password"), ({"password": "x"}, "login"), ({"login": "x"}, "password")],
    ids=["nothing", "no login", "no password"],
)
async def test_what_a_login_lacks_is_named(root: Speaker, given: dict[str, Any], field: str) -> None:
    found = await root.as_(None).refused(LOG_IN, input=given)
    assert (found["code"], found["field"]) == ("missing_field", field)


async def test_a_challenge_is_for_anybody(root: Speaker) -> None:
    found = await root.as_(None).get("mutation { askForPasskey { options expiresAt } }")
    assert found["options"]["allowCredentials"] == []
    assert found["options"]["userVerification"] == "required"
