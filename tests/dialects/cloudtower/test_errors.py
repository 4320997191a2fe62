"""Each of our errors has its form there."""

from __future__ import annotations

import json
import re
from operator import attrgetter

import pytest

from keywright.core import errors
from keywright.core.codes import Code
from keywright.core.errors import (
    Fault,
    InvalidCatalog,
    KeywrightError,
    SecondFactorRequired,
    TooManyAttempts,
    Unauthenticated,
    concrete_errors,
)
from keywright.dialects.cloudtower.errors import (
    ANSWERS,
    body_of,
    code_of,
    graphql_error,
    headers_of,
    message_of,
    refuse,
)
from keywright.web.visit import Visit

every_error = pytest.mark.parametrize("kind", sorted(ANSWERS, key=attrgetter("code")))


def an_error(kind: type[KeywrightError]) -> KeywrightError:
    if kind is TooManyAttempts:
        return TooManyAttempts("Wait.", retry_after=7)
    if kind is SecondFactorRequired:
        return SecondFactorRequired("More is needed.", factors=["totp", "passkey"])
    if kind is InvalidCatalog:
        return InvalidCatalog([Fault("roles", "unknown_variable", "No.")])
    return kind("A sentence.", field="name")


def test_the_map_is_total_and_holds_nothing_else() -> None:
    assert set(ANSWERS) == concrete_errors()


def test_the_status_follows_the_kind_of_error() -> None:
    for kind, (status, code) in ANSWERS.items():
        if issubclass(kind, errors.BadInput):
            assert status in {400, 413}
        elif issubclass(kind, errors.Conflict):
            assert status == 400
        elif issubclass(kind, errors.Refused):
            assert status in {401, 403}
        else:
            assert status in {404, 429, 503}
        assert re.fullmatch(r"(?:[A-Z][a-z]+)+", code)


@every_error
def test_error_body(kind: type[KeywrightError]) -> None:
    error = an_error(kind)
    status, code = ANSWERS[kind]
    found = body_of(error, "/get-users")
    assert {name: found[name] for name in ("path", "status", "code")} == {
        "path": "/get-users",
        "status": status,
        "code": code,
    }
    assert found.keys() <= {"path", "status", "code", "message", "props"}
    assert found["message"].endswith((".", "No."))
    asked = graphql_error(error)
    assert asked["message"] == found["message"]
    assert asked["extensions"].items() >= {"code": code, "status": status}.items()
    headers = headers_of(error)
    assert ("WWW-Authenticate" in headers) is (status == 401)
    assert ("Retry-After" in headers) is (status in {429, 503})


def test_how_long_to_wait() -> None:
    assert headers_of(an_error(TooManyAttempts)) == {"Retry-After": "7"}


def test_the_second_factors_that_can_be_shown_here_are_named() -> None:
    required = SecondFactorRequired("More.", factors=["totp", "recovery_code", "passkey"])
    assert body_of(required, "/login")["props"] == {"mfa_types": ["Totp", "TotpRecoveryCode"]}
    assert message_of(required) == "More."
    passkey = SecondFactorRequired("More.", factors=["passkey"])
    assert body_of(passkey, "/login")["props"] == {"mfa_types": []}
    assert "API key" in message_of(passkey)


def test_what_nobody_sent_is_no_unknown_credential() -> None:
    assert message_of(Unauthenticated("x")) != message_of(Unauthenticated("x", reason=Code.NOT_FOUND))
    assert message_of(Unauthenticated("Disabled.", reason=Code.DISABLED)) == "Disabled."


@pytest.mark.parametrize("error", [None, errors.BodyTooLarge("Too large.")], ids=["defect", "large"])
def test_before_the_door_both_forms_are_one(error: KeywrightError | None) -> None:
    visit = Visit("the-request", None, [])
    answer = refuse(error, visit)
    found = json.loads(answer.body)
    assert answer.status == found["status"] == code_of(error)[0]
    assert (found["code"], found["path"], found["data"]) == (code_of(error)[1], "/", None)
    assert found["errors"][0]["message"] == found["message"]
    assert answer.headers["X-Tower-Request-Id"] == "the-request"
