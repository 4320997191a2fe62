"""Every error of ours is one of Cycloid's, in its form, and says nothing that was sent."""

from __future__ import annotations

import json
from operator import attrgetter

import pytest

from keywright.core import errors as ours
from keywright.core.errors import Fault, InvalidCatalog, KeywrightError, concrete_errors
from keywright.dialects.cycloid import errors
from keywright.web.visit import Visit
from tests.dialects.cycloid.models import CODES, faults

VISIT = Visit("0123456789abcdef0123456789abcdef", None, [])


def an_error(kind: type[KeywrightError], field: str | None = None) -> KeywrightError:
    if kind is ours.TooManyAttempts:
        return ours.TooManyAttempts("Wait.", retry_after=7)
    if kind is ours.SecondFactorRequired:
        return ours.SecondFactorRequired("More is needed.", factors=["totp", "recovery_code", "passkey"])
    if kind is InvalidCatalog:
        return InvalidCatalog([Fault(field or "", "unknown_variable", "No such variable.")])
    return kind("A sentence.", field=field)


def test_the_map_is_total_and_holds_nothing_else() -> None:
    assert set(errors.KINDS) == concrete_errors()


@pytest.mark.parametrize("kind", sorted(errors.KINDS, key=attrgetter("code")))
@pytest.mark.parametrize("field", [None, "scope.0.actions.1"])
def test_each_error_has_cycloid_s_form(kind: type[KeywrightError], field: str | None) -> None:
    answer = errors.refuse(an_error(kind, field), VISIT)
    body = json.loads(answer.body)
    assert faults("ErrorPayload", body, "body") == []
    assert body["request_id"] == VISIT.request_id
    status, code, message = errors.KINDS[kind]
    (error,) = body["errors"]
    assert (answer.status, error["code"], error["message"]) == (status, code, message)
    assert code in CODES
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert ("Retry-After" in answer.headers) is (code == "RetryOperation")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_status_follows_the_kind_of_error() -> None:
    for kind, (status, code, _) in errors.KINDS.items():
        if issubclass(kind, ours.BadInput):
            assert (status, code) in {(422, "Invalid"), (413, "Invalid")}
        elif issubclass(kind, ours.Conflict):
            assert status == 409
        elif issubclass(kind, ours.Refused):
            assert (status, code) in {(401, "Unauthenticated"), (403, "Unauthorized")}
        else:
            assert (status, code) in {
                (404, "NotFoundEntity"),
                (429, "RetryOperation"),
                (503, "RetryOperation"),
            }


def test_a_defect_says_nothing() -> None:
    answer = errors.refuse(None, VISIT)
    assert answer.status == 500
    assert json.loads(answer.body)["errors"] == [{"code": "Unexpected", "message": "Server Internal error"}]


def test_what_is_missing_and_what_may_not_be_seen_are_told_alike() -> None:
    bodies = {
        errors.refuse(ours.NotFound(text, field=field), VISIT).body
        for text, field in (("A", "a"), ("B", None))
    }
    assert len(bodies) == 1


def test_how_long_to_wait() -> None:
    assert errors.refuse(an_error(ours.TooManyAttempts), VISIT).headers["Retry-After"] == "7"
    assert errors.refuse(an_error(ours.Unavailable), VISIT).headers["Retry-After"] == "1"


def test_which_second_factor_is_missing() -> None:
    details = json.loads(errors.refuse(an_error(ours.SecondFactorRequired), VISIT).body)["errors"][0][
        "details"
    ]
    assert [one.partition(":")[0] for one in details] == [
        "More is needed.",
        "mfa_token",
        "mfa_token",
        "passkey",
    ]


@pytest.mark.parametrize(
    ("field", "theirs"),
    [
        ("handle", "canonical"),
        ("identity_id", "owner"),
        ("scope", "rules"),
        ("scope.3", "rules.3"),
        ("scope.3.actions", "rules.3.action"),
        ("scope.3.actions.0", "rules.3.action"),
        ("scope.3.resources", "rules.3.resources"),
        ("scope.12.resources.4", "rules.12.resources.4"),
        ("name", "name"),
        ("Authorization", "Authorization"),
    ],
)
def test_fields_have_cycloid_s_names(field: str, theirs: str) -> None:
    assert errors.their_field(field) == theirs
