"""Each error has a status, a form and a line in the documentation."""

from __future__ import annotations

import json
import re
from operator import attrgetter
from pathlib import Path

import pytest

from keywright.core import errors
from keywright.core.decision import Code
from keywright.core.errors import (
    Fault,
    InvalidCatalog,
    KeywrightError,
    SecondFactorRequired,
    TooManyAttempts,
    concrete_errors,
)
from keywright.core.permissions import Policy
from keywright.web.errors import (
    MEDIA_TYPE,
    OTHER_STATUS,
    STATUS,
    defect_problem,
    encode,
    other_problem,
    problem_of,
)

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
ROW = re.compile(
    r"^\| `(?P<code>[a-z_]+)` \| (?P<status>\d{3}) \| (?P<meaning>.+) \| (?P<advice>.+) \|$", re.MULTILINE
)
DECISION = re.compile(r"^\| `(?P<code>[A-Z_]+)` \| (?P<meaning>.+) \|$", re.MULTILINE)
GONE = {errors.InvitationExpired, errors.InvitationUsed}
REQUIRED = ("type", "title", "status", "code", "detail", "request_id")
MORE = {SecondFactorRequired: ["factors"], InvalidCatalog: ["faults"]}
every_error = pytest.mark.parametrize("kind", sorted(STATUS, key=attrgetter("code")))


def an_error(kind: type[KeywrightError], field: str | None = None) -> KeywrightError:
    if kind is TooManyAttempts:
        return TooManyAttempts("Wait.", retry_after=7)
    if kind is SecondFactorRequired:
        return SecondFactorRequired("More is needed.", factors=["totp", "passkey"])
    if kind is InvalidCatalog:
        return InvalidCatalog([Fault(field or "", "unknown_variable", "No such variable.")])
    return kind("A sentence.", field=field)


def test_the_map_is_total_and_holds_nothing_else() -> None:
    assert set(STATUS) == concrete_errors()


def test_codes_are_unique_words() -> None:
    codes = [kind.code for kind in concrete_errors()]
    assert len(set(codes)) == len(codes)
    assert not set(codes) & set(OTHER_STATUS)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in [*codes, *OTHER_STATUS])


def test_the_status_follows_the_kind_of_error() -> None:
    for kind, status in STATUS.items():
        if issubclass(kind, errors.BadInput):
            assert status in {400, 413, 422}
        elif issubclass(kind, errors.Conflict):
            assert status == (410 if kind in GONE else 409)
        elif issubclass(kind, errors.Refused):
            assert status in {401, 403}
        else:
            assert status in {404, 429, 503}


@every_error
@pytest.mark.parametrize("field", [None, "scope.0.actions.1"])
def test_problem_details(kind: type[KeywrightError], field: str | None) -> None:
    error = an_error(kind, field)
    problem, headers = problem_of(error, "the-request")
    found = json.loads(encode(problem))
    assert found == {
        "type": f"urn:keywright:problem:{kind.code}",
        "title": kind.code.replace("_", " ").capitalize(),
        "status": STATUS[kind],
        "code": kind.code,
        "detail": error.detail,
        "request_id": "the-request",
        **({} if error.field is None else {"field": error.field}),
        **error.extras,
    }
    assert found.keys() - {"field"} <= {*REQUIRED, *MORE.get(kind, ())}
    assert ("WWW-Authenticate" in headers) is (STATUS[kind] == 401)
    assert ("Retry-After" in headers) is (STATUS[kind] in {429, 503})


@pytest.mark.parametrize(
    ("error", "more"),
    [
        (SecondFactorRequired("More.", factors=["totp"]), {"factors": ["totp"]}),
        (errors.UnknownAction("Not known.", nearest="article:read"), {"nearest": "article:read"}),
        (
            errors.BeyondOwnRights("Too much.", policy=Policy.parse(["a"], ["b:*"])),
            {"policy": {"actions": ["a"], "resources": ["b:*"]}},
        ),
        (
            InvalidCatalog([Fault("roles.editor", "unknown_variable", "No.")]),
            {"faults": [{"path": "roles.editor", "code": "unknown_variable", "detail": "No."}]},
        ),
    ],
    ids=["factors", "nearest", "policy", "faults"],
)
def test_what_a_program_may_want_to_know_beside_the_code(
    error: KeywrightError, more: dict[str, object]
) -> None:
    found = json.loads(encode(problem_of(error, "1")[0]))
    assert {name: found.get(name) for name in more} == more
    assert f"`{next(iter(more))}`" in DOCS.read_text("utf-8")


def test_how_long_to_wait() -> None:
    assert problem_of(an_error(TooManyAttempts), "1")[1] == {"Retry-After": "7"}


@pytest.mark.parametrize("code", OTHER_STATUS)
def test_the_codes_of_http_itself(code: str) -> None:
    assert other_problem(code, "A sentence.", "1").status == OTHER_STATUS[code]


def test_a_defect_tells_its_request_alone() -> None:
    problem = defect_problem("the-request")
    assert (problem.status, problem.code, problem.request_id) == (500, "internal_error", "the-request")


def test_every_code_is_documented_with_its_status() -> None:
    documented = {row["code"]: int(row["status"]) for row in ROW.finditer(DOCS.read_text("utf-8"))}
    assert documented == {**{kind.code: status for kind, status in STATUS.items()}, **OTHER_STATUS}


def test_every_code_of_a_decision_is_documented() -> None:
    documented = [row["code"] for row in DECISION.finditer(DOCS.read_text("utf-8"))]
    assert sorted(documented) == sorted(Code)


def test_the_documentation_says_what_each_code_means_and_what_to_do() -> None:
    for row in ROW.finditer(DOCS.read_text("utf-8")):
        assert row["meaning"].endswith("."), row["code"]
        assert row["advice"].endswith("."), row["code"]


def test_the_form_is_that_of_rfc_9457() -> None:
    assert MEDIA_TYPE == "application/problem+json"
    assert MEDIA_TYPE in DOCS.read_text("utf-8")
